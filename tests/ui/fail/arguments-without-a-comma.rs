use auth_guard::{Requirement, Unavailable, Verified, user_scoped};
use rocket::{Request, async_trait, get, routes};

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.has("roles", "admin"))
    }
}

#[user_scoped(or = Admin scope = "tasks:read")]
#[get("/<user_id>/tasks")]
fn handler(user_id: &str) -> &str {
    user_id
}

fn main() {
    let _ = routes![handler];
}
