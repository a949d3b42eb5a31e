use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped]
#[get("/<user_id>/type")]
fn r#type(user_id: &str) -> &str {
    user_id
}

fn main() {
    let _ = routes![r#type];
}
