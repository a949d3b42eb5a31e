//! Beside the way: fetches the public keys, and keeps them while the issuer is
//! away. Only this file opens a socket.
//!
//! | what happens | what is done |
//! | --- | --- |
//! | ignition | one fetch begins; the launch does not wait |
//! | a token of a known key | checked at once, however slow the issuer is |
//! | … and the keys are no longer new | besides, they are fetched again |
//! | a token of an unknown key | one fetch for all who ask, once in a cooldown; they wait for it |
//! | the issuer gives no usable keys | the known ones stay in use, for `jwks_max_stale` at most |
//! | nobody asks | nothing |

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::error::AuthError;
use crate::keys::public::jwk::{Algorithm, KeySet, NoFit, PublicKey, ReadSet};
use crate::token::header::Header;

/// The public keys at one address, and what is known of the address.
#[derive(Clone)]
pub(crate) struct Jwks(Arc<Engine>);

/// Where the keys are, and how often they are asked for.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) url: Url,
    /// The least time between two fetches for unknown keys.
    pub(crate) cooldown: Duration,
    /// How old keys are when they have been replaced, as long as the issuer answers.
    pub(crate) max_age: Duration,
    /// How old keys get while the issuer does not answer.
    pub(crate) max_stale: Duration,
}

/// A whole fetch, and so the longest time that a request waits for one.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY: usize = 256 * 1024;
const MAX_REDIRECTS: usize = 5;

struct Engine {
    settings: Settings,
    client: Client,
    clock: Clock,
    started: Instant,
    /// When `keep_fresh` has something to do again, in milliseconds since `started`.
    due: AtomicU64,
    state: Mutex<State>,
    /// Tells those who wait that a fetch is over.
    finished: watch::Sender<()>,
    /// Whether a request has been refused since the issuer last gave keys.
    has_refused: AtomicBool,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<KeySet>,
    /// When the answer came that `keys` are of.
    fetched: Option<Instant>,
    is_fetching: bool,
    /// When the last fetch began, for whatever reason.
    attempted: Option<Instant>,
    /// When the last fetch for an unknown key began.
    asked: Option<Instant>,
    /// Why the last fetch gave no keys, if it did not.
    failure: Option<String>,
    /// What was said of unused entries, so that it is not said again.
    skipped: Vec<String>,
}

/// Whether it helps to wait before a token is given up.
enum Prospect {
    /// A fetch that may bring the key is under way.
    Fetching,
    /// It is known whether there is a key.
    Settled,
}

impl Jwks {
    /// Errors complete a sentence about `jwks_url`.
    pub(crate) fn new(settings: Settings, clock: Clock) -> Result<Self, String> {
        let is_loopback = is_loopback(&settings.url);
        let origin = settings.url.origin();
        let same_origin = Policy::custom(move |attempt| {
            if attempt.url().origin() != origin {
                attempt.error("it redirects to another origin")
            } else if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error("it redirects too often")
            } else {
                attempt.follow()
            }
        });

        // Nothing to keep open for the minutes between two fetches.
        let builder = Client::builder()
            .timeout(TIMEOUT)
            .redirect(same_origin)
            .referer(false)
            .pool_max_idle_per_host(0)
            .user_agent(concat!("auth-guard/", env!("CARGO_PKG_VERSION")));
        let builder = match (is_loopback, settings.url.scheme()) {
            // A proxy would ask its own loopback.
            (true, "http") => builder.no_proxy().tls_certs_only([]),
            // Needs no certificates, so there need not be any on the machine.
            (false, "http") => builder.tls_certs_only([]),
            (true, _) => builder.no_proxy(),
            (false, _) => builder,
        };
        let client = builder
            .build()
            .map_err(|error| format!("cannot be fetched from ({})", whole(&error)))?;

