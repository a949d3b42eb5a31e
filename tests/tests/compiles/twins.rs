//! Handlers with the same name in several modules, and one inside a function.
use auth_guard::user_scoped;
use rocket::{get, routes};

mod a {
    #[auth_guard::user_scoped]
    #[rocket::get("/a/<user_id>")]
    pub(super) fn show(user_id: &str) -> &str {
        user_id
    }
}

mod b {
    #[auth_guard::user_scoped]
    #[rocket::get("/b/<user_id>")]
    pub(super) fn show() -> String {
        user_id.to_string()
    }
}

#[test]
fn compiles() {
    #[user_scoped]
    #[get("/c/<user_id>")]
    fn show(user_id: &str) -> &str {
        user_id
    }

    let _ = routes![a::show, b::show, show];
    let _ = rocket::uri!(b::show("alice"));
}
