use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::post("/<user_id>/tasks", data = "<body>")]
fn handler(body: String) -> String {
    format!("{user_id} {body}")
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
