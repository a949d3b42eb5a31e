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
//!
//! And beside the way: `token.rs` mints tokens, `demo.rs` lets a first run work
//! without any set-up.

use std::path::PathBuf;
use std::time::SystemTime;

use auth_guard::{AuthGuard, Verified};
use rocket::serde::json::{Json, Value, json};
use rocket::{Build, Rocket, get, routes};

pub mod demo;
pub mod problem;
pub mod store;
pub mod task;
mod tasks;
pub mod token;

/// The application, with its tasks in the SQLite file `database`.
///
/// Outside tests and the demo, `guard` is [`AuthGuard::fairing()`] as it is.
pub fn rocket(guard: AuthGuard, database: impl Into<PathBuf>) -> Rocket<Build> {
    rocket::build()
        .attach(guard)
        .attach(store::fairing(database.into()))
        .mount("/", routes![health])
        .mount("/api", routes![me])
        .mount("/api", tasks::routes())
        .register("/", problem::catchers())
}

/// Public: no guard, no token.
#[get("/health")]
fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Any valid token: there is no `<user_id>` in the path to compare it with.
#[get("/me")]
fn me(user: Verified) -> Json<Value> {
    let expires_at = user.expires_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Json(json!({ "uid": user.uid(), "expires_at": expires_at.as_secs() }))
}
