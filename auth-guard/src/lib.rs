//! Request guards and an attribute for [Rocket] that let a [Better Auth] token
//! open its owner's path and nobody else's.
//!
//! ```rust,no_run
//! use auth_guard::{user_scoped, AuthGuard, Owner, Verified};
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
//! The caller sends a JWT as `Authorization: Bearer …`, signed with the secret in
//! `BETTER_AUTH_SECRET`. It must be valid (else 401), and its `uid` must be the
//! `<user_id>` in the path (else 403). Nothing is stored: no session, no cookie,
//! no database look-up. A token cannot be revoked, so its lifetime is bounded.
//!
//! [From nothing to a guarded API](docs::better_auth) sets up a Better Auth server, an
//! application and a page, step by step.
//! [Whose path is it?](docs::ownership) helps to choose between the attribute, the
//! guards and [`protect`], and says what the audit at launch sees.
//!
//! # The way of a request
//!
//! | step | file | can fail with |
//! | --- | --- | --- |
//! | header field → token | `bearer.rs` | [`MissingToken`], [`MultipleTokens`], [`MalformedToken`] |
//! | token → key | `header.rs`, `keys.rs`, `jwk.rs` (`jwks.rs` fetches them) | [`MalformedToken`], [`AlgorithmNotAllowed`], [`NoMatchingKey`], [`KeysUnavailable`] |
//! | key → signature | `verify.rs` | [`InvalidSignature`] |
//! | signature → claims | `claims.rs` | [`InvalidClaim`], [`NotYetValid`], [`Expired`] |
//! | claims → guard | `guard/verified.rs` | |
//! | claims → ownership | `guard/user_scoped.rs`, `guard/{owner,access,protect}.rs` | [`NotOwner`] |
//! | error → answer | `response.rs`, `fairing.rs` | |
//!
//! [Known attacks](docs::attacks) lists those on tokens, and what stops each;
//! [what it costs](docs::performance) compares it with others;
//! [operating](docs::operating) says what is told of each decision, and what to watch.
//!
//! [Rocket]: https://rocket.rs
//! [Better Auth]: https://www.better-auth.com
//! [`MissingToken`]: AuthError::MissingToken
//! [`MultipleTokens`]: AuthError::MultipleTokens
//! [`MalformedToken`]: AuthError::MalformedToken
//! [`AlgorithmNotAllowed`]: AuthError::AlgorithmNotAllowed
//! [`NoMatchingKey`]: AuthError::NoMatchingKey
//! [`KeysUnavailable`]: AuthError::KeysUnavailable
//! [`InvalidSignature`]: AuthError::InvalidSignature
//! [`InvalidClaim`]: AuthError::InvalidClaim
//! [`NotYetValid`]: AuthError::NotYetValid
//! [`Expired`]: AuthError::Expired
//! [`NotOwner`]: AuthError::NotOwner

mod audit;
mod clock;
mod error;
mod guard;
mod keys;
mod launch;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "openapi")]
mod openapi;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod verifier;

/// It goes above the Rocket attribute, and checks before every other guard and
/// before the body is read: a valid token (else 401) whose `uid` is the
/// `<user_id>` segment of the path (else 403).
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
/// - `#[user_scoped(or = Admin)]`: the owner, or a caller to whom the
///   [`Exception`] `Admin` applies. The guard [`Access`] tells which; [`Owner`]
///   is refused beside it.
/// - `#[user_scoped(exempt = "the reason")]`: a deliberate exception. Nothing is
///   checked, and the reason is shown at launch.
///
/// # What it adds
///
/// A first argument, a guard. And, where the handler does not name the segment,
/// an argument of that name: a [`UserId`], which is owned and dereferences to
/// `str`. The body and the return type are left alone.
///
/// # Failing
///
/// As the guard [`Owner`], and never by forwarding.
pub use auth_guard_macros::user_scoped;

pub use audit::explain::{Door, Explanation, Verdict};
pub use audit::{Audit, AuditedRoute, Ignited, Policy, audit};
pub use error::AuthError;
pub use guard::{Access, Exception, Owner, UserId, Verified, protect, public};
pub use keys::{Secret, SecretError};
pub use launch::AuthGuard;
#[cfg(feature = "openapi")]
pub use openapi::openapi;
pub use token::claims::{Claims, ClaimsError};
pub use verifier::Verifier;

/// What needs more than a paragraph.
#[cfg(any(doc, doctest))]
pub mod docs {
    #[doc = include_str!("../docs/attacks.md")]
    pub mod attacks {}
    #[doc = include_str!("../docs/better-auth.md")]
    pub mod better_auth {}
    #[doc = include_str!("../docs/operating.md")]
    pub mod operating {}
    #[doc = include_str!("../docs/ownership.md")]
    pub mod ownership {}
    #[doc = include_str!("../docs/performance.md")]
    pub mod performance {}
    #[cfg(feature = "testing")]
    #[doc = include_str!("../docs/testing.md")]
    pub mod testing {}
}

/// For what `#[user_scoped]` expands to, and for nothing else.
#[doc(hidden)]
pub mod __private {
    pub use crate::guard::{Handler, UserScope, UserScoped};
}
