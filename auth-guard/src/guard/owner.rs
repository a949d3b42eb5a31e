//! Step 6: a grant → `Owner`.

use std::fmt;
use std::ops::Deref;

use super::verified::Verified;

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
/// `<user_id>` if the handler does not have that attribute.
///
/// # Failing
///
/// As [`Verified`], which it dereferences to; and with
///
/// | status | when |
/// | --- | --- |
/// | 403 | the path is another user's |
/// | 500 | the route has no such segment |
#[derive(Clone)]
pub struct Owner(pub(super) Verified);

impl Deref for Owner {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(..)")
    }
}
