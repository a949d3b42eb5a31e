use auth_guard::user_scoped;
use rocket::{get, routes};

#[user_scoped(machines = true)]
#[get("/<r#user_id>/tasks")]
fn by_two_mistakes(user_id: &str) -> &str {
    user_id
}

#[user_scoped(param = "r#type")]
#[get("/<r#type>/tasks")]
fn of_a_keyword() {}

fn main() {
    let _ = routes![by_two_mistakes, of_a_keyword];
}
