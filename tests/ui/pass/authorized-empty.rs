use auth_guard::authorized;
use rocket::{get, routes};

#[authorized()]
#[get("/me")]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
