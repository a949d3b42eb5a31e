//! Decides when public keys are fetched, and which are in use.
//!
//! A state machine without clock, socket and thread, so tests can force every order of events.
//! Its caller carries out its [`Order`]s, and reports when a fetch begins and ends.
//!
//! | event | what happens |
//! | --- | --- |
//! | ignition | one fetch begins; the launch does not wait for it |
//! | a token with a known key | it is verified at once, however slow the issuer is |
//! | … once the keys have reached 3/4 of `jwks_max_age` | they are also fetched again, in the background |
//! | a token with an unknown key | its request waits for a fetch that begins after it asked |
//! | the issuer publishes no usable keys | the known keys stay in use until `jwks_max_stale` |
//! | no tokens arrive | nothing |

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::keys::public::algorithm::Algorithm;
use crate::keys::public::jwk::PublicKey;
use crate::keys::public::report::{self, Line};
use crate::keys::public::set::{KeySet, NoFit, ReadSet};

/// How often keys are fetched, and how long they are used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timing {
    /// The least time between the beginnings of two fetches for unknown keys.
    pub(super) cooldown: Duration,
    /// The age at which keys are to have been replaced, while the issuer answers.
    pub(super) max_age: Duration,
    /// The age at which keys are no longer used.
    pub(super) max_stale: Duration,
}

/// The keys in use, and the history that decides when they are fetched.
#[derive(Default)]
pub(super) struct Engine {
    timing: Timing,
    /// The address of the keys, for the log.
    address: String,
    keys: KeySet,
    /// When the fetch began that brought `keys`; `None` while there are none.
    fetched: Option<Instant>,
    /// The only fetch that is scheduled or running.
    pending: Option<Pending>,
    /// The id of the latest fetch that was ordered.
    ordered: u64,
    /// The id of the latest fetch that has ended.
    ended: u64,
    /// When the latest fetch began, whatever its purpose.
    attempted: Option<Instant>,
    /// When the latest fetch for an unknown key began.
    asked: Option<Instant>,
    /// Why the latest fetch failed; `None` if it succeeded.
    failure: Option<String>,
    /// The unused entries of the latest set, so that each is logged once.
    skipped: Vec<String>,
}

struct Pending {
    id: u64,
    /// `true` if the fetch uses up the cooldown.
    is_for_unknown_key: bool,
    /// `None` while the fetch is scheduled.
    began: Option<Instant>,
}

/// A fetch to be carried out. The holder of the order must report how the fetch ended.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct Order {
    pub(super) id: u64,
    /// The time to sleep before the fetch begins.
    pub(super) delay: Duration,
}

/// A request with an unknown key.
pub(super) struct Visit {
    /// The latest fetch that had ended when the request asked.
    seen: u64,
    /// The first fetch that proves something about the request's key: it begins after the
    /// request asked.
    wanted: u64,
}

/// The next step of a request with an unknown key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The key is known, or the issuer does not publish it.
    Settled,
    /// A fetch is pending. Its end brings the next step.
    Wait(Option<Order>),
    /// The last fetch failed, or the cooldown permits none soon enough.
    Unavailable,
}

/// The time after which a failed refresh is tried again. Much shorter than any useful
/// `jwks_max_age`, so that a brief outage ends before keys become too old.
const RETRY: Duration = Duration::from_secs(5);
/// The longest time that a fetch is scheduled ahead: requests wait for it.
const MAX_DELAY: Duration = Duration::from_secs(5);

impl Engine {
    pub(super) fn new(timing: Timing, address: String) -> Self {
        Self { timing, address, ..Self::default() }
    }

    #[cfg(feature = "testing")]
    pub(super) fn remove_cooldown(&mut self) {
        self.timing.cooldown = Duration::ZERO;
    }

