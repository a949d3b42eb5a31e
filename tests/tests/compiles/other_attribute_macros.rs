#![allow(deprecated)]
use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/tasks")]
#[deprecated]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
