use auth_guard::{Requirement, Scope, Unavailable, Verified, authorized, scoped};
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

/// A document.
#[authorized(Admin)]
#[allow(dead_code)]
#[scoped(org_id: Organization)]
#[cfg(not(doc))]
#[get("/orgs/<org_id>")]
fn handler() {
    let _ = org_id;
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