    /// Selects the one key for a token, of those that may still be used.
    pub(super) fn select(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        now: Instant,
    ) -> Result<&Arc<PublicKey>, NoFit> {
        match self.is_stale(now) {
            true => Err(NoFit::Unknown),
            false => self.keys.select(algorithm, kid),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns `true` if an unknown key may well be the issuer's newest, so that the caller
    /// is not at fault.
    pub(super) fn is_unavailable(&self) -> bool {
        self.keys.is_empty() || self.failure.is_some()
    }

    /// Orders a fetch that is not for an unknown key, unless one is pending.
    pub(super) fn fetch(&mut self) -> Option<Order> {
        self.pending.is_none().then(|| self.order(false, Duration::ZERO))
    }

    /// Drops keys that are too old, and orders a refresh if one is due.
    pub(super) fn keep_fresh(&mut self, now: Instant) -> (Option<Order>, Option<Line>) {
        let line = self.is_stale(now).then(|| self.drop_keys());
        let is_due = self.refresh_at().is_none_or(|at| at <= now);
        (if is_due { self.fetch() } else { None }, line)
    }

    /// Returns the time at which [`Engine::keep_fresh`] has something to do; `None`: now.
    pub(super) fn due(&self) -> Option<Instant> {
        let end = self.fetched.map(|fetched| fetched + self.timing.max_stale);
        match (&self.pending, end) {
            // The end of the pending fetch decides on the next one.
            (Some(_), Some(end)) => Some(end),
            (None, Some(end)) => self.refresh_at().map(|at| at.min(end)),
            (_, None) => self.refresh_at(),
        }
    }

    /// Begins the visit of a request with an unknown key.
    pub(super) fn visit(&self) -> Visit {
        let wanted = match &self.pending {
            Some(Pending { id, began: None, .. }) => *id,
            _ => self.ordered + 1,
        };
        Visit { seen: self.ended, wanted }
    }

    /// Decides the next step of a visit. To be called once at its beginning, and after the
    /// end of each fetch.
    pub(super) fn step(
        &mut self,
        visit: &Visit,
        algorithm: Algorithm,
        kid: Option<&str>,
        now: Instant,
    ) -> Step {
        let is_known = self.select(algorithm, kid, now).err() != Some(NoFit::Unknown);
        match self.ended > visit.seen {
            _ if is_known => Step::Settled,
            true if self.failure.is_some() => Step::Unavailable,
            _ if self.ended >= visit.wanted => Step::Settled,
            _ => self.ask(now).map_or(Step::Unavailable, Step::Wait),
        }
    }

    /// Orders a fetch for an unknown key unless one is pending; `None` if the cooldown
    /// permits none soon enough.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Option<Order>> {
        if self.pending.is_some() {
            return Some(None);
        }
        let delay = self.cooldown_rest(now);
        (delay <= MAX_DELAY).then(|| Some(self.order(true, delay)))
    }

    /// Returns the time until a fetch for an unknown key may begin.
    pub(super) fn cooldown_rest(&self, now: Instant) -> Duration {
        let end = self.asked.map(|asked| asked + self.timing.cooldown);
        end.map_or(Duration::ZERO, |end| end.saturating_duration_since(now))
    }

    /// Records that an ordered fetch begins.
    pub(super) fn begin(&mut self, id: u64, now: Instant) {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.id == id) else {
            return;
        };
        pending.began = Some(now);
        self.attempted = Some(now);
        if pending.is_for_unknown_key {
            self.asked = Some(now);
        }
    }

    /// Records the end of a fetch, however it ended, and returns what to log.
    pub(super) fn finish(
        &mut self,
        id: u64,
        result: Result<ReadSet, String>,
        now: Instant,
    ) -> Vec<Line> {
        let Some(pending) = self.pending.take_if(|pending| pending.id == id) else {
            return Vec::new();
        };
        self.ended = id;
        // A fetch that could not even begin is not to be tried for every token.
        let began = pending.began.unwrap_or(now);
        self.attempted = Some(began);
        match result {
            Ok(read) => self.succeed(read, began),
            Err(why) => self.fail(why, now).into_iter().collect(),
        }
    }

    fn succeed(&mut self, ReadSet { keys, skipped }: ReadSet, began: Instant) -> Vec<Line> {
        let is_other = self.keys != keys;
        self.keys.replace(keys);
        let (had_keys, had_failed) = (self.fetched.is_some(), self.failure.is_some());
        self.fetched = Some(began);
        self.failure = None;

        let (address, keys) = (&self.address, &self.keys);
        let line = match (had_failed, had_keys) {
            (true, _) => Some(report::recovered(address, keys, had_keys)),
            (false, false) => Some(report::published(address, keys)),
            (false, true) => is_other.then(|| report::changed(address, keys)),
        };
        let unused = skipped.iter().filter(|why| !self.skipped.contains(why));
        let lines =
            line.into_iter().chain(unused.map(|why| report::unused(address, why))).collect();
        self.skipped = skipped;
        lines
    }

    /// Returns one line an outage.
    fn fail(&mut self, why: String, now: Instant) -> Option<Line> {
        let end = self.fetched.map(|fetched| fetched + self.timing.max_stale);
        let rest = end.map(|end| end.saturating_duration_since(now));
        let line = report::failed(&self.address, &why, self.keys.len(), rest);
        self.failure.replace(why).is_none().then_some(line)
    }

    fn drop_keys(&mut self) -> Line {
        self.keys.replace(KeySet::default());
        self.fetched = None;
        report::too_old(&self.address, self.timing.max_stale, self.failure.is_some())
    }

    fn is_stale(&self, now: Instant) -> bool {
        self.fetched.is_some_and(|fetched| fetched + self.timing.max_stale <= now)
    }

    /// Returns the time at which the keys are to be fetched again; `None`: now.
    fn refresh_at(&self) -> Option<Instant> {
        let retry = self.attempted.map(|attempted| attempted + RETRY);
        match self.fetched {
            None => retry,
            // Before `max_age`, to leave time for another attempt.
            Some(fetched) => {
                let at = fetched + self.timing.max_age * 3 / 4;
                Some(retry.filter(|_| self.failure.is_some()).map_or(at, |retry| at.max(retry)))
            }
        }
    }

    fn order(&mut self, is_for_unknown_key: bool, delay: Duration) -> Order {
        self.ordered += 1;
        self.pending = Some(Pending { id: self.ordered, is_for_unknown_key, began: None });
        Order { id: self.ordered, delay }
    }
}

/// Prints the keys in use, or why there are none, for the launch and explanations.
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&report::current(&self.address, &self.keys, self.failure.as_deref()))
    }
}

#[cfg(test)]
mod tests;
