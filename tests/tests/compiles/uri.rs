use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/tasks/<id>")]
fn handler(id: u8) -> String {
    rocket::uri!(handler(user_id = user_id, id = id)).to_string()
}

#[test]
fn compiles() {
    let _ = routes![handler];
    let _ = rocket::uri!("/api", handler("alice", 1));
}
