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

struct Role<const N: u8>;

#[async_trait]
impl<const N: u8> Requirement for Role<N> {
    async fn is_met_by(_: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(N > 1)
    }
}

#[authorized(Role<2>)]
#[get("/stats")]
fn handler() {}

#[authorized(Admin)]
#[get("/admin")]
fn other() {
    let _ = rocket::uri!(handler());
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
