use auth_guard::authorized;
use rocket::{get, routes};

#[authorized(String)]
#[get("/stats")]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
