//! What the guards of one request tell each other.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rocket::{Request, Route};
use smallvec::SmallVec;

use super::events::AllowedBy;
use super::refused::Refused;
use super::verified::Verified;
use crate::error::AuthError;
use crate::sync::lock;

/// Request-local state.
#[derive(Default)]
pub(super) struct RequestState {
    caller: Mutex<Option<Authenticated>>,
    granted: Mutex<Option<Granted>>,
    refusal: Mutex<Option<AuthError>>,
    /// The address of the route that was last recorded as opened.
    opened: AtomicUsize,
}

/// The caller, and the fields that say so. A local client's request can be cloned and
/// given another token, and its clones share this state.
struct Authenticated {
    fields: SmallVec<[Box<str>; 1]>,
    result: Result<Verified, Refused>,
}

/// What the attribute's guard granted.
#[derive(Clone, Copy)]
pub(super) struct Granted {
    route: usize,
    pub(super) by: AllowedBy,
    /// The position of the owner's segment.
    pub(super) owner: Option<usize>,
}

impl RequestState {
    pub(super) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    /// Returns the caller, if a guard of this request has asked before.
    pub(super) fn caller(&self, request: &Request<'_>) -> Option<Result<Verified, Refused>> {
        let caller = lock(&self.caller);
        let known = caller.as_ref()?;
        let is_same = known.fields.iter().map(|field| &**field).eq(fields(request));
        is_same.then(|| known.result.clone())
    }

    pub(super) fn set_caller(&self, request: &Request<'_>, result: &Result<Verified, Refused>) {
        let fields = fields(request).map(Box::from).collect();
        *lock(&self.caller) = Some(Authenticated { fields, result: result.clone() });
    }

    /// Returns what was granted on this route. A request may be forwarded from route to
    /// route, so no other route's grant counts.
    pub(super) fn granted(&self, route: &Route) -> Option<Granted> {
        lock(&self.granted).filter(|granted| granted.route == address(route))
    }

    pub(super) fn set_granted(&self, route: &Route, by: AllowedBy, owner: Option<usize>) {
        *lock(&self.granted) = Some(Granted { route: address(route), by, owner });
    }

    /// Notes that a route was opened. Returns `false` if another guard has noted it.
    pub(super) fn open(&self, route: &Route) -> bool {
        self.opened.swap(address(route), Ordering::Relaxed) != address(route)
    }

    /// Returns the last refusal.
    pub(super) fn refusal(&self) -> Option<AuthError> {
        lock(&self.refusal).clone()
    }

    /// Keeps an error for the catcher, which Rocket does not. Returns `false` if it was
    /// the last one already.
    pub(super) fn set_refusal(&self, error: &AuthError) -> bool {
        lock(&self.refusal).replace(error.clone()).as_ref() != Some(error)
    }
}

/// Returns the values of the `Authorization` fields of a request.
pub(super) fn fields<'r>(request: &'r Request<'_>) -> impl Iterator<Item = &'r str> {
    request.headers().get("Authorization")
}

/// Returns what tells this route from all others.
pub(super) fn address(route: &Route) -> usize {
    std::ptr::from_ref(route).addr()
}
