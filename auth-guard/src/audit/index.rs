//! Finds the routes that have a scoped segment in their pattern although nothing scopes them,
//! without comparing every route with every handler.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use rocket::Route;

use crate::route::pattern::{Pattern, Segment, USER_ID};
use crate::route::registry::{GuardedHandler, HandlerKey, Param};

/// The routes of one phase. It owns what it needs, so that it can be kept from one sentinel
/// to the next.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The routes with an attribute, and their mounted paths.
    marked: HashMap<HandlerKey, Vec<(RouteId, String)>>,
    /// The handlers of those routes that have told of themselves.
    handlers: HashMap<HandlerKey, &'static GuardedHandler>,
    /// Where routes name something.
    named: Node,
    /// The names without their paths, and the routes that have them.
    by_name: HashMap<String, Vec<(RouteId, Place)>>,
    /// What was asked for, each path up to a name.
    asked: HashSet<String>,
    /// What was found of a route: names that must be scoped.
    found: HashMap<RouteId, Vec<Found>>,
    marked_routes: HashMap<RouteId, HandlerKey>,
}

/// The address of a route in its Rocket.
type RouteId = usize;

/// A trie over the segments of paths.
#[derive(Debug, Default)]
struct Node {
    below: HashMap<String, Node>,
    below_dynamic: Option<Box<Node>>,
    /// The routes that have the name in the segment after this path, or in their query.
    names: HashMap<String, Vec<(RouteId, Place)>>,
}

/// Where a route has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
}

/// A name in a route's pattern, where handlers are scoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The name in the route.
    pub(super) name: String,
    /// The name that a handler is scoped by, there.
    pub(super) param: Param,
    pub(super) place: Place,
}

impl Index {
    pub(super) fn of(routes: &[&Route]) -> Self {
        let mut index = Self::default();
        for route in routes {
            count_step();
            if let Some(key) = HandlerKey::of_route(route) {
                let (id, path) = (route_id(route), route.uri.path().to_owned());
                index.marked_routes.insert(id, key.clone());
                index.marked.entry(key).or_default().push((id, path));
            }
            index.insert(route);
        }
        index
    }

    fn insert(&mut self, route: &Route) {
        let (id, pattern) = (route_id(route), Pattern::mounted(route));
        let is_other = |name: &&str| *name != USER_ID;
        let fields: Vec<_> = pattern.fields().filter_map(Segment::name).filter(is_other).collect();
        for field in &fields {
            self.by_name.entry((*field).to_owned()).or_default().push((id, Place::Query));
        }
        let mut node = &mut self.named;
        let mut segments = pattern.segments();
        loop {
            for field in &fields {
                node.add(field, (id, Place::Query));
            }
            let Some(segment) = segments.next() else { break };
            if let Some(name) = segment.name().filter(is_other) {
                node.add(name, (id, Place::Path));
                self.by_name.entry(name.to_owned()).or_default().push((id, Place::Path));
            }
            node = node.child(segment);
        }
    }

    pub(super) fn keys(&self) -> Vec<HandlerKey> {
        self.marked.keys().cloned().collect()
    }

    /// Returns `true` if a route has the handler of this key.
    pub(super) fn has(&self, key: &HandlerKey) -> bool {
        self.marked.contains_key(key)
    }

    /// Adds what the first handler of this key says. Returns `true` if one of its routes was
    /// found to have a name that it is not scoped by.
    pub(super) fn add(&mut self, key: &HandlerKey, handler: &'static GuardedHandler) -> bool {
        self.handlers.insert(key.clone(), handler);
        self.marked.get(key).into_iter().flatten().any(|(id, _)| {
            count_step();
            self.found.get(id).is_some_and(|found| found.iter().any(|found| !found.is_met(handler)))
        })
    }

