//! `#[scoped]` and `#[authorized]`, alone and with `#[user_scoped]`: who passes, and in which
//! order the checks come.

use std::time::Duration;

use auth_guard::testing::{RequestExt, assert_refused};
use auth_guard::{
    Access, AuthGuard, Caller, Owner, Requirement, Scope, Unavailable, Verified, authorized,
    protect, scoped, user_scoped,
};
use auth_guard_tests::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::http::Status;
use rocket::local::asynchronous;
use rocket::local::blocking::Client;
use rocket::{Build, Request, Rocket, Route, async_trait, get, routes};
use serde_json::{Value, json};
use tokio::time::Instant;

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

struct Editor;

#[async_trait]
impl Requirement for Editor {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "editor"))
    }
}

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("orgs", org_id))
    }
}

#[authorized]
#[get("/me")]
fn me(user: Verified) -> String {
    user.uid().to_owned()
}

#[authorized(Admin)]
#[get("/stats")]
fn stats() -> &'static str {
    "42"
}

#[authorized(Admin, machines = true)]
#[get("/metrics")]
fn metrics(caller: Verified) -> String {
    caller.uid().to_owned()
}

#[scoped(org_id: Organization)]
#[get("/orgs/<org_id>/projects")]
fn projects(org_id: &str) -> &str {
    org_id
}

#[scoped(org_id: Organization, or = Admin)]
#[get("/orgs/<org_id>/bills")]
fn bills() -> String {
    org_id.to_string()
}

#[user_scoped]
#[scoped(org_id: Organization)]
#[authorized(Editor)]
#[get("/orgs/<org_id>/of/<user_id>/first")]
fn first(owner: Owner) -> String {
    format!("{org_id} {user_id} {}", owner.uid())
}

#[authorized(Editor)]
#[scoped(org_id: Organization)]
#[user_scoped]
#[get("/orgs/<org_id>/of/<user_id>/last")]
fn last(org_id: &str, user_id: &str) -> String {
    format!("{org_id} {user_id} {user_id}")
}

#[scoped(org_id: Organization, or = Admin)]
#[user_scoped(or = Admin)]
#[get("/orgs/<org_id>/of/<user_id>/helped")]
fn helped(org_id: &str) -> String {
    format!("{org_id} {user_id}")
}

#[user_scoped(or = Admin)]
#[get("/things/<thing>/of/<user_id>")]
fn seen(thing: &str, access: Access) -> String {
    format!("{thing} {} {access:?}", access.path_user())
}

mod aliased {
    use auth_guard::authorized as guarded;

    #[guarded(super::Admin)]
    #[rocket::get("/aliased")]
    pub(super) fn aliased() -> &'static str {
        "aliased"
    }

    #[guarded(super::Editor)]
    #[auth_guard::user_scoped]
    #[rocket::get("/of/<user_id>/aliased")]
    pub(super) fn outermost(user_id: &str) -> &str {
        user_id
    }
}

fn rocket(guard: AuthGuard, routes: Vec<Route>) -> Rocket<Build> {
    rocket::custom(figment(&json!({}))).attach(guard).mount("/api", routes)
}

fn client() -> Client {
    launch(rocket(
        guard(),
        routes![
            me,
            stats,
            metrics,
            projects,
            bills,
            first,
            last,
            helped,
            aliased::aliased,
            aliased::outermost,
            greeting
        ],
    ))
}

/// Returns the status, and the code of a refusal or the body.
fn get(client: &Client, path: &str, uid: &str, claims: Value) -> (u16, String) {
    let answer: Answer =
        client.get(path.to_owned()).as_user(uid).with_claims(claims).dispatch().into();
    let said = if answer.status == 200 { answer.body.clone() } else { answer.code() };
    (answer.status, said)
}

fn ok(body: &str) -> (u16, String) {
    (200, body.into())
}

fn not_owner() -> (u16, String) {
    (403, "not_owner".into())
}

fn not_allowed() -> (u16, String) {
    (403, "not_allowed".into())
}

