use auth_guard::user_scoped;
use rocket::routes;

/// Documented.
#[allow(unused_mut)]
#[user_scoped]
#[must_use]
#[rocket::get("/<user_id>/tasks/<id>")]
#[inline]
#[cfg(test)]
fn handler(#[allow(unused)] mut id: u8) -> String {
    user_id.to_string()
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
