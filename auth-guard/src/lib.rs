//! Route guards for [Rocket] 0.5 that check JSON Web Tokens, such as those of [Better Auth].
//!
//! Your application keeps users' data under `/api/<user_id>/…`, and callers send a JWT as
//! `Authorization: Bearer …`. One attribute on a handler protects its path: the token must be
//! valid (else 401), and its `uid` must be the `<user_id>` in the path (else 403). If you forget
//! the attribute, the application does not launch. Two more attributes do the same for
//! organisations and for roles. Nothing is stored: no session, no cookie, no database look-up.
//!
//! # Quick start
//!
//! This is an application for a Better Auth server as it is by default, which signs tokens with
//! a key pair and publishes the public keys. There is no release yet, so the path leads to a
//! checkout beside the application:
//!
//! ```toml
//! [dependencies]
//! auth-guard = { path = "../auth-guard/auth-guard", features = ["jwks"] }
//! rocket = "0.5.2"
//! ```
//!
//! ```rust,no_run
//! use auth_guard::{AuthGuard, Owner, Verified, authorized, user_scoped};
//! use rocket::{get, launch, routes};
//!
//! #[user_scoped]                        // above the route attribute
//! #[get("/<user_id>/tasks")]
//! fn list(user_id: &str) -> String {
//!     format!("the tasks of {user_id}, who is asking")
//! }
//!
//! #[user_scoped]
//! #[get("/<user_id>/tasks/<id>")]       // `user_id` is bound by the attribute
//! fn show(id: i64, owner: Owner) -> String {
//!     format!("task {id} of {}, which is {user_id}", owner.uid())
//! }
//!
//! #[authorized]                         // any valid token
//! #[get("/me")]
//! fn me(user: Verified) -> String {
//!     user.uid().to_owned()
//! }
//!
//! #[launch]
//! fn rocket() -> _ {
//!     rocket::build().attach(AuthGuard::fairing()).mount("/api", routes![list, show, me])
//! }
//! ```
//!
//! 1. In Better Auth's configuration, let tokens say who they are for:
//!    `jwt({ jwt: { definePayload: ({ user }) => ({ uid: user.id }) } })`.
//! 2. Set `BETTER_AUTH_URL` to the public URL of the Better Auth server, on both sides.
//! 3. Start the application. Its launch prints what it enforces, and who may call each route.
//!
//! [Better Auth](docs::better_auth) leads from nothing to a guarded API, step by step, also with
//! a shared secret and with Next.js. If you get a 401 that you did not expect,
//! [Troubleshooting](docs::troubleshooting) says why.
//!
//! # Guides
//!
//! The module [`docs`] has them in this order:
//!
#![doc = include_str!("docs/index.md")]
//!
#![doc = include_str!("docs/links.md")]
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `jwks` | public keys, fetched from the issuer, as Better Auth publishes them by default |
//! | `metrics` | counts of decisions and keys, for a recorder of the crate `metrics` |
//! | `openapi` | the guards in an OpenAPI document of `utoipa` |
//! | `testing` | a kit for tests; with it on, a launch outside debug is refused |
//!
//! None is on by default. Without `jwks`, the only keys are shared secrets (HS256).
//!
//! [Rocket]: https://rocket.rs
//! [Better Auth]: https://www.better-auth.com

mod audit;
mod clock;
#[cfg(any(doc, doctest))]
pub mod docs;
mod error;
mod guard;
mod keys;
mod launch;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "openapi")]
mod openapi;
mod route;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod verifier;

