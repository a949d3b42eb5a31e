//! Step 3: key → signature; and the whole way from a token to its claims.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::audit::explain::Explanation;
use crate::error::AuthError;
#[cfg(feature = "jwks")]
use crate::keys::public::{engine::Jwks, memo::Memo};
use crate::keys::{Key, Keys};
use crate::token::bearer::BearerToken;
use crate::token::check::{Check, Progress, Trace};
use crate::token::claims::{Claims, Rules};
use crate::token::header::{Header, decode_into};

/// Verifies tokens without a request: for other transports (a WebSocket's first
/// message, a queue), for benchmarks and for fuzzing.
///
/// [`AuthGuard`](crate::AuthGuard) puts the one that the guards use in managed
/// state, as `&State<Verifier>`; [`AuthGuard::verifier`](crate::AuthGuard::verifier)
/// makes one without an application.
pub struct Verifier {
    keys: Keys,
    rules: Rules,
    /// Of public-key tokens; `None` where none is to be remembered.
    #[cfg(feature = "jwks")]
    memo: Option<Memo>,
}

/// The three segments of a compact JWS (RFC 7515 section 7.1).
struct Segments<'t> {
    signing_input: &'t str,
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl Verifier {
    pub(crate) fn new(
        keys: Keys,
        rules: Rules,
        #[cfg(feature = "jwks")] memo: Option<Memo>,
    ) -> Self {
        Self {
            keys,
            rules,
            #[cfg(feature = "jwks")]
            memo,
        }
    }

    /// Checks everything about `token` as of `now`, and gives its claims.
    ///
    /// With public keys, that is with those held now: it never waits, but a key
    /// that is not among them is asked for, so that a later call may find it.
    ///
    /// # Errors
    ///
    /// Each [`AuthError`] that a token can cause, and none that only a request
    /// can. They are answered 401, but [`AuthError::KeysUnavailable`] with 503.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, AuthError> {
        let trace = &mut ();
        let token = BearerToken::new(token, trace)?;
        let result = self.verify_bearer(token, now, trace);
        #[cfg(feature = "jwks")]
        if let Some((jwks, header)) = self.fetchable(token, &result) {
            jwks.ask_for(&header);
        }
        result
    }

    /// The same for the token of a request. `None` where it has to be waited for a key
    /// that a fetch may bring.
    pub(crate) fn verify_now(
        &self,
        token: BearerToken<'_>,
        now: SystemTime,
        trace: &mut impl Trace,
    ) -> Option<Result<Claims, AuthError>> {
        let result = self.verify_bearer(token, now, trace);
        #[cfg(feature = "jwks")]
        if self.fetchable(token, &result).is_some() {
            return None;
        }
        Some(result)
    }

    /// The same, and it waits. `now` tells the time.
    pub(crate) async fn verify_request(
        &self,
        token: BearerToken<'_>,
        now: impl Fn() -> SystemTime,
        trace: &mut impl Trace,
    ) -> Result<Claims, AuthError> {
        let result = self.verify_bearer(token, now(), trace);
        #[cfg(feature = "jwks")]
        if let Some((jwks, header)) = self.fetchable(token, &result) {
            jwks.wait_for(&header).await?;
            return self.verify_bearer(token, now(), trace);
        }
        result
    }

    /// The way of a token, with the keys held now.
    pub(crate) fn verify_bearer(
        &self,
        token: BearerToken<'_>,
        now: SystemTime,
        trace: &mut impl Trace,
    ) -> Result<Claims, AuthError> {
        #[cfg(feature = "jwks")]
        if let Some(claims) = self.remembered(token) {
            return self.rules.check_again(claims, now, trace);
        }

        let (claims, _key) = self.verify_anew(token, now, trace)?;
        #[cfg(feature = "jwks")]
        if let (Key::Public(key), Some(memo)) = (_key, &self.memo) {
            memo.insert(token.as_str(), key, &claims);
        }
        Ok(claims)
    }

    /// The whole way of a token, whatever is remembered of it.
    fn verify_anew(
        &self,
        token: BearerToken<'_>,
        now: SystemTime,
        trace: &mut impl Trace,
    ) -> Result<(Claims, Key<'_>), AuthError> {
        let mut buffer = [0; 512];
        let select = |header: &Header<'_>| self.keys.select(header);
        let (payload, key) = verify_signature(token, trace, select, &mut buffer)?;
        Ok((self.rules.check(&payload, now, trace)?, key))
    }

    /// Says check by check why `token` is accepted or refused as of `now`.
    ///
    /// It waits for an unknown public key as a request does; within a runtime, that
    /// is, for instance `rocket::execute`.
    pub async fn explain(&self, token: &str, now: SystemTime) -> Explanation {
        #[cfg(feature = "jwks")]
        if let Ok(token) = BearerToken::new(token, &mut ())
            && let Some((jwks, header)) =
                self.fetchable(token, &self.verify_bearer(token, now, &mut ()))
        {
            // Whatever came of it, the explanation says.
            let _ = jwks.wait_for(&header).await;
        }

        self.explain_way(now, |trace| BearerToken::new(token, trace))
    }

    /// The same for what came in the `Authorization` fields of one request.
    pub(crate) fn explain_way<'t>(
        &self,
        now: SystemTime,
        token: impl FnOnce(&mut Progress) -> Result<BearerToken<'t>, AuthError>,
    ) -> Explanation {
        let mut trace = Progress::new();
        let result = token(&mut trace).and_then(|token| self.verify_anew(token, now, &mut trace));
        let explanation =
            Explanation::new(&self.rules, trace.check, result.map(|(claims, _)| claims));
        #[cfg(feature = "jwks")]
        let explanation = explanation.with_public_keys(self.jwks());
        explanation
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

#[cfg(feature = "jwks")]
impl Verifier {
    pub(crate) fn jwks(&self) -> Option<&Jwks> {
        self.keys.jwks()
    }

    /// The claims of a public-key token that was verified before.
    fn remembered(&self, token: BearerToken<'_>) -> Option<Claims> {
        let jwks = self.keys.jwks()?;
        if token.as_str().split('.').next().is_some_and(Header::is_usual) {
            return None;
        }

        jwks.keep_fresh();
        self.memo.as_ref()?.get(token.as_str())
    }

    /// Where the key may be had that was missing, if it was that.
    fn fetchable(
        &self,
        token: BearerToken<'_>,
        result: &Result<Claims, AuthError>,
    ) -> Option<(&Jwks, Header<'static>)> {
        let Err(AuthError::NoMatchingKey | AuthError::KeysUnavailable) = result else {
            return None;
        };
        let segments = Segments::split(token.as_str()).ok()?;
        let header = Header::read(segments.header, &mut ()).ok()?;
        Some((self.keys.jwks()?, header))
    }
}

#[cfg(feature = "metrics")]
impl Verifier {
    pub(crate) fn count_keys(&self) {
        self.keys.count();
    }
}

#[cfg(feature = "testing")]
impl Verifier {
    pub(crate) fn minting_key(&self) -> Option<hmac::Hmac<sha2::Sha256>> {
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

/// The payload, once the signature over it has been found good, and the key that
/// it was found good with.
pub(crate) fn verify_signature<'k, 'b>(
    token: BearerToken<'_>,
    trace: &mut impl Trace,
    select: impl FnOnce(&Header<'_>) -> Result<Key<'k>, AuthError>,
    buffer: &'b mut [u8],
) -> Result<(Cow<'b, [u8]>, Key<'k>), AuthError> {
    trace.reach(Check::Segments);
    let segments = Segments::split(token.as_str())?;
    let header = Header::read(segments.header, trace)?;

    trace.reach(Check::Key);
    let key = select(&header)?;
    trace.choose(&key);

    // 64 bytes, as base64 counts them.
    let mut short = [0; 66];
    trace.reach(Check::SignatureEncoding);
    let signature = decode_into(segments.signature, &mut short)?;

    trace.reach(Check::Signature);
    if !key.verifies(segments.signing_input.as_bytes(), &signature) {
        return Err(AuthError::InvalidSignature);
    }

    trace.reach(Check::PayloadEncoding);
    Ok((decode_into(segments.payload, buffer)?, key))
}
