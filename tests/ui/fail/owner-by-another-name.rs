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

type Boss = Owner;
type Perhaps<T> = Result<T, auth_guard::AuthError>;

#[user_scoped(or = Admin)]
#[get("/<user_id>/tasks")]
fn handler(boss: Boss, perhaps: Perhaps<Boss>) -> String {
    format!("{user_id} {} {}", boss.uid(), perhaps.is_ok())
}

fn main() {
    let _ = routes![handler];
}
