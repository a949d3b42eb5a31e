#![allow(dead_code)]
use auth_guard::{Requirement, Unavailable, Verified, authorized};
use rocket::{Request, async_trait, get, routes};

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

mod a {
    #[auth_guard::authorized(super::Admin)]
    #[rocket::get("/stats")]
    pub(super) fn handler() {}
}

#[authorized(Admin)]
#[get("/stats")]
fn handler() {
    let _ = rocket::uri!(a::handler());
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
