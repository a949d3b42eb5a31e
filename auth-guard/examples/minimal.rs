//! Tasks of users, each for their owner only.

use auth_guard::{AuthGuard, Verified, authorized, user_scoped};
use rocket::{get, launch, routes};

#[user_scoped] // only the user whose id is in the path
#[get("/<user_id>/tasks")]
fn tasks(user_id: &str) -> String {
    format!("the tasks of {user_id}")
}

#[authorized] // anybody with a valid token
#[get("/me")]
fn me(caller: Verified) -> String {
    caller.uid().to_owned()
}

#[launch]
fn rocket() -> _ {
    rocket::build().attach(AuthGuard::fairing()).mount("/api", routes![tasks, me])
}
