//! Mints tokens as a Better Auth server does: for trying the application out.

use std::fmt;
use std::time::{Duration, SystemTime};

use auth_guard::{Secret, Verifier};
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};

/// Why there is no token.
#[derive(Debug)]
#[non_exhaustive]
pub enum MintError {
    /// It would name nobody that the guard lets in.
    Uid,
    /// It would not live, or longer than the guard allows: that many seconds.
    Ttl(u32),
    /// It could not be signed.
    Signing(jsonwebtoken::errors::Error),
}

/// A token for `uid` that lives `ttl` from now, signed with `secret`; it says
/// what `verifier` asks for.
///
/// # Errors
///
/// When `verifier` would refuse the token for its `uid` or its lifetime.
pub fn mint(
    verifier: &Verifier,
    secret: &Secret,
    uid: &str,
    ttl: Duration,
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

    // jsonwebtoken panics if it has to choose a provider and some crate in the
    // build has switched a second one on. An error: one is installed already.
    let _ = aws_lc::DEFAULT_PROVIDER.install_default();
    let key = EncodingKey::from_secret(secret.expose());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(MintError::Signing)
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid => f.write_str(
                "the guard lets nobody in by that uid: give it at least one character, and no \
                 control characters",
            ),
            Self::Ttl(max) => write!(
                f,
                "the guard refuses tokens of that lifetime: give a ttl of 1s to {max}s, or raise \
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
