//! The attack on routes that require more than an owner: each faulty application is found.

use auth_guard::testing::{attack, attack_all};
use auth_guard::{
    Requirement, Scope, Unavailable, Verified, authorized, protect, scoped, user_scoped,
};
use auth_guard_tests::*;
use rocket::local::blocking::Client;
use rocket::{Request, Route, async_trait, get, routes};
use serde::Deserialize;
use serde_json::json;

use crate::testing::message;

macro_rules! requirements {
    ($($name:ident: $caller:ident => $met:expr;)*) => {$(
        struct $name;

        #[async_trait]
        impl Requirement for $name {
            async fn is_met_by($caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
                Ok($met)
            }
        }
    )*};
}

#[derive(Deserialize)]
struct Role {
    #[serde(default)]
    role: String,
}

fn role(caller: &Verified) -> String {
    caller.claims::<Role>().map(|claims| claims.role).unwrap_or_default()
}

requirements! {
    Admin: caller => caller.has("roles", "admin");
    Editor: caller => caller.has("roles", "editor");
    AnyCase: caller => role(caller).eq_ignore_ascii_case("admin");
    Inside: caller => role(caller).contains("admin");
    Trimmed: caller => role(caller).trim() == "admin";
    Listed: caller => role(caller).split(',').any(|role| role == "admin");
    Everybody: caller => !caller.uid().is_empty();
    Nobody: caller => caller.uid().is_empty();
}

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has_at(&["orgs", id], "member"))
    }
}

/// Admits members of one organisation to every organisation.
struct AnyOrganization;

#[async_trait]
impl Scope for AnyOrganization {
    async fn admits(caller: &Verified, _: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has_at(&["orgs", "acme"], "member"))
    }
}

/// Admits members of an organisation whose name is similar.
struct SimilarOrganization;

#[async_trait]
impl Scope for SimilarOrganization {
    async fn admits(caller: &Verified, id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has_at(&["orgs", &id.to_lowercase()], "member"))
    }
}

macro_rules! handlers {
    ($($attribute:meta, $path:literal => $name:ident;)*) => {$(
        #[$attribute]
        #[get($path)]
        fn $name() -> &'static str {
            "in"
        }
    )*};
}

handlers! {
    authorized, "/me" => me;
    authorized(Admin), "/stats" => stats;
    authorized(Admin, machines = true), "/metrics" => metrics;
    authorized(machines = true), "/any/machine" => any_machine;
    authorized(AnyCase), "/any/case" => any_case;
    authorized(Inside), "/inside" => inside;
    authorized(Trimmed), "/trimmed" => trimmed;
    authorized(Listed), "/listed" => listed;
    authorized(Everybody), "/everybody" => everybody;
    authorized(Nobody), "/nobody" => nobody;
    scoped(org_id: Organization), "/orgs/<org_id>" => org;
    scoped(org_id: Organization, or = Admin), "/orgs/<org_id>/bills" => bills;
    scoped(org_id: AnyOrganization), "/orgs/<org_id>/any" => any_org;
    scoped(org_id: SimilarOrganization), "/orgs/<org_id>/similar" => similar_org;
    scoped(org_id: Organization, or = Everybody), "/orgs/<org_id>/wide" => wide_org;
    user_scoped(or = AnyCase), "/<user_id>/helped" => helped;
}

#[user_scoped(or = Admin)]
#[scoped(org_id: Organization)]
#[authorized(Editor)]
#[get("/orgs/<org_id>/of/<user_id>")]
fn all() {}

#[get("/version")]
fn version() {}

fn with(routes: Vec<Route>) -> Client {
    launch(rocket::custom(figment(&json!({}))).attach(guard()).mount("/api", routes))
}

#[test]
fn an_application_that_asks_for_the_right_claims_withstands_it() {
    let routes = routes![me, stats, metrics, any_machine, org, bills, all];
    let mounted = protect(routes![version, me]).require::<Admin>();
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/api", routes).mount("/admin", mounted));
    let report = attack(&client)
        .meeting("Admin", json!({ "roles": ["admin"] }))
        .meeting("Editor", json!({ "roles": ["editor"] }))
        .admitted("Organization", "acme", json!({ "orgs": { "acme": ["member"] } }))
        .all();
    let said = report.to_string();
    assert!(said.contains("GET /admin/version"), "{said}");
    assert!(!said.contains("WRONG"), "{said}");
}

#[test]
fn routes_that_require_more_are_not_attacked_until_the_test_says_who_may_pass() {
    let client = with(routes![me, stats, org]);
    let said = message(|| drop(attack_all(&client)));
    for call in [r#".meeting("Admin", json!("#, r#".admitted("Organization", "acme", json!("#] {
        assert!(said.contains(call), "{said}");
    }
    let said = message(|| drop(attack(&client).meeting("Admin", json!({})).all()));
    assert!(!said.contains(".meeting") && said.contains(".admitted("), "{said}");
    attack_all(&with(routes![me, any_machine]));
}

/// Attacks a faulty application, and returns what is said of it.
fn found(routes: Vec<Route>) -> String {
    let role = || json!({ "role": "admin" });
    let orgs = || json!({ "orgs": { "acme": ["member"] } });
    let client = with(routes);
    message(|| {
        let attack = attack(&client)
            .meeting("AnyCase", role())
            .meeting("Inside", role())
            .meeting("Trimmed", role())
            .meeting("Listed", role())
            .meeting("Everybody", role())
            .meeting("Nobody", role())
            .admitted("Organization", "acme", orgs())
            .admitted("AnyOrganization", "acme", orgs())
            .admitted("SimilarOrganization", "acme", orgs());
        drop(attack.all());
    })
}

#[test]
fn each_faulty_application_is_found() {
    for (routes, attempt) in [
        (routes![any_case], r#"does not meet `AnyCase`: it says "ADMIN""#),
        (routes![inside], r#"does not meet `Inside`: it says "not admin""#),
        (routes![trimmed], r#"does not meet `Trimmed`: it says "admin ""#),
        (routes![listed], r#"does not meet `Listed`: it says "other,admin""#),
        (routes![everybody], "does not meet `Everybody`: without its claims"),
        (routes![nobody], "a valid token: refused too"),
        (routes![any_org], "/orgs/another-of-the-test/any, a valid token, its segment another"),
        (routes![similar_org], "/orgs/ACME/similar, a valid token, its segment another case"),
        (routes![wide_org], "does not meet `Organization`: without its claims"),
        (routes![helped], r#"another user's token that does not meet `AnyCase`: "ADMIN""#),
    ] {
        let said = found(routes);
        assert!(said.contains("a guarded route does not answer as it must"), "{said}");
        assert!(said.contains(attempt), "no {attempt:?} in:\n{said}");
        assert!(!said.contains("eyJ"), "{said}");
    }
}
