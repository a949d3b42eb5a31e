use auth_guard::user_scoped;
use rocket::routes;

use rocket::response::Responder;

#[user_scoped]
#[rocket::get("/<user_id>/tasks")]
fn handler(user_id: &str) -> impl Responder<'_, 'static> {
    user_id.to_owned()
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
