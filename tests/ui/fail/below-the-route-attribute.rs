use auth_guard::user_scoped;
use rocket::{get, routes};

#[get("/<user_id>/tasks")]
#[user_scoped]
fn handler(user_id: &str) -> &str {
    user_id
}

fn main() {
    let _ = routes![handler];
}
