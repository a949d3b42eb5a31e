use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped]
#[get("/<userid>/tasks")]
fn handler(userid: &str) -> &str {
    userid
}

fn main() {
    let _ = routes![handler];
}
