use auth_guard::authorized;
use rocket::{get, routes};

#[authorized(machines = true)]
#[get("/stats")]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
