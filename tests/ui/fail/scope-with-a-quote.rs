use auth_guard::authorized;
use rocket::{get, routes};

#[authorized(scope = "tasks\"read")]
#[get("/stats")]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
