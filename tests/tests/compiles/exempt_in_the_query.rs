use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped(exempt = "a search for all")]
#[rocket::get("/tasks?<user_id>")]
fn handler(user_id: Option<&str>) -> &str {
    user_id.unwrap_or("nobody")
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
