use auth_guard::user_scoped;
use rocket::routes;

use auth_guard::{Access, Requirement, Unavailable, Verified};

struct Admin;

#[rocket::async_trait]
impl Requirement for Admin {
    async fn is_met_by(_: &Verified, _: &rocket::Request<'_>) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

#[user_scoped(or = Admin)]
#[rocket::get("/<user_id>/tasks")]
fn handler(access: Access) -> String {
    format!("{user_id} {}", access.caller().uid())
}

/// The exception may be private to the handler.
pub mod tasks {
    use super::{Requirement, Unavailable, Verified, user_scoped};

    struct Staff;

    #[rocket::async_trait]
    impl Requirement for Staff {
        async fn is_met_by(_: &Verified, _: &rocket::Request<'_>) -> Result<bool, Unavailable> {
            Ok(false)
        }
    }

    #[user_scoped(or = Staff)]
    #[rocket::get("/<user_id>/staff")]
    pub fn handler(user_id: &str) -> &str {
        user_id
    }
}

#[test]
fn compiles() {
    let _ = routes![handler, tasks::handler];
}
