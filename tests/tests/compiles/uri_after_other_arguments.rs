use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::route(PATCH, format = "application/json", rank = 2, uri = "/<user_id>/tasks/<id>")]
fn handler(id: u8) -> String {
    format!("{user_id} {id}")
}

#[test]
fn compiles() {
    let route = &routes![handler][0];
    assert_eq!(route.uri.path(), "/<user_id>/tasks/<id>");
}
