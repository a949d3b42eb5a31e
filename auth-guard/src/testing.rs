//! An issuer and a clock for the tests of an application.
//!
//! ```rust
//! use auth_guard::testing::RequestExt;
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
//! assert_eq!(client.get("/api/alice/tasks").dispatch().status(), Status::Unauthorized);
//! assert_eq!(client.get("/api/alice/tasks").as_user("alice").dispatch().status(), Status::Ok);
//! assert_eq!(client.get("/api/alice/tasks").as_user("bob").dispatch().status(), Status::Forbidden);
//! ```
//!
//! A launch outside debug is refused while the feature `testing` is on.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rocket::http::Header;
use rocket::local::{asynchronous, blocking};
use rocket::{Orbit, Rocket};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::bearer::BearerToken;
use crate::claims::Claims;
pub use crate::clock::Clock;
use crate::error::AuthError;
use crate::fairing::Installed;
#[cfg(feature = "jwks")]
use crate::jwk::KeySet;
use crate::keys::{self, Hs256, Keys, Secret};
use crate::verify::{self, Verifier};

/// Mints HS256 tokens as a Better Auth server does.
#[derive(Clone)]
pub struct Issuer {
    key: Hmac<Sha256>,
    clock: Clock,
    issuer: Option<String>,
    audience: Option<String>,
    uid_claim: String,
}

/// A token in the making: valid unless something is made wrong on purpose.
#[derive(Clone)]
pub struct Token {
    key: Hmac<Sha256>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

/// Puts tokens on Rocket's local requests.
pub trait RequestExt: Sized {
    /// Sends `token` as `Authorization: Bearer`.
    #[must_use]
    fn bearer(self, token: impl Into<String>) -> Self;

    /// Sends a token that the application under test accepts, for `uid`.
    ///
    /// # Panics
    ///
    /// When the application has no [`AuthGuard`](crate::AuthGuard) attached.
    #[must_use]
    #[expect(clippy::wrong_self_convention, reason = "reads as what it does: a request as alice")]
    fn as_user(self, uid: &str) -> Self;
}

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
    verify::verify_signature(BearerToken::new(token)?, |header| keys.select(header))
        .map(|(payload, _)| payload)
}

/// The same with one public key, given as a JWK.
///
/// # Errors
///
/// As above; `Err(None)` where the key is none that would be used.
#[cfg(feature = "jwks")]
pub fn verify_jws_with_jwk(token: &str, jwk: &Value) -> Result<Vec<u8>, Option<AuthError>> {
    let keys = KeySet::of(jwk).map_err(|_| None)?;
    let select = |header: &crate::header::Header<'_>| {
        let algorithm = header.public_algorithm().ok_or(AuthError::AlgorithmNotAllowed)?;
        Ok(Key::Public(keys.select(algorithm, header.kid.as_deref())?.clone()))
    };
    let verified =
        BearerToken::new(token).and_then(|token| verify::verify_signature(token, select));
    verified.map(|(payload, _)| payload).map_err(Some)
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
    verifier.verify_bearer(BearerToken::from_fields(fields.into_iter())?, now)
}

impl Issuer {
    /// An issuer that shares `secret`, and names no `iss` and no `aud`.
    pub fn new(secret: &Secret) -> Self {
        Self {
            key: keys::keyed(secret),
            clock: Clock::default(),
            issuer: None,
            audience: None,
            uid_claim: "uid".into(),
        }
    }

    /// The issuer whose tokens this application accepts; `None` without an
    /// [`AuthGuard`](crate::AuthGuard) attached.
    pub fn of(rocket: &Rocket<Orbit>) -> Option<Self> {
        let verifier = rocket.state::<Verifier>()?;
        Some(Self {
            key: verifier.minting_key()?,
            clock: Installed::of(rocket)?.clock.clone(),
            issuer: verifier.issuer().map(Into::into),
            audience: verifier.audience().first().cloned(),
            uid_claim: verifier.uid_claim().into(),
        })
    }

    /// Stamps this `iss` on its tokens.
    #[must_use]
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Stamps this `aud` on its tokens.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Tells the time by `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// A token for `uid`, issued now and good for 15 minutes.
    pub fn token(&self, uid: &str) -> Token {
        let now = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut claims = Map::new();
        claims.insert("iat".into(), json!(now.as_secs()));
        claims.insert(self.uid_claim.clone(), json!(uid));
        claims.insert("sub".into(), json!(uid));
        claims.insert("exp".into(), json!(now.as_secs() + 900));
        claims.extend(self.issuer.iter().map(|iss| ("iss".into(), json!(iss))));
        claims.extend(self.audience.iter().map(|aud| ("aud".into(), json!(aud))));

        let header = Map::from_iter([("alg".into(), json!("HS256")), ("typ".into(), json!("JWT"))]);
        Token { key: self.key.clone(), header, claims }
    }

    /// Signs any payload at all below any header at all.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        sign(&self.key, header.as_ref(), payload.as_ref())
    }
}

impl Token {
    /// Sets a claim, over the one that is there.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a header parameter, over the one that is there.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Lets it live this long from when it was issued.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        let issued_at = self.claims.get("iat").and_then(Value::as_u64).unwrap_or_default();
        self.claim("exp", issued_at.saturating_add(lifetime.as_secs()))
    }

    /// Moves its times into the past, so that it expired a minute ago.
    #[must_use]
    pub fn expired(self) -> Self {
        let issued_at = self.claims.get("iat").and_then(Value::as_u64).unwrap_or_default();
        self.claim("iat", issued_at.saturating_sub(960)).claim("exp", issued_at.saturating_sub(60))
    }

    /// Signs it: the compact serialization (RFC 7515 section 7.1).
    pub fn sign(&self) -> String {
        let (header, claims) = (json!(self.header).to_string(), json!(self.claims).to_string());
        sign(&self.key, header.as_bytes(), claims.as_bytes())
    }

    /// Signs it with another secret than the issuer's.
    #[must_use]
    pub fn signed_with(mut self, secret: &Secret) -> Self {
        self.key = keys::keyed(secret);
        self
    }
}

impl From<Token> for String {
    fn from(token: Token) -> String {
        token.sign()
    }
}

fn sign(key: &Hmac<Sha256>, header: &[u8], payload: &[u8]) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", encode(header), encode(payload));
    let tag = key.clone().chain_update(&input).finalize().into_bytes();
    format!("{input}.{}", encode(&tag))
}

macro_rules! impl_request_ext {
    ($($Request:ty),*) => {$(
        impl RequestExt for $Request {
            fn bearer(mut self, token: impl Into<String>) -> Self {
                self.add_header(Header::new("Authorization", format!("Bearer {}", token.into())));
                self
            }

            fn as_user(self, uid: &str) -> Self {
                let issuer = Issuer::of(self.rocket()).expect("the application attaches AuthGuard");
                self.bearer(issuer.token(uid))
            }
        }
    )*};
}

impl_request_ext!(blocking::LocalRequest<'_>, asynchronous::LocalRequest<'_>);

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issuer(..)")
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}
