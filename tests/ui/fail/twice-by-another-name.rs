use auth_guard::user_scoped;
use rocket::{get, routes};

use auth_guard::user_scoped as owned;

#[user_scoped]
#[owned]
#[get("/<user_id>/tasks")]
fn handler() -> String {
    user_id.to_string()
}

fn main() {
    let _ = routes![handler];
}
