//! The routes of the tasks. Each has `#[user_scoped]`, so it runs only for the `<user_id>`
//! in its path. Each also names the OAuth scope that an OAuth client's token needs, where
//! scopes are enforced.
//!
//! None has a `format`: a request without a `Content-Type` would then miss the guard and
//! get a 404 instead of a 401.
//!
//! `#[utoipa::path]` only documents the handler. The answers that it names are in
//! `answers.rs`.

use auth_guard::{Owner, user_scoped};
use rocket::http::Status;
use rocket::response::status::Created;
use rocket::serde::json::{self, Json};
use rocket::{Route, State, delete, get, patch, post, put, routes, uri};

use crate::answers::{ChangedTask, FoundTask, NewTask, RemovedTask, ReplacedTask, Tasks};
use crate::problem::Problem;
use crate::store::Store;
use crate::task::{Task, TaskInput};

/// The body, or the error in it, so that the answer can say what is wrong.
type Input<'r> = Result<Json<TaskInput>, json::Error<'r>>;

pub(crate) fn routes() -> Vec<Route> {
    routes![list, create, show, replace, toggle, remove]
}

/// Lists the tasks, oldest first.
#[utoipa::path(context_path = "/api", responses(Tasks))]
#[user_scoped(scope = "tasks:read")]
#[get("/<user_id>/tasks")]
async fn list(user_id: &str, store: &State<Store>) -> Result<Json<Vec<Task>>, Problem> {
    Ok(Json(store.list(user_id).await?))
}

/// Adds a task.
#[utoipa::path(context_path = "/api", request_body = TaskInput, responses(NewTask))]
#[user_scoped(scope = "tasks:write")]
#[post("/<user_id>/tasks", data = "<input>")]
async fn create(
    user_id: &str,
    input: Input<'_>,
    store: &State<Store>,
) -> Result<Created<Json<Task>>, Problem> {
    let input = input?;
    let task = store.create(user_id, &input).await?;
    let location = uri!("/api", show(user_id = user_id, id = task.id));
    Ok(Created::new(location.to_string()).body(Json(task)))
}

// This handler and the next two do not declare `user_id`: the attribute binds it.
/// Shows a task.
#[utoipa::path(context_path = "/api", responses(FoundTask))]
#[user_scoped(scope = "tasks:read")]
#[get("/<user_id>/tasks/<id>")]
async fn show(id: i64, store: &State<Store>) -> Result<Json<Task>, Problem> {
    let task = store.get(&user_id, id).await?;
    task.map(Json).ok_or_else(Problem::not_found)
}

/// Gives a task another title and description.
#[utoipa::path(context_path = "/api", request_body = TaskInput, responses(ReplacedTask))]
#[user_scoped(scope = "tasks:write")]
#[put("/<user_id>/tasks/<id>", data = "<input>")]
async fn replace(id: i64, input: Input<'_>, store: &State<Store>) -> Result<Json<Task>, Problem> {
    let input = input?;
    let task = store.replace(&user_id, id, &input).await?;
    task.map(Json).ok_or_else(Problem::not_found)
}

/// Marks a task as done, or as not done.
#[utoipa::path(context_path = "/api", responses(ChangedTask))]
#[user_scoped(scope = "tasks:write")]
#[patch("/<user_id>/tasks/<id>/complete")]
async fn toggle(id: i64, store: &State<Store>) -> Result<Json<Task>, Problem> {
    let task = store.toggle(&user_id, id).await?;
    task.map(Json).ok_or_else(Problem::not_found)
}

// Alternatively, take the owner: the `uid` of the token, which equals the path's.
/// Deletes a task.
#[utoipa::path(context_path = "/api", responses(RemovedTask))]
#[user_scoped(scope = "tasks:write")]
#[delete("/<user_id>/tasks/<id>")]
async fn remove(id: i64, owner: Owner, store: &State<Store>) -> Result<Status, Problem> {
    match store.delete(owner.uid(), id).await? {
        true => Ok(Status::NoContent),
        false => Err(Problem::not_found()),
    }
}