#[test]
fn each_attribute_alone_admits_whom_it_names_and_nobody_else() {
    let client = client();
    let nothing = || json!({});
    assert_eq!(get(&client, "/api/me", "bob", nothing()), ok("bob"));
    for path in ["/api/stats", "/api/aliased"] {
        assert_eq!(get(&client, path, "bob", json!({ "roles": ["admin"] })).0, 200);
        assert_eq!(get(&client, path, "bob", json!({ "roles": "admin" })).0, 200);
        for claims in [nothing(), json!({ "roles": ["editor"] }), json!({ "role": "admin" })] {
            assert_eq!(get(&client, path, "bob", claims), not_allowed());
        }
    }
    let member = || json!({ "orgs": ["acme"] });
    for path in ["/api/orgs/acme/projects", "/api/orgs/acme/bills"] {
        assert_eq!(get(&client, path, "bob", member()), ok("acme"));
        assert_eq!(get(&client, path, "bob", nothing()), not_allowed());
        assert_eq!(get(&client, &path.replace("acme", "Acme"), "bob", member()), not_allowed());
    }
    let admin = || json!({ "roles": ["admin"] });
    assert_eq!(get(&client, "/api/orgs/acme/projects", "root", admin()), not_allowed());
    assert_eq!(get(&client, "/api/orgs/acme/bills", "root", admin()), ok("acme"));

    for path in ["/api/me", "/api/stats", "/api/orgs/acme/projects", "/api/aliased"] {
        assert_refused!(client.get(path).dispatch(), MissingToken);
        assert_refused!(client.get(path).as_user("bob").expired().dispatch(), Expired);
        assert_refused!(client.get(path).bearer("x").dispatch(), MalformedToken);
    }
    let answer: Answer = client.get("/api/stats").as_user("bob").dispatch().into();
    assert!(answer.challenges.is_empty(), "{answer}");
    assert!(answer.body.contains("The token does not allow this request."), "{answer}");
}

/// Token, owner, segment, requirement: the first that fails answers.
#[test]
fn of_several_attributes_in_any_order_all_must_pass() {
    let client = client();
    for name in ["first", "last"] {
        let path = format!("/api/orgs/acme/of/alice/{name}");
        let all = || json!({ "orgs": ["acme"], "roles": ["editor"] });
        assert_eq!(get(&client, &path, "alice", all()), ok("acme alice alice"));
        assert_eq!(get(&client, &path, "bob", all()), not_owner());
        assert_eq!(get(&client, &path, "bob", json!({})), not_owner());
        assert_eq!(get(&client, &path, "alice", json!({ "orgs": ["acme"] })), not_allowed());
        assert_eq!(get(&client, &path, "alice", json!({ "roles": ["editor"] })), not_allowed());
        assert_refused!(client.get(path).as_user("bob").expired().dispatch(), Expired);
    }
    let path = "/api/of/alice/aliased";
    assert_eq!(get(&client, path, "alice", json!({ "roles": ["editor"] })), ok("alice"));
    assert_eq!(get(&client, path, "alice", json!({})), not_allowed());
    assert_eq!(get(&client, path, "bob", json!({ "roles": ["editor"] })), not_owner());
}

#[test]
fn access_tells_the_user_of_the_path_wherever_that_stands() {
    let client = launch(rocket(guard(), routes![seen]));
    let path = "/api/things/ball/of/alice";
    let seen = |by_exception: bool| {
        ok(&format!("ball alice Access {{ by_exception: {by_exception}, .. }}"))
    };
    assert_eq!(get(&client, path, "alice", json!({})), seen(false));
    assert_eq!(get(&client, path, "bob", json!({ "roles": ["admin"] })), seen(true));
}

#[test]
fn or_stands_for_the_attribute_that_has_it_and_for_no_other() {
    let client = client();
    let path = "/api/orgs/acme/of/alice/helped";
    assert_eq!(get(&client, path, "alice", json!({ "orgs": ["acme"] })), ok("acme alice"));
    assert_eq!(get(&client, path, "root", json!({ "roles": ["admin"] })), ok("acme alice"));
    assert_eq!(get(&client, path, "bob", json!({ "orgs": ["acme"] })), not_owner());
    assert_eq!(get(&client, path, "alice", json!({ "orgs": ["other"] })), not_allowed());
}

#[test]
fn rule_21_a_machine_passes_only_where_it_may_and_meets_what_is_asked() {
    let client = client();
    let machine = |path: &str, claims: Value| {
        let token = issuer().machine_token().with_claims(claims);
        let answer = get_as(&client, path, token);
        (answer.status, answer.code())
    };
    let admin = || json!({ "roles": ["admin"], "orgs": ["acme"] });
    assert_eq!(machine("/api/metrics", admin()).0, 200);
    assert_eq!(machine("/api/metrics", json!({})), not_allowed());
    for path in ["/api/me", "/api/stats", "/api/orgs/acme/projects", "/api/orgs/acme/bills"] {
        assert_eq!(machine(path, admin()), not_allowed(), "{path}");
    }
}

