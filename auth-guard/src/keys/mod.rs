//! Step 2, second half: header → the one key for it.

#[cfg(feature = "jwks")]
pub(crate) mod public;

use std::fmt;
#[cfg(feature = "jwks")]
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::AuthError;
#[cfg(feature = "jwks")]
use crate::keys::public::{
    engine::Jwks,
    jwk::{Algorithm, PublicKey},
};
use crate::token::header::Header;

/// A secret shared with the issuer, for HS256: its exact bytes, neither trimmed
/// nor decoded, as Better Auth uses them.
///
/// It is wiped from memory on drop and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why bytes cannot be a [`Secret`].
///
/// The text of an error begins with a verb and completes a sentence about the
/// secret: "`BETTER_AUTH_SECRET` is empty".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// It has no bytes.
    Empty,
    /// It is not UTF-8, which Better Auth's own secret always is.
    NotUtf8,
    /// It is shorter than [`Secret::MIN_LEN`] bytes (RFC 7518 section 3.2).
    TooShort,
    /// It is the one that Better Auth falls back to outside production, which
    /// anybody can read in its source.
    PublicDefault,
}

/// The keys that tokens are verified with.
pub(crate) struct Keys {
    hs256: Option<Hs256>,
    #[cfg(feature = "jwks")]
    jwks: Option<Jwks>,
}

/// The one key for a token.
pub(crate) enum Key<'k> {
    Hs256(&'k Hs256),
    #[cfg(feature = "jwks")]
    Public(Arc<PublicKey>),
}

/// The shared secret, keyed once: HMAC spends half its time on the key.
pub(crate) struct Hs256 {
    current: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

impl Secret {
    /// The shortest secret accepted, in bytes: HS256 wants a key at least as
    /// long as its hash (RFC 7518 section 3.2).
    pub const MIN_LEN: usize = 32;

    const PUBLIC_DEFAULT: &[u8] = b"better-auth-secret-12345678901234567890";

    /// Accepts the exact bytes of a secret, from a vault for instance.
    ///
    /// # Errors
    ///
    /// Those of [`SecretError`], which also stop a launch when
    /// `BETTER_AUTH_SECRET` has them.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let secret = Self(Zeroizing::new(bytes.into()));
        let bytes = secret.expose();
        match std::str::from_utf8(bytes) {
            _ if bytes.is_empty() => Err(SecretError::Empty),
            Err(_) => Err(SecretError::NotUtf8),
            Ok(_) if bytes == Self::PUBLIC_DEFAULT => Err(SecretError::PublicDefault),
            Ok(_) if bytes.len() < Self::MIN_LEN => Err(SecretError::TooShort),
            Ok(_) => Ok(secret),
        }
    }

    /// Makes a new secret of 256 random bits, as 43 characters of base64url.
    ///
    /// # Panics
    ///
    /// When the operating system has no random numbers to give.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).expect("the operating system gives random numbers");
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()).into_bytes()))
    }

    /// The bytes, for code that signs with the same secret.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Better Auth keeps surrounding quotes and white space, and so do we, but
    /// mostly they are a mistake in an `.env` file.
    pub(crate) fn is_wrapped(&self) -> bool {
        let wrapper = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_whitespace() || b"\"'`".contains(byte))
        };
        wrapper(self.0.first()) || wrapper(self.0.last())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::NotUtf8 => "is not UTF-8",
            Self::TooShort => "is shorter than 32 bytes (RFC 7518 section 3.2)",
            Self::PublicDefault => "is Better Auth's public default, which anybody can look up",
        })
    }
}

impl std::error::Error for SecretError {}

impl Keys {
    pub(crate) fn new(hs256: Option<Hs256>, #[cfg(feature = "jwks")] jwks: Option<Jwks>) -> Self {
        Self {
            hs256,
            #[cfg(feature = "jwks")]
            jwks,
        }
    }

    /// One key, one algorithm, compared as it is written (RFC 8725 section 3.1):
    /// the token never chooses how it is verified.
    pub(crate) fn select(&self, header: &Header<'_>) -> Result<Key<'_>, AuthError> {
        if &*header.alg == "HS256" {
            return self.hs256.as_ref().map(Key::Hs256).ok_or(AuthError::AlgorithmNotAllowed);
        }

        #[cfg(feature = "jwks")]
        if let (Some(jwks), Some(algorithm)) = (&self.jwks, header.public_algorithm()) {
            return jwks.select(algorithm, header.kid.as_deref()).map(Key::Public);
        }

        Err(AuthError::AlgorithmNotAllowed)
    }

    #[cfg(feature = "jwks")]
    pub(crate) fn jwks(&self) -> Option<&Jwks> {
        self.jwks.as_ref()
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn count(&self) {
        if let Some(hs256) = &self.hs256 {
            crate::metrics::keys("secret", 1 + usize::from(hs256.previous.is_some()));
        }
        #[cfg(feature = "jwks")]
        if let Some(jwks) = &self.jwks {
            jwks.count();
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn minting_key(&self) -> Option<Hmac<Sha256>> {
        self.hs256.as_ref().map(|hs256| hs256.current.clone())
    }
}

/// What verifies what, for the launch to print.
impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if self.hs256.is_some() {
            parts.push("HS256 with the shared secret".into());
        }
        #[cfg(feature = "jwks")]
        if self.jwks.is_some() {
            parts.push(format!("{} with public keys", Algorithm::names()));
        }
        f.write_str(&parts.join("; "))
    }
}

impl Key<'_> {
    pub(crate) fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hs256(key) => key.verifies(input, signature),
            #[cfg(feature = "jwks")]
            Self::Public(key) => key.verifies(input, signature),
        }
    }
}

impl Hs256 {
    pub(crate) fn new(current: &Secret, previous: Option<&Secret>) -> Self {
        Self { current: keyed(current), previous: previous.map(keyed) }
    }

    /// Of any bytes: third-party vectors have keys that no [`Secret`] may be.
    #[cfg(feature = "testing")]
    pub(crate) fn from_bytes(key: &[u8]) -> Self {
        Self { current: keyed_with(key), previous: None }
    }

    /// Compares in constant time. The previous secret is tried only after the
    /// current one has failed.
    fn verifies(&self, input: &[u8], tag: &[u8]) -> bool {
        let verifies =
            |key: &Hmac<Sha256>| key.clone().chain_update(input).verify_slice(tag).is_ok();
        verifies(&self.current) || self.previous.as_ref().is_some_and(verifies)
    }
}

pub(crate) fn keyed(secret: &Secret) -> Hmac<Sha256> {
    keyed_with(secret.expose())
}

fn keyed_with(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}
