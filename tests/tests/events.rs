//! Every decision emits one event, which reveals no more than it may. These tests need a
//! separate process, because they set its logger.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, RequestExt, Token};
use auth_guard::{
    Access, AuthError, AuthGuard, Owner, Requirement, Scope, Unavailable, Verified, authorized,
    protect, public, scoped, user_scoped,
};
use auth_guard_tests::corpus::{self, Case};
use auth_guard_tests::*;
use log::{Level, LevelFilter, Log, Metadata, Record};
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, get, routes};
use serde_json::json;

/// The events of this process, each with its level and its text.
static EVENTS: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());
/// Held by the test that is using the log.
static TURN: Mutex<()> = Mutex::new(());

struct Recorder;

impl Log for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "auth_guard::decision"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let text = record.args().to_string();
            EVENTS.lock().expect("no panic").push((record.level(), text));
        }
    }

    fn flush(&self) {}
}

fn turn() -> MutexGuard<'static, ()> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Recorder).expect("the first logger");
        log::set_max_level(LevelFilter::Trace);
    });
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the events since the last call.
fn told() -> Vec<(Level, String)> {
    std::mem::take(&mut *EVENTS.lock().expect("no panic"))
}

#[user_scoped(or = Staff)]
#[get("/<user_id>/staff")]
fn staff(access: Access, verified: Verified) -> String {
    format!("{} {}", access.path_user(), verified.uid())
}

#[user_scoped]
#[get("/<user_id>/many")]
fn many(owner: Owner, verified: Verified, again: Verified) -> String {
    format!("{} {} {} {user_id}", owner.uid(), verified.uid(), again.uid())
}

#[get("/<user_id>/held")]
fn held(user_id: &str) -> &str {
    user_id
}

#[user_scoped]
#[get("/<user_id>/both")]
fn both(user_id: &str, verified: Verified) -> String {
    format!("{user_id} {}", verified.uid())
}

#[get("/me")]
fn held_me(user: Verified) -> String {
    user.uid().to_owned()
}

#[get("/guest")]
fn guest(user: Option<Verified>, again: Option<Verified>) -> String {
    format!("{} {}", user.is_some(), again.is_some())
}

#[get("/version")]
fn version() -> &'static str {
    "1"
}

#[get("/misused")]
fn misused(owner: Owner) -> String {
    owner.uid().to_owned()
}

struct Team;

#[rocket::async_trait]
impl Scope for Team {
    async fn admits(
        caller: &Verified,
        team: &str,
        _: &rocket::Request<'_>,
    ) -> Result<bool, Unavailable> {
        Ok(caller.has("teams", team))
    }
}

/// Asks for the caller once more, as a look-up by another guard would.
struct AsksVerified;

#[rocket::async_trait]
impl Requirement for AsksVerified {
    async fn is_met_by(_: &Verified, request: &rocket::Request<'_>) -> Result<bool, Unavailable> {
        Ok(request.guard::<Verified>().await.is_success())
    }
}

#[authorized(Staff)]
#[get("/stats")]
fn stats() {}

#[scoped(team: Team)]
#[get("/teams/<team>")]
fn team(team: &str) -> &str {
    team
}

#[authorized(Staff)]
#[scoped(team: Team)]
#[get("/teams/<team>/stats")]
fn team_stats(team: &str) -> &str {
    team
}

#[authorized(Staff)]
#[user_scoped]
#[get("/<user_id>/stats")]
fn own_stats(user_id: &str) -> &str {
    user_id
}

#[authorized(AsksVerified)]
#[get("/asks")]
fn asks() {}

fn rocket() -> Rocket<Build> {
    app(&json!({}))
        .mount("/api", routes![stats, own_stats, asks])
        .mount("/org", routes![team, team_stats])
        .mount("/api", routes![staff, many, guest, misused])
        .mount("/held", protect(routes![held, both, held_me]))
        .mount("/", public(routes![version]))
}

fn get(client: &Client, path: &str, token: Option<Token>) -> Vec<(Level, String)> {
    told();
    match token {
        Some(token) => client.get(path.to_owned()).bearer(token).dispatch(),
        None => client.get(path.to_owned()).dispatch(),
    };
    told()
}

