//! The code that the attribute emits passes the lints of a strict crate.
#![forbid(unsafe_code)]
#![deny(warnings, clippy::all, clippy::pedantic)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(unused_results, single_use_lifetimes, unnameable_types, private_interfaces)]
#![allow(clippy::must_use_candidate, clippy::unused_async)]

use auth_guard::{Owner, user_scoped};
use rocket::{delete, get, routes};

/// A public handler.
#[user_scoped]
#[get("/<user_id>/tasks")]
pub fn list(user_id: &str) -> &str {
    user_id
}

/// A handler that does not use the segment.
#[user_scoped]
#[delete("/<user_id>/tasks/<id>")]
pub(crate) async fn remove(id: u8, owner: Owner) -> String {
    format!("{} {id}", owner.uid())
}

mod inner {
    use auth_guard::user_scoped;

    #[user_scoped(exempt = "public")]
    #[rocket::get("/<user_id>/profile")]
    fn profile() {}

    pub(super) fn routes() -> Vec<rocket::Route> {
        rocket::routes![profile]
    }
}

#[test]
fn compiles() {
    let _ = (routes![list, remove], inner::routes());
}
