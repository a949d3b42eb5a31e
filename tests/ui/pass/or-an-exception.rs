use auth_guard::user_scoped;
use rocket::routes;

use auth_guard::{Access, Exception, Verified};

struct Admin;

impl Exception for Admin {
    fn applies(_: &Verified) -> bool {
        false
    }
}

#[user_scoped(or = Admin)]
#[rocket::get("/<user_id>/tasks")]
fn handler(access: Access) -> String {
    format!("{user_id} {}", access.caller().uid())
}

/// Nobody but the handler need know the exception.
pub mod tasks {
    use super::{Exception, Verified, user_scoped};

    struct Staff;

    impl Exception for Staff {
        fn applies(_: &Verified) -> bool {
            false
        }
    }

    #[user_scoped(or = Staff)]
    #[rocket::get("/<user_id>/staff")]
    pub fn handler(user_id: &str) -> &str {
        user_id
    }
}

fn main() {
    let _ = routes![handler, tasks::handler];
}
