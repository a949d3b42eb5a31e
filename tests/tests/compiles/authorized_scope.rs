use auth_guard::authorized;
use rocket::{get, routes};

#[authorized(scope = "https://api.example.com/tasks.read", machines = true)]
#[get("/stats")]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
