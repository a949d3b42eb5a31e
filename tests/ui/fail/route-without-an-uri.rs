use auth_guard::authorized;
use rocket::{route, routes};

#[authorized]
#[route(GET)]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
