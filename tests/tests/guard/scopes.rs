//! OAuth scopes: which tokens open which routes, and how the others are answered.

use auth_guard::testing::{
    Algorithm, Clock, Issuer, RequestExt, Token, assert_refused, attack, attack_all,
};
use auth_guard::{
    Access, AuthError, AuthGuard, Caller, Decision, Owner, Policy, Requirement, Scope, Unavailable,
    Verified, Verifier, authorized, protect, public, scoped, user_scoped,
};
use auth_guard_tests::*;
use rocket::fairing::AdHoc;
use rocket::http::uri::Origin;
use rocket::http::{Header, Status};
use rocket::local::blocking::Client;
use rocket::{Build, Request, Rocket, async_trait, catch, catchers, get, post, routes};
use serde_json::{Value, json};

use crate::testing::message;

macro_rules! handlers {
    ($($attribute:meta, $path:literal => $name:ident;)*) => {$(
        #[$attribute]
        #[get($path)]
        fn $name() -> &'static str {
            stringify!($name)
        }
    )*};
}

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

/// Asks for the caller once more, as a look-up by another guard would.
struct AsksVerified;

#[async_trait]
impl Requirement for AsksVerified {
    async fn is_met_by(_: &Verified, request: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(request.guard::<Verified>().await.is_success())
    }
}

struct Editor;

#[async_trait]
impl Requirement for Editor {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "editor"))
    }
}

/// Asks for the owner, or for whom the path is open to.
struct AsksOwner;

#[async_trait]
impl Requirement for AsksOwner {
    async fn is_met_by(_: &Verified, request: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(request.guard::<Owner>().await.is_success())
    }
}

struct AsksAccess;

#[async_trait]
impl Requirement for AsksAccess {
    async fn is_met_by(_: &Verified, request: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(request.guard::<Access>().await.is_success())
    }
}

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("orgs", org_id))
    }
}

handlers! {
    user_scoped(scope = "tasks:read"), "/<user_id>/tasks" => list;
    user_scoped(scope = "tasks:read tasks:write"), "/<user_id>/both" => both;
    user_scoped(or = Admin, scope = "tasks:read"), "/<user_id>/helped" => helped;
    user_scoped(exempt = "profiles are public"), "/<user_id>/profile" => profile;
    user_scoped, "/<user_id>/plain" => plain;
    scoped(org_id: Organization, scope = "projects:read"), "/orgs/<org_id>/projects" => projects;
    scoped(org_id: Organization, scope = "projects:read", or = Admin), "/orgs/<org_id>/b" => bills;
    authorized(scope = "tasks:read"), "/me" => me;
    authorized(Admin, scope = "ops"), "/stats" => stats;
    authorized(Admin, machines = true, scope = "ops"), "/jobs" => jobs;
    authorized(machines = true), "/any" => any_machine;
    authorized(AsksVerified, scope = "tasks:read"), "/asks" => asks;
    authorized(AsksVerified, machines = true, scope = "tasks:read"), "/asks/jobs" => asks_jobs;
    authorized, "/bare" => bare;
}

#[user_scoped(scope = "tasks:read")]
#[authorized(AsksOwner)]
#[get("/<user_id>/asks/owner")]
fn asks_owner() {}

#[user_scoped(scope = "tasks:read")]
#[authorized(AsksAccess)]
#[get("/<user_id>/asks/access")]
fn asks_access() {}

#[user_scoped(scope = "a")]
#[scoped(org_id: Organization, scope = "b a")]
#[authorized(Admin, scope = "c b")]
#[get("/orgs/<org_id>/of/<user_id>")]
fn stacked(owner: Owner, caller: Verified) -> String {
    format!("{} {}", owner.uid(), caller.uid())
}

#[user_scoped(scope = "tasks:write")]
#[post("/<user_id>/tasks", data = "<body>")]
fn create(body: String, owner: Owner, access: Access, caller: Verified) -> String {
    format!("{body} {} {} {}", owner.uid(), access.path_user(), caller.allows_scopes("tasks:read"))
}

#[get("/guards/verified")]
fn verified(user: Verified) -> String {
    user.uid().to_owned()
}

#[get("/guards/caller")]
fn caller(caller: Caller) -> String {
    caller.verified().map_or("nobody", Verified::uid).to_owned()
}

#[get("/guards/<user_id>/owner")]
fn owner(user_id: &str, owner: Owner) -> String {
    format!("{user_id} {}", owner.uid())
}

fn rocket(table: &Value) -> Rocket<Build> {
    rocket::custom(figment(table)).attach(guard()).mount(
        "/api",
        routes![
            list,
            both,
            helped,
            profile,
            plain,
            projects,
            bills,
            me,
            stats,
            jobs,
            any_machine,
            asks,
            asks_jobs,
            bare,
            stacked,
            create,
            verified
        ],
    )
}

