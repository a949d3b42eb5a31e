//! Every decision, told once: an event for the log, and a count for the metrics.
//!
//! Nothing of the token, the secret or a claim's value is in it, nor the path of the
//! request: the pattern of its route, and the ids of keys that are held.

use std::fmt::Display;

use rocket::Route;
use tracing::level_filters::LevelFilter;
use tracing::{Level, field};

use crate::error::AuthError;
use crate::token::check::{Check, Progress};

/// What opened a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The caller is the owner of the path.
    Owner,
    /// The caller is not, and this [`Exception`](crate::Exception) applies.
    Exception(&'static str),
    /// Any valid token does.
    Token,
}

impl By {
    /// Whether anybody listens. Mostly nobody does, and then not even what an event
    /// would say is looked up.
    pub(crate) fn is_heard(self) -> bool {
        let is_rare = matches!(self, Self::Exception(_));
        is_rare
            || cfg!(feature = "metrics")
            || LevelFilter::current() >= LevelFilter::TRACE
            || log::max_level() >= log::LevelFilter::Trace
    }
}

/// The target of every event.
const TARGET: &str = "auth_guard::decision";

/// A macro, because the level of an event is a constant.
macro_rules! event {
    ($level:expr, $outcome:literal, $route:expr, $($field:tt)*) => {
        tracing::event!(
            target: TARGET,
            $level,
            outcome = $outcome,
            $($field)*
            method = $route.map(|route| route.method.as_str()),
            route = $route.map(|route| route.uri.as_str()),
            concat!("auth-guard: ", $outcome)
        )
    };
}

/// Tells that a request was let in. An exception is rare and worth reading; the rest
/// is what a service does all day.
pub(crate) fn tell_allowed(route: &Route, by: By, key: Option<&dyn Display>) {
    let (route, key) = (Some(route), key.map(field::display));
    match by {
        By::Owner => event!(Level::TRACE, "allowed", route, by = "owner", key,),
        By::Token => event!(Level::TRACE, "allowed", route, by = "token", key,),
        By::Exception(exception) => {
            event!(Level::INFO, "allowed", route, by = "exception", exception, key,);
        }
    }
    #[cfg(feature = "metrics")]
    crate::metrics::count("allowed", by.name());
}

/// Tells that a request was refused. `progress` says how far its token came, if that
/// was refused; `is_first` is whether it is the first of an outage.
pub(crate) fn tell_refused(
    route: Option<&Route>,
    error: &AuthError,
    progress: Option<&Progress>,
    key: Option<&dyn Display>,
    is_first: bool,
) {
    let reason = error.code();
    let rule = rule(error, progress);
    let cause = field::debug(error);
    let key = key.map(field::display);

    match error.status() {
        403 => event!(Level::WARN, "refused", route, reason, cause, rule, key,),
        503 if is_first => event!(Level::ERROR, "refused", route, reason, cause, rule, key,),
        500 => event!(Level::ERROR, "refused", route, reason, cause, remedy = REMEDY,),
        _ => event!(Level::DEBUG, "refused", route, reason, cause, rule, key,),
    }
    #[cfg(feature = "metrics")]
    crate::metrics::count("refused", reason);
}

/// Of a guard that cannot check its route.
const REMEDY: &str =
    "attach `AuthGuard::fairing()`, and use `Owner` and `Access` only below `#[user_scoped]`";

/// The rule that was broken, if it was one of the token's or of the path's.
fn rule(error: &AuthError, progress: Option<&Progress>) -> Option<u8> {
    match error {
        AuthError::NotOwner => Some(Check::Owner.rule()),
        AuthError::Misconfigured | AuthError::Revoked | AuthError::CheckUnavailable => None,
        _ => progress.map(|progress| progress.check.rule()),
    }
}

#[cfg(feature = "metrics")]
impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Exception(_) => "exception",
            Self::Token => "token",
        }
    }
}
