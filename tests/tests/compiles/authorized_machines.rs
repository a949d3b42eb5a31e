use auth_guard::{Requirement, Unavailable, Verified, authorized};
use rocket::{Request, async_trait, get, routes};

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

#[authorized(Admin, machines = true)]
#[get("/stats")]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
