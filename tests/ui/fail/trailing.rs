use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped]
#[get("/<user_id..>")]
fn handler(user_id: std::path::PathBuf) -> String {
    user_id.display().to_string()
}

fn main() {
    let _ = routes![handler];
}
