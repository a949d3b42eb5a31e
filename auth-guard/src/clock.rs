//! The one clock. Everything below the guards is handed the time.

use std::time::{Instant, SystemTime};

/// Tells the guards the time.
///
/// By default that is the system's. With the feature `testing` there is also one
/// that a test moves, see [`Clock::fixed`].
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "public for tests only"))]
pub struct Clock {
    #[cfg(feature = "testing")]
    fixed: Option<std::sync::Arc<std::sync::Mutex<Fixed>>>,
}

impl Clock {
    #[cfg(not(feature = "testing"))]
    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// For measuring: nobody sets it back.
    #[cfg(not(feature = "testing"))]
    #[cfg_attr(not(feature = "jwks"), expect(dead_code, reason = "nothing gets old"))]
    pub(crate) fn instant(&self) -> Instant {
        Instant::now()
    }
}

#[cfg(feature = "testing")]
#[derive(Debug)]
struct Fixed {
    now: SystemTime,
    instant: Instant,
    readings: usize,
}

#[cfg(feature = "testing")]
impl Clock {
    /// A clock that stands at `now` until it is moved. Its clones are the same
    /// clock.
    pub fn fixed(now: SystemTime) -> Self {
        let fixed = Fixed { now, instant: Instant::now(), readings: 0 };
        Self { fixed: Some(std::sync::Arc::new(std::sync::Mutex::new(fixed))) }
    }

    /// The time it tells.
    pub fn now(&self) -> SystemTime {
        let read = |fixed: &mut Fixed| {
            fixed.readings += 1;
            fixed.now
        };
        self.with(read).unwrap_or_else(SystemTime::now)
    }

    /// Moves a fixed clock forward; the system's clock cannot be moved.
    pub fn advance(&self, by: std::time::Duration) {
        self.with(|fixed| {
            fixed.now += by;
            fixed.instant += by;
        });
    }

    #[cfg_attr(not(feature = "jwks"), expect(dead_code, reason = "nothing gets old"))]
    pub(crate) fn instant(&self) -> Instant {
        self.with(|fixed| fixed.instant).unwrap_or_else(Instant::now)
    }

    /// How often a fixed clock was read, which is once for each verification.
    pub fn readings(&self) -> usize {
        self.with(|fixed| fixed.readings).unwrap_or_default()
    }

    fn with<T>(&self, f: impl FnOnce(&mut Fixed) -> T) -> Option<T> {
        let fixed = self.fixed.as_ref()?;
        Some(f(&mut crate::sync::lock(fixed)))
    }
}
