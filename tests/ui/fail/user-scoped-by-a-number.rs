use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped(5)]
#[get("/<user_id>/tasks")]
fn handler(user_id: &str) -> &str {
    user_id
}

fn main() {
    let _ = routes![handler];
}
