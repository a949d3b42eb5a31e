//! What the tests have in common. The README's code is compiled here too.
#![doc = include_str!("../../README.md")]

pub mod corpus;
pub mod server;

use std::time::{Duration, SystemTime};

pub use auth_guard::testing::Answer;
use auth_guard::testing::{Clock, Issuer, RequestExt};
use auth_guard::{AuthGuard, Exception, Owner, Secret, Verified, user_scoped};
use rocket::figment::Figment;
use rocket::http::{Header, Method};
use rocket::local::blocking::Client;
use rocket::{Build, Config, Rocket, get, post, routes};
use serde_json::Value;

/// The secret of every application here.
pub const SECRET: &str = "a secret of the tests, 32 bytes and more";

/// Noon of some day; all clocks here stand at it.
pub const NOW: u64 = 1_800_000_000;

/// The same as a time.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// [`SECRET`].
pub fn secret() -> Secret {
    Secret::new(SECRET).expect("a good secret")
}

/// An issuer that shares [`SECRET`] and the clock.
pub fn issuer() -> Issuer {
    Issuer::new(&secret()).with_clock(Clock::fixed(now()))
}

/// The configuration of a quiet test application, plus `auth_guard = { … }`.
pub fn figment(table: &Value) -> Figment {
    Figment::from(Config::debug_default())
        .merge(("log_level", "off"))
        .merge(("auth_guard", table.clone()))
}

/// The guard with [`SECRET`] and a clock that stands.
pub fn guard() -> AuthGuard {
    AuthGuard::fairing().with_secret(secret()).with_clock(Clock::fixed(now()))
}

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[user_scoped]
#[post("/<user_id>/tasks", data = "<body>")]
fn add(body: String, owner: Owner) -> String {
    format!("{user_id} {} {body}", owner.uid())
}

#[get("/me")]
fn me(user: Verified) -> String {
    user.uid().to_owned()
}

/// Whoever has the role `staff`.
#[derive(Debug)]
pub struct Staff;

impl Exception for Staff {
    fn applies(caller: &Verified) -> bool {
        caller.claims::<Value>().is_ok_and(|claims| claims["role"] == "staff")
    }
}

/// An application with a scoped route, one with a body, and `/api/me`.
pub fn app(table: &Value) -> Rocket<Build> {
    app_with(guard(), table)
}

/// The same behind another guard.
pub fn app_with(guard: AuthGuard, table: &Value) -> Rocket<Build> {
    rocket::custom(figment(table)).attach(guard).mount("/api", routes![list, add, me])
}

/// A client of [`app`] in its default configuration.
pub fn client() -> Client {
    launch(app(&Value::Object(Default::default())))
}

/// Launches an application for a test.
pub fn launch(rocket: Rocket<Build>) -> Client {
    Client::untracked(rocket).expect("the application launches")
}

/// `GET path` with these `Authorization` fields.
pub fn get_with(client: &Client, path: &str, authorization: &[&str]) -> Answer {
    send(client, Method::Get, path, authorization)
}

/// `method path` with these `Authorization` fields.
pub fn send(client: &Client, method: Method, path: &str, authorization: &[&str]) -> Answer {
    let mut request = client.req(method, path.to_owned());
    for value in authorization {
        request.add_header(Header::new("Authorization", (*value).to_owned()));
    }
    request.dispatch().into()
}

/// `GET path` with a bearer token.
pub fn get_as(client: &Client, path: &str, token: impl Into<String>) -> Answer {
    client.get(path.to_owned()).bearer(token).dispatch().into()
}

/// The status of `/api/alice/tasks` and the code of its body, with this token:
/// `200` and nothing where it is accepted for alice.
pub fn alice_with(client: &Client, token: impl Into<String>) -> (u16, String) {
    let answer = get_as(client, "/api/alice/tasks", token);
    (answer.status, answer.code())
}

/// Where a token is accepted as alice's.
pub fn accepted() -> (u16, String) {
    (200, String::new())
}

/// Where a token is refused for another reason than its age.
pub fn invalid() -> (u16, String) {
    (401, "token_invalid".into())
}
