//! The owner or an exception: `#[user_scoped(or = Admin)]`.

use auth_guard::testing::RequestExt;
use auth_guard::{Access, AuthError, Owner, Requirement, Unavailable, Verified, user_scoped};
use auth_guard_tests::*;
use rocket::local::blocking::Client;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{async_trait, get, routes};
use serde::Deserialize;
use serde_json::{Value, json};

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        #[derive(Deserialize)]
        struct Role<'a> {
            role: &'a str,
        }

        Ok(caller.claims::<Role<'_>>().is_ok_and(|claims| claims.role == "admin"))
    }
}

#[user_scoped(or = Admin)]
#[get("/<user_id>/tasks")]
fn list(access: Access) -> String {
    format!("{} {} {}", access.path_user(), access.caller().uid(), access.by_exception())
}

mod roles {
    pub(super) type Support = super::Admin;
}

#[user_scoped(or = roles::Support)]
#[get("/<user_id>/only/attribute")]
fn only_attribute(user_id: &str) -> &str {
    user_id
}

/// A guard that asks `Owner`, which the attribute cannot see.
struct Me(Owner);

#[async_trait]
impl<'r> FromRequest<'r> for Me {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        Owner::from_request(request).await.map(Self)
    }
}

#[user_scoped(or = Admin)]
#[get("/<user_id>/inside")]
fn inside(me: Me) -> String {
    me.0.uid().to_owned()
}

#[user_scoped]
#[get("/<user_id>/plain")]
fn plain(access: Access) -> String {
    format!("{} {}", access.path_user(), access.by_exception())
}

#[user_scoped(exempt = "anybody")]
#[get("/<user_id>/exempt")]
fn exempt(user_id: &str, access: Access) -> String {
    format!("{user_id} {}", access.path_user())
}

#[get("/unscoped")]
fn unscoped(access: Access) -> String {
    access.path_user().to_owned()
}

fn client() -> Client {
    let routes = routes![list, only_attribute, inside, plain, exempt, unscoped];
    launch(rocket::custom(figment(&json!({}))).attach(guard()).mount("/api", routes))
}

fn get_in_role(path: &str, uid: &str, role: impl Into<Value>) -> (u16, String) {
    let answer = get_as(&client(), path, issuer().token(uid).claim("role", role));
    (answer.status, answer.body)
}

#[test]
fn only_the_owner_and_the_exception_pass() {
    let path = "/api/alice/tasks";
    assert_eq!(get_in_role(path, "alice", "user"), (200, "alice alice false".into()));
    assert_eq!(get_in_role(path, "alice", "admin"), (200, "alice alice false".into()));
    assert_eq!(get_in_role(path, "root", "admin"), (200, "alice root true".into()));
    for role in [json!("user"), json!("Admin"), json!(["admin"]), Value::Null] {
        assert_eq!(get_in_role(path, "bob", role).0, 403);
    }
    assert_eq!(get_in_role("/api/alice/only/attribute", "root", "admin"), (200, "alice".into()));
    assert_eq!(get_in_role("/api/alice/only/attribute", "bob", "user").0, 403);
    assert_eq!(get_with(&client(), path, &[]).status, 401);
    let expired = issuer().token("root").claim("role", "admin").expired();
    assert_eq!(get_as(&client(), path, expired).code(), "token_expired");
}

#[test]
fn owner_is_the_owner_even_inside_another_guard() {
    assert_eq!(get_in_role("/api/alice/inside", "alice", "user").0, 200);
    assert_eq!(get_in_role("/api/alice/inside", "root", "admin").0, 403);
}

#[test]
fn access_without_an_exception_is_the_owners() {
    assert_eq!(get_in_role("/api/alice/plain", "alice", "admin"), (200, "alice false".into()));
    assert_eq!(get_in_role("/api/alice/plain", "root", "admin").0, 403);
    assert_eq!(get_in_role("/api/alice/exempt", "alice", "user").0, 200);
    assert_eq!(get_in_role("/api/alice/exempt", "root", "admin").0, 403);
    assert_eq!(get_in_role("/api/unscoped", "alice", "user").0, 500);
}

#[test]
fn the_table_shows_it() {
    let client = client();
    let table = auth_guard::audit(client.rocket()).to_string();
    assert!(
        table.contains("GET /api/<user_id>/tasks           owner of <user_id> or Admin"),
        "{table}"
    );
    assert!(table.contains("owner of <user_id> or roles::Support"), "{table}");
    assert_eq!(client.get("/api/alice/tasks").as_user("alice").dispatch().status().code, 200);
}
