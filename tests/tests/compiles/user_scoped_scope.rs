use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped(scope = "tasks:read tasks:write")]
#[get("/<user_id>/tasks")]
fn handler(user_id: &str) -> &str {
    user_id
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
