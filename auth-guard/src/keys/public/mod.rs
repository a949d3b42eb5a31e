//! Public keys, fetched from the issuer, and the tokens that were verified with them.

mod address;
pub(crate) mod algorithm;
mod client;
mod discovery;
mod engine;
mod fetch;
pub(crate) mod jwk;
mod memo;
mod report;
pub(crate) mod set;
mod unused;
mod worker;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::error::AuthError;
use crate::keys::public::algorithm::Algorithms;
use crate::keys::public::engine::{Engine, Step, Timing};
use crate::keys::public::fetch::Source;
pub(crate) use crate::keys::public::jwk::PublicKey;
use crate::keys::public::memo::IssuerId;
pub(crate) use crate::keys::public::memo::SharedMemo;
use crate::keys::public::set::NoFit;
pub(crate) use crate::keys::public::unused::UnusedKeys;
use crate::keys::public::worker::Shared;
use crate::token::claims::Claims;

/// `true`: this build verifies tokens with public keys.
pub(crate) const ARE_SUPPORTED: bool = true;

/// The public keys of one issuer, their engine and the memo of their tokens.
#[derive(Clone)]
pub(crate) struct PublicKeys(Arc<Shared>);

/// The settings of [`PublicKeys`].
#[derive(Debug)]
pub(crate) struct Settings {
    /// The issuer whose metadata says where its keys are, if it is to be asked.
    pub(crate) discovery: Option<String>,
    /// The names of the accepted algorithms; all, if there are none.
    pub(crate) algorithms: Vec<String>,
    /// The address of the keys: `jwks_url`.
    pub(crate) url: Option<String>,
    /// The base URL of the Better Auth server, which `url` defaults to a path of.
    pub(crate) base: Option<String>,
    /// `true` if keys may be fetched over http from another machine.
    pub(crate) insecure: bool,
    /// The least time between two fetches for unknown keys.
    pub(crate) cooldown: Duration,
    /// The age at which keys are to have been replaced, while the issuer answers.
    pub(crate) max_age: Duration,
    /// The age at which keys are no longer used.
    pub(crate) max_stale: Duration,
    pub(crate) memo: SharedMemo,
    /// The issuer whose keys they are.
    pub(crate) issuer: IssuerId,
    /// Its name; `None` for the first.
    pub(crate) name: Option<Arc<str>>,
}

/// Why there is no key for a token.
#[derive(Debug)]
pub(crate) enum NoKey {
    /// A fetch may bring the key.
    Unknown,
    /// No fetch would help.
    Refused(AuthError),
}

/// The most requests that wait for keys at a time, so that a flood of unknown keys does
/// not fill the server with requests in progress.
const MAX_WAITING: usize = 256;

impl PublicKeys {
    /// Checks the settings, and opens the address without asking it yet.
    ///
    /// An error names the setting at fault, with a phrase that completes a sentence about it.
    pub(crate) fn open(settings: Settings, clock: Clock) -> Result<Self, (&'static str, String)> {
        let Settings { cooldown, max_age, max_stale, insecure, .. } = settings;
        if max_stale < max_age {
            let why =
                format!("must not be less than `jwks_max_age`, which is {}", max_age.as_secs());
            return Err(("jwks_max_stale", why));
        }

        let algorithms = Algorithms::of(&settings.algorithms);
        if algorithms.is_empty() {
            return Err((
                "algorithms",
                "names none that public keys are for. Add one, such as EdDSA".into(),
            ));
        }

        let source = match (&settings.discovery, &settings.url, &settings.base) {
            (Some(issuer), _, _) => Source::discovered(issuer, insecure)?,
            (None, url, base) => Source::open(url.as_deref(), base.as_deref(), insecure)?,
        };
        let engine = Engine::new(Timing { cooldown, max_age, max_stale }, source.to_string());
        Ok(Self(Arc::new(Shared {
            source,
            algorithms,
            started: clock.instant(),
            clock,
            cooldown,
            due: AtomicU64::new(0),
            engine: Mutex::new(engine),
            ended: watch::Sender::new(()),
            waiting: AtomicUsize::new(0),
            has_refused: AtomicBool::new(false),
            memo: settings.memo.into_inner(),
            issuer: settings.issuer,
            name: settings.name,
        })))
    }

    /// Lets each unknown key be asked for at once, for a test.
    #[cfg(feature = "testing")]
    pub(crate) fn remove_cooldown(&self) {
        self.0.engine().remove_cooldown();
    }

    /// Begins the first fetch, and does not wait for it.
    pub(crate) fn start(&self) {
        let order = self.0.update(|engine, _| engine.fetch());
        self.0.carry_out(order);
    }

    /// Selects the one key for a header's `alg` and `kid`, of the known ones.
    pub(crate) fn select(&self, alg: &str, kid: Option<&str>) -> Result<Arc<PublicKey>, NoKey> {
        let refused = AuthError::AlgorithmNotAllowed;
        let algorithm = self.0.algorithms.named(alg).ok_or(NoKey::Refused(refused))?;
        let engine = self.0.engine();
        match engine.select(algorithm, kid, self.0.clock.instant()) {
            Ok(key) => Ok(key.clone()),
            Err(NoFit::Unknown) => Err(NoKey::Unknown),
            Err(no_fit) => Err(NoKey::Refused(no_fit.into())),
        }
    }