    /// Finds the routes that have, at the same place after the same path or in a query after
    /// that, the name that a handler of this key is scoped by. So a `param = "id"` in
    /// `/users/<id>` says nothing of `/products/<id>`. A dynamic segment is like any.
    ///
    /// A reserved name takes every name at its place; if it ends in `_id`, it also counts
    /// wherever else it stands.
    ///
    /// Returns `true` if a route was found that nothing scopes, as far as the handlers have
    /// told.
    pub(super) fn scope(&mut self, key: &HandlerKey, param: Param) -> bool {
        if param.name == USER_ID {
            return false;
        }

        let mut found = Vec::new();
        for (_, path) in self.marked.get(key).into_iter().flatten() {
            count_step();
            let pattern = Pattern::parse(path);
            let Some(position) = pattern.position(param.name) else { continue };
            let segments: Vec<_> = pattern.segments().take(position).collect();
            if self.asked.insert(question(&segments, param)) {
                self.named.find(&segments, param, &mut found);
            }
        }
        if param.is_reserved
            && param.name.ends_with("_id")
            && self.asked.insert(format!("<{}>", param.name))
        {
            let places = self.by_name.remove(param.name).unwrap_or_default();
            let name = || param.name.to_owned();
            found.extend(
                places.into_iter().map(|(id, place)| (id, Found { name: name(), param, place })),
            );
        }

        let is_fault = found.iter().any(|(id, found)| match self.marked_routes.get(id) {
            None => true,
            Some(key) => self.handlers.get(key).is_some_and(|handler| !found.is_met(handler)),
        });
        for (id, found) in found {
            count_step();
            let known = self.found.entry(id).or_default();
            if !known.contains(&found) {
                known.push(found);
            }
        }
        is_fault
    }

    /// Returns what was found of a route.
    pub(super) fn found(&self, route: &Route) -> &[Found] {
        self.found.get(&route_id(route)).map_or(&[], Vec::as_slice)
    }
}

impl Found {
    /// Returns `true` if the handler is scoped by this name, or exempt.
    fn is_met(&self, handler: &GuardedHandler) -> bool {
        let is_scoped = || handler.params().any(|param| param.name == self.name);
        handler.exempt.is_some() || self.place == Place::Path && is_scoped()
    }
}

impl Node {
    fn child(&mut self, segment: Segment<'_>) -> &mut Self {
        match segment {
            Segment::Static(segment) => self.below.entry(segment.to_owned()).or_default(),
            Segment::Dynamic(_) | Segment::Trailing(_) => {
                self.below_dynamic.get_or_insert_default()
            }
        }
    }

    fn add(&mut self, name: &str, route: (RouteId, Place)) {
        self.names.entry(name.to_owned()).or_default().push(route);
    }

    /// Moves the routes that have `param` after a path like this one. Each is moved once,
    /// however many handlers ask.
    fn find(&mut self, path: &[Segment<'_>], param: Param, to: &mut Vec<(RouteId, Found)>) {
        count_step();
        let Some((segment, path)) = path.split_first() else {
            return self.take(param, to);
        };

        if let Some(node) = &mut self.below_dynamic {
            node.find(path, param, to);
        }
        match segment {
            Segment::Static(segment) => {
                if let Some(node) = self.below.get_mut(*segment) {
                    node.find(path, param, to);
                }
            }
            Segment::Dynamic(_) | Segment::Trailing(_) => {
                self.below.values_mut().for_each(|node| node.find(path, param, to));
            }
        }
    }

    fn take(&mut self, param: Param, to: &mut Vec<(RouteId, Found)>) {
        let is_meant = |name: &str, place: Place| {
            name == param.name || param.is_reserved && place == Place::Path
        };
        for (name, places) in &mut self.names {
            count_step();
            let taken = places.extract_if(.., |(_, place)| is_meant(name, *place));
            let found = |place| Found { name: name.clone(), param, place };
            to.extend(taken.map(|(id, place)| (id, found(place))));
        }
    }
}

fn route_id(route: &Route) -> RouteId {
    std::ptr::from_ref(route).addr()
}

/// Returns the same text for paths that lead to the same routes.
fn question(path: &[Segment<'_>], param: Param) -> String {
    let mut question = String::new();
    for segment in path {
        let _ = match segment {
            Segment::Static(segment) => write!(question, "/{segment}"),
            Segment::Dynamic(_) | Segment::Trailing(_) => write!(question, "/<>"),
        };
    }
    let _ = write!(question, "/<{}> {}", param.name, param.is_reserved);
    question
}

/// Counts what the cost of an audit grows with: routes, look-ups and nodes that are visited.
pub(super) fn count_step() {
    #[cfg(test)]
    steps::STEPS.with(|steps| steps.set(steps.get() + 1));
}

#[cfg(test)]
pub(super) mod steps {
    use std::cell::Cell;

    thread_local! {
        pub(crate) static STEPS: Cell<usize> = const { Cell::new(0) };
    }
}
