use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped(param = user_id)]
#[get("/<user_id>/tasks")]
fn handler() -> String {
    user_id.to_string()
}

fn main() {
    let _ = routes![handler];
}