/// Does what a claim of the test says.
async fn misbehave(caller: &Verified, request: &Request<'_>) -> Result<bool, Unavailable> {
    if caller.has("does", "err") {
        "no number".parse::<u8>()?;
    }
    if caller.has("does", "panic") {
        panic!("a requirement may be wrong");
    }
    if caller.has("does", "hang") {
        std::future::pending::<()>().await;
    }
    if caller.has("does", "wait") {
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
    Ok(request.host().is_none() && !caller.has("does", "refuse"))
}

struct Faulty;

#[async_trait]
impl Requirement for Faulty {
    async fn is_met_by(caller: &Verified, request: &Request<'_>) -> Result<bool, Unavailable> {
        misbehave(caller, request).await
    }
}

#[async_trait]
impl Scope for Faulty {
    async fn admits(
        caller: &Verified,
        _: &str,
        request: &Request<'_>,
    ) -> Result<bool, Unavailable> {
        misbehave(caller, request).await
    }
}

#[authorized(Faulty)]
#[get("/faulty")]
fn faulty() -> &'static str {
    "faulty"
}

#[scoped(team: Faulty)]
#[get("/teams/<team>")]
fn faulty_scope(team: &str) -> &str {
    team
}

/// Fails closed. Time stands still, and jumps where nothing but a timeout is waited for.
#[test]
fn what_errs_panics_or_hangs_lets_nobody_in() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mounted = protect(routes![held]).require::<Faulty>();
        let rocket = rocket(guard(), routes![faulty, faulty_scope]).mount("/held", mounted);
        let client = asynchronous::Client::untracked(rocket).await.expect("it launches");
        for path in ["/api/faulty", "/api/teams/a", "/held/held"] {
            for (does, status, waited) in [
                ("nothing", 200, 0),
                ("refuse", 403, 0),
                ("err", 503, 0),
                ("panic", 503, 0),
                ("wait", 200, 4),
                ("hang", 503, 5),
                ("nothing", 200, 0),
            ] {
                let asked = Instant::now();
                let request = client.get(path).as_user("bob").with_claims(json!({ "does": does }));
                let answer = Answer::read(request.dispatch().await).await;
                assert_eq!(answer.status, status, "{path} {does}");
                assert_eq!(asked.elapsed().as_secs(), waited, "{path} {does}");
                if status == 503 {
                    assert_refused!(answer, CheckUnavailable);
                }
            }
        }
    });
}

#[get("/held")]
fn held() -> &'static str {
    "held"
}

/// Asks `Verified`, as a look-up by another guard would.
struct AsksVerified;

#[async_trait]
impl Requirement for AsksVerified {
    async fn is_met_by(caller: &Verified, request: &Request<'_>) -> Result<bool, Unavailable> {
        let asked = request.guard::<Verified>().await.succeeded();
        Ok(asked.is_some_and(|asked| asked.uid() == caller.uid()))
    }
}

#[authorized(AsksVerified)]
#[get("/asks")]
fn asks() -> &'static str {
    "asks"
}

/// Asks for the guard that asks it, and would let everybody in.
struct AsksItself;

#[async_trait]
impl Requirement for AsksItself {
    async fn is_met_by(_: &Verified, request: &Request<'_>) -> Result<bool, Unavailable> {
        type Guard = auth_guard::__private::Guard<__guarded_asks_itself>;
        let _ = request.guard::<Guard>().await;
        Ok(true)
    }
}

#[authorized(AsksItself)]
#[get("/asks/itself")]
fn asks_itself() -> &'static str {
    "asks itself"
}

#[test]
fn a_requirement_may_ask_guards_but_not_the_one_that_asks_it() {
    for guard in [guard(), guard().with_check(|_, _| Box::pin(async { Ok(()) }))] {
        let client = launch(rocket(guard, routes![asks, asks_itself]));
        assert_eq!(get(&client, "/api/asks", "bob", json!({})).0, 200);
        assert_refused!(client.get("/api/asks/itself").as_user("bob").dispatch(), Misconfigured);
    }
}

/// Asks another application, which lives on the same thread.
struct AsksAnother;

#[async_trait]
impl Requirement for AsksAnother {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        let token = issuer().token(caller.uid()).claim("roles", ["admin"]).sign();
        let another = rocket::custom(figment(&json!({}))).attach(guard());
        let another = another.mount("/api", routes![stats]);
        let client = asynchronous::Client::untracked(another).await?;
        let request = client.get("/api/stats").bearer(token);
        Ok(request.dispatch().await.status() == Status::Ok)
    }
}

#[authorized(AsksAnother)]
#[get("/asks/another")]
fn asks_another() -> &'static str {
    "asks another"
}

#[test]
fn a_requirement_that_asks_another_application_does_not_ask_itself() {
    let client = launch(rocket(guard(), routes![asks_another]));
    assert_eq!(get(&client, "/api/asks/another", "bob", json!({})), ok("asks another"));
}

