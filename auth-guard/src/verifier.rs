//! All steps from a token to its claims.

mod issuers;
mod signature;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::AuthError;
use crate::keys::public::{NoKey, PublicKey, PublicKeys};
use crate::token::bearer::BearerToken;
use crate::token::check::{Check, Failed};
use crate::token::claims::Claims;
use crate::token::compact::Segments;
use crate::token::header::Header;
use crate::token::profile::Profile;
use crate::token::scopes::Scopes;
pub(crate) use issuers::{Issuers, TrustedIssuer};
#[cfg(feature = "testing")]
pub(crate) use signature::verify_jws;
use signature::verify_signature;

/// Verifies tokens without a request: for other transports (a WebSocket's first
/// message, a queue), for benchmarks and for fuzzing.
///
/// [`AuthGuard`](crate::AuthGuard) puts the one that the guards use in managed
/// state, as `&State<Verifier>`; [`AuthGuard::verifier`](crate::AuthGuard::verifier)
/// makes one without an application.
///
/// ```rust
/// use auth_guard::{AuthError, Verifier};
/// use rocket::State;
///
/// /// The user of a WebSocket, by its first message.
/// fn user_of(verifier: &State<Verifier>, message: &str) -> Result<String, AuthError> {
///     let claims = verifier.verify(message, std::time::SystemTime::now())?;
///     if claims.is_machine() {
///         return Err(AuthError::NotAllowed);
///     }
///     if !claims.allows_scopes("news") {
///         return Err(AuthError::InsufficientScope);
///     }
///     Ok(claims.uid().to_owned())
/// }
/// ```
///
/// A clone is cheap, and shares keys and whatever is remembered.
#[derive(Clone)]
pub struct Verifier {
    issuers: Arc<Issuers>,
}

/// What the keys known now say of a token.
pub(crate) enum Step<'t> {
    Done(Result<Accepted, Refusal>),
    /// Only the key is missing, and a fetch may bring it.
    NeedsKey(Wanted<'t>),
}

/// A token whose key is missing. It owns the header, so that nothing is read again
/// once the key is there.
pub(crate) struct Wanted<'t> {
    issuer: &'t TrustedIssuer,
    token: BearerToken<'t>,
    segments: Segments<'t>,
    header: Header<'static>,
}

/// A token that has passed every check.
pub(crate) struct Accepted {
    pub(crate) claims: Claims,
    /// The public key that verified the signature just now. There is none for a
    /// shared secret, nor for a remembered result.
    pub(crate) key: Option<Arc<PublicKey>>,
}

/// Why a token was refused, and where.
#[derive(Clone)]
pub(crate) struct Refusal {
    pub(crate) check: Check,
    pub(crate) error: AuthError,
    /// The public key that was selected, if the token came that far.
    pub(crate) key: Option<Arc<PublicKey>>,
    /// The name of the issuer that the token claims to be from; `None` for the first.
    pub(crate) issuer: Option<Arc<str>>,
}

impl Verifier {
    pub(crate) fn new(issuers: Issuers) -> Self {
        Self { issuers: Arc::new(issuers) }
    }

    /// Checks everything about `token` as of `now`, and returns its claims.
    ///
    /// A machine's token is valid too: call [`Claims::is_machine`] where only people may
    /// come. So is a token without the OAuth scopes that are needed: call
    /// [`Claims::allows_scopes`]. The guards check both by themselves.
    ///
    /// It never waits. With public keys, it verifies with those known now; it asks for
    /// an unknown key in the background, so that a later call finds it. That needs no
    /// runtime on the calling thread.
    ///
    /// # Errors
    ///
    /// Returns any [`AuthError`] that a token can cause. All are answered 401, except
    /// [`AuthError::KeysUnavailable`], which is 503.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, AuthError> {
        let token = BearerToken::new(token).map_err(|failed| failed.error)?;
        let result = match self.step(token, now) {
            Step::Done(result) => result,
            Step::NeedsKey(wanted) => {
                wanted.issuer.public_keys().into_iter().for_each(PublicKeys::ask);
                wanted.resume(now)
            }
        };
        result.map(|accepted| accepted.claims).map_err(|refusal| refusal.error)
    }

    /// Takes a token through every check. This is the verifier's one entry; it never
    /// waits.
    pub(crate) fn step<'t>(&'t self, token: BearerToken<'t>, now: SystemTime) -> Step<'t> {
        match self.issuers.of(token) {
            Ok(issuer) => issuer.step(token, now),
            Err(failed) => Step::Done(Err(failed.into())),
        }
    }

    /// Does the same, without regard to what is remembered of the token.
    pub(crate) fn step_afresh<'t>(&'t self, token: BearerToken<'t>, now: SystemTime) -> Step<'t> {
        match self.issuers.of(token) {
            Ok(issuer) => issuer.step_afresh(token, now),
            Err(failed) => Step::Done(Err(failed.into())),
        }
    }

    pub(crate) fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// Returns what the tokens of the first issuer must say.
    pub(crate) fn profile(&self) -> &Profile {
        &self.issuers.first().profile
    }

    /// Returns `true` if there are tokens whose OAuth scopes are enforced.
    pub(crate) fn enforces_scopes(&self) -> bool {
        self.issuers.all().any(|issuer| issuer.profile.scopes == Scopes::Enforced)
    }

    /// Returns `true` if tokens can be verified now: with a shared secret always, with public
    /// keys while there are some that may be used. An orchestrator may ask for it before it sends
    /// requests: asking also begins a fetch that is due.
    ///
    /// With several issuers, the first decides. The launch, the gauge of the keys and
    /// [`Verifier::explain`] tell of the others.
    pub fn is_ready(&self) -> bool {
        let mut ready =
            self.issuers.all().map(|issuer| issuer.public_keys().map(PublicKeys::is_ready));
        let is_first_ready = ready.next().flatten() == Some(true);
        // The others are asked as well, so that each begins a fetch that is due.
        ready.for_each(drop);
        is_first_ready || self.issuers.first().keys.secret.is_some()
    }

    /// Returns the `iss` that a token of the first issuer must have, or `None` if any will
    /// do.
    pub fn issuer(&self) -> Option<&str> {
        self.profile().issuer.as_deref()
    }

    /// Returns the audiences of which a token of the first issuer must name one. If there are
    /// none, any will do.
    pub fn audience(&self) -> &[String] {
        &self.profile().audience
    }

    /// Returns the claim that names the user in the tokens of the first issuer.
    pub fn uid_claim(&self) -> &str {
        &self.profile().uid_claim
    }

    /// Returns the longest time that a token of the first issuer may still live, in seconds.
    pub fn max_lifetime(&self) -> u32 {
        self.profile().max_lifetime
    }
}

