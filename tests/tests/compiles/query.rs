use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/tasks?<page>&<rest..>")]
fn handler(page: Option<u8>, rest: std::collections::HashMap<String, String>) -> String {
    format!("{user_id} {page:?} {}", rest.len())
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
