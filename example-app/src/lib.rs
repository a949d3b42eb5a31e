//! Tasks of users and projects of organisations: an application that shows [`auth_guard`] at
//! work, complete enough to copy.
//!
//! The files on the path of a request, in order:
//!
//! | file | what |
//! | --- | --- |
//! | `main.rs` | the command line |
//! | `lib.rs` | the assembled application |
//! | `tasks.rs` | the routes of a user's tasks, each with `#[user_scoped]` |
//! | `task.rs` | the task, and what a client may send as one |
//! | `projects.rs` | the routes of an organisation's projects, each with `#[scoped]` |
//! | `project.rs` | the project, and what a client may send as one |
//! | `admin.rs` | the route of the administrators, with `#[authorized(Admin)]` |
//! | `store.rs` | SQLite: no query without the id of the user or the organisation |
//! | `problem.rs` | every answer that is not a success |
//! | `cors.rs` | the pages of other origins that may read the answers |
//!
//! Not on that path: `token.rs` mints tokens, `explain.rs` explains them, `metrics.rs`
//! serves counters, `docs.rs` serves the API's description, for which `answers.rs` describes
//! what the handlers return, and `demo.rs` makes a first run work without setup.

use std::path::PathBuf;
use std::time::SystemTime;

use auth_guard::{Audit, AuthGuard, Secret, Verified, Verifier, authorized, protect, public};
use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::serde::json::Json;
use rocket::{Build, Config, Ignite, Rocket, State, get, routes};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::store::Store;

mod admin;
mod answers;
pub mod cors;
pub mod demo;
mod docs;
pub mod explain;
pub mod metrics;
pub mod problem;
pub mod project;
mod projects;
pub mod store;
pub mod task;
mod tasks;
pub mod token;

/// Builds the application, with its tasks in the SQLite file `database`.
///
/// Outside tests and the demo, `guard` is an unmodified [`AuthGuard::fairing()`].
pub fn rocket(guard: AuthGuard, database: impl Into<PathBuf>) -> Rocket<Build> {
    assembled(Config::figment(), guard).attach(store::fairing(database.into()))
}

/// Returns the table of who may call which route. Needs no port, secret or database.
///
/// # Errors
///
/// Fails if anything else would stop the launch.
pub async fn audit() -> Result<Audit, Box<rocket::Error>> {
    Ok(auth_guard::audit(&ignited().await?))
}

/// Builds the application with all its routes, without serving it.
async fn ignited() -> Result<Rocket<Ignite>, Box<rocket::Error>> {
    let figment = Config::figment().merge((Config::LOG_LEVEL, "off"));
    // No token is verified here, so any secret replaces the key settings, except for
    // discovery, which excludes a secret.
    let (configured, replaced) =
        (AuthGuard::fairing(), AuthGuard::fairing().with_secret(Secret::random()));
    let is_launchable = |guard: &AuthGuard| guard.verifier(&figment).is_ok();
    let guard = match is_launchable(&configured) && !is_launchable(&replaced) {
        true => configured,
        false => replaced,
    };
    let rocket = assembled(figment, guard).manage(Store::unopened());
    rocket.ignite().await.map_err(Box::new)
}

/// Mounts every route. `protect` closes everything under `/api` that does not open itself,
/// and `public` declares what is open.
fn assembled(figment: Figment, guard: AuthGuard) -> Rocket<Build> {
    // A route of which nothing declares who may call it stops the launch.
    let deny = Serialized::default("auth_guard.undeclared", "deny");
    rocket::custom(figment.join(deny))
        .attach(guard)
        .attach(docs::fairing())
        .mount("/", public(routes![health, ready]))
        .mount("/api", protect(routes![me, status]))
        .mount("/api", protect(tasks::routes()))
        .mount("/api", protect(projects::routes()))
        .mount("/api", protect(admin::routes()))
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
    /// The expiry of the token, in seconds since 1970.
    expires_at: u64,
}

// Public: no guard, no token.
/// Reports that the server is up.
#[utoipa::path(tag = "server", responses((status = 200, description = "It is up", body = Health)))]
#[get("/health")]
fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

// Public, too: an orchestrator asks before it sends requests, and has no token.
/// Reports that the server can verify tokens. With public keys, it cannot until it has
/// fetched some.
#[utoipa::path(
    tag = "server",
    responses(
        (status = 200, description = "It can verify tokens", body = Health),
        (status = 503, response = Problem),
    )
)]
#[get("/health/ready")]
fn ready(verifier: &State<Verifier>) -> Result<Json<Health>, Problem> {
    match verifier.is_ready() {
        true => Ok(Json(Health { status: "ready" })),
        false => Err(Problem::not_ready()),
    }
}

// Any valid token will do: the path has no `<user_id>` to compare it with.
/// Shows who the caller is.
#[utoipa::path(
    context_path = "/api",
    tag = "me",
    responses((status = 200, description = "The user of the token", body = Me))
)]
#[authorized(scope = "tasks:read")]
#[get("/me")]
fn me(user: Verified) -> Json<Me> {
    let expires_at = user.expires_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Json(Me { uid: user.uid().to_owned(), expires_at: expires_at.as_secs() })
}

// A monitoring job acts for nobody, so its token is a machine's. Only this route admits one:
// it asks the database, which anonymous requests must not, and shows nobody's data.
/// Reports that the database answers.
#[utoipa::path(
    context_path = "/api",
    tag = "server",
    responses((status = 200, description = "The database answers", body = Health))
)]
#[authorized(machines = true, scope = "tasks:read")]
#[get("/status")]
async fn status(store: &State<Store>) -> Result<Json<Health>, Problem> {
    store.stats().await?;
    Ok(Json(Health { status: "ok" }))
}
