use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/tasks")]
fn handler() -> String {
    format!("{user_id} {}", user_id.len())
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
