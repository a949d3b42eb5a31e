//! The route of the administrators.

use auth_guard::{Requirement, Unavailable, Verified, authorized};
use rocket::serde::json::Json;
use rocket::{Request, Route, State, async_trait, get, routes};

use crate::problem::Problem;
use crate::store::{Stats, Store};

/// The administrators, as the claim `roles` of the token says: `["admin"]`.
/// `issuer/organizations.mjs` mints it.
struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

pub(crate) fn routes() -> Vec<Route> {
    routes![stats]
}

/// Counts what is stored.
#[utoipa::path(
    context_path = "/api",
    responses((status = 200, description = "The numbers", body = Stats))
)]
#[authorized(Admin, scope = "tasks:read")]
#[get("/admin/stats")]
async fn stats(store: &State<Store>) -> Result<Json<Stats>, Problem> {
    Ok(Json(store.stats().await?))
}
