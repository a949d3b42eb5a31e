use auth_guard::{Exception, Owner, Verified, user_scoped};
use rocket::{get, routes};

struct Admin;

impl Exception for Admin {
    fn applies(_: &Verified) -> bool {
        false
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
