//! Step 7, first half: a refusal → what Rocket is told, and what is recorded.

use rocket::Request;
use rocket::http::Status;
use rocket::request::Outcome;

use super::context::Context;
use super::events;
use super::refused::Refused;
use super::scopes::RouteScopes;
use super::state::RequestState;
use crate::error::AuthError;
use crate::keys::public::PublicKeys;

impl AuthError {
    /// Returns the error that ended this request, if one did. A catcher needs it, and
    /// Rocket drops a guard's error before it calls a catcher.
    ///
    /// If a handler took the error as `Option<Verified>` or
    /// `Result<Verified, AuthError>` and answered by itself, this is still the last
    /// error that a guard met.
    pub fn of(request: &Request<'_>) -> Option<AuthError> {
        RequestState::of(request).refusal()
    }
}

/// Turns a result into Rocket's outcome. It refuses, and never forwards (rule 18).
pub(super) fn outcome<T>(
    request: &Request<'_>,
    result: Result<T, Refused>,
) -> Outcome<T, AuthError> {
    match result {
        Ok(value) => Outcome::Success(value),
        Err(refused) => Outcome::Error((refuse(request, &refused), refused.error)),
    }
}

/// Keeps the error for the catcher, and records the refusal once.
pub(super) fn refuse(request: &Request<'_>, refused: &Refused) -> Status {
    let error = &refused.error;
    if RequestState::of(request).set_refusal(error) {
        let is_first = is_first_of_outage(request, refused);
        let scopes = refused.is_by_scopes.then(|| RouteScopes::of(request).unwrap_or("none"));
        events::record_refused(request.route(), refused, scopes, is_first);
    }
    Status::new(error.status())
}

/// Returns `true` for the first refusal of an outage.
fn is_first_of_outage(request: &Request<'_>, refused: &Refused) -> bool {
    let Some(context) = Context::of(request.rocket()) else { return false };
    match refused.error {
        AuthError::KeysUnavailable => {
            let issuer = context.verifier.issuers().named(refused.issuer.as_deref());
            issuer.public_keys().is_some_and(PublicKeys::is_first_refusal)
        }
        AuthError::CheckUnavailable => match refused.requirement {
            Some(_) => context.requirement_outage.begin(),
            None => context.check_outage.begin(),
        },
        _ => false,
    }
}
