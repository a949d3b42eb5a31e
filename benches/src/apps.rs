//! One route, `/api/<user_id>/tasks`, in each of the servers under comparison.

use std::sync::Arc;

use auth_guard::{AuthGuard, Owner, Requirement, Unavailable, Verified, authorized, user_scoped};
use axum::extract::{FromRef, Path};
use axum::http::StatusCode;
use axum::routing::get as axum_get;
use axum_jwt_auth::{Decoder as AxumDecoder, LocalDecoder};
use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::{Build, Request, Rocket, async_trait, get, routes};

use crate::peers::{ByHand, Decoder};
use crate::tokens::{Claims, ORIGIN, SECRET, UID, figment, guard};

/// Returns the path of [`UID`]'s tasks.
pub fn path() -> String {
    format!("/api/{UID}/tasks")
}

#[get("/<user_id>/tasks")]
fn plain(user_id: &str) -> &str {
    user_id
}

#[user_scoped]
#[get("/<user_id>/tasks")]
fn scoped(user_id: &str) -> &str {
    user_id
}

#[user_scoped]
#[get("/<user_id>/tasks")]
fn scoped_and_asked(user_id: &str, owner: Owner, verified: Verified) -> &str {
    assert_eq!(owner.uid(), verified.uid());
    user_id
}

/// Callers with a value in a claim.
struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("sub", UID))
    }
}

#[authorized(Admin)]
#[get("/<id>/tasks")]
fn for_admins(id: &str) -> &str {
    id
}

#[get("/<user_id>/tasks")]
fn by_hand(user_id: &str, _guard: ByHand) -> &str {
    user_id
}

/// Builds the Rocket server without a guard.
pub fn rocket_plain(figment: Figment) -> Rocket<Build> {
    rocket::custom(figment).mount("/api", routes![plain])
}

/// Builds the Rocket server with `#[user_scoped]`.
pub fn rocket_scoped(figment: Figment) -> Rocket<Build> {
    rocket::custom(figment).attach(guard()).mount("/api", routes![scoped])
}

/// Builds the Rocket server with `#[user_scoped]` and the keys that the configuration names.
pub fn rocket_configured(figment: Figment) -> Rocket<Build> {
    rocket::custom(figment).attach(AuthGuard::fairing()).mount("/api", routes![scoped])
}

/// Builds the Rocket server with `#[user_scoped]`, `Owner` and `Verified`.
pub fn rocket_scoped_and_asked(figment: Figment) -> Rocket<Build> {
    rocket::custom(figment).attach(guard()).mount("/api", routes![scoped_and_asked])
}

/// Builds the Rocket server with `#[authorized(Admin)]`, which reads one claim.
pub fn rocket_authorized(figment: Figment) -> Rocket<Build> {
    rocket::custom(figment).attach(guard()).mount("/api", routes![for_admins])
}

/// Builds the Rocket server with a handwritten guard on `jsonwebtoken`.
pub fn rocket_by_hand(figment: Figment) -> Rocket<Build> {
    rocket::custom(figment).manage(Decoder::hs256()).mount("/api", routes![by_hand])
}

#[derive(Clone, FromRef)]
struct AxumState {
    decoder: AxumDecoder<Claims>,
}

/// Builds the axum server without a guard.
pub fn axum_plain() -> axum::Router {
    axum::Router::new()
        .route("/api/{user_id}/tasks", axum_get(async |Path(user_id): Path<String>| user_id))
}

/// Builds the axum server with axum-jwt-auth and a handwritten check of the path.
pub fn axum_jwt_auth() -> axum::Router {
    async fn handler(
        Path(user_id): Path<String>,
        caller: axum_jwt_auth::Claims<Claims>,
    ) -> Result<String, StatusCode> {
        if caller.claims.uid == user_id { Ok(user_id) } else { Err(StatusCode::FORBIDDEN) }
    }

    let mut validation = jsonwebtoken_10::Validation::new(jsonwebtoken_10::Algorithm::HS256);
    validation.leeway = 5;
    validation.set_issuer(&[ORIGIN]);
    validation.set_audience(&[ORIGIN]);
    let keys = vec![jsonwebtoken_10::DecodingKey::from_secret(SECRET.as_bytes())];
    let decoder = LocalDecoder::new(keys, validation).expect("a valid configuration");
    let state = AxumState { decoder: Arc::new(decoder) };
    axum::Router::new().route("/api/{user_id}/tasks", axum_get(handler)).with_state(state)
}

/// The names that [`serve`] accepts.
pub const SERVERS: [&str; 6] = [
    "rocket-plain",
    "rocket-scoped",
    "rocket-by-hand",
    "rocket-plain-logging",
    "axum-plain",
    "axum-jwt-auth",
];

/// Serves one of [`SERVERS`] on one thread and a free port, which it prints, until the
/// process ends.
pub fn serve(name: &str) {
    let figment = figment().merge(("port", 0)).merge(("workers", 1));
    let rocket = match name {
        "rocket-plain" => rocket_plain(figment),
        "rocket-scoped" => rocket_scoped(figment),
        "rocket-by-hand" => rocket_by_hand(figment),
        "rocket-plain-logging" => rocket_plain(figment.merge(("log_level", "normal"))),
        "axum-plain" => return serve_axum(axum_plain()),
        "axum-jwt-auth" => return serve_axum(axum_jwt_auth()),
        other => panic!("there is no server {other}"),
    };
    let rocket = rocket.attach(AdHoc::on_liftoff("port", |rocket| {
        Box::pin(async { println!("port {}", rocket.config().port) })
    }));
    drop(rocket::execute(rocket.launch()));
}

fn serve_axum(app: axum::Router) {
    // The same kind of runtime as Rocket's.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        println!("port {}", listener.local_addr().expect("an address").port());
        axum::serve(listener, app).await.expect("it serves");
    });
}
