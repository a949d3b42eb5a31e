use auth_guard::user_scoped;
use rocket::{Route, get, routes};

#[user_scoped]
#[get("/<user_id>/tasks")]
fn tasks(user_id: &str) -> String {
    format!("the tasks of {user_id}")
}

#[user_scoped]
#[get("/<user_id>/notes")]
fn notes(user_id: &str) -> String {
    format!("the notes of {user_id}")
}

pub fn routes() -> Vec<Route> {
    routes![tasks, notes]
}
