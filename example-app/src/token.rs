//! Mints tokens like those of a Better Auth server, for trying out the application.

use std::fmt;
use std::time::{Duration, SystemTime};

use auth_guard::{Secret, Verifier};
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};

/// The reason why no token was minted.
#[derive(Debug)]
#[non_exhaustive]
pub enum MintError {
    /// The guard accepts no token with this `uid`.
    Uid,
    /// The lifetime is shorter than a second or longer than this many, the guard's maximum.
    Ttl(u32),
    /// The token could not be signed.
    Signing(jsonwebtoken::errors::Error),
}

/// Mints a token for `uid` that is valid for `ttl` from now, signed with `secret`. It has
/// the issuer, the audience and the user id claim that `verifier` requires, and these OAuth
/// scopes, if any.
///
/// # Errors
///
/// Fails if `verifier` would refuse the token for its `uid` or its lifetime.
pub fn mint(
    verifier: &Verifier,
    secret: &Secret,
    uid: &str,
    ttl: Duration,
    scope: Option<&str>,
) -> Result<String, MintError> {
    if uid.is_empty() || uid.contains(char::is_control) {
        return Err(MintError::Uid);
    }

    let max = verifier.max_lifetime();
    if ttl < Duration::from_secs(1) || ttl > Duration::from_secs(max.into()) {
        return Err(MintError::Ttl(max));
    }

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut claims: Map<String, Value> = Map::new();
    claims.insert("iat".into(), now.as_secs().into());
    claims.insert("exp".into(), (now.as_secs() + ttl.as_secs()).into());
    claims.insert("sub".into(), uid.into());
    claims.insert(verifier.uid_claim().into(), uid.into());
    if let Some(issuer) = verifier.issuer() {
        claims.insert("iss".into(), issuer.into());
    }
    if let Some(audience) = verifier.audience().first() {
        claims.insert("aud".into(), audience.as_str().into());
    }

    claims.extend(scope.map(|scope| ("scope".to_owned(), scope.into())));

    // jsonwebtoken panics if it has to choose between two providers, and any crate in
    // the build can enable the second. An error means that one is already installed.
    let _ = aws_lc::DEFAULT_PROVIDER.install_default();
    let key = EncodingKey::from_secret(secret.expose());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(MintError::Signing)
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid => f.write_str(
                "the guard accepts no token with that uid: use at least one character, and no \
                 control characters",
            ),
            Self::Ttl(max) => write!(
                f,
                "the guard refuses tokens with that lifetime: choose a ttl of 1s to {max}s, or raise \
                 AUTH_GUARD_MAX_LIFETIME"
            ),
            Self::Signing(error) => write!(f, "the token could not be signed: {error}"),
        }
    }
}

impl std::error::Error for MintError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Signing(error) => Some(error),
            Self::Uid | Self::Ttl(_) => None,
        }
    }
}
