//! Step 5, where an application has something to add: its own check of a caller.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rocket::Request;
use rocket::futures::FutureExt;
use rocket::futures::future::BoxFuture;
use rocket::tokio::time::timeout;

use super::Verified;
use crate::error::AuthError;

/// What [`AuthGuard::check`](crate::AuthGuard::check) was given.
#[derive(Clone)]
pub(crate) struct Hook {
    check: Arc<Check>,
    /// Whether the outage that is going on has been told.
    is_told: Arc<AtomicBool>,
}

type Check = dyn for<'r> Fn(&'r Verified, &'r Request<'_>) -> BoxFuture<'r, Result<(), AuthError>>
    + Send
    + Sync;

/// The longest that a request waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Hook {
    pub(crate) fn new<F>(check: F) -> Self
    where
        F: for<'r> Fn(&'r Verified, &'r Request<'_>) -> BoxFuture<'r, Result<(), AuthError>>
            + Send
            + Sync
            + 'static,
    {
        Self { check: Arc::new(check), is_told: Arc::default() }
    }

    /// Fails closed: what panics or takes too long has not let anybody in.
    pub(super) async fn run(
        &self,
        caller: &Verified,
        request: &Request<'_>,
    ) -> Result<(), AuthError> {
        // The call as well as what it returns may panic.
        let check = AssertUnwindSafe(async { (self.check)(caller, request).await }).catch_unwind();
        let result = match timeout(TIMEOUT, check).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(AuthError::CheckUnavailable),
        };
        if result != Err(AuthError::CheckUnavailable) && self.is_told.load(Ordering::Relaxed) {
            self.is_told.store(false, Ordering::Relaxed);
        }
        result
    }

    /// Whether this is the first failure since it last gave an answer.
    pub(super) fn is_first_failure(&self) -> bool {
        !self.is_told.swap(true, Ordering::Relaxed)
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(..)")
    }
}
