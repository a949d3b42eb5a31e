//! Optional authentication.

use super::verified::Verified;

/// A request guard: who is calling, if anybody says so.
///
/// ```rust
/// use auth_guard::Caller;
///
/// #[rocket::get("/greeting")]
/// fn greeting(caller: Caller) -> String {
///     match caller {
///         Caller::Anonymous => "Hello!".to_owned(),
///         Caller::Verified(user) => format!("Hello, {}!", user.uid()),
///     }
/// }
/// # fn main() { let _ = rocket::routes![greeting]; }
/// ```
///
/// An invalid token is refused: only a request without any `Authorization` field is
/// anonymous. `Option<Verified>` would treat both alike.
///
/// # Failing
///
/// As [`Verified`], if there is an `Authorization` field.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The request has no `Authorization` field.
    Anonymous,
    /// The request has a valid token.
    Verified(Verified),
}

impl Caller {
    /// Returns the caller, or `None` if they are anonymous.
    pub fn verified(&self) -> Option<&Verified> {
        match self {
            Self::Anonymous => None,
            Self::Verified(caller) => Some(caller),
        }
    }
}
