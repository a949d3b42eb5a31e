//! An issuer of tokens, good ones and ones made wrong on purpose.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rocket::{Orbit, Rocket};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::clock::Clock;
use crate::fairing::Installed;
use crate::keys::{self, Secret};
use crate::verify::Verifier;

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
            key: verifier.minting_key(),
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