fn enforced() -> Client {
    launch(rocket(&json!({ "scopes": "enforced" })))
}

/// A token of alice's with these scopes.
fn alice(scopes: &str) -> Token {
    issuer().token("alice").scope(scopes)
}

/// Requirements come before scopes, also where a mount has several.
#[test]
fn of_a_mount_every_requirement_is_asked_before_the_scopes() {
    let table = figment(&json!({ "scopes": "enforced" }));
    let routes = protect(routes![verified]).require::<Admin>().require::<Editor>();
    let rocket = rocket::custom(table).attach(guard());
    let client = launch(rocket.mount("/api", routes.require_scope("ops")));
    for (roles, scope, expected) in [
        (&["admin", "editor"][..], "ops", (200, "")),
        (&["admin", "editor"], "other", (403, "insufficient_scope")),
        (&["admin"], "other", (403, "not_allowed")),
        (&["editor"], "other", (403, "not_allowed")),
    ] {
        let (status, code) =
            get(&client, "/api/guards/verified", alice(scope).claim("roles", roles));
        assert_eq!(status, expected.0, "{roles:?} {scope}");
        assert!(status == 200 || code == expected.1, "{roles:?} {scope}: {code}");
    }
}

/// A guard that a requirement asks for leaves the scopes to the attribute.
#[test]
fn a_requirement_that_asks_a_guard_does_not_hide_that_a_scope_is_missing() {
    let table = json!({ "scopes": "enforced" });
    let client = launch(rocket(&table).mount("/api", routes![asks_owner, asks_access]));
    for path in ["/api/alice/asks/owner", "/api/alice/asks/access"] {
        assert_eq!(get(&client, path, alice("tasks:read")).0, 200, "{path}");
        let missing = (403, "insufficient_scope".to_owned());
        assert_eq!(get(&client, path, alice("tasks:write")), missing, "{path}");
    }
}

