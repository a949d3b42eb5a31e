use auth_guard::{Requirement, Scope, Unavailable, Verified, authorized, scoped, user_scoped};
use rocket::{Request, async_trait, get, routes};

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("orgs", org_id))
    }
}

#[user_scoped]
#[scoped(org_id: Organization)]
#[authorized(Admin)]
#[get("/<org_id>/<user_id>")]
fn handler() -> String {
    format!("{org_id} {user_id}")
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
