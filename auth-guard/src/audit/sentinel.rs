//! The sentinels of our guards. Rocket asks each once a launch, after ignition: a guard
//! without the fairing stops the launch, and so does an unscoped route.

use rocket::{Ignite, Rocket, Sentinel};

use super::auditor::{Auditor, refuse_launch};
use crate::error::AuthError;
use crate::guard::{Access, Caller, Guard, Guarded, Owner, Verified};
use crate::route::registry::{Added, GuardedHandler, Registry};

impl<H: Guarded> Sentinel for Guard<H> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        add(rocket, const { &H::HANDLER })
    }
}

/// Enters a handler. Apart from the guard, which an application compiles for each handler.
fn add(rocket: &Rocket<Ignite>, handler: &'static GuardedHandler) -> bool {
    let added = Registry::of(rocket).map(|registry| registry.add(handler));
    abort("an attribute of auth-guard", rocket, added.as_ref())
}

impl Sentinel for Verified {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("the guard `Verified`", rocket, None)
    }
}

impl Sentinel for Caller {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("the guard `Caller`", rocket, None)
    }
}

impl Sentinel for Owner {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("the guard `Owner`", rocket, None)
    }
}

impl Sentinel for Access {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("the guard `Access`", rocket, None)
    }
}

/// On the error as well, so that `type Me = Result<Verified, AuthError>` counts:
/// Rocket asks an alias only if both of its types can be asked.
impl Sentinel for AuthError {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("`AuthError`", rocket, None)
    }
}

fn abort(guard: &str, rocket: &Rocket<Ignite>, added: Option<&Added>) -> bool {
    match Auditor::of(rocket) {
        Some(auditor) => auditor.at_sentinel(rocket, added).is_err(),
        None => {
            refuse_launch(&[format!(
                "{guard} is used, but the fairing is not attached. Write \
                 `rocket::build().attach(AuthGuard::fairing())`"
            )]);
            true
        }
    }
}
