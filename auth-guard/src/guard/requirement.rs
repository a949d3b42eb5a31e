//! What an application asks of a caller: the traits that it implements.

use rocket::futures::future::BoxFuture;
use rocket::{Request, async_trait};

use super::verified::Verified;

/// Whether a caller with a valid token may pass: an administrator, a member of the staff,
/// somebody with whom a row was shared.
///
/// ```rust
/// use auth_guard::{Requirement, Unavailable, Verified, authorized, user_scoped};
/// use rocket::{Request, async_trait, get};
///
/// struct Admin;
///
/// #[async_trait]
/// impl Requirement for Admin {
///     async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
///         Ok(caller.has("roles", "admin"))
///     }
/// }
///
/// #[authorized(Admin)]                  // administrators
/// #[get("/admin/stats")]
/// fn stats() -> &'static str {
///     "42"
/// }
///
/// #[user_scoped(or = Admin)]            // the owner, or an administrator
/// #[get("/<user_id>/tasks")]
/// fn list() -> String {
///     format!("the tasks of {user_id}")
/// }
/// # fn main() { let _ = rocket::routes![stats, list]; }
/// ```
///
/// It may look things up in managed state, and fails closed: an error, a panic, or no answer
/// within 5 seconds is answered 503 `check_unavailable`. `false` is 403: `not_owner` if it
/// was asked about another user's path, else `not_allowed`.
///
/// It may ask guards, `Verified` included. One that asks for the guard that is asking it is
/// answered 500 `guard_misconfigured`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Requirement`",
    label = "not a `Requirement`",
    note = "write `#[rocket::async_trait] impl auth_guard::Requirement for {Self}`, and decide in \
            `async fn is_met_by(caller: &Verified, request: &Request<'_>) -> Result<bool, Unavailable>`",
    note = "if it is a `Scope`, write `#[scoped(org_id: {Self})]`"
)]
#[async_trait]
pub trait Requirement: Send + Sync + 'static {
    /// Returns `true` if this caller may pass.
    async fn is_met_by(caller: &Verified, request: &Request<'_>) -> Result<bool, Unavailable>;
}

/// Who may use what stands behind a segment: an organisation, a tenant, a project.
///
/// ```rust
/// use auth_guard::{Scope, Unavailable, Verified, scoped};
/// use rocket::{Request, async_trait, get};
///
/// struct Organization;
///
/// #[async_trait]
/// impl Scope for Organization {
///     async fn admits(
///         caller: &Verified,
///         org_id: &str,
///         _: &Request<'_>,
///     ) -> Result<bool, Unavailable> {
///         Ok(caller.has("orgs", org_id))
///     }
/// }
///
/// #[scoped(org_id: Organization)]
/// #[get("/orgs/<org_id>/projects")]
/// fn projects(org_id: &str) -> &str {
///     org_id
/// }
/// # fn main() { let _ = rocket::routes![projects]; }
/// ```
///
/// It fails closed, as a [`Requirement`]. `false` is 403 `not_allowed`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Scope`",
    label = "not a `Scope`",
    note = "write `#[rocket::async_trait] impl auth_guard::Scope for {Self}`, and decide in \
            `async fn admits(caller: &Verified, segment: &str, request: &Request<'_>) -> Result<bool, Unavailable>`",
    note = "if it is a `Requirement`, write `#[authorized({Self})]`"
)]
#[async_trait]
pub trait Scope: Send + Sync + 'static {
    /// Returns `true` if this caller may use what `segment` names. The segment is
    /// percent-decoded once, as handlers get it.
    async fn admits(
        caller: &Verified,
        segment: &str,
        request: &Request<'_>,
    ) -> Result<bool, Unavailable>;
}

/// A [`Requirement`] or a [`Scope`] cannot give an answer right now. It is made from any
/// error by `?`; the caller is answered 503 `check_unavailable`.
///
/// It keeps nothing of the error, whose text may quote a claim or a connection string. Log
/// that before you return it, where you know what it contains.
///
/// ```rust
/// use auth_guard::Unavailable;
///
/// fn members() -> Result<Vec<String>, Unavailable> {
///     let text = std::fs::read_to_string("/no/such/file")?;
///     Ok(text.lines().map(str::to_owned).collect())
/// }
/// assert!(members().is_err());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Unavailable;

impl Unavailable {
    /// Makes one without an error, for managed state that is missing for example.
    pub fn new() -> Self {
        Self
    }
}

impl Default for Unavailable {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: std::error::Error> From<E> for Unavailable {
    fn from(_: E) -> Self {
        Self
    }
}

/// The answer of a requirement or a scope.
pub type Answer<'r> = BoxFuture<'r, Result<bool, Unavailable>>;

/// A [`Requirement`], as the attributes hand it to the guard.
pub type Question = for<'r> fn(&'r Verified, &'r Request<'_>) -> Answer<'r>;

/// A [`Scope`], as the attributes hand it to the guard.
pub type SegmentQuestion = for<'r> fn(&'r Verified, &'r str, &'r Request<'_>) -> Answer<'r>;
