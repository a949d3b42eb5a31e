use auth_guard::user_scoped;
use rocket::get;

#[user_scoped]
#[get]
fn handler(user_id: &str) -> &str {
    user_id
}

fn main() {}