        Ok(Self(Arc::new(Engine {
            settings,
            client,
            started: clock.instant(),
            clock,
            due: AtomicU64::new(0),
            state: Mutex::default(),
            finished: watch::Sender::new(()),
            has_refused: AtomicBool::new(false),
        })))
    }

    /// Begins the first fetch, and does not wait for it.
    pub(crate) fn start(&self) {
        self.0.fetch(&mut self.0.state());
    }

    /// The one key for a token, of those held.
    pub(crate) fn select(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Arc<PublicKey>, AuthError> {
        let state = self.0.state();
        match state.keys.select(algorithm, kid) {
            Ok(key) => Ok(key.clone()),
            // It may well be the issuer's newest key: the caller is not at fault.
            Err(NoFit::Unknown) if state.failure.is_some() || state.keys.is_empty() => {
                Err(AuthError::KeysUnavailable)
            }
            Err(no_fit) => Err(no_fit.into()),
        }
    }

    /// Begins a fetch if that may bring the key for this token, and does not wait.
    pub(crate) fn ask_for(&self, header: &Header<'_>) {
        if let Some(algorithm) = header.public_algorithm() {
            self.0.prospect(algorithm, header.kid.as_deref());
        }
    }

    /// Waits until there is a key for this token, or it is clear that there is
    /// none; no longer than a fetch may take.
    pub(crate) async fn wait_for(&self, header: &Header<'_>) -> Result<(), AuthError> {
        let Some(algorithm) = header.public_algorithm() else { return Ok(()) };
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        loop {
            // Before the question, so that no end of a fetch is missed.
            let mut finished = self.0.finished.subscribe();
            match self.0.prospect(algorithm, header.kid.as_deref()) {
                Prospect::Settled => return Ok(()),
                Prospect::Fetching => {
                    let end = tokio::time::timeout_at(deadline, finished.changed()).await;
                    end.map_err(|_| AuthError::KeysUnavailable)?.ok();
                }
            }
        }
    }

    /// Whether this is the first request that is refused for want of keys since the
    /// issuer last gave some.
    pub(crate) fn is_first_refusal(&self) -> bool {
        !self.0.has_refused.swap(true, Ordering::Relaxed)
    }

    /// Tells the metrics how many keys are held.
    #[cfg(feature = "metrics")]
    pub(crate) fn count(&self) {
        self.0.state().count();
    }

    /// Drops keys that are too old, and has them fetched before they are. To be
    /// called for every token; mostly it compares two numbers.
    pub(crate) fn keep_fresh(&self) {
        let now = self.0.clock.instant();
        if self.0.due.load(Ordering::Acquire) <= self.0.milliseconds(now) {
            self.0.keep_fresh(now);
        }
    }
}

impl Engine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_fresh(self: &Arc<Self>, now: Instant) {
        let mut state = self.state();
        let Settings { cooldown, max_age, max_stale, .. } = self.settings;
        // Whoever comes first with a token asks for the first keys.
        let Some(fetched) = state.fetched else {
            return self.due.store(u64::MAX, Ordering::Release);
        };

        let end = fetched + max_stale;
        if now >= end {
            state.keys.retire_all_but(&KeySet::default());
            *state = State { keys: Arc::default(), fetched: None, ..state.clone() };
            #[cfg(feature = "metrics")]
            state.count();
            drop(state);
            let age = max_stale.as_secs();
            return log::error!("auth-guard: the public keys are {age} s old: no longer used.");
        }

