//! Step 6 where others than the owner may pass: `#[user_scoped(or = …)]`.

use std::fmt;

use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Ignite, Rocket, Sentinel, async_trait};

use super::{RequestState, Verified, abort, authenticate_once, open, outcome};
use crate::error::AuthError;
use crate::guard::events::By;

/// Who may pass besides the owner: an administrator, say, by a claim that the
/// issuer signs.
///
/// ```rust
/// use auth_guard::{Access, Exception, Verified, user_scoped};
/// use serde::Deserialize;
///
/// struct Admin;
///
/// impl Exception for Admin {
///     fn applies(caller: &Verified) -> bool {
///         #[derive(Deserialize)]
///         struct Role<'a> {
///             role: &'a str,
///         }
///
///         caller.claims::<Role>().is_ok_and(|claims| claims.role == "admin")
///     }
/// }
///
/// #[user_scoped(or = Admin)]
/// #[rocket::get("/<user_id>/tasks")]
/// fn list(access: Access) -> String {
///     format!("the tasks of {}, read by {}", access.path_user(), access.caller().uid())
/// }
/// # fn main() { let _ = rocket::routes![list]; }
/// ```
///
/// It is asked only about a caller with a valid token who is not the owner; each
/// time it applies is logged, and [`audit`](crate::audit()) shows it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot pass besides the owner: it is no `Exception`",
    label = "not an `Exception`",
    note = "write `impl auth_guard::Exception for {Self}`, and decide in `applies(caller)`"
)]
pub trait Exception: Send + Sync + 'static {
    /// Whether this caller may pass.
    fn applies(caller: &Verified) -> bool;
}

/// A request guard below `#[user_scoped]`: whose path it is, who is calling, and
/// whether the two differ.
///
/// With `or = …`, take the user whose rows are meant from [`Access::path_user`]:
/// the caller's own id would hit the wrong ones.
///
/// # Failing
///
/// As [`Verified`]; and with 500 where the handler is not below `#[user_scoped]`.
#[derive(Clone)]
pub struct Access {
    path_user: String,
    caller: Verified,
    by_exception: bool,
}

impl Access {
    /// The user whose path it is: the segment.
    pub fn path_user(&self) -> &str {
        &self.path_user
    }

    /// Who is calling.
    pub fn caller(&self) -> &Verified {
        &self.caller
    }

    /// Whether the caller is not the owner, and an [`Exception`] let them in.
    pub fn by_exception(&self) -> bool {
        self.by_exception
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Access {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        outcome(request, access(request).await)
    }
}

async fn access(request: &Request<'_>) -> Result<Access, AuthError> {
    let caller = authenticate_once(request).await?.clone();
    let route = request.route().ok_or(AuthError::Misconfigured)?;
    let scope = RequestState::of(request).scope(route).ok_or(AuthError::Misconfigured)?;
    match request.param::<&str>(scope.segment) {
        // An exempt handler lets anybody in, but that is no exception of theirs.
        Some(Ok(path_user)) if path_user == caller.uid() || scope.exception.is_some() => {
            let by_exception = scope.exception.is_some();
            open(request, scope.exception.map_or(By::Owner, By::Exception), &caller);
            Ok(Access { path_user: path_user.to_owned(), caller, by_exception })
        }
        Some(_) => Err(AuthError::NotOwner),
        None => Err(AuthError::Misconfigured),
    }
}

impl Sentinel for Access {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("the guard `Access`", rocket)
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access {{ by_exception: {}, .. }}", self.by_exception)
    }
}
