use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped("account_id")]
#[get("/<account_id>/tasks")]
fn handler(account_id: &str) -> &str {
    account_id
}

fn main() {
    let _ = routes![handler];
}