#[test]
fn a_scope_gets_the_segment_decoded_once_however_it_is_written() {
    let client = client();
    let long = "o".repeat(10 * 1024);
    for (segment, org, is_admitted) in [
        ("acme", "acme", true),
        ("%61cme", "acme", true),
        ("a%2Fb", "a/b", true),
        ("%25", "%", true),
        ("%D0%AF", "Я", true),
        ("%E7%B5%84%E7%B9%94", "組織", true),
        (&*long, &*long, true),
        ("a%2Fb", "a", false),
        ("%2561cme", "acme", false),
        ("%D0%B0cme", "acme", false),
        ("e%CC%81", "\u{e9}", false),
        ("acme%20", "acme", false),
        ("acme%00", "acme", false),
        ("*", "acme", false),
        (&*long, "o", false),
    ] {
        let path = format!("/api/orgs/{segment}/projects");
        // A token has at most 8 KiB, so a segment that long is nobody's.
        let claims = if org.len() > 1024 { json!({}) } else { json!({ "orgs": [org] }) };
        let status = if is_admitted && org.len() <= 1024 { 200 } else { 403 };
        assert_eq!(get(&client, &path, "bob", claims).0, status, "{segment:.20} for {org:.20}");
    }
}

struct Claimed;

/// The question of each test of `has` and `has_at`, by the first segment.
#[async_trait]
impl Scope for Claimed {
    async fn admits(caller: &Verified, name: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has(name, "admin") || caller.has_at(&["orgs", name], "owner"))
    }
}

#[scoped(name: Claimed)]
#[get("/has/<name>")]
fn has(name: &str) -> &str {
    name
}

#[test]
fn has_compares_whole_strings_and_parses_nothing_out_of_a_name() {
    let client = launch(rocket(guard(), routes![has]));
    for (name, claims, expected) in [
        ("roles", json!({ "roles": "admin" }), 200),
        ("roles", json!({ "roles": ["user", "admin"] }), 200),
        ("a.b", json!({ "a.b": "admin" }), 200),
        ("acme", json!({ "orgs": { "acme": ["owner"] } }), 200),
        ("a.b", json!({ "orgs": { "a.b": "owner" } }), 200),
        ("roles", json!({ "orgs": { "roles": ["owner"] } }), 200),
        ("roles", json!({}), 403),
        ("roles", json!({ "roles": "Admin" }), 403),
        ("roles", json!({ "roles": ["ADMIN", "admin ", "admins"] }), 403),
        ("roles", json!({ "roles": "not admin" }), 403),
        ("roles", json!({ "roles": "user,admin" }), 403),
        ("roles", json!({ "roles": "user admin" }), 403),
        ("roles", json!({ "roles": [["admin"]] }), 403),
        ("roles", json!({ "roles": { "admin": true } }), 403),
        ("roles", json!({ "roles": true }), 403),
        ("Roles", json!({ "roles": "admin" }), 403),
        ("a.b", json!({ "a": { "b": "admin" } }), 403),
        ("a.b", json!({ "orgs": { "a": { "b": "owner" } } }), 403),
        ("acme", json!({ "orgs": ["acme", "owner"] }), 403),
        ("acme", json!({ "orgs": { "other": ["owner"] } }), 403),
        ("roles", json!({ "orgs": ["owner"] }), 403),
        ("0", json!({ "orgs": ["owner"] }), 403),
    ] {
        let status = get(&client, &format!("/api/has/{name}"), "bob", claims.clone()).0;
        assert_eq!(status, expected, "{name} in {claims}");
    }

    // A name twice in one object is nobody's to choose from.
    let valid = issuer().token("bob").sign();
    let payload = valid.split('.').nth(1).expect("three segments");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let payload = String::from_utf8(payload).expect("JSON");
    let members = payload.trim_end_matches('}');
    for twice in [r#"{"acme":"owner","acme":"x"}"#, r#"{"acme":"x","acme":"owner"}"#] {
        let payload = format!("{members},\"orgs\":{twice}}}");
        let token = issuer().sign(r#"{"alg":"HS256","typ":"JWT"}"#, payload);
        assert!([401, 403].contains(&get_as(&client, "/api/has/acme", token).status));
    }
}

#[get("/version")]
fn version() -> &'static str {
    "1"
}

#[get("/of/<user_id>")]
fn of_user(user_id: &str) -> &str {
    user_id
}

/// It says nothing of the owner, so `protect` does.
#[authorized(Editor)]
#[get("/of/<user_id>/edited")]
fn edited(user_id: &str) -> &str {
    user_id
}