        // Ahead of `max_age`, with some time to try again in.
        let retry = state.attempted.map_or(now, |attempted| attempted + cooldown);
        let mut next = (fetched + max_age * 3 / 4).max(retry);
        if now >= next {
            self.fetch(&mut state);
            next = now + cooldown;
        }
        self.due.store(self.milliseconds(next.min(end)), Ordering::Release);
    }

    fn prospect(self: &Arc<Self>, algorithm: Algorithm, kid: Option<&str>) -> Prospect {
        let mut state = self.state();
        if state.keys.select(algorithm, kid).err() != Some(NoFit::Unknown) {
            return Prospect::Settled;
        }

        if state.is_fetching {
            return Prospect::Fetching;
        }

        let now = self.clock.instant();
        if state.asked.is_some_and(|asked| now < asked + self.settings.cooldown) {
            return Prospect::Settled;
        }

        state.asked = Some(now);
        match self.fetch(&mut state) {
            true => Prospect::Fetching,
            false => Prospect::Settled,
        }
    }

    /// Begins a fetch unless there is one. Whether one is under way.
    fn fetch(self: &Arc<Self>, state: &mut State) -> bool {
        if state.is_fetching {
            return true;
        }

        // Outside a runtime there is nothing to fetch with.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return false };
        state.is_fetching = true;
        state.attempted = Some(self.clock.instant());
        let fetch = Fetch(self.clone());
        runtime.spawn(async move {
            let answer = fetch.0.request().await;
            fetch.0.finish(answer);
        });
        true
    }

    async fn request(&self) -> Result<Vec<u8>, String> {
        let request = self.client.get(self.settings.url.clone()).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| whole(&error))?;
        if !response.status().is_success() {
            let remedy = match response.status().as_u16() {
                404 => {
                    ". Better Auth does so while `jwks.remoteUrl` is set, or under another `basePath`"
                }
                _ => "",
            };
            return Err(format!("it answers {}{remedy}", response.status()));
        }

        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| whole(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY {
                return Err(format!("its answer is longer than {} KiB", MAX_BODY / 1024));
            }
        }
        Ok(body)
    }

    fn finish(&self, answer: Result<Vec<u8>, String>) {
        // Read and told of without the lock: nobody waits for it.
        let before = self.state().clone();
        let read = answer.and_then(|json| {
            KeySet::read(&json, &before.keys).map_err(|why| format!("its answer {why}"))
        });
        match &read {
            Ok(ReadSet { keys, skipped }) => self.tell_success(&before, keys, skipped),
            Err(why) => self.tell_failure(&before, why),
        }

        let mut state = self.state();
        match read {
            Ok(ReadSet { keys, skipped }) => {
                state.keys.retire_all_but(&keys);
                state.keys = Arc::new(keys);
                self.has_refused.store(false, Ordering::Relaxed);
                #[cfg(feature = "metrics")]
                state.count();
                state.fetched = Some(self.clock.instant());
                state.failure = None;
                state.skipped = skipped;
            }
            Err(why) => state.failure = Some(why),
        }
        self.due.store(0, Ordering::Release);
    }

    fn tell_success(&self, state: &State, keys: &KeySet, skipped: &[String]) {
        let (count, url) = (keys.len(), &self.settings.url);
        let is_same = *state.keys == *keys;
        match (state.fetched.is_some(), state.failure.is_some()) {
            (false, false) => log::info!("auth-guard: {count} public keys from {url}: {keys}."),
            (true, false) if is_same => {}
            (true, false) => {
                log::info!("auth-guard: {count} other public keys from {url}: {keys}.");
            }
            (_, true) => {
                log::warn!("auth-guard: {url} gives public keys again, {count} of them: {keys}.");
            }
        }

        for line in skipped.iter().filter(|line| !state.skipped.contains(line)) {
            log::warn!("auth-guard: a key of {url} is not used. {line}.");
        }
    }

    /// Once an outage.
    fn tell_failure(&self, state: &State, why: &str) {
        if state.failure.is_some() {
            return;
        }

        let url = &self.settings.url;
        match state.keys.is_empty() {
            true => log::error!(
                "auth-guard: there are no public keys, so tokens that need one are answered 503. \
                 They cannot be had from {url}: {why}."
            ),
            false => log::error!(
                "auth-guard: new public keys cannot be had from {url}: {why}. The {} known ones \
                 stay in use for {} s.",
                state.keys.len(),
                self.settings.max_stale.as_secs()
            ),
        }
    }

    fn milliseconds(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.started);
        since.as_millis().try_into().unwrap_or(u64::MAX)
    }
}

#[cfg(feature = "metrics")]
impl State {
    /// Called with the lock held: the last to be told is what is.
    fn count(&self) {
        crate::metrics::keys("public", self.keys.len());
    }
}

/// A fetch under way. However it ends, with its runtime for instance, another
/// one may begin.
struct Fetch(Arc<Engine>);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.state().is_fetching = false;
        self.0.finished.send_replace(());
    }
}

/// Who the tokens are waiting for, for the launch to print.
impl fmt::Display for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, url) = (self.0.state(), &self.0.settings.url);
        match (state.keys.is_empty(), &state.failure) {
            (false, _) => write!(f, "{} from {url}: {}", state.keys.len(), state.keys),
            (true, None) => write!(f, "waiting for those of {url}"),
            (true, Some(why)) => write!(f, "none yet, they cannot be had from {url}: {why}"),
        }
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jwks").field(&self.0.settings).finish()
    }
}

/// Whether a URL leads to this machine: 127.0.0.0/8, ::1 or localhost.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An error with its causes, on one line and without the URL.
fn whole(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("there is no answer within {} s", TIMEOUT.as_secs());
    }

    let mut text = "it cannot be reached".to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
