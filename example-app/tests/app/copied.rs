//! The fairing of `cors.rs` in an application of its own, as `docs/better-auth.md` has it.

// Lints that do not concern a crate of its own, which this module stands for.
#![allow(dead_code, unreachable_pub)]

use auth_guard::{AuthGuard, Verified, authorized, user_scoped};
use rocket::{get, launch, routes};

const DOCS: &str = include_str!("../../../auth-guard/docs/better-auth.md");

#[user_scoped]
#[get("/<user_id>/tasks")]
fn tasks(user_id: &str) -> String {
    user_id.to_owned()
}

#[authorized]
#[get("/me")]
fn me(caller: Verified) -> String {
    caller.uid().to_owned()
}

#[path = "../../src/cors.rs"]
mod cors;

#[launch]
fn rocket() -> _ {
    let rocket = rocket::build().attach(AuthGuard::fairing()).mount("/api", routes![tasks, me]);
    match cors::Cors::from_env().expect("a list of origins") {
        Some(cors) => rocket.attach(cors),
        None => rocket,
    }
}

/// What is compiled here is what a reader pastes.
#[test]
fn the_docs_attach_the_fairing_as_this_application_does() {
    let blocks = DOCS.split("```rust,ignore\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let blocks: Vec<_> = blocks.filter(|block| block.contains("cors::")).collect();
    assert_eq!(blocks.len(), 1);
    assert!(include_str!("copied.rs").contains(blocks[0]), "{}", blocks[0]);
    assert_eq!(rocket().routes().count(), 2);
}
