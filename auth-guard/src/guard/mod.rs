//! Steps 5 and 6: claims → guard → ownership.

mod access;
pub(crate) mod answer;
pub(crate) mod events;
mod hook;
mod owner;
mod protect;
mod user_scoped;
mod verified;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rocket::http::Status;
use rocket::request::{Outcome, Request};
use rocket::{Ignite, Rocket, Route};

pub use access::{Access, Exception};
pub(crate) use hook::Hook;
pub use owner::Owner;
pub use protect::{protect, public};
pub use user_scoped::{Handler, UserId, UserScope, UserScoped};
pub use verified::Verified;

use crate::error::AuthError;
use crate::guard::events::{By, tell_allowed, tell_refused};
use crate::launch::Installed;
use crate::token::bearer::BearerToken;
use crate::token::check::Progress;
use crate::token::claims::Claims;
use crate::verifier::Verifier;

/// What the guards of one request tell each other.
#[derive(Default)]
struct RequestState {
    /// Verified once a request, however many guards ask.
    verified: OnceLock<Result<Verified, AuthError>>,
    /// What the attribute found out.
    scope: Mutex<Option<Scope>>,
    /// How far the token came.
    progress: OnceLock<Progress>,
    /// The last refusal.
    refusal: Mutex<Option<AuthError>>,
    /// The route that it was told to have been opened.
    opened: AtomicUsize,
}

/// What the attribute found out about one route. A request may be forwarded from
/// route to route, so it is only believed for that route.
#[derive(Clone, Copy)]
struct Scope {
    route: usize,
    /// The position of the segment that the route is scoped by.
    segment: usize,
    /// What let a caller in who is not the owner.
    exception: Option<&'static str>,
}

