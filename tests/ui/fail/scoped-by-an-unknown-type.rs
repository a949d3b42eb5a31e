use auth_guard::scoped;
use rocket::{get, routes};

#[scoped(org_id: Organisation)]
#[get("/orgs/<org_id>")]
fn handler() {}

fn main() {
    let _ = routes![handler];
}