    /// Names the algorithms that are accepted.
    pub(crate) fn algorithms(&self) -> String {
        self.0.algorithms.to_string()
    }

    /// Returns the error for a key that is unknown now.
    pub(crate) fn unknown(&self) -> AuthError {
        match self.0.engine().is_unavailable() {
            true => AuthError::KeysUnavailable,
            false => AuthError::NoMatchingKey,
        }
    }

    /// Begins or schedules a fetch for an unknown key, and does not wait for it.
    pub(crate) fn ask(&self) {
        let order = self.0.update(|engine, now| engine.ask(now).flatten());
        self.0.carry_out(order);
    }

    /// Waits until the key is known, or until a fetch that began after this call has ended.
    /// That takes 15 s at most: the rest of a running fetch, the rest of a cooldown, and the
    /// fetch itself. It needs no timer, and so no particular runtime.
    ///
    /// Fails with [`AuthError::KeysUnavailable`] if a fetch failed meanwhile, if the cooldown
    /// permits none soon enough, and if too many requests wait already.
    pub(crate) async fn wait(&self, alg: &str, kid: Option<&str>) -> Result<(), AuthError> {
        let shared = &self.0;
        let Some(algorithm) = shared.algorithms.named(alg) else { return Ok(()) };
        let _place = Place::take(&shared.waiting).ok_or(AuthError::KeysUnavailable)?;
        // Subscribed before the first step, so that no end of a fetch is missed.
        let mut ended = shared.ended.subscribe();
        let visit = shared.engine().visit();
        loop {
            match shared.update(|engine, now| engine.step(&visit, algorithm, kid, now)) {
                Step::Settled => return Ok(()),
                Step::Unavailable => return Err(AuthError::KeysUnavailable),
                Step::Wait(order) => shared.carry_out(order),
            }
            // `self` has the sender, so this only ever waits for a fetch.
            ended.changed().await.map_err(|_| AuthError::KeysUnavailable)?;
        }
    }

    /// Drops keys that are too old, and begins a refresh if one is due. To be called for
    /// every token; mostly it compares two numbers.
    pub(crate) fn keep_fresh(&self) {
        let shared = &self.0;
        if shared.milliseconds(shared.clock.instant()) < shared.due.load(Ordering::Acquire) {
            return;
        }
        let (order, line) = shared.update(|engine, now| {
            let decision = engine.keep_fresh(now);
            #[cfg(feature = "metrics")]
            shared.count(engine);
            decision
        });
        report::log(line);
        shared.carry_out(order);
    }

    /// Returns the claims of a token that was verified with a key still in use. Their times
    /// must be checked again.
    pub(crate) fn recall(&self, token: &str) -> Option<Claims> {
        self.0.memo.as_ref()?.get(token, self.0.issuer)
    }

    /// Memoizes the claims of a token that was verified with `key`.
    pub(crate) fn remember(&self, token: &str, key: Arc<PublicKey>, claims: &Claims) {
        if let Some(memo) = &self.0.memo {
            memo.insert(token, self.0.issuer, key, claims);
        }
    }

    /// Returns the whole seconds after which a fetch for an unknown key may begin, 1 at least;
    /// the whole cooldown if it may begin now.
    pub(crate) fn retry_after(&self) -> u64 {
        let rest = self.0.engine().cooldown_rest(self.0.clock.instant());
        let rest = if rest.is_zero() { self.0.cooldown } else { rest };
        (rest.as_secs() + u64::from(rest.subsec_nanos() > 0)).max(1)
    }

    /// Returns `true` if there are keys that may be used.
    pub(crate) fn is_ready(&self) -> bool {
        // Who waits for this sends no tokens, so nothing else would begin a fetch.
        self.keep_fresh();
        self.0.engine().len() > 0
    }

    /// Returns `true` for the first refusal for want of keys since the last successful fetch.
    pub(crate) fn is_first_refusal(&self) -> bool {
        !self.0.has_refused.swap(true, Ordering::Relaxed)
    }

    /// Records the number of keys.
    #[cfg(feature = "metrics")]
    pub(crate) fn count(&self) {
        self.0.count(&self.0.engine());
    }
}

/// Reads the metadata of `issuer`, for a fuzz target: the address of its keys.
#[cfg(feature = "testing")]
pub(crate) fn read_metadata(json: &[u8], issuer: &str) -> Result<String, String> {
    fetch::address_of_keys(json, issuer, false).map(|url| url.to_string())
}

/// Reads a JWK Set, for a fuzz target: the number of its keys, and a line for each entry that
/// is not used.
#[cfg(feature = "testing")]
pub(crate) fn read_key_set(
    json: &[u8],
    algorithms: &[String],
) -> Result<(usize, Vec<String>), String> {
    let read = set::KeySet::read(json, &Algorithms::of(algorithms))?;
    Ok((read.keys.len(), read.skipped))
}

/// A request's place among those that wait.
struct Place<'w>(&'w AtomicUsize);

impl<'w> Place<'w> {
    fn take(waiting: &'w AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.engine().fmt(f)
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKeys")
            .field("url", &self.0.source.to_string())
            .finish_non_exhaustive()
    }
}
