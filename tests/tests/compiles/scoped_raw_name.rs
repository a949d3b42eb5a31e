use auth_guard::{Scope, Unavailable, Verified, scoped};
use rocket::{Request, async_trait, get, routes};

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(caller: &Verified, org_id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("orgs", org_id))
    }
}

#[scoped(r#type: Organization)]
#[get("/of/<type>")]
fn handler(r#type: &str) -> &str {
    r#type
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
