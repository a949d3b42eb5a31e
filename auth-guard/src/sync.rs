//! Two small things that several floors need: a lock, and a flag for outages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`. A panic while it was locked leaves nothing half done here, so a
/// poisoned lock is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the first failure of an outage from those that follow, so that it is
/// logged once.
#[derive(Debug, Default)]
pub(crate) struct Outage(AtomicBool);

impl Outage {
    /// Notes a failure. Returns `true` if it is the first of this outage.
    pub(crate) fn begin(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// Notes a success, which ends an outage.
    pub(crate) fn end(&self) {
        // Mostly there is none, and a read leaves the cache line to all cores.
        if self.0.load(Ordering::Relaxed) {
            self.0.store(false, Ordering::Relaxed);
        }
    }
}
