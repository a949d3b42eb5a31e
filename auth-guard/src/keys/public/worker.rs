//! Carries out the engine's orders: each fetch is a thread.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::keys::public::algorithm::Algorithms;
use crate::keys::public::engine::{Engine, Order};
use crate::keys::public::fetch::Source;
use crate::keys::public::memo::{IssuerId, Memo};
use crate::keys::public::report;
use crate::keys::public::set::{KeySet, ReadSet};
use crate::sync::lock;

/// The state behind [`PublicKeys`](super::PublicKeys), which a fetch shares.
pub(super) struct Shared {
    pub(super) source: Source,
    pub(super) algorithms: Algorithms,
    pub(super) clock: Clock,
    pub(super) started: Instant,
    pub(super) cooldown: Duration,
    /// When the engine has a refresh to decide on, in milliseconds since `started`.
    pub(super) due: AtomicU64,
    pub(super) engine: Mutex<Engine>,
    /// Wakes waiting requests at the end of a fetch.
    pub(super) ended: watch::Sender<()>,
    /// The number of waiting requests.
    pub(super) waiting: AtomicUsize,
    /// `true` once a request has been refused for want of keys; `false` after a fetch.
    pub(super) has_refused: AtomicBool,
    /// The memo of all issuers.
    pub(super) memo: Option<Arc<Memo>>,
    pub(super) issuer: IssuerId,
    /// The name of the issuer, for the metrics; `None` for the first.
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "only metrics name it"))]
    pub(super) name: Option<Arc<str>>,
}

impl Shared {
    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        lock(&self.engine)
    }

    /// Changes the engine's state. Orders are carried out after the lock is released.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Engine, Instant) -> T) -> T {
        let mut engine = self.engine();
        let now = self.clock.instant();
        let result = change(&mut engine, now);
        let due = engine.due().map_or(0, |due| self.milliseconds(due));
        self.due.store(due, Ordering::Release);
        result
    }

    pub(super) fn carry_out(self: &Arc<Self>, order: Option<Order>) {
        let Some(Order { id, delay }) = order else { return };
        let result = Err("the thread that fetches them could not run to its end".into());
        let fetch = Fetch { shared: self.clone(), id, result };
        let thread = std::thread::Builder::new().name("auth-guard-keys".into());
        // Without a thread the fetch is dropped here, which ends it as a failed one.
        let _ = thread.spawn(move || fetch.run(delay));
    }

    /// Records the number of keys. The engine is locked, so the last number recorded is the
    /// current one.
    #[cfg(feature = "metrics")]
    pub(super) fn count(&self, engine: &Engine) {
        crate::metrics::keys("public", self.name.clone(), engine.len());
    }

    pub(super) fn milliseconds(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.started);
        since.as_millis().try_into().unwrap_or(u64::MAX)
    }
}

/// A fetch that has been ordered. It runs on a thread of its own, and so depends on nobody's
/// runtime; dropping it ends it, also after a panic or without a thread.
struct Fetch {
    shared: Arc<Shared>,
    id: u64,
    result: Result<ReadSet, String>,
}

impl Fetch {
    fn run(mut self, delay: Duration) {
        std::thread::sleep(delay);
        self.shared.update(|engine, now| engine.begin(self.id, now));
        self.result = self.shared.source.fetch().and_then(|json| {
            // Read without the lock, which other requests need.
            KeySet::read(&json, &self.shared.algorithms).map_err(|why| format!("its answer {why}"))
        });
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let (shared, id) = (&self.shared, self.id);
        let result = std::mem::replace(&mut self.result, Err(String::new()));
        let is_success = result.is_ok();
        let lines = shared.update(|engine, now| {
            let lines = engine.finish(id, result, now);
            #[cfg(feature = "metrics")]
            shared.count(engine);
            lines
        });
        if is_success {
            shared.has_refused.store(false, Ordering::Relaxed);
        }
        // Logged first: what waits may be the last thing that the process does.
        report::log(lines);
        shared.ended.send_replace(());
    }
}
