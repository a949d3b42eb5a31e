//! An issuer of tokens, good ones and ones made wrong on purpose.

#[cfg(feature = "jwks")]
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit};
#[cfg(feature = "jwks")]
use rocket::Build;
use rocket::serde::Serialize;
use rocket::{Orbit, Rocket};
use serde_json::{Map, Value, json};

use super::signer::Signer;
#[cfg(feature = "jwks")]
use super::{JwksServer, signer::PublicSigner};
use crate::clock::Clock;
#[cfg(feature = "jwks")]
use crate::keys::public::jwk::Algorithm;
use crate::keys::{self, Secret};
use crate::launch::Installed;
use crate::verifier::Verifier;

/// Mints tokens as a Better Auth server does.
#[derive(Clone)]
pub struct Issuer {
    key: Signer,
    clock: Clock,
    issuer: Option<String>,
    audience: Option<String>,
    uid_claim: String,
    lifetime: u64,
}

/// A token in the making: valid unless something is made wrong on purpose.
#[derive(Clone)]
pub struct Token {
    key: Signer,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Issuer {
    /// An issuer that shares `secret`, and names no `iss` and no `aud`.
    pub fn new(secret: &Secret) -> Self {
        Self::with_signer(Signer::Hs256(keys::keyed(secret)))
    }

    /// An issuer that signs with a new key pair of its own, and names no `iss` and
    /// no `aud`: an application [trusts it](Issuer::trusted_by), or has its key from a
    /// [`JwksServer`].
    ///
    /// # Panics
    ///
    /// When the operating system has no random numbers to give.
    #[cfg(feature = "jwks")]
    pub fn with_key_pair(algorithm: Algorithm, kid: &str) -> Self {
        Self::with_signer(Signer::Public(Arc::new(PublicSigner::generate(algorithm, kid))))
    }

    fn with_signer(key: Signer) -> Self {
        Self {
            key,
            clock: Clock::default(),
            issuer: None,
            audience: None,
            uid_claim: "uid".into(),
            lifetime: LIFETIME,
        }
    }

    /// The public key that its tokens are verified with, as a JWK (RFC 7517);
    /// `None` where it shares a secret.
    #[cfg(feature = "jwks")]
    pub fn jwk(&self) -> Option<Value> {
        match &self.key {
            Signer::Hs256(_) => None,
            Signer::Public(key) => Some(key.jwk()),
        }
    }

    /// The issuer whose tokens this application accepts: the one that it
    /// [trusts](Issuer::trusted_by), or one that shares its secret. `None` where there
    /// is neither, or no [`AuthGuard`](crate::AuthGuard) attached.
    pub fn of(rocket: &Rocket<Orbit>) -> Option<Self> {
        let verifier = rocket.state::<Verifier>()?;
        let shares_secret = || verifier.minting_key().map(Signer::Hs256).map(Self::with_signer);
        let issuer = rocket.state::<Self>().cloned().or_else(shares_secret)?;
        let clock = Installed::of(rocket)?.clock.clone();
        Some(issuer.with_clock(clock).suited_to(verifier))
    }

    /// The same, for those who cannot go on without.
    #[track_caller]
    pub(super) fn expect(rocket: &Rocket<Orbit>) -> Self {
        Self::of(rocket).expect(
            "the application attaches AuthGuard, and shares a secret or trusts an issuer of the \
             test (`Issuer::trusted_by`)",
        )
    }

    /// Mints what `verifier` accepts, as far as that is not up to the key.
    pub(super) fn suited_to(self, verifier: &Verifier) -> Self {
        Self {
            issuer: verifier.issuer().map(Into::into),
            audience: verifier.audience().first().cloned(),
            uid_claim: verifier.uid_claim().into(),
            lifetime: LIFETIME.min(verifier.max_lifetime().into()),
            ..self
        }
    }

    /// Somebody else, who has the same names and another key.
    pub(super) fn impostor(&self) -> Self {
        Self { key: self.key.another(), ..self.clone() }
    }

    /// Lets an application trust this issuer instead of its own: it asks a
    /// [`JwksServer`] on this machine for its public keys, whatever address it is
    /// configured with. Where it names no issuer, `https://auth.example` is the one.
    ///
    /// ```rust
    /// # use auth_guard::{AuthGuard, user_scoped};
    /// # use rocket::local::blocking::Client;
    /// use auth_guard::testing::{Algorithm, Issuer, RequestExt, assert_refused, attack_all};
    ///
    /// # #[user_scoped]
    /// # #[rocket::get("/<user_id>/tasks")]
    /// # fn list(user_id: &str) -> &str {
    /// #     user_id
    /// # }
    /// # fn rocket() -> rocket::Rocket<rocket::Build> {
    /// #     rocket::build().attach(AuthGuard::fairing()).mount("/api", rocket::routes![list])
    /// # }
    /// let issuer = Issuer::with_key_pair(Algorithm::EdDsa, "key of the test");
    /// let client = Client::untracked(issuer.trusted_by(rocket())).expect("a valid Rocket");
    ///
    /// assert_eq!(client.get("/api/alice/tasks").as_user("alice").dispatch().status().code, 200);
    /// assert_refused!(client.get("/api/alice/tasks").as_user("bob").dispatch(), NotOwner);
    /// println!("{}", attack_all(&client));
    /// ```
    ///
    /// To decide what the key server does, start one: [`JwksServer::asked_by`].
    ///
    /// # Panics
    ///
    /// When it shares a secret, which goes into
    /// [`AuthGuard::with_secret`](crate::AuthGuard::with_secret); when the application
    /// trusts one already; and as [`JwksServer::asked_by`].
    #[cfg(feature = "jwks")]
    pub fn trusted_by(self, rocket: Rocket<Build>) -> Rocket<Build> {
        assert!(self.jwk().is_some(), "an issuer with a key pair");
        let server = JwksServer::start();
        server.publish(&[&self]);
        server.asked_by(rocket).manage(self)
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

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// A token for `uid`, issued now and good for 15 minutes, or for as long as the
    /// application allows.
    pub fn token(&self, uid: &str) -> Token {
        let now = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut claims = Map::new();
        claims.insert("iat".into(), json!(now.as_secs()));
        claims.insert(self.uid_claim.clone(), json!(uid));
        claims.insert("sub".into(), json!(uid));
        claims.insert("exp".into(), json!(now.as_secs() + self.lifetime));
        claims.extend(self.issuer.iter().map(|iss| ("iss".into(), json!(iss))));
        claims.extend(self.audience.iter().map(|aud| ("aud".into(), json!(aud))));

        let (alg, kid) = self.key.names();
        let mut header = Map::from_iter([("alg".into(), json!(alg)), ("typ".into(), json!("JWT"))]);
        header.extend(kid.map(|kid| ("kid".into(), json!(kid))));
        Token { key: self.key.clone(), header, claims }
    }

    /// `alg` and `kid` of its tokens.
    pub(super) fn names(&self) -> (&'static str, Option<&str>) {
        self.key.names()
    }

    /// What everybody knows of its key; what it is, and its bytes.
    pub(super) fn known(&self) -> Vec<(&'static str, Vec<u8>)> {
        self.key.known()
    }

    /// Signs any payload at all below any header at all.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        sign(&self.key, header.as_ref(), payload.as_ref())
    }

    /// Signs what stands before the second dot, whatever it is.
    pub(super) fn sign_input(&self, input: &str) -> String {
        sign_input(&self.key, input)
    }

    /// Reads a token that one of this kind has made.
    pub(super) fn read(&self, token: &str) -> Option<Token> {
        let mut segments = token.split('.');
        let mut object = || {
            let json = URL_SAFE_NO_PAD.decode(segments.next()?).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&json).ok()
        };
        Some(Token { key: self.key.clone(), header: object()?, claims: object()? })
    }
}

