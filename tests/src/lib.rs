//! Shared code of the tests. Also compiles the README's code.
#![doc = include_str!("../../README.md")]

pub mod corpus;
pub mod server;
pub mod streaming;

use std::time::{Duration, SystemTime};

pub use auth_guard::testing::Answer;
use auth_guard::testing::{Clock, Issuer, RequestExt};
use auth_guard::{AuthGuard, Owner, Requirement, Secret, Unavailable, Verified, user_scoped};
use rocket::figment::Figment;
use rocket::http::{Header, Method};
use rocket::local::blocking::Client;
use rocket::{Build, Config, Rocket, get, post, routes};
use serde_json::Value;

/// The secret of every test application.
pub const SECRET: &str = "a secret of the tests, 32 bytes and more";

/// The time that every test clock shows, in seconds since 1970.
pub const NOW: u64 = 1_800_000_000;

/// Returns [`NOW`] as a [`SystemTime`].
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// Returns [`SECRET`] as a [`Secret`].
pub fn secret() -> Secret {
    Secret::new(SECRET).expect("a valid secret")
}

/// Returns an issuer that shares [`SECRET`] and the clock with the applications.
pub fn issuer() -> Issuer {
    Issuer::new(&secret()).with_clock(Clock::fixed(now()))
}

/// Returns the configuration of a silent test application, with `auth_guard = { … }`.
pub fn figment(table: &Value) -> Figment {
    Figment::from(Config::debug_default())
        .merge(("log_level", "off"))
        .merge(("auth_guard", table.clone()))
}

/// Returns the guard with [`SECRET`] and a fixed clock.
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

/// Callers with the role `staff`.
#[derive(Debug)]
pub struct Staff;

#[rocket::async_trait]
impl Requirement for Staff {
    async fn is_met_by(caller: &Verified, _: &rocket::Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.claims::<Value>().is_ok_and(|claims| claims["role"] == "staff"))
    }
}

/// Builds an application with a scoped route, another one that reads a body, and `/api/me`.
pub fn app(table: &Value) -> Rocket<Build> {
    app_with(guard(), table)
}

/// Builds that application with another guard.
pub fn app_with(guard: AuthGuard, table: &Value) -> Rocket<Build> {
    rocket::custom(figment(table)).attach(guard).mount("/api", routes![list, add, me])
}

/// Launches [`app`] in its default configuration.
pub fn client() -> Client {
    launch(app(&Value::Object(Default::default())))
}

/// Launches an application.
pub fn launch(rocket: Rocket<Build>) -> Client {
    Client::untracked(rocket).expect("the application launches")
}

/// Sends `GET path` with these `Authorization` fields.
pub fn get_with(client: &Client, path: &str, authorization: &[&str]) -> Answer {
    send(client, Method::Get, path, authorization)
}

/// Sends `method path` with these `Authorization` fields.
pub fn send(client: &Client, method: Method, path: &str, authorization: &[&str]) -> Answer {
    let mut request = client.req(method, path.to_owned());
    for value in authorization {
        request.add_header(Header::new("Authorization", (*value).to_owned()));
    }
    request.dispatch().into()
}

/// Sends `GET path` with a bearer token.
pub fn get_as(client: &Client, path: &str, token: impl Into<String>) -> Answer {
    client.get(path.to_owned()).bearer(token).dispatch().into()
}

/// Requests `/api/alice/tasks` with this token. Returns the status and the code in the
/// body, which is empty if the token is accepted.
pub fn alice_with(client: &Client, token: impl Into<String>) -> (u16, String) {
    let answer = get_as(client, "/api/alice/tasks", token);
    (answer.status, answer.code())
}

/// What [`alice_with`] returns for a valid token of alice's.
pub fn accepted() -> (u16, String) {
    (200, String::new())
}

/// What [`alice_with`] returns for a token that is invalid, and not only expired.
pub fn invalid() -> (u16, String) {
    (401, "token_invalid".into())
}
