use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped]
#[get("/tasks/<id>")]
fn handler(id: u8) -> String {
    id.to_string()
}

fn main() {
    let _ = routes![handler];
}
