use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/tasks/<id>")]
fn handler<'r>(user_id: &'r str, id: &'r str) -> String {
    format!("{user_id} {id}")
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
