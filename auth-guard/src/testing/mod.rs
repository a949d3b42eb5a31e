//! A kit for the tests of an application: an issuer of tokens, a clock, assertions, and
//! an [attack](attack_all) on every route.
//!
//! ```rust
//! use auth_guard::testing::{RequestExt, assert_refused, attack_all};
//! use auth_guard::{AuthGuard, Secret, user_scoped};
//! use rocket::http::Status;
//! use rocket::local::blocking::Client;
//!
//! #[user_scoped]
//! #[rocket::get("/<user_id>/tasks")]
//! fn list(user_id: &str) -> &str {
//!     user_id
//! }
//!
//! let guard = AuthGuard::fairing().with_secret(Secret::random());
//! let rocket = rocket::build().attach(guard).mount("/api", rocket::routes![list]);
//! let client = Client::untracked(rocket).expect("a valid Rocket");
//!
//! assert_eq!(client.get("/api/alice/tasks").as_user("alice").dispatch().status(), Status::Ok);
//! assert_refused!(client.get("/api/alice/tasks").dispatch(), MissingToken);
//! assert_refused!(client.get("/api/alice/tasks").as_user("bob").dispatch(), NotOwner);
//!
//! println!("{}", attack_all(&client));
//! ```
//!
//! An application with public keys first [trusts](Issuer::trusted_by) an issuer of the
//! test.
//!
//! While the feature `testing` is on, an application launches only in a debug build and
//! profile, unless its code
//! [allows more](crate::AuthGuard::allow_testing_in_release).

mod answer;
mod assert;
mod attack;
mod hostile;
#[doc(hidden)]
pub mod internal;
mod issuer;
#[cfg(feature = "jwks")]
mod jwks_server;
mod request;
mod signer;
mod token;

pub use crate::clock::Clock;
#[cfg(feature = "jwks")]
pub use crate::keys::public::algorithm::Algorithm;
pub use answer::Answer;
#[doc(hidden)]
pub use assert::__check_refused;
#[doc(inline)]
pub use assert::assert_refused;
pub use attack::{Attack, AttackReport, attack, attack_all};
pub use hostile::HostileRequest;
pub use issuer::Issuer;
#[cfg(feature = "jwks")]
pub use jwks_server::JwksServer;
pub use request::RequestExt;
pub use token::Token;
