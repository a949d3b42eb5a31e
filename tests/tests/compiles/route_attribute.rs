use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::route(PATCH, uri = "/<user_id>/tasks", rank = 2)]
fn handler() {}

#[test]
fn compiles() {
    let _ = routes![handler];
}
