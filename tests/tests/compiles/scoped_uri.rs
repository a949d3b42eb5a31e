use auth_guard::{Scope, Unavailable, Verified, scoped};
use rocket::{Request, async_trait, get, routes};

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("orgs", org_id))
    }
}

#[scoped(org_id: Organization)]
#[get("/orgs/<org_id>/<page>")]
fn handler(page: u8) -> String {
    rocket::uri!(handler(org_id, page + 1)).to_string()
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
