use auth_guard::{Scope, Unavailable, Verified, scoped};
use rocket::{Request, async_trait, get, routes};

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("orgs", org_id))
    }
}

mod of {
    pub(super) type Members = super::Organization;
}

#[scoped(org_id: of::Members)]
#[get("/orgs/<org_id>")]
fn handler(org_id: &str) -> &str {
    org_id
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
