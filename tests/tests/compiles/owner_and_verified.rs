use auth_guard::user_scoped;
use rocket::routes;

use auth_guard::{Owner, Verified};

#[user_scoped]
#[rocket::get("/<user_id>/tasks")]
fn handler(owner: Owner, user: Verified, maybe: Option<Verified>) -> String {
    format!("{user_id} {} {} {}", owner.uid(), user.uid(), maybe.is_some())
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
