use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/<_rest>", rank = 7)]
fn handler(_rest: &str) {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
