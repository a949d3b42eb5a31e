//! Step 6: claims → ownership.

use std::fmt;
use std::ops::Deref;

use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Ignite, Rocket, Sentinel, async_trait};

use super::{RequestState, Verified, abort, authenticate_once, check_owner, open, outcome};
use crate::audit;
use crate::error::AuthError;
use crate::guard::events::By;
use crate::launch::Installed;

/// A request guard: the caller has a valid token, and its `uid` is the segment
/// that this route is scoped by. Always the owner, never an exception.
///
/// ```rust
/// use auth_guard::{user_scoped, Owner};
///
/// #[user_scoped]
/// #[rocket::delete("/<user_id>/tasks/<id>")]
/// fn remove(id: i64, owner: Owner) -> String {
///     format!("{} removed {id}", owner.uid())
/// }
/// # fn main() { let _ = rocket::routes![remove]; }
/// ```
///
/// The segment is the one that [`#[user_scoped]`](crate::user_scoped) names, or
/// `<user_id>` where the handler has no such attribute.
///
/// # Failing
///
/// As [`Verified`], which it dereferences to; and with
///
/// | status | when |
/// | --- | --- |
/// | 403 | the path is somebody else's |
/// | 500 | the route has no such segment |
#[derive(Clone)]
pub struct Owner(Verified);

impl Deref for Owner {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.0
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Owner {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        outcome(request, owner(request).await)
    }
}

async fn owner(request: &Request<'_>) -> Result<Owner, AuthError> {
    let verified = authenticate_once(request).await?;
    let route = request.route().ok_or(AuthError::Misconfigured)?;
    let segment = match RequestState::of(request).scope(route) {
        Some(scope) => Some(scope.segment),
        // The attribute left nothing for a guard that its handler does not have, a
        // fairing's say.
        None if audit::is_scoped(route) => Installed::of(request.rocket())
            .and_then(|installed| audit::scoped_segment(route, &installed.handlers.snapshot())),
        None => audit::user_segment(route),
    };

    let segment = segment.ok_or(AuthError::Misconfigured)?;
    check_owner(request, segment, verified.uid())?;
    open(request, By::Owner, verified);
    Ok(Owner(verified.clone()))
}

impl Sentinel for Owner {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("the guard `Owner`", rocket)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(..)")
    }
}
