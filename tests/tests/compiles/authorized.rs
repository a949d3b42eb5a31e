use auth_guard::authorized;
use rocket::{get, routes};

#[authorized]
#[get("/me")]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
