//! Entries for the tests of this crate, without stability. Applications use the rest of
//! [`testing`](super).

use std::time::SystemTime;

use crate::audit::Explanation;
use crate::error::AuthError;
use crate::keys::Key;
#[cfg(feature = "jwks")]
use crate::keys::public::{algorithm::Algorithm, read_key_set, read_metadata, set::KeySet};
use crate::keys::secret::Hs256;
use crate::token::bearer::BearerToken;
use crate::token::claims::Claims;
use crate::verifier::{self, Step, Verifier};

/// Verifies a compact JWS with a key of any bytes, and returns its payload. The code is
/// that of the guards up to the signature; third-party vectors have payloads that are no
/// claims.
///
/// # Errors
///
/// Each [`AuthError`] that a token can cause before its claims are read.
pub fn verify_jws(token: &str, key: &[u8]) -> Result<Vec<u8>, AuthError> {
    let key = Hs256::from_bytes(key);
    verifier::verify_jws(token, |header| match &*header.alg {
        "HS256" => Ok(Key::Secret(&key)),
        _ => Err(AuthError::AlgorithmNotAllowed),
    })
}

/// Verifies a compact JWS with one public key, a JWK, and returns its payload.
///
/// # Errors
///
/// `Err(None)` if the JWK is not usable; else as [`verify_jws`].
#[cfg(feature = "jwks")]
pub fn verify_jws_with_jwk(
    token: &str,
    jwk: &serde_json::Value,
) -> Result<Vec<u8>, Option<AuthError>> {
    let keys = KeySet::of(jwk).map_err(|_| None)?;
    let verified = verifier::verify_jws(token, |header| {
        let algorithm = Algorithm::named(&header.alg).ok_or(AuthError::AlgorithmNotAllowed)?;
        Ok(Key::Public(keys.select(algorithm, header.kid.as_deref())?.clone()))
    });
    verified.map_err(Some)
}

/// Returns `true` if `signature` is one of `key` over `input`, where `key` is a JWK with an
/// `alg`; `None` if no issuer may publish such a key. For third-party vectors of primitives.
#[cfg(feature = "jwks")]
pub fn verify_with_jwk(jwk: &serde_json::Value, input: &[u8], signature: &[u8]) -> Option<bool> {
    let keys = KeySet::of(jwk).ok()?;
    let algorithm = Algorithm::named(jwk["alg"].as_str()?)?;
    Some(keys.select(algorithm, jwk["kid"].as_str()).ok()?.verifies(input, signature))
}

/// Reads the metadata of `issuer` as a fetch does, and returns the address of its keys.
///
/// # Errors
///
/// Says why there is no address, as the log does.
#[cfg(feature = "jwks")]
pub fn metadata(json: &[u8], issuer: &str) -> Result<String, String> {
    read_metadata(json, issuer)
}

/// Reads a JWK Set as a fetch does, with these `algorithms` (all, if there are none), and
/// returns the number of its keys and why the other entries are not used.
///
/// # Errors
///
/// Says why there are no keys, as the log does.
#[cfg(feature = "jwks")]
pub fn key_set(json: &[u8], algorithms: &[String]) -> Result<(usize, Vec<String>), String> {
    read_key_set(json, algorithms)
}

/// Verifies the `Authorization` fields of one request as the guards do, for property
/// tests and fuzzing without a request.
///
/// # Errors
///
/// Each [`AuthError`] that those fields can cause.
pub fn verify_fields<'r>(
    verifier: &Verifier,
    fields: impl IntoIterator<Item = &'r str>,
    now: SystemTime,
) -> Result<Claims, AuthError> {
    let token = BearerToken::from_fields(fields.into_iter()).map_err(|failed| failed.error)?;
    let result = match verifier.step(token, now) {
        Step::Done(result) => result,
        Step::NeedsKey(wanted) => wanted.resume(now),
    };
    result.map(|accepted| accepted.claims).map_err(|refusal| refusal.error)
}

/// Explains the `Authorization` fields of one request, to compare the explanation with
/// what the guards do.
pub fn explain_fields<'r>(
    verifier: &Verifier,
    fields: impl IntoIterator<Item = &'r str>,
    now: SystemTime,
) -> Explanation {
    verifier.explain_fields(fields.into_iter(), now)
}