#[test]
fn a_mount_may_require_more_of_every_caller() {
    let all = || routes![version, of_user, edited, me];
    let client = launch(
        rocket::custom(figment(&json!({})))
            .attach(guard())
            .mount("/admin", protect(all()).require::<Admin>())
            .mount("/both", protect(protect(all()).require::<Editor>()).require::<Admin>())
            .mount("/plain", protect(all())),
    );
    let admin = || json!({ "roles": ["admin"] });
    let both = || json!({ "roles": ["admin", "editor"] });
    for path in ["/admin/version", "/admin/of/alice", "/admin/me"] {
        assert_eq!(get(&client, path, "alice", admin()).0, 200, "{path}");
        assert_eq!(get(&client, path, "alice", json!({})), not_allowed(), "{path}");
        assert_refused!(client.get(path).dispatch(), MissingToken);
    }
    assert_eq!(get(&client, "/admin/of/alice", "bob", admin()), not_owner());
    assert_eq!(get(&client, "/admin/of/alice/edited", "alice", admin()), not_allowed());
    assert_eq!(get(&client, "/admin/of/alice/edited", "alice", both()), ok("alice"));
    assert_eq!(get(&client, "/admin/of/alice/edited", "bob", both()), not_owner());

    for path in ["/both/version", "/both/of/alice", "/both/of/alice/edited", "/both/me"] {
        assert_eq!(get(&client, path, "alice", both()).0, 200, "{path}");
        assert_eq!(get(&client, path, "alice", admin()), not_allowed(), "{path}");
        let editor = json!({ "roles": ["editor"] });
        assert_eq!(get(&client, path, "alice", editor), not_allowed(), "{path}");
    }
    let editor = || json!({ "roles": ["editor"] });
    assert_eq!(get(&client, "/plain/of/alice/edited", "alice", editor()), ok("alice"));
    assert_eq!(get(&client, "/plain/of/alice/edited", "bob", editor()), not_owner());
    assert_eq!(get(&client, "/plain/of/alice/edited", "alice", json!({})), not_allowed());

    let table = auth_guard::audit(client.rocket()).to_string();
    for line in [
        "GET /admin/version              Admin                              version",
        "GET /admin/of/<user_id>/edited  owner of <user_id>; Editor; Admin  edited",
        "GET /plain/of/<user_id>/edited  owner of <user_id>; Editor         edited",
    ] {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(table.lines().any(|row| words(row) == words(line)), "no {line:?} in:\n{table}");
    }
}

#[authorized]
#[get("/unused/<user_id>")]
fn unused(user_id: &str) -> &str {
    user_id
}

#[test]
fn authorized_never_answers_for_a_user() {
    let launches = |rocket: Rocket<Build>| {
        // Rocket's error panics when it is dropped without being looked at.
        Client::untracked(rocket).map_err(|error| error.kind().to_string()).is_ok()
    };
    assert!(!launches(rocket(guard(), routes![unused])));
    assert!(!launches(rocket(guard(), routes![edited])));
    assert!(launches(rocket(guard(), protect(routes![unused, edited]).into())));
}

#[test]
fn a_guard_without_the_fairing_stops_the_launch() {
    #[get("/error")]
    fn error(error: Result<Verified, auth_guard::AuthError>) -> String {
        format!("{}", error.is_err())
    }

    type Me = Result<Verified, auth_guard::AuthError>;
    #[get("/alias")]
    fn alias(me: Me) -> String {
        format!("{}", me.is_err())
    }

    for routes in [routes![greeting], routes![error], routes![alias]] {
        let rocket = rocket::custom(figment(&json!({}))).mount("/", routes);
        let result = Client::untracked(rocket).map_err(|error| error.kind().to_string());
        assert!(result.is_err());
    }
}

#[get("/greeting")]
fn greeting(caller: Caller) -> String {
    caller.verified().map_or("nobody", Verified::uid).to_owned()
}

#[test]
fn a_caller_is_anonymous_only_without_any_authorization() {
    let client = client();
    assert_eq!(get_with(&client, "/api/greeting", &[]).body, "nobody");
    assert_eq!(get(&client, "/api/greeting", "bob", json!({})), ok("bob"));
    assert_refused!(client.get("/api/greeting").as_user("bob").expired().dispatch(), Expired);
    for field in ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5"] {
        let status = get_with(&client, "/api/greeting", &[field]).status;
        assert_eq!(Status::new(status), Status::Unauthorized, "{field:?}");
    }
    assert_eq!(get_with(&client, "/api/greeting", &["Bearer x", "Bearer x"]).status, 400);
}
