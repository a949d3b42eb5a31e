//! What the guards of one request tell each other.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rocket::{Request, Route};
use smallvec::SmallVec;

use super::ask::{address, is_asking};
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
#[derive(Clone)]
pub(super) struct Granted {
    request: usize,
    route: usize,
    pub(super) caller: Verified,
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

    /// Returns what was granted to this request on its route. A request may be forwarded from
    /// route to route, and its clones share this state, so no other grant counts. Nor does any
    /// while a requirement is asking: then the route's own guard has not decided.
    pub(super) fn granted(&self, request: &Request<'_>) -> Option<Granted> {
        let granted = lock(&self.granted);
        let granted = granted.as_ref().filter(|granted| granted.request == address(request))?;
        let is_current = address(request.route()?) == granted.route && !is_asking(request);
        is_current.then(|| granted.clone())
    }

    /// Forgets what was granted.
    pub(super) fn revoke(&self) {
        *lock(&self.granted) = None;
    }

    pub(super) fn set_granted(
        &self,
        request: &Request<'_>,
        caller: Verified,
        by: AllowedBy,
        owner: Option<usize>,
    ) {
        let route = request.route().map_or(0, address);
        let granted = Granted { request: address(request), route, caller, by, owner };
        *lock(&self.granted) = Some(granted);
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
