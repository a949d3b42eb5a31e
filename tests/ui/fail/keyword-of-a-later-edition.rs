use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped]
#[get("/<user_id>/gen")]
fn r#gen(user_id: &str) -> &str {
    user_id
}

fn main() {
    let _ = routes![r#gen];
}
