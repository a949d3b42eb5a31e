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

pub mod tasks {
    use super::*;

    struct Private;

    #[async_trait]
    impl Requirement for Private {
        async fn is_met_by(_: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
            Ok(false)
        }
    }

    #[authorized(Private)]
    #[get("/private")]
    pub fn handler() {}
}

#[authorized(Admin)]
#[get("/stats")]
fn handler() {
    let _ = rocket::uri!(tasks::handler());
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
