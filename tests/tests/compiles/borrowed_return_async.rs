use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/tasks")]
async fn handler(user_id: &str) -> &str {
    user_id
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
