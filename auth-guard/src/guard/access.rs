//! Step 6: a grant → `Access`, where others than the owner may pass.

use std::fmt;

use super::verified::Verified;

/// A request guard for handlers with `#[user_scoped]`: whose path it is, who is
/// calling, and whether the two differ.
///
/// With `or = …`, take the user whose rows are meant from [`Access::path_user`]:
/// the caller's own id would select the wrong ones.
///
/// ```rust
/// use auth_guard::{Access, user_scoped};
///
/// #[user_scoped]
/// #[rocket::get("/<user_id>/tasks")]
/// fn list(access: Access) -> String {
///     format!("the tasks of {}", access.path_user())
/// }
/// # fn main() { let _ = rocket::routes![list]; }
/// ```
///
/// # Failing
///
/// As [`Verified`]; and with 500 if the handler does not have `#[user_scoped]`.
#[derive(Clone)]
pub struct Access {
    pub(super) path_user: String,
    pub(super) caller: Verified,
    pub(super) by_exception: bool,
}

impl Access {
    /// Returns the user whose path it is: the segment.
    pub fn path_user(&self) -> &str {
        &self.path_user
    }

    /// Returns who is calling.
    pub fn caller(&self) -> &Verified {
        &self.caller
    }

    /// Returns `true` if the caller is not the owner, and a [`Requirement`](crate::Requirement) let
    /// them in.
    pub fn by_exception(&self) -> bool {
        self.by_exception
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access {{ by_exception: {}, .. }}", self.by_exception)
    }
}
