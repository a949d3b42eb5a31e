use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped(account_id)]
#[get("/<account_id>/tasks")]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
