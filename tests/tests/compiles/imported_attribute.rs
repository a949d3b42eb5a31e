use auth_guard::user_scoped;
use rocket::routes;

use rocket::put;

#[user_scoped]
#[put("/<user_id>/tasks")]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
