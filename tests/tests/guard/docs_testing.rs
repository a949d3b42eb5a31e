//! The code of `docs/testing.md`, to the letter, with an application that it tests.

use auth_guard::{
    AuthGuard, Requirement, Scope, Unavailable, Verified, authorized, scoped, user_scoped,
};
use auth_guard_tests::{app, figment, secret};
use rocket::figment::providers::{Format, Toml};
use rocket::{Build, Request, Rocket, async_trait, get, routes};
use serde_json::{Value, json};

const DOCS: &str = include_str!("../../../auth-guard/docs/testing.md");

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[user_scoped(scope = "tasks:read")]
#[get("/<user_id>/tasks")]
fn news(user_id: &str) -> &str {
    user_id
}

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

#[authorized(Admin)]
#[get("/admin/stats")]
fn stats() -> &'static str {
    "42"
}

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has_at(&["orgs", org_id], "member"))
    }
}

#[scoped(org_id: Organization)]
#[get("/orgs/<org_id>/projects")]
fn projects(org_id: &str) -> &str {
    org_id
}

/// An application that fetches public keys.
fn launchpad(table: &Value) -> Rocket<Build> {
    rocket::custom(figment(table)).attach(AuthGuard::fairing())
}

#[test]
fn a_test_of_an_application_with_public_keys() {
    let rocket = || launchpad(&json!({ "url": "http://127.0.0.1:1" })).mount("/api", routes![list]);

    use auth_guard::testing::{Algorithm, Issuer, RequestExt, assert_refused};
    use rocket::local::blocking::Client;

    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, "key of the test");
    let client = Client::untracked(issuer.trusted_by(rocket())).expect("a valid Rocket");

    assert_eq!(client.get("/api/alice/tasks").as_user("alice").dispatch().status().code, 200);
    assert_refused!(client.get("/api/alice/tasks").as_user("bob").dispatch(), NotOwner);
}

#[test]
fn a_test_of_an_application_with_several_issuers() {
    let rocket = || {
        let toml = r#"
            [default.auth_guard]
            url = "https://auth.example.com"
            [default.auth_guard.issuers.agents]
            issuer = "https://auth.example.com/api/auth"
            audience = "https://api.example.com"
            token_type = "at+jwt"
            discovery = true
            users = "same"
        "#;
        let figment = figment(&json!({})).merge(Toml::string(toml).nested());
        let guard = AuthGuard::fairing().with_secret(secret());
        rocket::custom(figment).attach(guard).mount("/api", routes![news])
    };

    use auth_guard::testing::{Algorithm, Issuer, JwksServer, RequestExt};
    use rocket::local::blocking::Client;

    let agents = Issuer::with_key_pair(Algorithm::EdDsa, "key of the agents")
        .with_issuer("https://auth.example.com/api/auth")
        .with_audience("https://api.example.com");
    let keys = JwksServer::start();
    keys.publish(&[&agents]);
    let rocket = rocket();
    let figment = rocket
        .figment()
        .clone()
        .merge(("auth_guard.issuers.agents.discovery", false))
        .merge(("auth_guard.issuers.agents.jwks_url", keys.url()));
    let client = Client::untracked(rocket.configure(figment)).expect("a valid Rocket");

    let get = || client.get("/api/alice/tasks");
    let access = agents.access_token("alice").scope("tasks:read");
    assert_eq!(get().bearer(access).dispatch().status().code, 200);
    assert_eq!(get().as_user("alice").dispatch().status().code, 200);
}

#[test]
fn a_test_that_attacks_all_routes() {
    let rocket = || app(&json!({}));

    use auth_guard::testing::attack_all;
    use rocket::local::blocking::Client;

    let client = Client::untracked(rocket()).expect("a valid Rocket");
    println!("{}", attack_all(&client));
}

#[test]
fn a_test_that_says_who_may_pass() {
    let rocket = || app(&json!({})).mount("/api", routes![projects, stats]);

    use auth_guard::testing::attack;
    use rocket::local::blocking::Client;
    use serde_json::json;

    let client = Client::untracked(rocket()).expect("a valid Rocket");
    let report = attack(&client)
        .meeting("Admin", json!({ "roles": ["admin"] }))
        .admitted("Organization", "acme", json!({ "orgs": { "acme": ["member"] } }))
        .all();
    println!("{report}");
}

/// Each block is the body of a test above, without its application.
#[test]
fn the_code_of_the_guide_to_tests_is_the_code_above() {
    let here: String = include_str!("docs_testing.rs")
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line)))
        .collect();
    let blocks: Vec<_> = DOCS.split("```rust,ignore\n").skip(1).collect();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let (code, _) = block.split_once("```\n").expect("an end");
        assert!(here.contains(code), "in no test:\n{code}");
    }
}
