//! Decides which answers are right.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::issuer::{MortalIssuer, Seen};

/// The answers that are counted: a success, or the `code` of a refusal.
pub(super) const ANSWERS: [&str; 7] = [
    "ok",
    "not_owner",
    "token_missing",
    "token_expired",
    "token_invalid",
    "request_malformed",
    "keys_unavailable",
];

/// After this many wrong answers a run has nothing more to show.
const HOPELESS: usize = 20;

/// Which key a request needs.
pub(super) enum Key<'r> {
    None,
    /// One that the issuer publishes.
    Published(&'r str),
    /// One that does not exist.
    Invented,
}

/// An answer, and when its request began.
pub(super) struct Answer {
    pub(super) began: Instant,
    pub(super) copy: String,
    pub(super) status: u16,
    pub(super) code: String,
}

pub(super) struct Judge<'i> {
    issuer: &'i MortalIssuer,
    /// The keys that each copy knows, since it answered that it had verified a signature.
    known: Mutex<HashMap<(String, String), Instant>>,
    seen: Mutex<BTreeMap<String, usize>>,
    wrong: AtomicUsize,
    /// The longest time for an answer that needed no fetch, since the last sample.
    slowest: Mutex<Duration>,
}

impl<'i> Judge<'i> {
    pub(super) fn new(issuer: &'i MortalIssuer) -> Self {
        let (known, seen, slowest) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { issuer, known, seen, wrong: AtomicUsize::new(0), slowest }
    }

    /// Judges an answer. Returns `true` if it is the expected one, and `false` if it is 503
    /// where there could be no key, or wrong.
    pub(super) fn judge(
        &self,
        what: &str,
        key: &Key<'_>,
        expected: (u16, &str),
        answer: &Answer,
    ) -> bool {
        let ended = Instant::now();
        let Answer { began, copy, status, code } = answer;
        let seen = self.issuer.seen(*began, ended);
        let is_expected = (*status, &**code) == expected;
        let is_unavailable = (*status, &**code) == (503, "keys_unavailable");
        let known = match key {
            Key::Published(kid) => Some((copy.clone(), (*kid).to_owned())),
            Key::None | Key::Invented => None,
        };
        let since = known
            .as_ref()
            .and_then(|known| self.known.lock().expect("no panic").get(known).copied());
        let is_known = since.is_some_and(|since| since <= *began);
        let is_right = match key {
            Key::None => is_expected,
            Key::Published(_) => is_expected || is_unavailable && !is_known && seen != Seen::Alive,
            // No fetch can prove that nobody publishes the key while the issuer is dead.
            Key::Invented => match seen {
                Seen::Alive => is_expected,
                Seen::Dead => is_unavailable,
                Seen::Either => is_expected || is_unavailable,
            },
        };
        if !is_right {
            self.report(&format!("{what}: {status} {code:?} from {copy:?}, not {expected:?}"));
            return false;
        }

        // A forged token gets its answer also where the key is not known.
        if let Some(known) = known.filter(|_| is_expected && expected.1 != "token_invalid") {
            self.known.lock().expect("no panic").entry(known).or_insert(ended);
        }
        if is_known || matches!(key, Key::None) {
            let mut slowest = self.slowest.lock().expect("no panic");
            *slowest = slowest.max(ended - *began);
        }
        let name = if code.is_empty() { "ok" } else { code };
        *self.seen.lock().expect("no panic").entry(name.to_owned()).or_default() += 1;
        is_expected
    }

    /// Notes something that is wrong.
    pub(super) fn report(&self, wrong: &str) {
        eprintln!("soak: wrong: {wrong}");
        self.wrong.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how much was wrong so far.
    pub(super) fn wrong(&self) -> usize {
        self.wrong.load(Ordering::Relaxed)
    }

    pub(super) fn is_hopeless(&self) -> bool {
        self.wrong() >= HOPELESS
    }

    /// Returns how many answers there were so far of each of [`ANSWERS`].
    pub(super) fn counts(&self) -> [usize; ANSWERS.len()] {
        let seen = self.seen.lock().expect("no panic");
        ANSWERS.map(|name| seen.get(name).copied().unwrap_or_default())
    }

    /// Returns the longest time for an answer that needed no fetch, since the last call.
    pub(super) fn take_slowest(&self) -> Duration {
        std::mem::take(&mut *self.slowest.lock().expect("no panic"))
    }

    /// Asserts that there were answers of each kind, and that the metrics of the copies have
    /// counted exactly these.
    pub(super) fn assert_counted(&self, metrics: &str) {
        for (name, count) in ANSWERS.iter().zip(self.counts()) {
            assert!(count > 0, "no {name}");
            let label = match *name {
                "ok" => "outcome=\"allowed\"".to_owned(),
                code => format!("reason=\"{code}\""),
            };
            let lines = metrics.lines().filter(|line| line.contains(&label));
            let decisions = lines.filter(|line| line.starts_with("auth_guard_decisions_total{"));
            let numbers =
                decisions.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
            assert_eq!(numbers.sum::<usize>(), count, "{name}, in the metrics");
        }
    }
}

impl fmt::Display for Judge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        write!(f, "soak: {} right answers", counts.iter().sum::<usize>())?;
        for (name, count) in ANSWERS.iter().zip(counts) {
            write!(f, ", {count} {name}")?;
        }
        write!(f, "; {} wrong", self.wrong())
    }
}
