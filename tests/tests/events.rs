//! Every decision is one event, and says no more than it may. A process of its own,
//! whose log is ours.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use auth_guard::testing::{RequestExt, Token};
use auth_guard::{Access, AuthError, Exception, Owner, Verified, protect, public, user_scoped};
use auth_guard_tests::corpus;
use auth_guard_tests::*;
use log::{Level, LevelFilter, Log, Metadata, Record};
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, get, routes};
use serde_json::json;

/// The events of this process, each its level and its text.
static EVENTS: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());
/// One test at a time has the log.
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

/// What was told since the last time.
fn told() -> Vec<(Level, String)> {
    std::mem::take(&mut *EVENTS.lock().expect("no panic"))
}

struct Staff;

impl Exception for Staff {
    fn applies(caller: &Verified) -> bool {
        caller.claims::<serde_json::Value>().is_ok_and(|claims| claims["role"] == "staff")
    }
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

fn rocket() -> Rocket<Build> {
    app(&json!({}))
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
    for (path, token, level, text) in [
        (
            "/api/alice/tasks",
            alice(),
            Level::Trace,
            r#"auth-guard: allowed outcome="allowed" by="owner" method="GET" route="/api/<user_id>/tasks""#,
        ),
        (
            "/api/me",
            bob(),
            Level::Trace,
            r#"auth-guard: allowed outcome="allowed" by="token" method="GET" route="/api/me""#,
        ),
        (
            "/api/alice/tasks",
            bob(),
            Level::Warn,
            r#"auth-guard: refused outcome="refused" reason="not_owner" cause=NotOwner rule=17 method="GET" route="/api/<user_id>/tasks""#,
        ),
        (
            "/api/alice/tasks",
            None,
            Level::Debug,
            r#"auth-guard: refused outcome="refused" reason="token_missing" cause=MissingToken rule=1 method="GET" route="/api/<user_id>/tasks""#,
        ),
        (
            "/api/alice/tasks",
            alice().map(|token| token.claim("nbf", "x")),
            Level::Debug,
            r#"auth-guard: refused outcome="refused" reason="token_invalid" cause=InvalidClaim("nbf") rule=13 method="GET" route="/api/<user_id>/tasks""#,
        ),
        (
            "/api/alice/tasks",
            alice().map(Token::expired),
            Level::Debug,
            r#"auth-guard: refused outcome="refused" reason="token_expired" cause=Expired rule=11 method="GET" route="/api/<user_id>/tasks""#,
        ),
        (
            "/api/alice/staff",
            alice(),
            Level::Trace,
            r#"auth-guard: allowed outcome="allowed" by="owner" method="GET" route="/api/<user_id>/staff""#,
        ),
        (
            "/api/alice/staff",
            staff(),
            Level::Info,
            r#"auth-guard: allowed outcome="allowed" by="exception" exception="Staff" method="GET" route="/api/<user_id>/staff""#,
        ),
        (
            "/api/alice/many",
            alice(),
            Level::Trace,
            r#"auth-guard: allowed outcome="allowed" by="owner" method="GET" route="/api/<user_id>/many""#,
        ),
        (
            "/held/alice/held",
            alice(),
            Level::Trace,
            r#"auth-guard: allowed outcome="allowed" by="owner" method="GET" route="/held/<user_id>/held""#,
        ),
        (
            "/held/alice/both",
            alice(),
            Level::Trace,
            r#"auth-guard: allowed outcome="allowed" by="owner" method="GET" route="/held/<user_id>/both""#,
        ),
        (
            "/held/me",
            alice(),
            Level::Trace,
            r#"auth-guard: allowed outcome="allowed" by="token" method="GET" route="/held/me""#,
        ),
        (
            "/held/alice/held",
            bob(),
            Level::Warn,
            r#"auth-guard: refused outcome="refused" reason="not_owner" cause=NotOwner rule=17 method="GET" route="/held/<user_id>/held""#,
        ),
        (
            "/api/guest",
            None,
            Level::Debug,
            r#"auth-guard: refused outcome="refused" reason="token_missing" cause=MissingToken rule=1 method="GET" route="/api/guest""#,
        ),
        (
            "/api/misused",
            alice(),
            Level::Error,
            r#"auth-guard: refused outcome="refused" reason="guard_misconfigured" cause=Misconfigured remedy="attach `AuthGuard::fairing()`, and use `Owner` and `Access` only below `#[user_scoped]`" method="GET" route="/api/misused""#,
        ),
    ] {
        assert_eq!(get(&client, path, token), [(level, text.to_owned())], "{path}");
    }
    assert_eq!(get(&client, "/version", None), []);
    assert_eq!(get(&client, "/nowhere", alice()), []);
}

/// Whatever is sent, an event has of it nothing but the rule that it broke.
#[test]
fn no_event_has_anything_of_the_request_in_it() {
    let _turn = turn();
    let client = corpus::client();
    let (mut events, mut texts) = (0, 0);
    for case in corpus::cases() {
        told();
        case.get(&client);
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
    println!("events: {events}, {texts} texts looked for and not found");
}

/// The event names the rule that the explanation names.
#[test]
fn an_event_and_the_explanation_agree() {
    let _turn = turn();
    let client = corpus::client();
    let verifier = client.rocket().state().expect("the guard is attached");
    for case in corpus::cases().into_iter().filter(|case| case.rule < 17) {
        told();
        case.get(&client);
        let explanation = auth_guard::testing::explain_fields(verifier, case.fields(), now());
        let text = told().remove(0).1;
        match explanation.rule() {
            Some(rule) => assert!(text.contains(&format!(" rule={rule} ")), "{text}"),
            None => assert!(!text.contains("rule="), "{text}"),
        }
    }
}

/// What the application's own check does next.
static CHECK: AtomicU8 = AtomicU8::new(0);

#[test]
fn an_outage_is_one_error() {
    let _turn = turn();
    let guard = guard().check(|_, _| {
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

/// With the level of an operator, a flood of bad tokens writes no event at all.
#[test]
fn a_flood_of_bad_tokens_writes_no_event_at_the_level_info() {
    let _turn = turn();
    let client = corpus::client();
    log::set_max_level(LevelFilter::Info);
    told();
    let cases = corpus::cases().into_iter().filter(|case| case.status == 401);
    let count = cases.inspect(|case| drop(case.get(&client))).count();
    let events = told();
    log::set_max_level(LevelFilter::Trace);
    assert!(count > 300 && events.is_empty(), "{events:?}");
}
