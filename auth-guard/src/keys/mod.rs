//! Step 2, second half: header → the one key for it.

// The one place that tells the feature from its absence: the twin has the same
// names, and no values.
#[cfg_attr(not(feature = "jwks"), path = "no_public.rs")]
pub(crate) mod public;
pub(crate) mod secret;

use std::fmt;
use std::sync::Arc;

use crate::token::header::Header;
use public::{NoKey, PublicKey, PublicKeys};
use secret::Hs256;

/// The algorithms that tokens may be signed with (RFC 7518 section 3.1, RFC 8037 section 3.1).
pub(crate) const ALGORITHMS: [&str; 11] = [
    "HS256", "EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384",
    "PS512",
];

/// The keys that tokens are verified with.
pub(crate) struct Keys {
    pub(crate) secret: Option<Hs256>,
    pub(crate) public: Option<PublicKeys>,
}

/// Managed state of a test whose key server answers at once: unknown keys are asked for
/// without a cooldown.
#[cfg(feature = "testing")]
pub(crate) struct NoCooldown;

/// The one key for a token.
pub(crate) enum Key<'k> {
    Secret(&'k Hs256),
    Public(Arc<PublicKey>),
}

impl Keys {
    /// Selects the key for a header. One key is for one algorithm, compared exactly as
    /// written (RFC 8725 section 3.1): the token never chooses how it is verified.
    pub(crate) fn select(&self, header: &Header<'_>) -> Result<Key<'_>, NoKey> {
        use crate::error::AuthError::AlgorithmNotAllowed;
        if &*header.alg == "HS256" {
            return match &self.secret {
                Some(secret) => Ok(Key::Secret(secret)),
                None => Err(NoKey::Refused(AlgorithmNotAllowed)),
            };
        }

        match &self.public {
            Some(public) => public.select(&header.alg, header.kid.as_deref()).map(Key::Public),
            None => Err(NoKey::Refused(AlgorithmNotAllowed)),
        }
    }

    /// Returns the key that tokens of the shared secret are minted with.
    #[cfg(feature = "testing")]
    pub(crate) fn minting_key(&self) -> Option<hmac::Hmac<sha2::Sha256>> {
        self.secret.as_ref().map(|secret| secret.current.clone())
    }

    /// Sets the gauges of the keys.
    #[cfg(feature = "metrics")]
    pub(crate) fn count(&self) {
        if let Some(secret) = &self.secret {
            crate::metrics::keys("secret", None, secret.count());
        }
        if let Some(public) = &self.public {
            public.count();
        }
    }
}

/// Prints what verifies what, for the launch.
impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.secret.as_ref().map(|_| "HS256 with the shared secret".to_owned());
        let public = self.public.as_ref();
        let public = public.map(|public| format!("{} with public keys", public.algorithms()));
        let parts: Vec<_> = secret.into_iter().chain(public).collect();
        f.write_str(&parts.join("; "))
    }
}

impl Key<'_> {
    pub(crate) fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(key) => key.verifies(input, signature),
            Self::Public(key) => key.verifies(input, signature),
        }
    }

    /// Returns the key as something to name in an event, if it has a name.
    pub(crate) fn public(self) -> Option<Arc<PublicKey>> {
        match self {
            Self::Secret(_) => None,
            Self::Public(key) => Some(key),
        }
    }
}