impl Token {
    /// Sets a claim, over the one that is there.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Sets each of these claims, an object's members.
    ///
    /// # Panics
    ///
    /// When `claims` is no object.
    #[must_use]
    pub fn with_claims(mut self, claims: impl Serialize) -> Self {
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => self.claims.extend(claims),
            _ => panic!("claims are the members of an object"),
        }
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

    /// Moves its times into the past, so that it has expired by more than any leeway
    /// that can be set.
    #[must_use]
    pub fn expired(self) -> Self {
        let time = |name| self.claims.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (issued_at, expires_at) = (time("iat"), time("exp"));
        let expired_at = issued_at.saturating_sub(360);
        let lifetime = expires_at.saturating_sub(issued_at);
        self.claim("iat", expired_at.saturating_sub(lifetime)).claim("exp", expired_at)
    }

    /// Signs it: the compact serialization (RFC 7515 section 7.1).
    pub fn sign(&self) -> String {
        let (header, claims) = (json!(self.header).to_string(), json!(self.claims).to_string());
        sign(&self.key, header.as_bytes(), claims.as_bytes())
    }

    /// Signs it, and then changes the claims: the signature is that of another
    /// payload.
    pub fn tampered(&self) -> String {
        let token = self.clone().claim("tampered", true).sign();
        let (_, signature) = token.rsplit_once('.').unwrap_or_default();
        let original = self.sign();
        let (input, _) = original.rsplit_once('.').unwrap_or_default();
        format!("{input}.{signature}")
    }

    /// Leaves the signature out, and says so: `alg` is `none`.
    pub fn unsigned(&self) -> String {
        let token = self.clone().header("alg", "none").sign();
        let (input, _) = token.rsplit_once('.').unwrap_or_default();
        format!("{input}.")
    }

    /// Signs it with another secret than the issuer's.
    #[must_use]
    pub fn signed_with(mut self, secret: &Secret) -> Self {
        self.key = Signer::Hs256(keys::keyed(secret));
        self
    }
}

impl From<Token> for String {
    fn from(token: Token) -> String {
        token.sign()
    }
}

/// Seconds.
const LIFETIME: u64 = 900;

/// With a key of any bytes.
pub(super) fn signed_by(key: &[u8], header: &str, payload: &str) -> String {
    let key = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
    sign(&Signer::Hs256(key), header.as_bytes(), payload.as_bytes())
}

fn sign(key: &Signer, header: &[u8], payload: &[u8]) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    sign_input(key, &format!("{}.{}", encode(header), encode(payload)))
}

fn sign_input(key: &Signer, input: &str) -> String {
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes())))
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
