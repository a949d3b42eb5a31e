use rocket::{get, routes};

#[get("/greeting")]
fn handler(caller: auth_guard::Caller) -> String {
    caller.verified().map_or_else(String::new, |user| user.uid().to_owned())
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
