//! Audits the whole application at launch: which mounted routes are scoped by a user, and
//! which should be.

mod auditor;
mod checklist;
mod explain;
mod index;
mod policy;
mod scopes;
mod sentinel;
mod survey;
mod table;

use rocket::Rocket;

pub(crate) use self::auditor::{Auditor, Rules, refuse_launch};
pub(crate) use self::checklist::required;
pub use self::explain::{Decision, Explanation, RouteDecision};
pub use self::policy::{Policy, Requirements, ScopeRequirement};
pub(crate) use self::policy::{PublicBelow, Severity};
pub use self::survey::Ignited;
pub(crate) use self::survey::Survey;
pub use self::table::{Audit, AuditedRoute};
use crate::verifier::Verifier;

/// Who may call what in this application.
///
/// ```rust
/// use auth_guard::{AuthGuard, Secret, protect, user_scoped};
///
/// #[user_scoped]
/// #[rocket::get("/<user_id>/tasks")]
/// fn list(user_id: &str) -> &str {
///     user_id
/// }
///
/// #[rocket::get("/version")]
/// fn version() -> &'static str {
///     "1"
/// }
///
/// # rocket::async_test(async {
/// let rocket = rocket::build()
///     .attach(AuthGuard::fairing().with_secret(Secret::random()))
///     .mount("/api", protect(rocket::routes![list, version]))
///     .ignite()
///     .await
///     .expect("a valid Rocket");
/// assert_eq!(
///     auth_guard::audit(&rocket).to_string(),
///     "GET /api/<user_id>/tasks  owner of <user_id>  list\n\
///      GET /api/version          verified            version\n"
/// );
/// # });
/// ```
///
/// Where the tokens of every issuer need OAuth scopes, a route that names none is
/// `verified; no scope: closed`, for instance. Where only those of some do, the table names the
/// issuers.
///
/// What it cannot see: a user by a name that is neither `user_id` nor given to an
/// attribute (`param = "…"`) below the same path, and what handlers and other guards
/// do.
pub fn audit<P: Ignited>(rocket: &Rocket<P>) -> Audit {
    let verifier = rocket.state::<Verifier>();
    let closed = verifier.and_then(|verifier| scopes::closed(verifier.issuers()));
    Survey::of(rocket).audit(closed.as_ref())
}
