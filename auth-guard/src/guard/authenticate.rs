//! Step 5: header fields → the caller, verified once a request.

use rocket::Request;

use super::ask::{Asked, is_asking_itself};
use super::context::Context;
use super::refused::Refused;
use super::state::{RequestState, fields};
use super::verified::Verified;
use crate::error::AuthError;
use crate::token::bearer::BearerToken;
use crate::verifier::{Step, Wanted};

/// The caller of a request, or what has to be waited for first.
pub(super) enum Authentication<'r> {
    Done(Result<Verified, Refused>),
    Pending(Pending<'r>),
}

/// An authentication that waits for a key, or for the application's own check.
pub(super) struct Pending<'r> {
    context: &'r Context,
    stage: Stage<'r>,
    /// What the other guards of the request share, if they get the result.
    shared: Option<&'r RequestState>,
}

enum Stage<'r> {
    Key(Wanted<'r>),
    Check(Verified),
}

impl<'r> Authentication<'r> {
    /// Authenticates as far as that goes without waiting. If the result `is_shared`,
    /// the other guards of this request get it too, and it may be theirs; keeping it
    /// costs more than it saves if nobody else asks.
    pub(super) fn begin(request: &'r Request<'_>, is_shared: bool) -> Self {
        let Some(context) = Context::of(request.rocket()) else {
            return Self::Done(Err(AuthError::Misconfigured.into()));
        };
        // A check runs once per request, however many guards ask for the caller.
        let is_shared = is_shared || context.hook.is_some();
        let shared = is_shared.then(|| RequestState::of(request));
        if let Some(known) = shared.and_then(|state| state.caller(request)) {
            return Self::Done(known);
        }

        if context.hook.is_some() && is_asking_itself(request, Asked::Check) {
            return Self::Done(Err(AuthError::Misconfigured.into()));
        }

        let step = match BearerToken::from_fields(fields(request)) {
            Ok(token) => context.verifier.step(token, context.clock.now()),
            Err(failed) => Step::Done(Err(failed.into())),
        };
        let stage = match step {
            Step::NeedsKey(wanted) => Stage::Key(wanted),
            Step::Done(Ok(accepted)) if context.hook.is_some() => {
                Stage::Check(Verified::new(accepted))
            }
            Step::Done(result) => {
                let result = result.map(Verified::new).map_err(Refused::from);
                if let Some(state) = shared {
                    state.set_caller(request, &result);
                }
                return Self::Done(result);
            }
        };
        Self::Pending(Pending { context, stage, shared })
    }
}

impl Pending<'_> {
    /// Waits for what is missing.
    pub(super) async fn finish(self, request: &Request<'_>) -> Result<Verified, Refused> {
        let Self { context, stage, shared } = self;
        let caller = async {
            let caller = match stage {
                Stage::Key(wanted) => Verified::new(wanted.wait(|| context.clock.now()).await?),
                Stage::Check(caller) => caller,
            };
            if let Some(hook) = &context.hook {
                let result = hook.run(&caller, request).await;
                if result != Err(AuthError::CheckUnavailable) {
                    context.check_outage.end();
                }
                result?;
            }
            Ok(caller)
        };
        let result = caller.await;
        if let Some(state) = shared {
            state.set_caller(request, &result);
        }
        result
    }
}

/// Authenticates the caller for guards that may not be alone.
pub(super) async fn authenticate(request: &Request<'_>) -> Result<Verified, Refused> {
    match Authentication::begin(request, true) {
        Authentication::Done(result) => result,
        // Boxed, since it is rare: no other request is the larger for it.
        Authentication::Pending(pending) => Box::pin(pending.finish(request)).await,
    }
}