#[test]
fn every_decision_is_one_event() {
    let _turn = turn();
    let client = launch(rocket());
    let alice = || Some(issuer().token("alice"));
    let bob = || Some(issuer().token("bob"));
    let staff = || Some(issuer().token("bob").claim("role", "staff"));
    use Level::{Debug, Error, Info, Trace, Warn};
    let misused = "attach `AuthGuard::fairing()`, use `Owner` and `Access` only with `#[user_scoped]`, \
                   and ask no guard from within `AuthGuard::with_check`";
    let misused = format!(r#"reason="guard_misconfigured" cause=Misconfigured remedy="{misused}""#);
    let not_owner = r#"reason="not_owner" cause=NotOwner rule=17"#;
    let missing = r#"reason="token_missing" cause=MissingToken rule=1"#;
    let not_before = r#"reason="token_invalid" cause=InvalidClaim("nbf") rule=13"#;
    let expired = r#"reason="token_expired" cause=Expired rule=11"#;
    let begins_later = alice().map(|token| token.claim("nbf", "x"));
    for (path, token, level, outcome, why) in [
        ("/api/alice/tasks", alice(), Trace, "allowed", r#"by="owner""#),
        ("/api/me", bob(), Trace, "allowed", r#"by="token""#),
        ("/api/alice/tasks", bob(), Warn, "refused", not_owner),
        ("/api/alice/tasks", None, Debug, "refused", missing),
        ("/api/alice/tasks", begins_later, Debug, "refused", not_before),
        ("/api/alice/tasks", alice().map(Token::expired), Debug, "refused", expired),
        ("/api/alice/staff", alice(), Trace, "allowed", r#"by="owner""#),
        ("/api/alice/staff", staff(), Info, "allowed", r#"by="requirement" requirement="Staff""#),
        ("/api/alice/many", alice(), Trace, "allowed", r#"by="owner""#),
        ("/held/alice/held", alice(), Trace, "allowed", r#"by="owner""#),
        ("/held/alice/both", alice(), Trace, "allowed", r#"by="owner""#),
        ("/held/me", alice(), Trace, "allowed", r#"by="token""#),
        ("/held/alice/held", bob(), Warn, "refused", not_owner),
        ("/api/guest", None, Debug, "refused", missing),
        ("/api/misused", alice(), Error, "refused", &misused),
    ] {
        let route = path.replace("alice", "<user_id>");
        let text = format!(
            r#"auth-guard: {outcome} outcome="{outcome}" {why} method="GET" route="{route}""#
        );
        assert_eq!(get(&client, path, token), [(level, text)], "{path}");
    }
    assert_eq!(get(&client, "/version", None), []);
    assert_eq!(get(&client, "/nowhere", alice()), []);
}

/// What opened a route is the more telling of the reasons, and who refused is named.
#[test]
fn an_event_names_the_scope_or_the_requirement_that_decided() {
    let _turn = turn();
    let client = launch(rocket());
    let alice = || issuer().token("alice").claim("teams", ["red"]);
    let staff = || alice().claim("role", "staff");
    for (path, token, why) in [
        ("/api/stats", staff(), r#"by="requirement" requirement="Staff""#),
        ("/org/teams/red", alice(), r#"by="scope" scope="Team""#),
        ("/org/teams/red/stats", staff(), r#"by="scope" scope="Team""#),
        ("/api/alice/stats", staff(), r#"by="owner""#),
        ("/api/asks", alice(), r#"by="requirement" requirement="AsksVerified""#),
    ] {
        let route = path.replace("alice", "<user_id>").replace("red", "<team>");
        let text =
            format!(r#"auth-guard: allowed outcome="allowed" {why} method="GET" route="{route}""#);
        assert_eq!(get(&client, path, Some(token)), [(Level::Trace, text)], "{path}");
    }
    for (path, token, by) in [
        ("/api/stats", alice(), "Staff"),
        ("/org/teams/blue", staff(), "Team"),
        ("/org/teams/red/stats", alice(), "Staff"),
        ("/api/alice/stats", alice(), "Staff"),
    ] {
        let told = get(&client, path, Some(token));
        let [(Level::Warn, text)] = &told[..] else { panic!("{path}: {told:?}") };
        assert!(text.contains(r#"reason="not_allowed" cause=NotAllowed "#), "{text}");
        assert!(text.contains(&format!(r#" requirement="{by}""#)), "{text}");
    }
}

/// The rules on tokens of another kind, and the claim that was at fault.
#[test]
fn an_event_names_the_rule_that_refuses_a_token_of_another_kind() {
    let _turn = turn();
    let client = client();
    let token = || issuer().token("alice");
    for (token, level, why) in [
        (
            token().bound(),
            Level::Debug,
            r#"reason="token_invalid" cause=InvalidClaim("cnf") rule=19"#,
        ),
        (
            issuer().id_token("alice"),
            Level::Debug,
            r#"reason="token_invalid" cause=InvalidClaim("nonce") rule=20"#,
        ),
        (issuer().machine_token(), Level::Warn, r#"reason="not_allowed" cause=NotAllowed rule=21"#),
    ] {
        told();
        let _ = alice_with(&client, token);
        let told = told();
        let [(told_level, text)] = &*told else { panic!("{told:?}") };
        assert_eq!(*told_level, level, "{text}");
        assert!(text.contains(why), "no {why} in {text}");
    }
}

#[user_scoped(scope = "tasks:read tasks:write")]
#[get("/<user_id>/delegated")]
fn delegated(user_id: &str) -> &str {
    user_id
}

/// An event has the scopes of the route, which are no secret, and none of the token's.
#[test]
fn an_event_names_the_scopes_that_a_route_needs() {
    let _turn = turn();
    let client = launch(app(&json!({ "scopes": "enforced" })).mount("/api", routes![delegated]));
    let alice = |scopes: &str| Some(issuer().token("alice").scope(scopes));
    let needs =
        r#"reason="insufficient_scope" cause=InsufficientScope scopes="tasks:read tasks:write""#;
    let none = r#"reason="not_allowed" cause=NotAllowed scopes="none""#;
    for (path, token, level, outcome, why) in [
        ("delegated", alice("tasks:write tasks:read"), Level::Trace, "allowed", r#"by="owner""#),
        ("delegated", alice("secret tasks:read"), Level::Warn, "refused", needs),
        ("tasks", alice("secret tasks:read"), Level::Warn, "refused", none),
    ] {
        let text = format!(
            r#"auth-guard: {outcome} outcome="{outcome}" {why} method="GET" route="/api/<user_id>/{path}""#
        );
        assert_eq!(get(&client, &format!("/api/alice/{path}"), token), [(level, text)], "{path}");
    }
}

/// Of a request, an event reveals only the rule that it broke.
#[test]
fn no_event_contains_anything_of_the_request() {
    let _turn = turn();
    let (events, texts) = told_without_the_request(&corpus::client(), corpus::cases());
    println!("events: {events}, {texts} texts searched for, none found");
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256] {
        let (client, cases) = corpus::with_public_key(algorithm);
        let (events, texts) = told_without_the_request(&client, cases);
        println!("events with {algorithm:?}: {events}, {texts} texts searched for, none found");
    }
}

/// Returns the number of events, and of the texts that they were searched for.
fn told_without_the_request(client: &Client, cases: Vec<Case>) -> (usize, usize) {
    let (mut events, mut texts) = (0, 0);
    for case in cases {
        told();
        case.get(client);
        let told = told();
        let [(level, text)] = &*told else { panic!("{}: {told:?}", case.name) };
        let expected = match case.status {
            200 => Level::Trace,
            403 => Level::Warn,
            _ => Level::Debug,
        };
        assert_eq!(*level, expected, "{}", case.name);
        match case.code {
            "" => assert!(text.contains(r#"outcome="allowed""#), "{text}"),
            code => assert!(text.contains(&format!("reason=\"{code}\"")), "{}: {text}", case.name),
        }
        let path = [case.path.clone()];
        for hidden in case.hidden().iter().chain(&path) {
            assert!(!text.contains(hidden.as_str()), "{}: {hidden} in {text}", case.name);
            texts += 1;
        }
        events += 1;
    }
    (events, texts)
}

/// The event and the explanation name the same rule.
#[test]
fn an_event_and_the_explanation_agree() {
    let _turn = turn();
    let with_public_key = corpus::with_public_key(Algorithm::EdDsa);
    for (client, cases) in [(corpus::client(), corpus::cases()), with_public_key] {
        let verifier = client.rocket().state().expect("the guard is attached");
        for case in cases.into_iter().filter(|case| case.rule < 17) {
            told();
            case.get(&client);
            let explanation =
                auth_guard::testing::internal::explain_fields(verifier, case.fields(), now());
            let text = told().remove(0).1;
            match explanation.rule() {
                Some(rule) => assert!(text.contains(&format!(" rule={rule} ")), "{text}"),
                None => assert!(!text.contains("rule="), "{text}"),
            }
        }
    }
}

/// Returns what an event says about the key, after `key=`.
fn key_in(event: &str) -> Option<&str> {
    event.split_once(" key=")?.1.split(" method=").next()
}

fn app_with_public_keys(table: serde_json::Value) -> Rocket<Build> {
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    app_with(guard, &table)
        .mount("/api", routes![staff, many])
        .mount("/", routes![held_me])
        .mount("/held", protect(routes![held, both]))
}

/// The event names only known keys, and escapes and shortens the id.
#[test]
fn an_event_names_the_public_key_that_was_used() {
    let _turn = turn();
    let kid = format!("one\n\u{1b}[31m\" rule=0 {}", "x".repeat(100));
    let shown = format!(r#"one\n\u{{1b}}[31m\" rule=0 {} (EdDSA)"#, "x".repeat(64 - 18));
    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, &kid);
    let client = launch(issuer.trusted_by(app_with_public_keys(json!({}))));
    let issuer = Issuer::of(client.rocket()).expect("the one that is trusted");
    let token = || issuer.token("alice");
    let event = |token: String| {
        told();
        client.get("/me").bearer(token).dispatch();
        let told = told();
        let [(_, text)] = &*told else { panic!("{told:?}") };
        text.clone()
    };

    let good = token().sign();
    assert_eq!(key_in(&event(good.clone())), Some(&*shown));
    // The token is memoized: no key verified it.
    assert_eq!(key_in(&event(good)), None);
    for wrong in [token().tampered(), token().expired().sign(), token().without("uid").sign()] {
        assert_eq!(key_in(&event(wrong)), Some(&*shown));
    }

    // Every guard that compares the path names the key.
    for path in [
        "/api/alice/tasks",
        "/api/alice/staff",
        "/api/alice/many",
        "/held/alice/held",
        "/held/alice/both",
    ] {
        let bobs = |n: u8| issuer.token("bob").claim("n", n).claim("path", path);
        for told in [get(&client, path, Some(bobs(1))), get(&client, path, Some(bobs(2)))] {
            let [(Level::Warn, text)] = &*told else { panic!("{path}: {told:?}") };
            assert_eq!(key_in(text), Some(&*shown), "{path}");
        }
    }

    // Nothing that only the token says appears.
    for wrong in [
        token().header("kid", "two\n (EdDSA)").sign(),
        token().header("kid", kid.clone() + "x").sign(),
        token().header("alg", "ES256").sign(),
        token().unsigned(),
        token().header("typ", "at+jwt").sign(),
    ] {
        let event = event(wrong);
        assert_eq!(key_in(&event), None, "{event}");
        assert!(!event.contains("two") && !event.contains("xxx"), "{event}");
    }
}

/// With several issuers, an event says whose token it was, by the name of the table.
#[test]
fn an_event_names_the_issuer_of_a_token() {
    let _turn = turn();
    let (first, provider) = ("https://auth.example.com", "https://auth.example.com/api/auth");
    let keys = JwksServer::start();
    let agents = Issuer::with_key_pair(Algorithm::EdDsa, "key").with_clock(Clock::fixed(now()));
    keys.publish(&[&agents]);
    let client = launch(app(&json!({ "url": first, "issuers": { "agents": {
        "issuer": provider, "audience": "api", "token_type": "at+jwt", "users": "same",
        "jwks_url": keys.url(), "scopes": "ignored",
    } } })));
    let agents = agents.with_issuer(provider).with_audience("api");
    let session = issuer().with_issuer(first).with_audience(first);
    let named = Some("\"agents\"");
    for (token, expected) in [
        (session.token("alice"), None),
        (session.token("bob"), None),
        (session.token("alice").expired(), None),
        (agents.access_token("alice"), named),
        (agents.access_token("bob"), named),
        (agents.access_token("alice").expired(), named),
        (agents.access_token("alice").claim("aud", "other"), named),
        (agents.access_token("alice").header("kid", "other"), named),
        (agents.token("alice"), named),
        (agents.access_token("alice").claim("client_id", "alice"), named),
        // This `iss` chooses no issuer, and the event does not repeat it.
        (agents.access_token("alice").claim("iss", "https://evil.example"), None),
    ] {
        let told = get(&client, "/api/alice/tasks", Some(token));
        let told: Vec<_> = told.iter().filter(|(_, text)| text.contains("outcome=")).collect();
        let [(_, text)] = &*told else { panic!("{told:?}") };
        let rest = text.split_once(" issuer=").map(|(_, rest)| rest);
        let issuer = rest.and_then(|rest| rest.split(' ').next());
        assert_eq!(issuer, expected, "{text}");
        assert!(!text.contains("example"), "{text}");
    }
}

/// However many requests are refused, and whatever other refusals occur meanwhile.
#[test]
fn an_outage_of_the_issuer_is_one_error() {
    let _turn = turn();
    let (server, clock) = (JwksServer::start(), Clock::fixed(now()));
    let table = json!({ "jwks_url": server.url(), "url": "https://auth.example.com" });
    let guard = AuthGuard::fairing().with_clock(clock.clone());
    let rocket = rocket::custom(figment(&table)).attach(guard).mount("/", routes![held_me]);
    let key = |kid: &str| Issuer::with_key_pair(Algorithm::EdDsa, kid);
    let (one, two) = (key("one"), key("two"));
    let client = launch(rocket.manage(one.clone()));
    let one_here = Issuer::of(client.rocket()).expect("the one that is managed");
    let stamped = |issuer: &Issuer| {
        let issuer = issuer.clone().with_clock(clock.clone());
        issuer.with_issuer("https://auth.example.com").with_audience("https://auth.example.com")
    };
    let levels = |issuer: &Issuer| {
        let told = get(&client, "/me", Some(stamped(issuer).token("alice")));
        let [(level, text)] = &*told else { panic!("{told:?}") };
        assert!(!text.contains("127.0.0.1"), "{text}");
        (*level, text.contains(r#"reason="keys_unavailable""#))
    };
    use Level::{Debug, Error, Trace};

    // A cold start while the issuer is unavailable.
    assert_eq!([&one, &one, &two].map(levels), [(Error, true), (Debug, true), (Debug, true)]);
    assert_eq!(
        get(&client, "/me", Some(one_here.token("alice").header("alg", "none")))[0].0,
        Debug
    );
    server.publish(&[&one]);
    clock.advance(Duration::from_secs(30));
    assert_eq!([&one, &one].map(levels), [(Trace, false); 2]);
    // A key that does not exist is no outage.
    clock.advance(Duration::from_secs(30));
    assert_eq!(levels(&two), (Debug, false));

    // The next outage: known keys go on verifying, and one error reports the refusals.
    server.fail();
    clock.advance(Duration::from_secs(30));
    assert_eq!([&two, &one, &two].map(levels), [(Error, true), (Trace, false), (Debug, true)]);
    clock.advance(Duration::from_secs(30));
    assert_eq!(levels(&two), (Debug, true), "the same outage, asked again");
    server.publish(&[&one, &two]);
    clock.advance(Duration::from_secs(30));
    assert_eq!([&two, &one].map(levels), [(Trace, false); 2]);
}

/// What the application's own check returns next.
static CHECK: AtomicU8 = AtomicU8::new(0);

#[test]
fn an_outage_is_one_error() {
    let _turn = turn();
    let guard = guard().with_check(|_, _| {
        Box::pin(async {
            match CHECK.load(Ordering::Relaxed) {
                0 => Ok(()),
                1 => Err(AuthError::Revoked),
                _ => Err(AuthError::CheckUnavailable),
            }
        })
    });
    let rocket = rocket::custom(figment(&json!({}))).attach(guard);
    let client = launch(rocket.mount("/", routes![held_me]));
    let levels = |check: u8| {
        CHECK.store(check, Ordering::Relaxed);
        let told = get(&client, "/me", Some(issuer().token("alice")));
        let [(level, text)] = &*told else { panic!("{told:?}") };
        assert!(!text.contains("rule="), "{text}");
        *level
    };
    let told: Vec<_> = [0, 2, 2, 2, 1, 2, 2, 0].map(levels).to_vec();
    use Level::{Debug, Error, Trace};
    assert_eq!(told, [Trace, Error, Debug, Debug, Debug, Error, Debug, Trace]);
}

/// At an operator's usual level, a flood of invalid tokens writes no event at all.
#[test]
fn a_flood_of_bad_tokens_writes_no_event_at_the_level_info() {
    let _turn = turn();
    let with_public_key = corpus::with_public_key(Algorithm::EdDsa);
    log::set_max_level(LevelFilter::Info);
    for (client, cases) in [(corpus::client(), corpus::cases()), with_public_key] {
        told();
        let cases = cases.into_iter().filter(|case| case.status == 401);
        let count = cases.inspect(|case| drop(case.get(&client))).count();
        let events = told();
        assert!(count > 300 && events.is_empty(), "{events:?}");
    }
    log::set_max_level(LevelFilter::Trace);
}
