//! A token while a test makes it: valid, or wrong on purpose.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::serde::Serialize;
use serde_json::{Map, Value, json};

use super::signer::Signer;
use crate::keys::secret::Secret;

/// A token in the making: valid, unless a method makes something wrong on purpose.
///
/// ```rust
/// use auth_guard::testing::{Issuer, Token};
/// use auth_guard::{AuthError, AuthGuard, Secret};
/// use std::time::SystemTime;
///
/// let secret = Secret::random();
/// let guard = AuthGuard::fairing().with_secret(secret.clone());
/// let verifier = guard.verifier(&rocket::Config::figment()).expect("a valid configuration");
/// let verify = |token: String| verifier.verify(&token, SystemTime::now());
///
/// let token = Issuer::new(&secret).token("alice").claim("role", "admin");
/// assert_eq!(verify(token.sign()).expect("a valid token").uid(), "alice");
///
/// assert_eq!(verify(token.tampered()).unwrap_err(), AuthError::InvalidSignature);
/// assert_eq!(verify(token.unsigned()).unwrap_err(), AuthError::AlgorithmNotAllowed);
/// assert_eq!(verify(token.expired().sign()).unwrap_err(), AuthError::Expired);
/// ```
#[derive(Clone)]
pub struct Token {
    key: Signer,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    pub(super) fn new(key: Signer, claims: Map<String, Value>) -> Self {
        let (alg, kid) = key.names();
        let mut header = Map::from_iter([("alg".into(), json!(alg)), ("typ".into(), json!("JWT"))]);
        header.extend(kid.map(|kid| ("kid".into(), json!(kid))));
        Self { key, header, claims }
    }

    /// Reads a token back that [`Token::sign`] made. Returns `None` if it did not.
    pub(super) fn read(token: &str, key: Signer) -> Option<Self> {
        let mut segments = token.split('.');
        let mut object = || {
            let json = URL_SAFE_NO_PAD.decode(segments.next()?).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&json).ok()
        };
        Some(Self { key, header: object()?, claims: object()? })
    }

    /// Returns a claim.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// Returns the claims, each with its name.
    pub(super) fn claims(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.claims.iter().map(|(name, value)| (&**name, value))
    }

    pub(super) fn without_type(mut self) -> Self {
        self.header.remove("typ");
        self
    }

    /// Sets a claim, and replaces one of that name.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Sets several claims: the members of an object.
    ///
    /// # Panics
    ///
    /// Panics if `claims` does not serialize to an object.
    #[must_use]
    pub fn with_claims(mut self, claims: impl Serialize) -> Self {
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => self.claims.extend(claims),
            _ => panic!("`with_claims` takes an object: its members are the claims"),
        }
        self
    }

    /// Sets the OAuth scopes, with spaces between them: what the user permits a client to do.
    /// An empty text removes the claim.
    ///
    /// ```rust
    /// # use auth_guard::testing::Issuer;
    /// # use auth_guard::{AuthGuard, Secret};
    /// # let secret = Secret::random();
    /// let figment = rocket::Config::figment().merge(("auth_guard.scopes", "enforced"));
    /// let guard = AuthGuard::fairing().with_secret(secret.clone());
    /// let verifier = guard.verifier(&figment).expect("a valid configuration");
    ///
    /// let token = Issuer::new(&secret).token("alice").scope("openid tasks:read").sign();
    /// let claims = verifier.verify(&token, std::time::SystemTime::now()).expect("a valid token");
    /// assert!(claims.allows_scopes("tasks:read") && !claims.allows_scopes("tasks:write"));
    /// ```
    #[must_use]
    pub fn scope(self, scopes: &str) -> Self {
        match scopes {
            "" => self.without("scope"),
            scopes => self.claim("scope", scopes),
        }
    }

    /// Removes a claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a header parameter, and replaces one of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Sets `exp` to this long after `iat`.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        let issued_at = self.claims.get("iat").and_then(Value::as_u64).unwrap_or_default();
        self.claim("exp", issued_at.saturating_add(lifetime.as_secs()))
    }

    /// Moves `iat` and `exp` into the past, so that the token has expired by more than
    /// the largest leeway.
    #[must_use]
    pub fn expired(self) -> Self {
        let time = |name| self.claims.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (issued_at, expires_at) = (time("iat"), time("exp"));
        let expired_at = issued_at.saturating_sub(360);
        let lifetime = expires_at.saturating_sub(issued_at);
        self.claim("iat", expired_at.saturating_sub(lifetime)).claim("exp", expired_at)
    }

    /// Binds the token to a key that the caller would have to prove (RFC 9449 section 6):
    /// a guard that cannot check the proof refuses it.
    #[must_use]
    pub fn bound(self) -> Self {
        self.claim("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }))
    }

    /// Uses `secret` and HS256 instead of the issuer's key, and leaves the header as it
    /// is.
    #[must_use]
    pub fn signed_with(mut self, secret: &Secret) -> Self {
        self.key = Signer::of_secret(secret);
        self
    }

    /// Signs the token: the compact serialization (RFC 7515 section 7.1).
    pub fn sign(&self) -> String {
        let (header, claims) = (json!(self.header).to_string(), json!(self.claims).to_string());
        self.key.sign_token(header.as_bytes(), claims.as_bytes())
    }

    /// Signs the token with the signature of another payload.
    pub fn tampered(&self) -> String {
        let token = self.clone().claim("tampered", true).sign();
        let (_, signature) = token.rsplit_once('.').unwrap_or_default();
        let original = self.sign();
        let (input, _) = original.rsplit_once('.').unwrap_or_default();
        format!("{input}.{signature}")
    }

    /// Returns the token with `alg: none` and an empty signature.
    pub fn unsigned(&self) -> String {
        let token = self.clone().header("alg", "none").sign();
        let (input, _) = token.rsplit_once('.').unwrap_or_default();
        format!("{input}.")
    }
}

impl From<Token> for String {
    fn from(token: Token) -> String {
        token.sign()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
