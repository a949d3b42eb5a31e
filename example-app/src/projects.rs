//! The routes of an organisation's projects. Each has `#[scoped]`, so it runs only for the
//! members of the `<org_id>` in its path.

use auth_guard::{Scope, Unavailable, Verified, scoped};
use rocket::http::Status;
use rocket::serde::json::{self, Json};
use rocket::{Request, Route, State, async_trait, get, post, routes};

use crate::answers::{NewProject, Projects};
use crate::problem::Problem;
use crate::project::{Project, ProjectInput};
use crate::store::Store;

/// The roles that Better Auth's organization plugin gives to members. Add your own.
const ROLES: [&str; 3] = ["owner", "admin", "member"];

/// The members of an organisation, as the claim `orgs` of the token names them:
/// `{ "<organisation's id>": ["owner"] }`. `issuer/organizations.mjs` mints it.
struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(ROLES.iter().any(|role| caller.has_at(&["orgs", org_id], role)))
    }
}

pub(crate) fn routes() -> Vec<Route> {
    routes![list, create]
}

// The rank decides about `/api/orgs/tasks/projects`, which `/<user_id>/tasks/<id>` matches
// as well. Whichever answers, its own guard decides.
/// Lists the projects, oldest first.
#[utoipa::path(context_path = "/api", operation_id = "list_projects", responses(Projects))]
#[scoped(org_id: Organization, scope = "tasks:read")]
#[get("/orgs/<org_id>/projects", rank = 1)]
async fn list(org_id: &str, store: &State<Store>) -> Result<Json<Vec<Project>>, Problem> {
    Ok(Json(store.projects(org_id).await?))
}

/// Adds a project.
#[utoipa::path(
    context_path = "/api",
    operation_id = "create_project",
    request_body = ProjectInput,
    responses(NewProject)
)]
#[scoped(org_id: Organization, scope = "tasks:write")]
#[post("/orgs/<org_id>/projects", data = "<input>")]
async fn create(
    input: Result<Json<ProjectInput>, json::Error<'_>>,
    store: &State<Store>,
) -> Result<(Status, Json<Project>), Problem> {
    let input = input?;
    let project = store.create_project(&org_id, &input).await?;
    Ok((Status::Created, Json(project)))
}
