//! The one clock. Everything below the guards is handed the time.

use std::time::SystemTime;

/// Tells the guards the time.
///
/// By default that is the system's. With the feature `testing` there is also one
/// that a test moves, see [`Clock::fixed`].
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "public for tests only"))]
pub struct Clock {
    #[cfg(feature = "testing")]
    fixed: Option<std::sync::Arc<std::sync::Mutex<SystemTime>>>,
}

impl Clock {
    #[cfg(not(feature = "testing"))]
    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[cfg(feature = "testing")]
impl Clock {
    /// A clock that stands at `now` until it is moved. Its clones are the same
    /// clock.
    pub fn fixed(now: SystemTime) -> Self {
        Self { fixed: Some(std::sync::Arc::new(std::sync::Mutex::new(now))) }
    }

    /// The time it tells.
    pub fn now(&self) -> SystemTime {
        self.fixed.as_ref().map_or_else(SystemTime::now, |now| *lock(now))
    }

    /// Moves a fixed clock forward; the system's clock cannot be moved.
    pub fn advance(&self, by: std::time::Duration) {
        if let Some(now) = &self.fixed {
            *lock(now) += by;
        }
    }
}

#[cfg(feature = "testing")]
fn lock(now: &std::sync::Mutex<SystemTime>) -> std::sync::MutexGuard<'_, SystemTime> {
    now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
