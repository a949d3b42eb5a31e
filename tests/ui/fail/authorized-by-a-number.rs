use auth_guard::authorized;
use rocket::{get, routes};

#[authorized(5)]
#[get("/stats")]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
