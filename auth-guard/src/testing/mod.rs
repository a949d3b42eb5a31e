//! A kit for the tests of an application: an issuer, a clock, assertions, and a
//! [attack](attack_all) on all of its routes.
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
//! A launch outside debug is refused while the feature `testing` is on, unless the
//! code [asks for it](crate::AuthGuard::allow_testing_in_release).

mod answer;
mod assert;
mod attack;
mod hostile;
mod issuer;
#[cfg(feature = "jwks")]
mod jwks_server;
mod request;
mod signer;

use std::time::SystemTime;

use crate::audit::explain::Explanation;
pub use crate::clock::Clock;
use crate::error::AuthError;
use crate::keys::{Hs256, Keys};
use crate::token::bearer::BearerToken;
use crate::token::claims::Claims;
use crate::verifier::{self, Verifier};
#[cfg(feature = "jwks")]
use crate::{keys::Key, keys::public::jwk::KeySet, token::header::Header};

#[cfg(feature = "jwks")]
pub use crate::keys::public::jwk::Algorithm;
pub use answer::Answer;
#[doc(hidden)]
pub use assert::__check_refused;
pub use assert::assert_refused;
pub use attack::{AttackReport, attack_all};
pub use hostile::HostileRequest;
pub use issuer::{Issuer, Token};
#[cfg(feature = "jwks")]
pub use jwks_server::JwksServer;
pub use request::RequestExt;

/// Verifies a compact JWS with a key of any bytes, and gives its payload: the
/// way of a token as far as its signature, by the same code, for third-party
/// vectors whose payloads are no claims.
///
/// # Errors
///
/// Each [`AuthError`] that a token can cause before its claims are looked at.
pub fn verify_jws(token: &str, key: &[u8]) -> Result<Vec<u8>, AuthError> {
    let keys = Keys::new(
        Some(Hs256::from_bytes(key)),
        #[cfg(feature = "jwks")]
        None,
    );
    let trace = &mut ();
    let token = BearerToken::new(token, trace)?;
    verifier::verify_signature(token, trace, |header| keys.select(header), &mut [])
        .map(|(payload, _)| payload.into_owned())
}

/// The same with one public key, given as a JWK.
///
/// # Errors
///
/// As above; `Err(None)` where the key is none that would be used.
#[cfg(feature = "jwks")]
pub fn verify_jws_with_jwk(
    token: &str,
    jwk: &serde_json::Value,
) -> Result<Vec<u8>, Option<AuthError>> {
    let keys = KeySet::of(jwk).map_err(|_| None)?;
    let select = |header: &Header<'_>| {
        let algorithm = header.public_algorithm().ok_or(AuthError::AlgorithmNotAllowed)?;
        Ok(Key::Public(keys.select(algorithm, header.kid.as_deref())?.clone()))
    };
    let trace = &mut ();
    let token = BearerToken::new(token, trace)?;
    verifier::verify_signature(token, trace, select, &mut [])
        .map(|(payload, _)| payload.into_owned())
        .map_err(Some)
}

/// Verifies what came in the `Authorization` fields of one request, as the guards
/// do: for property tests and fuzzing, without a request.
///
/// # Errors
///
/// Each [`AuthError`] that those fields can cause.
pub fn verify_fields<'r>(
    verifier: &Verifier,
    fields: impl IntoIterator<Item = &'r str>,
    now: SystemTime,
) -> Result<Claims, AuthError> {
    let trace = &mut ();
    let token = BearerToken::from_fields(fields.into_iter(), trace)?;
    verifier.verify_bearer(token, now, trace)
}

/// Explains what came in the `Authorization` fields of one request: to compare it
/// with what the guards do.
pub fn explain_fields<'r>(
    verifier: &Verifier,
    fields: impl IntoIterator<Item = &'r str>,
    now: SystemTime,
) -> Explanation {
    verifier.explain_way(now, |trace| BearerToken::from_fields(fields.into_iter(), trace))
}
