//! The answers of the routes in `tasks.rs` and `projects.rs`, for the document at
//! `/openapi.json`. [`auth_guard::openapi`] adds the guards' refusals.

#![expect(dead_code, reason = "they only document: handlers return the values themselves")]

use utoipa::IntoResponses;

use crate::problem::Problem;
use crate::project::Project;
use crate::task::Task;

#[derive(IntoResponses)]
#[response(status = 200, description = "The tasks")]
pub(crate) struct Tasks(Vec<Task>);

#[derive(IntoResponses)]
pub(crate) enum FoundTask {
    #[response(status = 200, description = "The task")]
    Found(Task),
    #[response(status = 404)]
    Missing(#[ref_response] Problem),
}

#[derive(IntoResponses)]
pub(crate) enum NewTask {
    #[response(status = 201, description = "The new task", headers(("Location")))]
    Created(Task),
    #[response(status = 400)]
    NotJson(#[ref_response] Problem),
    #[response(status = 413)]
    TooLarge(#[ref_response] Problem),
    #[response(status = 422)]
    NotValid(#[ref_response] Problem),
}

#[derive(IntoResponses)]
pub(crate) enum ReplacedTask {
    #[response(status = 200, description = "The task as it is now")]
    Replaced(Task),
    #[response(status = 400)]
    NotJson(#[ref_response] Problem),
    #[response(status = 404)]
    Missing(#[ref_response] Problem),
    #[response(status = 413)]
    TooLarge(#[ref_response] Problem),
    #[response(status = 422)]
    NotValid(#[ref_response] Problem),
}

#[derive(IntoResponses)]
pub(crate) enum ChangedTask {
    #[response(status = 200, description = "The task as it is now")]
    Changed(Task),
    #[response(status = 404)]
    Missing(#[ref_response] Problem),
}

#[derive(IntoResponses)]
pub(crate) enum RemovedTask {
    #[response(status = 204, description = "The task was deleted")]
    Removed,
    #[response(status = 404)]
    Missing(#[ref_response] Problem),
}

#[derive(IntoResponses)]
#[response(status = 200, description = "The projects")]
pub(crate) struct Projects(Vec<Project>);

#[derive(IntoResponses)]
pub(crate) enum NewProject {
    #[response(status = 201, description = "The new project")]
    Created(Project),
    #[response(status = 400)]
    NotJson(#[ref_response] Problem),
    #[response(status = 413)]
    TooLarge(#[ref_response] Problem),
    #[response(status = 422)]
    NotValid(#[ref_response] Problem),
}
