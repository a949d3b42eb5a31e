use auth_guard::{Requirement, Unavailable, Owner, Verified, user_scoped};
use rocket::{get, routes};

struct Admin;

#[rocket::async_trait]
impl Requirement for Admin {
    async fn is_met_by(
        _: &Verified,
        _: &rocket::Request<'_>,
    ) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

#[user_scoped(or = Admin)]
#[get("/<user_id>/tasks")]
fn handler(owner: Option<Owner>) -> String {
    format!("{user_id} {}", owner.is_some())
}

fn main() {
    let _ = routes![handler];
}
