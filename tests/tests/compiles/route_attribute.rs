use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::route(PATCH, uri = "/<user_id>/tasks", rank = 2)]
fn handler() {}

#[user_scoped]
#[rocket::route(POST, format = "json", rank = 2, uri = "/<user_id>/tasks")]
fn other_order() {}

#[test]
fn compiles() {
    let _ = routes![handler, other_order];
}
