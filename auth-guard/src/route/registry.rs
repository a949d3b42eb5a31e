//! The handlers with our attributes that are mounted, in managed state: guards and the audit
//! look up here what the attributes saw.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard};

use rocket::{Phase, Request, Rocket, Route};

use super::mark::{handler_name, is_marked};
use super::pattern::{Pattern, USER_ID};
use crate::sync::lock;

/// A handler with one of our attributes, as they saw it.
#[derive(Debug)]
pub struct GuardedHandler {
    /// The function's name, without `r#`.
    pub name: &'static str,
    /// The method of its route.
    pub method: &'static str,
    /// The pattern of its route, without the mount point.
    pub uri: &'static str,
    /// The file that defines it.
    pub file: &'static str,
    /// The line of its definition.
    pub line: u32,
    /// The owner, by `#[user_scoped]`.
    pub owner: Option<OwnerRule>,
    /// What stands behind another segment, by `#[scoped]`.
    pub scope: Option<ScopeRule>,
    /// The requirement of `#[authorized]`, as it is written.
    pub requirement: Option<&'static str>,
    /// `true` if a machine's token may pass.
    pub machines: bool,
    /// The OAuth scopes of all attributes.
    pub scopes: &'static [&'static str],
    /// The reason why nothing is checked, if nothing is.
    pub exempt: Option<&'static str>,
    /// `true` if other guards may ask what this one found out.
    pub has_guards: bool,
}

/// What `#[user_scoped]` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerRule {
    /// The name of the segment.
    pub param: &'static str,
    /// The position of the segment after the mount point. Only an exempt handler may have
    /// none.
    pub segment: Option<usize>,
    /// The requirement that admits others, as it is written.
    pub or: Option<&'static str>,
}

/// What `#[scoped]` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeRule {
    /// The name of the segment.
    pub param: &'static str,
    /// The position of the segment after the mount point.
    pub segment: usize,
    /// The type that admits callers, as it is written.
    pub by: &'static str,
    /// The requirement that admits others, as it is written.
    pub or: Option<&'static str>,
}

impl GuardedHandler {
    /// Returns `true` if both let the same callers in.
    fn is_like(&self, other: &Self) -> bool {
        let rules = |handler: &Self| {
            let owner = handler.owner.filter(|_| handler.exempt.is_none());
            let owner = owner.map(|owner| (owner.param, owner.or));
            let scope = handler.scope.map(|scope| (scope.param, scope.by, scope.or));
            let scopes: BTreeSet<_> = handler.scopes.iter().collect();
            (owner, scope, handler.requirement, handler.machines, scopes, handler.exempt)
        };
        rules(self) == rules(other)
    }

    /// Returns the names of the segments that the handler is scoped by.
    pub(crate) fn params(&self) -> impl Iterator<Item = Param> {
        let owner = self
            .owner
            .filter(|_| self.exempt.is_none())
            .map(|owner| Param { name: owner.param, is_reserved: false });
        let scope = self.scope.map(|scope| Param { name: scope.param, is_reserved: true });
        owner.into_iter().chain(scope)
    }
}

/// A segment that a handler is scoped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    /// `true` if any dynamic segment at its place must be scoped alike.
    pub(crate) is_reserved: bool,
}

/// The handlers that have told of themselves. Each does at launch, by its sentinel.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<HashMap<HandlerKey, Known>>);

/// What a route shows of its handler: method, name, and path and query after the mount
/// point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HandlerKey {
    method: String,
    name: String,
    pattern: String,
}

/// What is known of the handlers of one key. Usually that is one handler; several cannot
/// be told apart in a route.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) first: &'static GuardedHandler,
    /// The first that lets other callers in than `first` does.
    pub(crate) other: Option<&'static GuardedHandler>,
    /// The segments that they are scoped by, without those of exempt handlers.
    pub(crate) params: Vec<Param>,
    /// The position of the owner's segment, if they agree on it.
    pub(crate) owner: Option<usize>,
}

/// What a handler added to a [`Registry`].
#[derive(Debug)]
pub(crate) struct Added {
    pub(crate) key: HandlerKey,
    /// The handler, if it is the first of its key.
    pub(crate) first: Option<&'static GuardedHandler>,
    /// The segments that it is scoped by, and no handler of its key was.
    pub(crate) params: Vec<Param>,
    /// `true` if its pattern has a `<user_id>`, and it does not say that this is the owner.
    pub(crate) lacks_owner: bool,
    /// `true` if it lets other callers in than the first of its key does.
    pub(crate) differs: bool,
}

impl Registry {
    pub(crate) fn of<P: Phase>(rocket: &Rocket<P>) -> Option<&Self> {
        rocket.state()
    }

    pub(crate) fn add(&self, handler: &'static GuardedHandler) -> Added {
        let key = HandlerKey::of_handler(handler);
        let mut all = self.lock();
        let first = (!all.contains_key(&key)).then_some(handler);
        let known = all.entry(key.clone()).or_insert_with(|| Known::new(handler));
        let differs = !known.first.is_like(handler);
        if differs && known.other.is_none() {
            known.other = Some(handler);
        }
        known.owner = known.owner.filter(|owner| segment_of(handler) == Some(*owner));
        let params: Vec<_> =
            handler.params().filter(|param| !known.params.contains(param)).collect();
        known.params.extend(&params);
        let has_user = Pattern::parse(handler.uri).place_of(USER_ID).is_some();
        let lacks_owner = has_user && handler.owner.is_none();
        Added { key, first, params, lacks_owner, differs }
    }

    /// Returns the handlers that this route may have.
    pub(crate) fn of_route(&self, route: &Route) -> Option<Known> {
        self.get(&HandlerKey::of_route(route)?)
    }

    pub(crate) fn get(&self, key: &HandlerKey) -> Option<Known> {
        self.lock().get(key).cloned()
    }

    /// Returns the handlers that the route of a request may have.
    pub(crate) fn known(request: &Request<'_>, route: &Route) -> Option<Known> {
        Self::of(request.rocket())?.of_route(route)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HandlerKey, Known>> {
        lock(&self.0)
    }
}

fn segment_of(handler: &GuardedHandler) -> Option<usize> {
    handler.owner.and_then(|owner| owner.segment)
}

impl Known {
    fn new(first: &'static GuardedHandler) -> Self {
        Self { first, other: None, params: Vec::new(), owner: segment_of(first) }
    }
}

impl HandlerKey {
    fn of_handler(handler: &GuardedHandler) -> Self {
        Self::new(handler.method, handler.name, Pattern::parse(handler.uri))
    }

    /// Returns `None` if the route's handler does not have an attribute.
    pub(crate) fn of_route(route: &Route) -> Option<Self> {
        if !is_marked(route) {
            return None;
        }
        Some(Self::new(route.method.as_str(), &handler_name(route)?, Pattern::unmounted(route)))
    }

    fn new(method: &str, name: &str, pattern: Pattern<'_>) -> Self {
        let mut text = String::new();
        for segment in pattern.segments() {
            let _ = write!(text, "/{segment}");
        }
        let _ = write!(text, "?{}", pattern.query());
        Self { method: method.to_owned(), name: name.to_owned(), pattern: text }
    }
}
