//! An issuer of tokens.

use std::collections::BTreeSet;
use std::fmt;
#[cfg(feature = "jwks")]
use std::sync::Arc;
use std::time::SystemTime;

use rocket::{Orbit, Rocket};
use serde_json::{Map, Value, json};

#[cfg(feature = "jwks")]
use super::signer::PublicSigner;
use super::signer::Signer;
use super::token::Token;
use crate::clock::Clock;
use crate::guard::{Context, RouteScopes};
#[cfg(feature = "jwks")]
use crate::keys::public::algorithm::Algorithm;
use crate::keys::secret::Secret;
use crate::token::header::TokenType;
use crate::token::profile::Profile;
use crate::token::scopes::Scopes;
use crate::verifier::Verifier;

/// Mints tokens as a Better Auth server does.
///
/// [`RequestExt::as_user`](super::RequestExt::as_user) is shorter for a valid token. Take
/// the issuer itself for tokens that are wrong on purpose:
///
/// ```rust
/// # use auth_guard::{AuthGuard, Secret, user_scoped};
/// # use rocket::local::blocking::Client;
/// use auth_guard::testing::{Issuer, RequestExt, assert_refused};
///
/// # #[user_scoped]
/// # #[rocket::get("/<user_id>/tasks")]
/// # fn list(user_id: &str) -> &str {
/// #     user_id
/// # }
/// # let guard = AuthGuard::fairing().with_secret(Secret::random());
/// # let rocket = rocket::build().attach(guard).mount("/api", rocket::routes![list]);
/// # let client = Client::untracked(rocket).expect("a valid Rocket");
/// let issuer = Issuer::of(client.rocket()).expect("an issuer that the application accepts");
/// let list = |token| client.get("/api/alice/tasks").bearer(token).dispatch();
///
/// assert_eq!(list(issuer.token("alice").sign()).status().code, 200);
/// assert_refused!(list(issuer.token("alice").tampered()), InvalidSignature);
/// assert_refused!(list(issuer.token("alice").without("uid").sign()), InvalidClaim("uid".into()));
/// ```
#[derive(Clone)]
pub struct Issuer {
    key: Signer,
    clock: Clock,
    /// What its tokens say.
    profile: Profile,
    /// The OAuth scopes of its tokens.
    scopes: Option<String>,
}

/// Seconds.
const LIFETIME: u32 = 900;

/// The OAuth client that its tokens were issued to, unless the application asks for another.
const CLIENT: &str = "client-of-the-test";

impl Issuer {
    /// Returns an issuer that shares `secret`, and whose tokens have no `iss` and no
    /// `aud`.
    pub fn new(secret: &Secret) -> Self {
        Self::with_signer(Signer::of_secret(secret))
    }

    /// Returns an issuer that signs with a new key pair, and whose tokens have no `iss`
    /// and no `aud`.
    ///
    /// An application [trusts it](Issuer::trusted_by), or fetches its key from a
    /// [`JwksServer`](super::JwksServer).
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no random numbers.
    #[cfg(feature = "jwks")]
    pub fn with_key_pair(algorithm: Algorithm, kid: &str) -> Self {
        Self::with_signer(Signer::Public(Arc::new(PublicSigner::generate(algorithm, kid))))
    }

    fn with_signer(key: Signer) -> Self {
        let profile =
            Profile { uid_claim: "uid".into(), max_lifetime: LIFETIME, ..Profile::default() };
        Self { key, clock: Clock::default(), profile, scopes: None }
    }

    /// Returns the public key of its tokens as a JWK (RFC 7517). Returns `None` if it
    /// shares a secret.
    #[cfg(feature = "jwks")]
    pub fn jwk(&self) -> Option<Value> {
        match &self.key {
            Signer::Hs256(_) => None,
            Signer::Public(key) => Some(key.jwk()),
        }
    }

    /// Returns the issuer whose tokens this application accepts: the one that it
    /// [trusts](Issuer::trusted_by), or one that shares its secret. Returns `None` if
    /// there is neither, or no [`AuthGuard`](crate::AuthGuard) attached.
    ///
    /// If OAuth scopes are enforced, its tokens have all that the application's routes name;
    /// [`Token::scope`] gives them others.
    pub fn of(rocket: &Rocket<Orbit>) -> Option<Self> {
        let verifier = rocket.state::<Verifier>()?;
        let shares_secret = || {
            verifier.issuers().first().keys.minting_key().map(Signer::Hs256).map(Self::with_signer)
        };
        let issuer = rocket.state::<Self>().cloned().or_else(shares_secret)?;
        let context = Context::of(rocket)?;
        let issuer = issuer.with_clock(context.clock.clone()).suited_to(verifier);
        let scopes = rocket.state().into_iter().flat_map(RouteScopes::all);
        let scopes: BTreeSet<_> = scopes.filter(|_| issuer.enforces_scopes()).collect();
        let scopes = scopes.into_iter().collect::<Vec<_>>().join(" ");
        Some(Self { scopes: Some(scopes).filter(|scopes| !scopes.is_empty()), ..issuer })
    }

    /// Returns [`Issuer::of`], or panics with what to do.
    #[track_caller]
    pub(super) fn expect(rocket: &Rocket<Orbit>) -> Self {
        Self::of(rocket).expect(
            "the application must attach AuthGuard, and share a secret or trust an issuer of the \
             test (`Issuer::trusted_by`)",
        )
    }

    /// Adopts the type, the claims and the lifetime that `verifier` asks for; the key stays.
    pub(super) fn suited_to(self, verifier: &Verifier) -> Self {
        Self { profile: verifier.profile().clone(), ..self }
    }

