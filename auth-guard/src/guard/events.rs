//! Every decision, recorded once: an event for the log, and a count for the metrics.
//!
//! An event has nothing of the token, the secret or a claim's value in it, nor the path
//! of the request: only the pattern of its route, and the ids of known keys.

use rocket::Route;
use tracing::level_filters::LevelFilter;
use tracing::{Level, field};

use super::refused::Refused;
use super::verified::Verified;

/// What opened a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AllowedBy {
    /// The caller is the owner of the path.
    Owner,
    /// This [`Scope`](crate::Scope) admits the caller.
    Scope(&'static str),
    /// This [`Requirement`](crate::Requirement) is met.
    Requirement(&'static str),
    /// The caller is not the owner, or not admitted, and meets this requirement instead.
    Instead(&'static str),
    /// Any valid token will do.
    Token,
}

impl AllowedBy {
    /// Returns the more telling of the two: what came before, unless that was any token.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::Token { other } else { self }
    }

    /// Returns `true` if somebody listens. Mostly nobody does, and then not even the
    /// fields of an event are looked up.
    pub(super) fn is_observed(self) -> bool {
        let is_rare = matches!(self, Self::Instead(_));
        is_rare
            || cfg!(feature = "metrics")
            || LevelFilter::current() >= LevelFilter::TRACE
            || log::max_level() >= log::LevelFilter::Trace
    }
}

/// The target of every event.
const TARGET: &str = "auth_guard::decision";

/// What to do about a guard that cannot check its route.
const REMEDY: &str = "attach `AuthGuard::fairing()`, use `Owner` and `Access` only with \
                      `#[user_scoped]`, and ask no guard from within `AuthGuard::with_check`";

/// Emits an event. It is a macro because an event's level is a constant.
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

/// Records that a request was let in. Somebody else in the owner's place is rare and worth
/// reading; the rest is what a service does all day.
pub(super) fn record_allowed(route: &Route, by: AllowedBy, caller: &Verified) {
    let (route, key) = (Some(route), caller.public_key().map(field::display));
    let issuer = caller.issuer();
    match by {
        AllowedBy::Owner => event!(Level::TRACE, "allowed", route, by = "owner", key, issuer,),
        AllowedBy::Token => event!(Level::TRACE, "allowed", route, by = "token", key, issuer,),
        AllowedBy::Scope(scope) => {
            event!(Level::TRACE, "allowed", route, by = "scope", scope, key, issuer,);
        }
        AllowedBy::Requirement(requirement) => {
            event!(Level::TRACE, "allowed", route, by = "requirement", requirement, key, issuer,);
        }
        AllowedBy::Instead(requirement) => {
            event!(Level::INFO, "allowed", route, by = "requirement", requirement, key, issuer,);
        }
    }
    #[cfg(feature = "metrics")]
    crate::metrics::count("allowed", by.name());
}

/// Records that a request was refused. `scopes` are the OAuth scopes of the route, if they are
/// the reason, and the flag says whether the refusal is the first of an outage.
pub(super) fn record_refused(
    route: Option<&Route>,
    refused: &Refused,
    scopes: Option<&str>,
    is_first: bool,
) {
    let Refused { error, check, key, issuer, requirement, .. } = refused;
    let (reason, cause) = (error.code(), field::debug(error));
    let key = key.as_deref().map(field::display);
    let (rule, issuer) = (check.map(|check| check.rule()), issuer.as_deref());

    match error.status() {
        403 => {
            event!(
                Level::WARN,
                "refused",
                route,
                reason,
                cause,
                rule,
                key,
                issuer,
                requirement,
                scopes,
            );
        }
        503 if is_first => {
            event!(Level::ERROR, "refused", route, reason, cause, rule, key, issuer, requirement,);
        }
        500 => event!(Level::ERROR, "refused", route, reason, cause, remedy = REMEDY,),
        _ => event!(Level::DEBUG, "refused", route, reason, cause, rule, key, issuer, requirement,),
    }
    #[cfg(feature = "metrics")]
    crate::metrics::count("refused", reason);
}

#[cfg(feature = "metrics")]
impl AllowedBy {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Scope(_) => "scope",
            Self::Requirement(_) | Self::Instead(_) => "requirement",
            Self::Token => "token",
        }
    }
}
