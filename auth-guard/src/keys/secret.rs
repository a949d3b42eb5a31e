//! The shared secret, and HS256.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret shared with the issuer, for HS256: its exact bytes, neither trimmed
/// nor decoded, as Better Auth uses them.
///
/// It is wiped from memory on drop and never printed.
///
/// ```rust
/// use auth_guard::{AuthGuard, Secret, SecretError};
///
/// # fn from_the_vault() -> Vec<u8> { b"32 bytes or more, from a vault ...".to_vec() }
/// let secret = Secret::new(from_the_vault())?;
/// let rocket = rocket::build().attach(AuthGuard::fairing().with_secret(secret));
/// # Ok::<(), SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why bytes cannot be a [`Secret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// The secret has no bytes.
    Empty,
    /// The secret is not UTF-8, which Better Auth's own secret always is.
    NotUtf8,
    /// The secret is shorter than [`Secret::MIN_LEN`] bytes (RFC 7518 section 3.2).
    TooShort,
    /// The secret is the one that Better Auth falls back to outside production, which
    /// is public.
    PublicDefault,
}

/// The shared secret, keyed once: HMAC spends half its time on the key.
pub(crate) struct Hs256 {
    pub(super) current: Hmac<Sha256>,
    pub(super) previous: Option<Hmac<Sha256>>,
}

impl Secret {
    /// The length of the shortest secret accepted, in bytes: HS256 needs a key at
    /// least as long as its hash (RFC 7518 section 3.2).
    pub const MIN_LEN: usize = 32;

    const PUBLIC_DEFAULT: &[u8] = b"better-auth-secret-12345678901234567890";

    /// Accepts the exact bytes of a secret.
    ///
    /// # Errors
    ///
    /// Returns [`SecretError`] if they cannot be one. The same faults of
    /// `BETTER_AUTH_SECRET` stop a launch.
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
    /// Panics if the operating system cannot provide random numbers.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).expect("the operating system provides random numbers");
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()).into_bytes()))
    }

    /// Returns the bytes, for code that signs with the same secret.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns `true` if quotes or white space surround the secret. Better Auth keeps
    /// them, and so do we, but mostly they are a mistake in an `.env` file.
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
            Self::Empty => "the secret is empty",
            Self::NotUtf8 => "the secret is not UTF-8",
            Self::TooShort => "the secret is shorter than 32 bytes (RFC 7518 section 3.2)",
            Self::PublicDefault => {
                "the secret is Better Auth's public default, which anybody can look up"
            }
        })
    }
}

impl std::error::Error for SecretError {}

impl Hs256 {
    pub(crate) fn new(current: &Secret, previous: Option<&Secret>) -> Self {
        Self { current: keyed(current), previous: previous.map(keyed) }
    }

    /// Takes a key of any bytes: third-party vectors have keys that no [`Secret`] may be.
    #[cfg(feature = "testing")]
    pub(crate) fn from_bytes(key: &[u8]) -> Self {
        Self { current: keyed_with(key), previous: None }
    }

    /// Returns how many secrets are accepted.
    #[cfg(feature = "metrics")]
    pub(super) fn count(&self) -> usize {
        1 + usize::from(self.previous.is_some())
    }

    /// Compares in constant time. Tries the previous secret only after the current one
    /// has failed.
    pub(super) fn verifies(&self, input: &[u8], tag: &[u8]) -> bool {
        let verifies = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(input);
            mac.verify_slice(tag).is_ok()
        };
        verifies(&self.current) || self.previous.as_ref().is_some_and(verifies)
    }
}

/// Prepares HMAC with `secret`.
pub(crate) fn keyed(secret: &Secret) -> Hmac<Sha256> {
    keyed_with(secret.expose())
}

fn keyed_with(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}