impl TrustedIssuer {
    fn step<'t>(&'t self, token: BearerToken<'t>, now: SystemTime) -> Step<'t> {
        match self.recall(token) {
            Some(claims) => Step::Done(match self.profile.check_again(&claims, now) {
                Ok(()) => Ok(Accepted { claims, key: None }),
                Err(failed) => Err(self.refusal(failed)),
            }),
            None => self.step_afresh(token, now),
        }
    }

    fn step_afresh<'t>(&'t self, token: BearerToken<'t>, now: SystemTime) -> Step<'t> {
        let read = || {
            let segments = Segments::of(token).ok_or(Check::Segments.malformed())?;
            let header = Header::read(segments.header, self.profile.token_type)?;
            Ok(Wanted { issuer: self, token, segments, header })
        };
        match read() {
            Ok(wanted) => wanted.select(now),
            Err(failed) => Step::Done(Err(self.refusal(failed))),
        }
    }

    fn refusal(&self, failed: Failed) -> Refusal {
        Refusal { issuer: self.name.clone(), ..failed.into() }
    }
}

impl<'t> Wanted<'t> {
    /// Goes on where a key was missing. A key that is still unknown is refused.
    pub(crate) fn resume(self, now: SystemTime) -> Result<Accepted, Refusal> {
        let issuer = self.issuer;
        match self.select(now) {
            Step::Done(result) => result,
            Step::NeedsKey(_) => {
                let unknown = issuer.public_keys().map(PublicKeys::unknown);
                let error = unknown.unwrap_or(AuthError::NoMatchingKey);
                Err(issuer.refusal(Check::Key.failed(error)))
            }
        }
    }

    /// Waits for the key, and goes on. `now` tells the time.
    pub(crate) async fn wait(self, now: impl Fn() -> SystemTime) -> Result<Accepted, Refusal> {
        if let Some(public) = self.issuer.public_keys() {
            let (alg, kid) = (&self.header.alg, self.header.kid.as_deref());
            let known = public.wait(alg, kid).await;
            known.map_err(|error| self.issuer.refusal(Check::Key.failed(error)))?;
        }
        self.resume(now())
    }

    fn select(self, now: SystemTime) -> Step<'t> {
        let TrustedIssuer { name, keys, profile } = self.issuer;
        let key = match keys.select(&self.header) {
            Ok(key) => key,
            Err(NoKey::Unknown) => return Step::NeedsKey(self),
            Err(NoKey::Refused(error)) => {
                return Step::Done(Err(self.issuer.refusal(Check::Key.failed(error))));
            }
        };

        let mut buffer = [0; 512];
        let result = verify_signature(&self.segments, &key, &mut buffer)
            .and_then(|payload| profile.check(&payload, now));
        let key = key.public();
        Step::Done(match result {
            Ok(mut claims) => {
                if name.is_some() {
                    claims = claims.of_issuer(name.as_ref());
                }
                if let (Some(public), Some(key)) = (&keys.public, &key) {
                    public.remember(self.token.as_str(), key.clone(), &claims);
                }
                Ok(Accepted { claims, key })
            }
            Err(failed) => Err(Refusal { key, ..self.issuer.refusal(failed) }),
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("profile", self.profile()).finish_non_exhaustive()
    }
}

impl From<Failed> for Refusal {
    fn from(Failed { check, error }: Failed) -> Self {
        Self { check, error, key: None, issuer: None }
    }
}
