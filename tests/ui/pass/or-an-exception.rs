use auth_guard::user_scoped;
use rocket::routes;

use auth_guard::{Access, Exception, Verified};

struct Admin;

impl Exception for Admin {
    fn applies(_: &Verified) -> bool {
        false
    }
}

#[user_scoped(or = Admin)]
#[rocket::get("/<user_id>/tasks")]
fn handler(access: Access) -> String {
    format!("{user_id} {}", access.caller().uid())
}

fn main() {
    let _ = routes![handler];
}
