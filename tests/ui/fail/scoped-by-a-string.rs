use auth_guard::scoped;
use rocket::{get, routes};

#[scoped(org_id: "organization")]
#[get("/orgs/<org_id>")]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
