//! Step 3: key → signature; and all steps from a token to its claims.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::AuthError;
use crate::keys::public::{NoKey, PublicKey, PublicKeys};
use crate::keys::{Key, Keys};
use crate::token::bearer::BearerToken;
use crate::token::check::{Check, Failed};
use crate::token::claims::Claims;
use crate::token::compact::{Segments, decode_into};
use crate::token::header::Header;
#[cfg(feature = "testing")]
use crate::token::header::TokenType;
use crate::token::profile::Profile;
use crate::token::scopes::Scopes;

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
///     Ok(verifier.verify(message, std::time::SystemTime::now())?.uid().to_owned())
/// }
/// ```
pub struct Verifier {
    keys: Keys,
    profile: Profile,
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
}

impl Verifier {
    pub(crate) fn new(keys: Keys, profile: Profile) -> Self {
        Self { keys, profile }
    }

    /// Checks everything about `token` as of `now`, and returns its claims.
    ///
    /// A machine's token is valid too: ask [`Claims::is_machine`] where only people may
    /// come. So is one without the OAuth scopes that are needed: ask
    /// [`Claims::allows_scopes`]. The guards refuse both by themselves.
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
                self.public_keys().into_iter().for_each(PublicKeys::ask);
                self.resume(wanted, now)
            }
        };
        result.map(|accepted| accepted.claims).map_err(|refusal| refusal.error)
    }

    /// Takes a token through every check. This is the verifier's one entry; it never
    /// waits.
    pub(crate) fn step<'t>(&self, token: BearerToken<'t>, now: SystemTime) -> Step<'t> {
        match self.recall(token) {
            Some(claims) => Step::Done(match self.profile.check_again(&claims, now) {
                Ok(()) => Ok(Accepted { claims, key: None }),
                Err(failed) => Err(failed.into()),
            }),
            None => self.step_afresh(token, now),
        }
    }

    /// Does the same, whatever is remembered of the token.
    pub(crate) fn step_afresh<'t>(&self, token: BearerToken<'t>, now: SystemTime) -> Step<'t> {
        let read = || {
            let segments = Segments::of(token).ok_or(Check::Segments.malformed())?;
            Ok(Wanted {
                token,
                segments,
                header: Header::read(segments.header, self.profile.token_type)?,
            })
        };
        match read() {
            Ok(wanted) => self.select(wanted, now),
            Err(failed) => Step::Done(Err(Failed::into(failed))),
        }
    }

    /// Goes on where a key was missing. A key that is still unknown is refused.
    pub(crate) fn resume(&self, wanted: Wanted<'_>, now: SystemTime) -> Result<Accepted, Refusal> {
        match self.select(wanted, now) {
            Step::Done(result) => result,
            Step::NeedsKey(_) => {
                let unknown = self.public_keys().map(PublicKeys::unknown);
                Err(Check::Key.failed(unknown.unwrap_or(AuthError::NoMatchingKey)).into())
            }
        }
    }

    /// Takes a token through every check, and waits for its key if that is missing.
    /// `now` tells the time.
    pub(crate) async fn wait(
        &self,
        wanted: Wanted<'_>,
        now: impl Fn() -> SystemTime,
    ) -> Result<Accepted, Refusal> {
        if let Some(public) = self.public_keys() {
            let (alg, kid) = (&wanted.header.alg, wanted.header.kid.as_deref());
            public.wait(alg, kid).await.map_err(|error| Check::Key.failed(error))?;
        }
        self.resume(wanted, now())
    }

    fn select<'t>(&self, wanted: Wanted<'t>, now: SystemTime) -> Step<'t> {
        let key = match self.keys.select(&wanted.header) {
            Ok(key) => key,
            Err(NoKey::Unknown) => return Step::NeedsKey(wanted),
            Err(NoKey::Refused(error)) => return Step::Done(Err(Check::Key.failed(error).into())),
        };

        let mut buffer = [0; 512];
        let result = verify_signature(&wanted.segments, &key, &mut buffer)
            .and_then(|payload| self.profile.check(&payload, now));
        let key = key.public();
        Step::Done(match result {
            Ok(claims) => {
                if let (Some(public), Some(key)) = (self.public_keys(), &key) {
                    public.remember(wanted.token.as_str(), key.clone(), &claims);
                }
                Ok(Accepted { claims, key })
            }
            Err(Failed { check, error }) => Err(Refusal { check, error, key }),
        })
    }

    /// Returns the claims of a public-key token that was verified before. Their times
    /// have to be checked again.
    fn recall(&self, token: BearerToken<'_>) -> Option<Claims> {
        let public = self.public_keys()?;
        if token.as_str().split('.').next().is_some_and(Header::is_usual) {
            return None;
        }
        public.keep_fresh();
        public.recall(token.as_str())
    }

    pub(crate) fn public_keys(&self) -> Option<&PublicKeys> {
        self.keys.public.as_ref()
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns `true` if there are tokens whose OAuth scopes are enforced.
    pub(crate) fn enforces_scopes(&self) -> bool {
        self.profile.scopes == Scopes::Enforced
    }

    #[cfg(any(feature = "metrics", feature = "testing"))]
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns `true` if tokens can be verified now: with a shared secret always, with public
    /// keys while there are some that may be used. An orchestrator may ask for it before it sends
    /// requests: asking also begins a fetch that is due.
    pub fn is_ready(&self) -> bool {
        self.keys.secret.is_some() || self.public_keys().is_some_and(PublicKeys::is_ready)
    }

    /// Returns the `iss` that a token must have, or `None` if any will do.
    pub fn issuer(&self) -> Option<&str> {
        self.profile.issuer.as_deref()
    }

    /// Returns the audiences of which a token must name one. If there are none, any
    /// will do.
    pub fn audience(&self) -> &[String] {
        &self.profile.audience
    }

    /// Returns the claim that names the user.
    pub fn uid_claim(&self) -> &str {
        &self.profile.uid_claim
    }

    /// Returns the longest time that a token may still live, in seconds.
    pub fn max_lifetime(&self) -> u32 {
        self.profile.max_lifetime
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl From<Failed> for Refusal {
    fn from(Failed { check, error }: Failed) -> Self {
        Self { check, error, key: None }
    }
}

/// Verifies no more than the signature of a token, and returns its payload: third-party
/// vectors have payloads that are no claims.
#[cfg(feature = "testing")]
pub(crate) fn verify_jws<'k>(
    token: &str,
    select: impl FnOnce(&Header<'_>) -> Result<Key<'k>, AuthError>,
) -> Result<Vec<u8>, AuthError> {
    let verify = || {
        let token = BearerToken::new(token)?;
        let segments = Segments::of(token).ok_or(Check::Segments.malformed())?;
        let header = Header::read(segments.header, TokenType::Jwt)?;
        let key = select(&header).map_err(|error| Check::Key.failed(error))?;
        verify_signature(&segments, &key, &mut []).map(Cow::into_owned)
    };
    verify().map_err(|failed: Failed| failed.error)
}

/// Verifies the signature, and only then decodes what it covers.
fn verify_signature<'b>(
    segments: &Segments<'_>,
    key: &Key<'_>,
    buffer: &'b mut [u8],
) -> Result<Cow<'b, [u8]>, Failed> {
    // 64 bytes, as base64 estimates them.
    let mut short = [0; 66];
    let signature =
        decode_into(segments.signature, &mut short).ok_or(Check::SignatureEncoding.malformed())?;
    if !key.verifies(segments.signing_input.as_bytes(), &signature) {
        return Err(Check::Signature.failed(AuthError::InvalidSignature));
    }
    decode_into(segments.payload, buffer).ok_or(Check::PayloadEncoding.malformed())
}