impl AuthError {
    /// The error that ended this request, if one did: what a catcher needs, and
    /// what Rocket drops before it calls one.
    ///
    /// Where a handler took the error as `Option<Verified>` or
    /// `Result<Verified, AuthError>` and answered by itself, this is still the
    /// last error that a guard met.
    pub fn of(request: &Request<'_>) -> Option<AuthError> {
        let refusal = &RequestState::of(request).refusal;
        refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RequestState {
    fn of<'r>(request: &'r Request<'_>) -> &'r RequestState {
        request.local_cache(RequestState::default)
    }

    fn set_scope(&self, route: &Route, segment: usize, exception: Option<&'static str>) {
        let scope = Scope { route: address(route), segment, exception };
        *self.scope.lock().unwrap_or_else(PoisonError::into_inner) = Some(scope);
    }

    fn scope(&self, route: &Route) -> Option<Scope> {
        let scope = *self.scope.lock().unwrap_or_else(PoisonError::into_inner);
        scope.filter(|scope| scope.route == address(route))
    }
}

/// The only way from a request to verified claims, as far as it goes without waiting:
/// `None` where a key or the application's own check has to be waited for.
fn authenticate_now(request: &Request<'_>) -> Option<Result<Verified, AuthError>> {
    let Some((installed, verifier)) = installed(request) else {
        return Some(Err(AuthError::Misconfigured));
    };
    if installed.hook.is_some() {
        return None;
    }

    let mut progress = Progress::new();
    let fields = request.headers().get("Authorization");
    let result = match BearerToken::from_fields(fields, &mut progress) {
        Ok(token) => verifier.verify_now(token, installed.clock.now(), &mut progress)?,
        Err(error) => Err(error),
    };
    Some(concluded(request, result, progress))
}

/// The same, and it waits.
async fn authenticate(request: &Request<'_>) -> Result<Verified, AuthError> {
    let (installed, verifier) = installed(request).ok_or(AuthError::Misconfigured)?;
    let mut progress = Progress::new();
    let fields = request.headers().get("Authorization");
    let result = match BearerToken::from_fields(fields, &mut progress) {
        Ok(token) => verifier.verify_request(token, || installed.clock.now(), &mut progress).await,
        Err(error) => Err(error),
    };
    let caller = concluded(request, result, progress)?;
    if let Some(hook) = &installed.hook {
        hook.run(&caller, request).await?;
    }
    Ok(caller)
}

/// Either, remembered for the other guards of this request.
async fn authenticate_once<'r>(request: &'r Request<'_>) -> Result<&'r Verified, AuthError> {
    let verified = &RequestState::of(request).verified;
    if verified.get().is_none() {
        let caller = match authenticate_now(request) {
            Some(caller) => caller,
            // Boxed, since it is rare: no other request is the larger for it.
            None => Box::pin(authenticate(request)).await,
        };
        // Guards run one after the other, so nobody else gets in between.
        let _ = verified.set(caller);
    }
    verified.get().ok_or(AuthError::Misconfigured)?.as_ref().map_err(Clone::clone)
}

fn installed<'r>(request: &'r Request<'_>) -> Option<(&'r Installed, &'r Verifier)> {
    Installed::of(request.rocket()).zip(request.rocket().state())
}

/// Keeps how far a refused token came, for those who tell of it.
fn concluded(
    request: &Request<'_>,
    result: Result<Claims, AuthError>,
    progress: Progress,
) -> Result<Verified, AuthError> {
    match result {
        Ok(claims) => Ok(Verified::new(claims, progress)),
        Err(error) => {
            let _ = RequestState::of(request).progress.set(progress);
            Err(error)
        }
    }
}

/// Rule 17: the segment as Rocket hands it to handlers, percent-decoded once,
/// byte for byte the `uid`. Without case folding, Unicode normalisation or
/// numeric equality, two different users never meet on one path.
fn check_owner(request: &Request<'_>, segment: usize, uid: &str) -> Result<(), AuthError> {
    match request.param::<&str>(segment) {
        Some(Ok(owner)) if owner == uid => Ok(()),
        Some(_) => Err(AuthError::NotOwner),
        None => Err(AuthError::Misconfigured),
    }
}

/// Refuses; never forwards (rule 18).
fn outcome<T>(request: &Request<'_>, result: Result<T, AuthError>) -> Outcome<T, AuthError> {
    match result {
        Ok(value) => Outcome::Success(value),
        Err(error) => Outcome::Error((refuse(request, &error), error)),
    }
}

/// Tells that a route is opened, unless another guard of this request has.
fn open(request: &Request<'_>, by: By, caller: &Verified) {
    if by.is_heard()
        && let Some(route) = request.route()
    {
        let told = &RequestState::of(request).opened;
        if told.swap(address(route), Ordering::Relaxed) != address(route) {
            tell_allowed(route, by, caller.key());
        }
    }
}

/// Keeps the error for the catcher, which Rocket does not, and tells it once.
fn refuse(request: &Request<'_>, error: &AuthError) -> Status {
    let state = RequestState::of(request);
    let last = state.refusal.lock().unwrap_or_else(PoisonError::into_inner).replace(error.clone());
    if last.as_ref() != Some(error) {
        let is_first = is_first_of_outage(request, error);
        let progress = state.progress.get();
        let caller = state.verified.get().and_then(|verified| verified.as_ref().ok());
        let key = progress.and_then(Progress::key).or_else(|| caller?.key());
        tell_refused(request.route(), error, progress, key, is_first);
    }

    Status::new(error.status())
}

/// Whether this is the first refusal of an outage that is going on.
fn is_first_of_outage(request: &Request<'_>, error: &AuthError) -> bool {
    match error {
        #[cfg(feature = "jwks")]
        AuthError::KeysUnavailable => {
            let jwks = request.rocket().state().and_then(Verifier::jwks);
            jwks.is_some_and(crate::keys::public::engine::Jwks::is_first_refusal)
        }
        AuthError::CheckUnavailable => {
            let hook =
                Installed::of(request.rocket()).and_then(|installed| installed.hook.as_ref());
            hook.is_some_and(Hook::is_first_failure)
        }
        _ => false,
    }
}

/// What every sentinel of ours does: a guard without the fairing stops the
/// launch, and so does what the audit finds in the final set of routes.
pub(crate) fn abort(guard: &str, rocket: &Rocket<Ignite>) -> bool {
    match Installed::of(rocket) {
        Some(installed) => installed.audit(rocket.routes(), false).is_err(),
        None => {
            crate::launch::refuse_launch(&[format!(
                "{guard} is used, but the fairing is not attached. Write \
                 `rocket::build().attach(AuthGuard::fairing())`"
            )]);
            true
        }
    }
}

fn address(route: &Route) -> usize {
    std::ptr::from_ref(route).addr()
}
