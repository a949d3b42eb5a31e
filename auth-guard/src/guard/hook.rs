//! Step 5, continued: the application's own check of a caller.

use std::fmt;
use std::sync::Arc;

use rocket::Request;
use rocket::futures::future::BoxFuture;

use super::ask::{Asked, ask};
use super::verified::Verified;
use crate::error::AuthError;

/// The check that [`AuthGuard::with_check`](crate::AuthGuard::with_check) was given.
#[derive(Clone)]
pub(crate) struct Hook(Arc<Check>);

type Check = dyn for<'r> Fn(&'r Verified, &'r Request<'_>) -> BoxFuture<'r, Result<(), AuthError>>
    + Send
    + Sync;

impl Hook {
    pub(crate) fn new<F>(check: F) -> Self
    where
        F: for<'r> Fn(&'r Verified, &'r Request<'_>) -> BoxFuture<'r, Result<(), AuthError>>
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(check))
    }

    /// Asks the check.
    pub(super) async fn run(
        &self,
        caller: &Verified,
        request: &Request<'_>,
    ) -> Result<(), AuthError> {
        ask(request, Asked::Check, || (self.0)(caller, request)).await?
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(..)")
    }
}