/// Requires a valid token (else 401) whose `uid` is the `<user_id>` segment of the path
/// (else 403). It goes above the Rocket attribute, and checks before every other guard and
/// before the body is read.
///
/// ```rust
/// use auth_guard::user_scoped;
/// use rocket::{delete, get};
///
/// #[user_scoped]
/// #[get("/<user_id>/tasks")]
/// fn list(user_id: &str) -> &str {
///     user_id
/// }
///
/// #[user_scoped]                    // binds `user_id`, which the handler does not name
/// #[delete("/<user_id>/tasks/<id>")]
/// fn remove(id: i64) -> String {
///     format!("{user_id} removed {id}")
/// }
/// # fn main() { let _ = rocket::routes![list, remove]; }
/// ```
///
/// # Arguments
///
/// - `#[user_scoped(param = "account_id")]`: the segment has another name.
/// - `#[user_scoped(or = Admin)]`: the owner, or a caller who meets the [`Requirement`]
///   `Admin`. The guard [`Access`] tells which; [`Owner`] cannot be used with it.
/// - `#[user_scoped(scope = "tasks:read")]`: these OAuth scopes as well, all of them, with one
///   space between two. A token needs them if its issuer's scopes are enforced; see
///   [OAuth scopes](docs::authorization#oauth-scopes).
/// - `#[user_scoped(exempt = "the reason")]`: a deliberate exception. Nothing is checked, and
///   the launch prints the reason.
///
/// # What it adds
///
/// A first argument, a guard. If the handler does not name the segment, also an argument of
/// that name: a [`UserId`], which is owned and dereferences to `str`. The body and the return
/// type stay as they are.
///
/// # Failing
///
/// As the guard [`Owner`], and never by forwarding (rule 18); with 403 `insufficient_scope` if
/// the token lacks an OAuth scope.
pub use auth_guard_macros::user_scoped;

/// Requires a valid token (else 401) whose caller a [`Scope`] admits to a segment of the path
/// (else 403 `not_allowed`): an organisation, a tenant, a project.
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
/// It goes above the Rocket attribute and checks before every other guard, as
/// [`user_scoped`](macro@user_scoped), with which it can stand on one handler: all must pass.
///
/// # Arguments
///
/// - `org_id: Organization`: the segment, and the [`Scope`] that decides about it.
/// - `or = Admin`: or a caller who meets this [`Requirement`].
/// - `scope = "projects:read"`: these OAuth scopes as well, as with
///   [`user_scoped`](macro@user_scoped).
///
/// The segment is reserved: at its place below the same path, no route of the application may
/// have a dynamic segment of any name that is not scoped. A name that ends in `_id` is
/// reserved in the whole application. The launch is refused otherwise.
///
/// # Failing
///
/// As [`Verified`]; with 403 `not_allowed` if the caller is not admitted; with 403
/// `insufficient_scope` if the token lacks an OAuth scope; with 503 `check_unavailable` if the
/// [`Scope`] gives no answer.
pub use auth_guard_macros::scoped;

/// Requires a valid token (else 401) of a caller who meets a [`Requirement`] (else 403
/// `not_allowed`).
///
/// ```rust
/// use auth_guard::{Requirement, Unavailable, Verified, authorized};
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
/// #[authorized]                     // any valid token
/// #[get("/me")]
/// fn me(user: Verified) -> String {
///     user.uid().to_owned()
/// }
///
/// #[authorized(Admin)]
/// #[get("/admin/stats")]
/// fn stats() -> &'static str {
///     "42"
/// }
/// # fn main() { let _ = rocket::routes![me, stats]; }
/// ```
///
/// It goes above the Rocket attribute and checks before every other guard, as
/// [`user_scoped`](macro@user_scoped) and [`scoped`](macro@scoped), with which it can stand
/// on one handler: all must pass. It never answers for a `<user_id>` in the path.
///
/// # Arguments
///
/// - a type: the [`Requirement`] to be met.
/// - `machines = true`: a machine's token may pass as well (rule 21).
/// - `scope = "ops"`: these OAuth scopes as well, as with [`user_scoped`](macro@user_scoped).
///
/// # Failing
///
/// As [`Verified`]; with 403 `not_allowed` if the requirement is not met; with 403
/// `insufficient_scope` if the token lacks an OAuth scope; with 503 `check_unavailable` if the
/// requirement gives no answer.
pub use auth_guard_macros::authorized;

pub use audit::{
    Audit, AuditedRoute, Decision, Explanation, Ignited, Policy, Requirements, RouteDecision,
    ScopeRequirement, audit,
};
pub use error::AuthError;
pub use guard::{
    Access, Caller, Owner, PathSegment, ProtectedRoutes, Requirement, Scope, Unavailable, UserId,
    Verified, protect, public,
};
pub use keys::secret::{Secret, SecretError};
pub use launch::{AuthGuard, ConfigError, ConfigErrors};
#[cfg(feature = "openapi")]
pub use openapi::openapi;
pub use token::claims::{Claims, ClaimsError};
pub use verifier::Verifier;

/// What `#[user_scoped]` expands to. It is no part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::guard::beside_or::{Argument, NotOwner};
    pub use crate::guard::{Answer, Guard, Guarded, Question, SegmentQuestion};
    pub use crate::route::registry::{GuardedHandler, OwnerRule, ScopeRule};
}