    /// Returns `true` if its tokens open only routes that name OAuth scopes.
    pub(super) fn enforces_scopes(&self) -> bool {
        self.profile.scopes == Scopes::Enforced
    }

    /// Returns an issuer with another key under the same names.
    pub(super) fn impostor(&self) -> Self {
        Self { key: self.key.another(), ..self.clone() }
    }

    /// Puts this `iss` into its tokens.
    #[must_use]
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        self.profile.issuer = Some(issuer.into());
        self
    }

    /// Puts this `aud` into its tokens.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        self.profile.audience = vec![audience.into()];
        self
    }

    /// Uses `clock` instead of the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Returns a token for `uid`, issued now, with the type and the claims that the
    /// application asks for. It lives for 15 minutes, or for as long as the application
    /// allows if that is less.
    pub fn token(&self, uid: &str) -> Token {
        match self.profile.token_type {
            TokenType::Jwt => Token::new(self.key.clone(), self.claims(uid)),
            TokenType::AccessToken => self.access_token(uid),
        }
    }

    /// Returns an access token of RFC 9068 for `uid`, as OAuth issuers mint them: its `typ` is
    /// `at+jwt`, and it has `jti` and `client_id`. An application accepts it with
    /// `token_type = "at+jwt"`.
    ///
    /// ```rust
    /// use auth_guard::testing::Issuer;
    /// use auth_guard::{AuthGuard, Secret};
    /// use std::time::SystemTime;
    ///
    /// let secret = Secret::random();
    /// let figment = rocket::Config::figment().merge(("auth_guard.token_type", "at+jwt"));
    /// let guard = AuthGuard::fairing().with_secret(secret.clone());
    /// let verifier = guard.verifier(&figment).expect("a valid configuration");
    ///
    /// let issuer = Issuer::new(&secret);
    /// let access_token = issuer.access_token("alice").sign();
    /// assert!(verifier.verify(&access_token, SystemTime::now()).is_ok());
    /// let id_token = issuer.id_token("alice").sign();
    /// assert!(verifier.verify(&id_token, SystemTime::now()).is_err());
    /// ```
    pub fn access_token(&self, uid: &str) -> Token {
        let mut claims = self.claims(uid);
        claims.entry("jti").or_insert_with(|| json!(format!("{uid}-of-the-test")));
        claims.entry("client_id").or_insert_with(|| json!(CLIENT));
        Token::new(self.key.clone(), claims).header("typ", "at+jwt")
    }

    /// Returns an ID token for `uid` (OpenID Connect Core section 2): it has no `typ`, but
    /// `nonce` and `at_hash`, and its `aud` is a client's id unless an audience is configured.
    /// Everything else is as the application asks for, so nothing but its kind is wrong.
    pub fn id_token(&self, uid: &str) -> Token {
        let mut claims = self.claims(uid);
        claims.entry("aud").or_insert_with(|| json!(CLIENT));
        let token = Token::new(self.key.clone(), claims).without_type();
        token.claim("nonce", "nonce-of-the-test").claim("at_hash", "77QmUPtjPfzWtF2AnpK9RQ")
    }

    /// Returns the token of a program that no person uses (the grant `client_credentials`,
    /// RFC 6749 section 4.4): its `sub` is its `client_id`. Everything else is as the
    /// application asks for, which answers 403 `not_allowed`.
    pub fn machine_token(&self) -> Token {
        let token = self.token(CLIENT);
        // The audience may be a client.
        let client = token.get("client_id").and_then(Value::as_str).unwrap_or(CLIENT).to_owned();
        let token = token.claim("client_id", &*client).claim("sub", &*client);
        token.claim(&self.profile.uid_claim, client)
    }

    /// Returns the claims that the application asks for, for this user and as of now.
    fn claims(&self, uid: &str) -> Map<String, Value> {
        let profile = &self.profile;
        let now = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = now.as_secs();
        let lifetime = u64::from(LIFETIME.min(profile.max_lifetime));
        let mut claims = Map::new();
        claims.insert("iat".into(), json!(now));
        claims.insert(profile.uid_claim.clone(), json!(uid));
        claims.insert("sub".into(), json!(uid));
        claims.insert("exp".into(), json!(now + lifetime));
        claims.extend(profile.issuer.iter().map(|iss| ("iss".into(), json!(iss))));
        let audience = profile.audience.first();
        claims.extend(audience.map(|aud| (profile.audience_claim.name().into(), json!(aud))));
        claims.extend(self.scopes.iter().map(|scopes| ("scope".into(), json!(scopes))));
        for (name, expected) in &profile.require {
            claims.extend(expected.first().map(|value| (name.clone(), value.to_json())));
        }
        for name in &profile.required_claims {
            let value = if name == "nbf" { json!(now) } else { json!("claim-of-the-test") };
            claims.entry(name).or_insert(value);
        }
        claims
    }

    /// Signs any header and any payload, whether they are JSON or not.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.key.sign_token(header.as_ref(), payload.as_ref())
    }

    /// Signs `input`, whatever it is, and appends the signature.
    pub(super) fn sign_input(&self, input: &str) -> String {
        self.key.sign_input(input)
    }

    /// Returns the `alg` and the `kid` of its tokens.
    pub(super) fn names(&self) -> (&'static str, Option<&str>) {
        self.key.names()
    }

    /// Returns its public key in several forms; see [`Signer::public_key_forms`].
    pub(super) fn public_key_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        self.key.public_key_forms()
    }

    /// Reads a token back that this issuer signed.
    pub(super) fn read(&self, token: &str) -> Option<Token> {
        Token::read(token, self.key.clone())
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuer(..)")
    }
}
