use auth_guard::{Requirement, Scope, Unavailable, Verified, scoped};
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

#[scoped(org_id: Organization, scope = "!#[]^~", or = Admin)]
#[get("/orgs/<org_id>")]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
