use auth_guard::{Requirement, Unavailable, Verified, user_scoped};
use rocket::{Request, async_trait, get, routes};

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

use auth_guard::authorized as guarded;

#[guarded(Admin)]
#[user_scoped]
#[get("/<user_id>/tasks")]
fn handler() -> String {
    user_id.to_string()
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
