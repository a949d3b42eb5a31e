use auth_guard::user_scoped;
use rocket::routes;

use rocket::State;

#[user_scoped]
#[rocket::get("/<user_id>/tasks")]
async fn handler(count: &State<u8>) -> String {
    format!("{user_id} {count}")
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