/// Returns the status, and the code of a refusal.
fn get(client: &Client, path: &str, token: Token) -> (u16, String) {
    let answer = get_as(client, path, token);
    (answer.status, answer.code())
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn insufficient() -> (u16, String) {
    (403, "insufficient_scope".into())
}

fn not_allowed() -> (u16, String) {
    (403, "not_allowed".into())
}

fn not_owner() -> (u16, String) {
    (403, "not_owner".into())
}

#[test]
fn a_token_opens_what_names_scopes_that_it_has_and_nothing_else() {
    let client = enforced();
    let admin = |scopes: &str| alice(scopes).claim("roles", "admin");
    for (path, needed) in [
        ("/api/alice/tasks", "tasks:read"),
        ("/api/alice/both", "tasks:read tasks:write"),
        ("/api/me", "tasks:read"),
        ("/api/stats", "ops"),
        ("/api/asks", "tasks:read"),
    ] {
        assert_eq!(get(&client, path, admin(needed)), ok(), "{path}");
        assert_eq!(get(&client, path, admin(&format!("openid {needed} x"))), ok(), "{path}");
        for other in ["", "openid", "tasks", "tasks:read:all", "Tasks:Read", "tasks:write", "op"] {
            assert_eq!(get(&client, path, admin(other)), insufficient(), "{path} {other}");
        }
    }
    // An author who names no scope was not thinking of clients that strangers register.
    for path in ["/api/alice/plain", "/api/bare", "/api/guards/verified", "/api/any"] {
        for scopes in ["", "openid", "tasks:read tasks:write ops"] {
            assert_eq!(get(&client, path, admin(scopes)), not_allowed(), "{path} {scopes}");
        }
    }
    // What is open to anybody is open to a client, too.
    assert_eq!(get(&client, "/api/alice/profile", alice("")), ok());
}

#[test]
fn scopes_of_stacked_attributes_add_up() {
    let client = enforced();
    let path = "/api/orgs/acme/of/alice";
    let token = |scopes| alice(scopes).claim("roles", "admin").claim("orgs", "acme");
    assert_eq!(get_as(&client, path, token("c a b")).body, "alice alice");
    for scopes in ["a b", "b c", "a c", "abc", "a,b,c", ""] {
        assert_eq!(get(&client, path, token(scopes)), insufficient(), "{scopes}");
    }
}

/// Token, owner, segment, requirement, scopes: the first that fails answers.
#[test]
fn scopes_come_last() {
    let client = enforced();
    let bob = || issuer().token("bob").scope("openid");
    assert_refused!(client.get("/api/alice/tasks").as_user("bob").expired().dispatch(), Expired);
    for path in ["/api/alice/tasks", "/api/alice/plain", "/api/alice/helped"] {
        assert_eq!(get(&client, path, bob()), not_owner(), "{path}");
    }
    assert_eq!(get(&client, "/api/alice/helped", bob().claim("roles", "admin")), insufficient());
    assert_eq!(get(&client, "/api/stats", bob()), not_allowed());
    assert_eq!(get(&client, "/api/stats", bob().claim("roles", "admin")), insufficient());
    for path in ["/api/orgs/acme/projects", "/api/orgs/acme/b"] {
        assert_eq!(get(&client, path, bob()), not_allowed());
        assert_eq!(get(&client, path, bob().claim("orgs", "acme")), insufficient());
        let may = bob().claim("orgs", "acme").scope("projects:read");
        assert_eq!(get(&client, path, may), ok());
    }
}

/// The guards among a handler's arguments decide as the attribute did, and never open more.
#[test]
fn other_guards_of_a_route_agree_with_its_attribute() {
    let client = enforced();
    let post = |scopes: &str| {
        let request = client.post("/api/alice/tasks").body("x").as_user("alice");
        Answer::from(request.with_scope(scopes).dispatch())
    };
    assert_eq!(post("tasks:write").body, "x alice alice false");
    assert_eq!(post("tasks:write tasks:read").body, "x alice alice true");
    assert_refused!(post("tasks:read"), InsufficientScope);

    let table = json!({ "scopes": "enforced" });
    let rocket = rocket::custom(figment(&table)).attach(guard());
    let client = launch(
        rocket
            .mount("/", public(routes![verified, caller]))
            .mount("/", routes![list])
            .mount("/held", protect(routes![owner])),
    );
    for path in ["/guards/verified", "/guards/caller", "/held/guards/alice/owner"] {
        assert_eq!(get(&client, path, alice("tasks:read")), not_allowed(), "{path}");
    }
    assert_eq!(get_with(&client, "/guards/caller", &[]).body, "nobody");
}

#[test]
fn what_the_claim_may_be_and_what_grants_nothing() {
    let client = enforced();
    let path = "/api/alice/both";
    let token = |claims: Value| issuer().token("alice").with_claims(claims);
    for claims in [
        json!({ "scope": "tasks:read tasks:write" }),
        json!({ "scope": "tasks:write openid tasks:read" }),
        json!({ "scope": "tasks:read tasks:read tasks:write" }),
        json!({ "scp": "tasks:read tasks:write" }),
        json!({ "scp": ["tasks:write", "tasks:read"] }),
        json!({ "scope": "tasks:read tasks:write", "scp": ["other"] }),
        json!({ "scope": "tasks:read tasks:write", "scp": 5 }),
    ] {
        assert_eq!(get(&client, path, token(claims.clone())), ok(), "{claims}");
    }
    let both = ["tasks:read", "tasks:write"];
    for claims in [
        json!({}),
        json!({ "scope": "" }),
        json!({ "scope": "tasks:read" }),
        json!({ "scope": "TASKS:READ tasks:write" }),
        json!({ "scope": "xtasks:read tasks:writes" }),
        json!({ "scope": "tasks:read,tasks:write" }),
        json!({ "scope": "tasks:read  tasks:write" }),
        json!({ "scope": " tasks:read tasks:write" }),
        json!({ "scope": "tasks:read tasks:write " }),
        json!({ "scope": "tasks:read\ttasks:write" }),
        json!({ "scope": "tasks:read\ntasks:write" }),
        json!({ "scope": "tasks:read\u{a0}tasks:write" }),
        json!({ "scope": "tasks:read tasks:write \"" }),
        json!({ "scope": "tasks:read tasks:write é" }),
        json!({ "scope": both }),
        json!({ "scope": { "tasks:read": true, "tasks:write": true } }),
        json!({ "scope": true }),
        json!({ "scope": null, "scp": both }),
        json!({ "scope": "", "scp": both }),
        json!({ "scope": [], "scp": "tasks:read tasks:write" }),
        json!({ "scope": "tasks:read", "scp": "tasks:write" }),
        json!({ "scp": ["tasks:read tasks:write"] }),
        json!({ "scp": ["tasks:read", "tasks:write", 5] }),
        json!({ "scp": ["tasks:read", "tasks:write", ""] }),
        json!({ "scp": ["tasks:read", ["tasks:write"]] }),
        json!({ "scp": "tasks:read,tasks:write" }),
        json!({ "scp": null }),
        json!({ "scopes": both, "permissions": both, "roles": both }),
    ] {
        assert_eq!(get(&client, path, token(claims.clone())), insufficient(), "{claims}");
    }
    // The name may be written with an escape, and must not be there twice.
    let signed = |members: &str| {
        let payload = format!(r#"{{"uid":"alice","exp":{},{members}}}"#, NOW + 60);
        get_as(&client, path, issuer().sign(r#"{"alg":"HS256"}"#, payload)).status
    };
    let valid = r#""tasks:read tasks:write""#;
    assert_eq!(signed(&format!(r#""sc\u006fpe":{valid}"#)), 200);
    assert_eq!(signed(r#""scope":"tasks:\u0072ead tasks:write""#), 200);
    assert_eq!(signed(&format!(r#""scope":{valid},"sc\u006fpe":"openid""#)), 401);
}

#[test]
fn without_enforcement_scopes_are_not_asked() {
    for table in [json!({}), json!({ "scopes": "ignored" })] {
        let client = launch(rocket(&table));
        for path in
            ["/api/alice/tasks", "/api/alice/both", "/api/me", "/api/bare", "/api/alice/plain"]
        {
            for scopes in ["", "openid"] {
                assert_eq!(get(&client, path, alice(scopes)), ok(), "{path} {table}");
            }
        }
        attack_all(&launch(app(&table)));
    }
}

/// An access token is what a user permits a client to do, and a session token the user.
#[test]
fn scopes_are_enforced_by_default_of_access_tokens_only() {
    for (table, is_enforced) in [
        (json!({}), false),
        (json!({ "token_type": "JWT" }), false),
        (json!({ "token_type": "at+jwt" }), true),
        (json!({ "token_type": "at+jwt", "scopes": "ignored" }), false),
        (json!({ "token_type": "JWT", "scopes": "enforced" }), true),
        (json!({ "token_type": "at+jwt", "scopes": "enforced" }), true),
    ] {
        let client = launch(rocket(&table));
        let issuer = Issuer::of(client.rocket()).expect("an issuer");
        let refused = if is_enforced { insufficient() } else { ok() };
        let token = |scopes: &str| issuer.token("alice").scope(scopes);
        assert_eq!(get(&client, "/api/alice/tasks", token("openid")), refused, "{table}");
        assert_eq!(get(&client, "/api/alice/tasks", token("tasks:read")), ok(), "{table}");

        // Other transports ask the claims.
        let verifier: &Verifier = client.rocket().state().expect("a verifier");
        let claims =
            |scopes: &str| verifier.verify(&token(scopes).sign(), now()).expect("a valid token");
        assert_eq!(claims("openid").allows_scopes("tasks:read"), !is_enforced);
        assert!(claims("a b").allows_scopes("b a") && claims("a b").allows_scopes("b"));
        assert_eq!(claims("a b").allows_scopes(""), !is_enforced);
        assert_eq!(claims("a b").allows_scopes("a "), !is_enforced);
    }
}

#[test]
fn the_answers_name_the_scopes_that_a_route_needs() {
    let client = enforced();
    let answer = get_as(&client, "/api/alice/both", alice("tasks:read"));
    assert_eq!(
        answer.challenges,
        [
            r#"Bearer realm="api", error="insufficient_scope", error_description="The token lacks a scope that this request needs.", scope="tasks:read tasks:write""#
        ]
    );
    let body: Value = serde_json::from_str(&answer.body).expect("a problem");
    assert_eq!(
        body,
        json!({
            "type": "about:blank", "title": "Forbidden", "status": 403,
            "code": "insufficient_scope",
            "detail": "The token lacks a scope that this request needs.",
        })
    );
    assert_eq!(answer.retry_after, None);

    for client in [client, launch(rocket(&json!({})))] {
        let challenge = |path: &str, fields: &[&str]| get_with(&client, path, fields).challenges;
        let (missing, invalid) = (
            r#"Bearer realm="api""#,
            r#"Bearer realm="api", error="invalid_token", error_description="The token is not valid.""#,
        );
        for (path, scope) in [
            ("/api/alice/tasks", r#", scope="tasks:read""#),
            ("/api/alice/both", r#", scope="tasks:read tasks:write""#),
            ("/api/orgs/acme/of/alice", r#", scope="a b c""#),
            ("/api/orgs/acme/projects", r#", scope="projects:read""#),
            ("/api/stats", r#", scope="ops""#),
            ("/api/bare", ""),
            ("/api/alice/plain", ""),
            ("/api/guards/verified", ""),
        ] {
            assert_eq!(challenge(path, &[]), [format!("{missing}{scope}")]);
            assert_eq!(challenge(path, &["Bearer x"]), [format!("{invalid}{scope}")]);
            let twice = challenge(path, &["Bearer x", "Bearer x"]);
            assert!(!twice[0].contains("scope"), "{twice:?}");
        }
        // Another 403 has none.
        let bobs = get_as(&client, "/api/alice/tasks", issuer().token("bob"));
        assert!(bobs.challenges.is_empty(), "{bobs}");
    }
}

#[catch(403)]
fn forbidden(request: &Request<'_>) -> Result<AuthError, &'static str> {
    AuthError::of(request).ok_or("from elsewhere")
}

#[catch(401)]
fn unauthorized() -> &'static str {
    "no"
}

#[test]
fn catchers_of_the_application_get_the_same_challenge() {
    let rocket = rocket(&json!({ "scopes": "enforced" }));
    let client = launch(rocket.register("/", catchers![forbidden, unauthorized]));
    let answer = get_as(&client, "/api/alice/tasks", alice(""));
    assert_refused!(answer.clone(), InsufficientScope);
    assert!(answer.challenges[0].ends_with(r#", scope="tasks:read""#), "{answer}");
    let answer = get_with(&client, "/api/alice/tasks", &[]);
    assert_eq!(answer.challenges, [r#"Bearer realm="api", scope="tasks:read""#]);
    assert_eq!(answer.body, "no");
}

#[get("/version")]
fn version() -> &'static str {
    "1"
}

#[get("/the/of/<user_id>")]
fn of_user(user_id: &str, owner: Owner) -> String {
    format!("{user_id} {}", owner.uid())
}

#[test]
fn a_mount_may_name_scopes_for_all_its_routes() {
    let all = || routes![version, of_user, verified, list, bare, profile, stats];
    let rocket = rocket::custom(figment(&json!({ "scopes": "enforced" })))
        .attach(guard())
        .mount("/ops", protect(all()).require_scope("ops"))
        .mount("/two", protect(protect(all()).require_scope("a b")).require_scope("ops a"))
        .mount("/role", protect(protect(all()).require_scope("ops")).require::<Admin>())
        .mount("/none", protect(all()));
    let client = launch(rocket);
    let admin = |scopes: &str| alice(scopes).claim("roles", "admin");
    for path in ["version", "the/of/alice", "guards/verified", "bare", "alice/profile", "stats"] {
        for mount in ["/ops", "/role"] {
            let path = format!("{mount}/{path}");
            assert_eq!(get(&client, &path, admin("ops")), ok(), "{path}");
            assert_eq!(get(&client, &path, admin("op ops2")), insufficient(), "{path}");
            let answer = get_with(&client, &path, &[]);
            assert_eq!(answer.challenges, [r#"Bearer realm="api", scope="ops""#], "{path}");
        }
        let path = format!("/two/{path}");
        assert_eq!(get(&client, &path, admin("ops b a")), ok(), "{path}");
        for scopes in ["ops", "a b", "ops a", "ops b"] {
            assert_eq!(get(&client, &path, admin(scopes)), insufficient(), "{path} {scopes}");
        }
    }
    // The scopes of the attribute are needed as well.
    assert_eq!(get(&client, "/ops/alice/tasks", alice("ops")), insufficient());
    assert_eq!(get(&client, "/ops/alice/tasks", alice("tasks:read")), insufficient());
    assert_eq!(get(&client, "/ops/alice/tasks", alice("tasks:read ops")), ok());
    assert_eq!(get(&client, "/none/alice/tasks", alice("tasks:read")), ok());
    for path in ["version", "the/of/alice", "guards/verified", "bare", "alice/profile"] {
        assert_eq!(get(&client, &format!("/none/{path}"), admin("ops")), not_allowed(), "{path}");
    }
    // The order is the same in a mount.
    let bob = || issuer().token("bob").scope("openid");
    for path in ["/ops/the/of/alice", "/ops/alice/tasks", "/none/alice/tasks", "/two/the/of/alice"]
    {
        assert_eq!(get(&client, path, bob()), not_owner(), "{path}");
    }
    for path in ["/role/version", "/role/bare", "/role/alice/profile", "/ops/stats"] {
        assert_eq!(get(&client, path, bob()), not_allowed(), "{path}");
    }

    let table = auth_guard::audit(client.rocket()).to_string();
    for line in [
        "GET /ops/version verified; scope ops version",
        "GET /ops/<user_id>/tasks owner of <user_id>; scope tasks:read ops list",
        "GET /two/the/of/<user_id> owner of <user_id>; scope a b ops of_user",
        "GET /role/bare Admin; scope ops bare",
        "GET /ops/<user_id>/profile exempt: profiles are public; verified; scope ops profile",
    ] {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(table.lines().any(|row| words(row) == line), "no {line:?} in:\n{table}");
    }
}

#[test]
fn a_mount_that_names_no_scope_is_no_launch() {
    let launches = |scopes: &str| {
        let rocket = rocket::custom(figment(&json!({ "unscoped": "allow" })))
            .attach(guard())
            .mount("/", protect(routes![version]).require_scope(scopes));
        Client::untracked(rocket).map_err(|error| error.kind().to_string()).is_ok()
    };
    for scopes in ["ops", "a b", "tasks:read", "https://api.example.com/a.b/*", "!#[]^~"] {
        assert!(launches(scopes), "{scopes}");
    }
    for scopes in ["", " ", "a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "é", "a\nb", "a\0"] {
        assert!(!launches(scopes), "{scopes:?}");
    }
}

/// Handlers of one name, method and path: either may be the one that is mounted.
mod twins {
    pub(super) mod reads {
        #[auth_guard::authorized(scope = "read")]
        #[rocket::get("/twin")]
        pub(crate) fn twin() {}
    }

    pub(super) mod writes {
        #[auth_guard::authorized(scope = "write")]
        #[rocket::get("/twin")]
        pub(crate) fn twin() {}
    }

    pub(super) mod reads_too {
        #[auth_guard::user_scoped]
        #[rocket::get("/of/<user_id>")]
        pub(crate) fn also(user_id: &str) -> &str {
            user_id
        }

        #[auth_guard::authorized(scope = "read")]
        #[rocket::get("/twin")]
        pub(crate) fn twin() {}
    }
}

#[test]
fn twins_with_different_scopes_stop_the_launch_or_open_to_no_delegated_token() {
    let launched = |unscoped: &str, others: Vec<rocket::Route>| {
        let table = json!({ "scopes": "enforced", "unscoped": unscoped });
        let rocket = rocket::custom(figment(&table)).attach(guard());
        let rocket = rocket.mount("/a", routes![twins::reads::twin]).mount("/b", others);
        Client::untracked(rocket).map_err(|error| error.kind().to_string())
    };
    let same = launched("deny", routes![twins::reads_too::twin, twins::reads_too::also]);
    let same = same.expect("they let the same callers in");
    assert_eq!(get(&same, "/a/twin", alice("read")), ok());
    assert_eq!(get(&same, "/b/twin", alice("read")), ok());

    assert!(launched("deny", routes![twins::writes::twin]).is_err());
    let client = launched("warn", routes![twins::writes::twin]).expect("it is warned");
    for path in ["/a/twin", "/b/twin"] {
        assert_eq!(get(&client, path, alice("read write")), not_allowed(), "{path}");
    }
}

/// The scopes of a remembered token are checked like those of one that was just verified.
#[test]
fn scopes_are_asked_of_tokens_with_public_keys_too() {
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let table = json!({ "token_type": "at+jwt", "issuer": "https://a.example", "audience": "api" });
    let rocket = rocket::custom(figment(&table)).attach(guard).mount("/api", routes![list, bare]);
    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, "key of the test");
    let client = launch(issuer.trusted_by(rocket));
    let token = |scopes: &str| {
        Issuer::of(client.rocket()).expect("the one that is trusted").token("alice").scope(scopes)
    };
    let (reads, other) = (token("tasks:read").sign(), token("openid").sign());
    for _ in 0..3 {
        assert_eq!(get_as(&client, "/api/alice/tasks", reads.clone()).status, 200);
        assert_refused!(get_as(&client, "/api/alice/tasks", other.clone()), InsufficientScope);
        assert_refused!(get_as(&client, "/api/bare", reads.clone()), NotAllowed);
    }
    println!("{}", attack_all(&client));
}

#[test]
fn rule_21_a_machine_needs_scopes_as_everybody_does() {
    let client = enforced();
    let machine = |scopes: &str| {
        issuer()
            .machine_token()
            .with_claims(json!({ "roles": ["admin"], "orgs": ["acme"] }))
            .scope(scopes)
    };
    assert_eq!(get(&client, "/api/jobs", machine("ops")), ok());
    assert_eq!(get(&client, "/api/jobs", machine("tasks:read")), insufficient());
    assert_eq!(get(&client, "/api/asks/jobs", machine("tasks:read")), ok());
    assert_eq!(get(&client, "/api/any", machine("ops")), not_allowed());
    for path in ["/api/stats", "/api/me", "/api/orgs/acme/projects", "/api/asks", "/api/bare"] {
        assert_eq!(get(&client, path, machine("ops tasks:read projects:read")), not_allowed());
    }
    let client = launch(rocket(&json!({})));
    assert_eq!(get(&client, "/api/any", machine("")), ok());
    assert_eq!(get(&client, "/api/jobs", machine("")), ok());
}

#[user_scoped(or = Admin)]
#[authorized(machines = true)]
#[get("/machines/<user_id>")]
fn machine_of(user_id: &str) -> &str {
    user_id
}

/// A program may be registered under the name of a user.
#[test]
fn rule_21_a_machine_is_never_the_owner() {
    let client = launch(rocket(&json!({})).mount("/more", routes![machine_of]));
    let machine = || issuer().machine_token();
    let name = "/more/machines/client-of-the-test";
    assert_eq!(get(&client, name, machine()), not_owner());
    assert_eq!(get(&client, name, machine().claim("roles", "admin")), ok());
    assert_eq!(get(&client, name, issuer().token("client-of-the-test")), ok());
    let explained = explain(&client, name, machine());
    assert!(explained.contains("opens if met: Admin"), "{explained}");
}

struct OnlyMachines;

#[async_trait]
impl Requirement for OnlyMachines {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.is_machine())
    }
}

#[authorized(OnlyMachines, machines = true)]
#[get("/only-machines")]
fn only_machines() {}

#[test]
fn rule_21_a_requirement_can_admit_machines_and_nobody_else() {
    let client = launch(rocket(&json!({})).mount("/more", routes![only_machines]));
    let path = "/more/only-machines";
    assert_eq!(get(&client, path, issuer().machine_token()), ok());
    assert_eq!(get(&client, path, alice("")), not_allowed());
}

fn explain(client: &Client, path: &str, token: Token) -> String {
    let verifier: &Verifier = client.rocket().state().expect("a verifier");
    let explanation = rocket::execute(verifier.explain(&token.sign(), now()));
    let path = Origin::parse(path).expect("a path");
    let explanation = explanation.on_path(client.rocket(), &path);
    let route = explanation.routes().iter().find(|route| route.method == "GET").expect("a route");
    let answer = get_as(client, &path.to_string(), token);
    match &route.decision {
        Decision::Refused(error) => assert!(answer.is_refusal(error), "{route}: {answer}"),
        Decision::Opens => assert_eq!(answer.status, 200, "{route}"),
        Decision::Asks(_) | Decision::Undeclared => {}
        other => panic!("{other}"),
    }
    explanation.to_string()
}

#[test]
fn an_explanation_says_what_decides() {
    let client = enforced();
    for (path, token, end) in [
        ("/api/alice/tasks", alice("tasks:read"), "(owner of <user_id>; scope tasks:read): opens"),
        (
            "/api/alice/tasks",
            alice("openid"),
            "(owner of <user_id>; scope tasks:read): 403 insufficient_scope, the token lacks a scope",
        ),
        (
            "/api/alice/plain",
            alice("openid"),
            "(owner of <user_id>): 403 not_allowed, the route names no scope",
        ),
        (
            "/api/bob/tasks",
            alice(""),
            "(owner of <user_id>; scope tasks:read): 403 not_owner, rule 17",
        ),
        ("/api/stats", alice("ops"), "(Admin; scope ops): opens if met: Admin"),
        (
            "/api/stats",
            alice(""),
            "(Admin; scope ops): 403 insufficient_scope, the token lacks a scope",
        ),
        (
            "/api/any",
            issuer().machine_token(),
            "(verified; machines too): 403 not_allowed, the route names no scope",
        ),
        (
            "/api/me",
            issuer().machine_token(),
            "(verified; scope tasks:read): 403 not_allowed, rule 21",
        ),
    ] {
        let explained = match path {
            // This route first requires a role, which the token does not have.
            "/api/stats" => {
                let verifier: &Verifier = client.rocket().state().expect("a verifier");
                let explained = rocket::execute(verifier.explain(&token.sign(), now()));
                explained
                    .on_path(client.rocket(), &Origin::parse(path).expect("a path"))
                    .to_string()
            }
            _ => explain(&client, path, token),
        };
        assert!(explained.lines().any(|line| line.ends_with(end)), "no {end:?} in\n{explained}");
    }
    let explained = explain(&client, "/api/me", alice("tasks:read"));
    assert!(explained.contains("Its scopes are enforced"), "{explained}");
    assert!(explained.contains("[`scopes` (AUTH_GUARD_SCOPES)]"), "{explained}");
}

#[test]
fn the_policy_of_a_route_has_its_scopes() {
    let client = enforced();
    let audit = auth_guard::audit(client.rocket());
    let route = audit.routes().iter().find(|route| route.uri == "/api/orgs/<org_id>/of/<user_id>");
    let Policy::Requires(requirements) = &route.expect("a route").policy else { panic!("{audit}") };
    assert_eq!(requirements.oauth_scopes, ["a", "b", "c"]);
    assert!(!requirements.machines);
    let rows: Vec<_> = audit.to_string().lines().map(|row| row.trim_end().to_owned()).collect();
    let row =
        |end: &str| assert!(rows.iter().any(|row| row.ends_with(end)), "no {end} in\n{audit}");
    row("Organization admits <org_id>; scope projects:read                     projects");
    row("Admin; scope ops; machines too                                        jobs");
}

#[test]
fn as_user_has_the_scopes_of_the_application_unless_a_test_says_otherwise() {
    let client = enforced();
    let get = |path: &'static str| client.get(path).as_user("alice");
    assert_eq!(get("/api/alice/both").dispatch().status().code, 200);
    assert_refused!(get("/api/alice/both").with_scope("tasks:read").dispatch(), InsufficientScope);
    assert_refused!(get("/api/alice/both").with_scope("").dispatch(), InsufficientScope);
    assert_refused!(get("/api/bare").dispatch(), NotAllowed);
    // The test has looked at the challenge, and not only at the status.
    let said = message(|| assert_refused!(get("/api/bare").dispatch(), InsufficientScope));
    assert!(said.contains("insufficient_scope"), "{said}");
}

#[test]
fn an_attack_tries_scopes_that_are_missing_longer_or_in_another_case() {
    let rocket = || {
        rocket(&json!({ "scopes": "enforced" }))
            .mount("/ops", protect(routes![version, of_user]).require_scope("ops"))
    };
    let client = launch(rocket());
    let report = attack(&client)
        .meeting("Admin", json!({ "roles": ["admin"] }))
        .meeting("AsksVerified", json!({}))
        .admitted("Organization", "acme", json!({ "orgs": ["acme"] }));
    // Everybody meets this requirement, and the attack reports that.
    let said = message(|| drop(report.all()));
    assert!(said.contains("does not meet `AsksVerified`: without its claims"), "{said}");

    let routes = routes![list, both, helped, me, stats, jobs, bare, plain, create, profile];
    let client = launch(
        rocket::custom(figment(&json!({ "scopes": "enforced" })))
            .attach(guard())
            .mount("/api", routes)
            .mount("/ops", protect(routes![version, of_user]).require_scope("ops")),
    );
    let report = attack(&client).meeting("Admin", json!({ "roles": ["admin"] })).all().to_string();
    let names: Vec<_> = report.lines().next().expect("a head").split_whitespace().collect();
    assert_eq!(names[names.len() - 4..], ["not_allowed", "insufficient_scope", "valid", "token"]);
    let cells = |start: &str| {
        let row = report.lines().find(|row| row.starts_with(start));
        let row = row.unwrap_or_else(|| panic!("no {start} in\n{report}"));
        let cells: Vec<u32> = row.split_whitespace().rev().map_while(|c| c.parse().ok()).collect();
        (cells[0], cells[1])
    };
    for start in
        ["GET /api/<user_id>/tasks ", "GET /api/me ", "GET /ops/version ", "GET /api/jobs "]
    {
        let (valid, insufficient) = cells(start);
        assert!(valid == 200 && insufficient > 15, "{start}\n{report}");
    }
    let one = cells("GET /api/<user_id>/tasks ").1;
    assert_eq!(cells("GET /api/<user_id>/both ").1, 2 * one, "{report}");
    // The route is closed to every token, and the attack checks that.
    assert_eq!(cells("GET /api/bare "), (403, 0), "{report}");
}

/// The kit reads each answer, so it finds one that does not say which scopes are missing.
#[test]
fn an_application_that_spoils_the_answers_about_scopes_is_found() {
    let rocket = || {
        let rocket = rocket::custom(figment(&json!({ "scopes": "enforced" }))).attach(guard());
        rocket.mount("/api", routes![me, list])
    };
    attack_all(&launch(rocket()));
    let opens = AdHoc::on_response("opens", |_, response| {
        Box::pin(async move {
            if response.headers().get_one("WWW-Authenticate").is_some_and(|f| f.contains("scope")) {
                response.set_status(Status::Ok);
            }
        })
    });
    let is_silent = AdHoc::on_response("is silent", |_, response| {
        Box::pin(async move {
            if response.status() == Status::Forbidden {
                response.remove_header("WWW-Authenticate");
            }
        })
    });
    let names_another = AdHoc::on_response("names another", |_, response| {
        Box::pin(async move {
            let field = response.headers().get_one("WWW-Authenticate").map(str::to_owned);
            if let Some(field) = field.filter(|field| field.contains("scope=")) {
                let field = field.replace("tasks:read", "openid");
                response.set_header(Header::new("WWW-Authenticate", field));
            }
        })
    });
    for fairing in [opens, is_silent, names_another] {
        let client = launch(rocket().attach(fairing));
        let said = message(|| drop(attack_all(&client)));
        let found = "a token without the scope `tasks:read`: it has the others";
        assert!(said.contains(found), "{said}");
        assert!(!said.contains("eyJ"), "{said}");
    }
}
