//! A task list that shows [`auth_guard`] at work: complete enough to copy.
//!
//! In the order in which a request meets them:
//!
//! | file | what |
//! | --- | --- |
//! | `main.rs` | the command line |
//! | `lib.rs` | the application, put together |
//! | `tasks.rs` | the routes, each below `#[user_scoped]` |
//! | `task.rs` | what a task is, and what a client may say of one |
//! | `store.rs` | the tasks in SQLite: no query without the user's id |
//! | `problem.rs` | every answer that is not a success |
//! | `cors.rs` | which pages of other origins may read them |
//!
//! And beside the way: `token.rs` mints tokens, `explain.rs` explains them,
//! `metrics.rs` counts, `docs.rs` describes, `demo.rs` lets a first run work without any set-up.

use std::path::PathBuf;
use std::time::SystemTime;

use auth_guard::{Audit, AuthGuard, Secret, Verified, protect, public};
use rocket::figment::Figment;
use rocket::serde::json::Json;
use rocket::{Build, Config, Ignite, Rocket, get, routes};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::Store;

pub mod cors;
pub mod demo;
mod docs;
pub mod explain;
pub mod metrics;
pub mod problem;
pub mod store;
pub mod task;
mod tasks;
pub mod token;

/// The application, with its tasks in the SQLite file `database`.
///
/// Outside tests and the demo, `guard` is [`AuthGuard::fairing()`] as it is.
pub fn rocket(guard: AuthGuard, database: impl Into<PathBuf>) -> Rocket<Build> {
    assembled(Config::figment(), guard).attach(store::fairing(database.into()))
}

/// Who may call what, without serving it: no port, no secret and no database.
///
/// # Errors
///
/// Everything else that would stop the launch.
pub async fn audit() -> Result<Audit, Box<rocket::Error>> {
    Ok(auth_guard::audit(&ignited().await?))
}

/// The application with all its routes, not serving.
async fn ignited() -> Result<Rocket<Ignite>, Box<rocket::Error>> {
    let figment = Config::figment().merge((Config::LOG_LEVEL, "off"));
    let guard = AuthGuard::fairing().with_secret(Secret::random());
    let rocket = assembled(figment, guard).manage(Store::unopened());
    rocket.ignite().await.map_err(Box::new)
}

/// Everything under `/api` is closed unless somebody opens it, and what is open is
/// said to be.
fn assembled(figment: Figment, guard: AuthGuard) -> Rocket<Build> {
    rocket::custom(figment)
        .attach(guard)
        .attach(docs::fairing())
        .mount("/", public(routes![health]))
        .mount("/api", protect(routes![me]))
        .mount("/api", protect(tasks::routes()))
        .register("/", problem::catchers())
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Me {
    uid: String,
    /// When the token expires, in seconds since 1970.
    expires_at: u64,
}

// Public: no guard, no token.
/// Says that the server is there.
#[utoipa::path(tag = "server", responses((status = 200, description = "It is", body = Health)))]
#[get("/health")]
fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

// Any valid token: there is no `<user_id>` in the path to compare it with.
/// Says who is asking.
#[utoipa::path(
    context_path = "/api",
    tag = "me",
    responses((status = 200, description = "The user of the token", body = Me))
)]
#[get("/me")]
fn me(user: Verified) -> Json<Me> {
    let expires_at = user.expires_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Json(Me { uid: user.uid().to_owned(), expires_at: expires_at.as_secs() })
}
