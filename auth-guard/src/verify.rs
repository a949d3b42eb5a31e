//! Step 3: key → signature; and the whole way from a token to its claims.

use std::fmt;
use std::time::SystemTime;

use crate::bearer::BearerToken;
use crate::claims::{Claims, Rules};
use crate::error::AuthError;
use crate::header::{Header, decode};
use crate::keys::Keys;

/// Verifies tokens without a request: for other transports (a WebSocket's first
/// message, a queue), for benchmarks and for fuzzing.
///
/// [`AuthGuard`](crate::AuthGuard) puts the one that the guards use in managed
/// state, as `&State<Verifier>`; [`AuthGuard::verifier`](crate::AuthGuard::verifier)
/// makes one without an application.
pub struct Verifier {
    keys: Keys,
    rules: Rules,
}

/// The three segments of a compact JWS (RFC 7515 section 7.1).
struct Segments<'t> {
    signing_input: &'t str,
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl Verifier {
    pub(crate) fn new(keys: Keys, rules: Rules) -> Self {
        Self { keys, rules }
    }

    /// Checks everything about `token` as of `now`, and gives its claims.
    ///
    /// # Errors
    ///
    /// Each [`AuthError`] that a token can cause, and none that only a request
    /// can: all of them are answered 401.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, AuthError> {
        self.verify_bearer(BearerToken::new(token)?, now)
    }

    /// The same for the values of the `Authorization` fields of one request.
    pub(crate) fn verify_fields<'r>(
        &self,
        fields: impl Iterator<Item = &'r str>,
        now: SystemTime,
    ) -> Result<Claims, AuthError> {
        self.verify_bearer(BearerToken::from_fields(fields)?, now)
    }

    fn verify_bearer(&self, token: BearerToken<'_>, now: SystemTime) -> Result<Claims, AuthError> {
        self.rules.check(verify_signature(&self.keys, token)?, now)
    }

    /// The `iss` that a token must have; `None`: any.
    pub fn issuer(&self) -> Option<&str> {
        self.rules.issuer.as_deref()
    }

    /// The `aud`s of which a token must have one; empty: any.
    pub fn audience(&self) -> &[String] {
        &self.rules.audience
    }

    /// The claim that names the owner of a path.
    pub fn uid_claim(&self) -> &str {
        &self.rules.uid_claim
    }

    /// The longest time that a token may still live, in seconds.
    pub fn max_lifetime(&self) -> u32 {
        self.rules.max_lifetime
    }
}

#[cfg(feature = "testing")]
impl Verifier {
    pub(crate) fn minting_key(&self) -> hmac::Hmac<sha2::Sha256> {
        self.keys.minting_key()
    }

    pub(crate) fn matches_subject(&self) -> bool {
        self.rules.match_subject && self.rules.uid_claim != "sub"
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl<'t> Segments<'t> {
    fn split(token: &'t str) -> Result<Self, AuthError> {
        let (signing_input, signature) = token.rsplit_once('.').ok_or(AuthError::MalformedToken)?;
        let (header, payload) = signing_input.split_once('.').ok_or(AuthError::MalformedToken)?;

        // A dot left in the payload is refused by `decode`.
        Ok(Self { signing_input, header, payload, signature })
    }
}

/// The payload, once the signature over it has been found good.
pub(crate) fn verify_signature(keys: &Keys, token: BearerToken<'_>) -> Result<Vec<u8>, AuthError> {
    let segments = Segments::split(token.as_str())?;
    let key = keys.select(&Header::read(segments.header)?)?;
    let signature = decode(segments.signature)?;
    if !key.verifies(segments.signing_input.as_bytes(), &signature) {
        return Err(AuthError::InvalidSignature);
    }

    decode(segments.payload)
}
