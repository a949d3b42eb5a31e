//! The `UserId` that the attribute binds works like a string.
use std::collections::HashMap;

use auth_guard::{UserId, user_scoped};
use rocket::{get, routes};

fn wants_str(_: &str) {}

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list() -> String {
    wants_str(&user_id);
    let bound: &UserId = &user_id;
    let mut tasks = HashMap::new();
    tasks.insert(bound.clone(), 1);
    let found = tasks.contains_key("alice");
    if user_id == "alice" && user_id.len() == 5 && found {
        return user_id.to_uppercase();
    }
    String::from(user_id)
}

#[test]
fn compiles() {
    let _ = routes![list];
}
