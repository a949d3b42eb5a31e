//! Who may call what: the one place that turns marks, patterns and the registry into a
//! policy.

use rocket::{Ignite, Orbit, Phase, Rocket, Route};

use super::index::{self, Found, Index, count_step};
use super::policy::{Policy, PublicBelow, Requirements};
use super::table::{Audit, AuditedRoute, Closed};
use crate::route::mark::{Declaration, Declared, handler_name, is_marked};
use crate::route::pattern::{Pattern, Place, USER_ID};
use crate::route::registry::{Known, Registry};

/// The phases in which all routes are known.
#[diagnostic::on_unimplemented(
    message = "routes are audited once all are mounted, after ignition",
    note = "ignite it first (`rocket.ignite().await?`), or take `client.rocket()`"
)]
pub trait Ignited: Phase {}

#[diagnostic::do_not_recommend]
impl Ignited for Ignite {}
#[diagnostic::do_not_recommend]
impl Ignited for Orbit {}

/// The mounted routes, and the handlers with `#[user_scoped]` that are known.
pub(crate) struct Survey<'r> {
    routes: Vec<&'r Route>,
    registry: Option<&'r Registry>,
    public_below: &'r [String],
    index: Index,
    /// `true` if all handlers are known, which they are after ignition.
    is_complete: bool,
}

impl<'r> Survey<'r> {
    /// Surveys an application whose routes are all known.
    pub(crate) fn of<P: Ignited>(rocket: &'r Rocket<P>) -> Self {
        Self::new(rocket, true)
    }

    pub(super) fn new<P: Phase>(rocket: &'r Rocket<P>, is_complete: bool) -> Self {
        let routes: Vec<_> = rocket.routes().collect();
        let registry = Registry::of(rocket);
        let mut index = Index::of(&routes);
        for key in index.keys() {
            let known = registry.and_then(|registry| registry.get(&key));
            if let Some(known) = known {
                index.add(&key, known.first);
                for param in known.params {
                    index.scope(&key, param);
                }
            }
        }
        let public_below = rocket.state().map_or(&[][..], |PublicBelow(paths)| paths);
        Self { routes, registry, public_below, index, is_complete }
    }

    pub(super) fn routes(&self) -> impl Iterator<Item = &'r Route> {
        self.routes.iter().copied()
    }

    pub(super) fn into_index(self) -> Index {
        self.index
    }

    /// Returns what is wrong with who may call what, and what to write instead.
    pub(super) fn unscoped(&self) -> Vec<String> {
        let unscoped = self.routes.iter().filter(|route| self.policy(route) == Policy::Unscoped);
        let mut lines: Vec<_> = unscoped.map(|route| self.unscoped_line(route)).collect();
        if !lines.is_empty() {
            lines.push(
                "If anybody may call a route on purpose, write \
                 `#[user_scoped(exempt = \"the reason\")]`"
                    .into(),
            );
        }
        lines.extend(self.routes.iter().filter_map(|route| self.ambiguity(route)));
        lines
    }

    /// Returns the routes of which nothing is declared.
    pub(super) fn undeclared(&self) -> Vec<String> {
        let is_undeclared = |route: &&&Route| self.policy(route) == Policy::Undeclared;
        let routes = self.routes.iter().filter(is_undeclared);
        let mut lines: Vec<_> =
            routes.map(|route| format!("{} {}", route.method, route.uri)).collect();
        lines.sort();
        lines
    }

    /// Returns the table. `closed` says whose tokens open no route without OAuth scopes.
    pub(super) fn audit(&self, closed: Option<&Closed>) -> Audit {
        let audited = self.routes.iter().map(|route| {
            let policy = self.policy(route);
            let needed = policy.requirements();
            let names_none = needed.is_some_and(|needed| needed.oauth_scopes.is_empty());
            AuditedRoute {
                method: route.method.to_string(),
                uri: route.uri.to_string(),
                handler: handler_name(route),
                closed: closed.filter(|_| names_none).cloned(),
                policy,
                defined_at: self.known(route).map(|known| (known.first.file, known.first.line)),
            }
        });
        Audit::new(audited.collect())
    }

    pub(crate) fn policy(&self, route: &Route) -> Policy {
        count_step();
        let declared = Declared::of(route);
        let declaration = declared.as_ref().map(|declared| declared.declaration);
        let is_protected = declaration == Some(Declaration::Protected);
        let known = if is_marked(route) { Some(self.known(route)) } else { None };
        let mut requirements = match &known {
            Some(Some(known)) => Requirements::of_handler(known.first),
            // Handlers tell of themselves when ignition ends.
            Some(None) if self.is_complete => return Policy::Unscoped,
            Some(None) => return Policy::Requires(Requirements::default()),
            None => Requirements::default(),
        };

        if let Some(reason) = requirements.exempt
            && !is_protected
        {
            return Policy::Exempt(reason);
        }
        // `protect` compares the owner wherever no attribute says who that is.
        let place = Pattern::unmounted(route).place_of(USER_ID);
        if requirements.owner.is_none() && requirements.exempt.is_none() {
            match place {
                Some(Place::Segment(_)) if is_protected => {
                    requirements.owner = Some(USER_ID.into());
                }
                Some(_) => return Policy::Unscoped,
                None => {}
            }
        }
        if self.uncovered(route, &requirements).next().is_some() {
            return Policy::Unscoped;
        }

        if let Some(declared) = declared {
            requirements.requirements.extend(declared.requirements);
            declared.scopes.iter().for_each(|scopes| requirements.add_oauth_scopes(scopes));
        }
        match (known, declaration) {
            (Some(_), _) | (None, Some(Declaration::Protected)) => Policy::Requires(requirements),
            (None, Some(Declaration::Public)) => Policy::Public,
            (None, None) if self.is_public(route) => Policy::Public,
            (None, None) => Policy::Undeclared,
        }
    }

    /// Returns the names in a route's pattern that must be scoped, and are not.
    fn uncovered<'s>(
        &'s self,
        route: &Route,
        requirements: &'s Requirements,
    ) -> impl Iterator<Item = &'s Found> {
        let owner = requirements.owner.as_deref();
        let scope = requirements.scope.as_ref().map(|scope| &*scope.segment);
        self.index.found(route).iter().filter(move |found| {
            let is_covered = owner == Some(&*found.name) || scope == Some(&*found.name);
            requirements.exempt.is_none() && !(is_covered && found.place == index::Place::Path)
        })
    }

    /// Returns `true` if the application has declared a path that this route is below.
    fn is_public(&self, route: &Route) -> bool {
        let path = route.uri.path();
        self.public_below.iter().any(|base| {
            let rest = path.strip_prefix(base.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Two handlers of one name, method and path that want different things cannot
    /// be told apart here, and either might be the one that is mounted.
    fn ambiguity(&self, route: &Route) -> Option<String> {
        let Known { first, other, .. } = self.known(route)?;
        let other = other?;
        Some(format!(
            "{} {}: the handlers `{}` at {}:{} and {}:{} have the same path and different rules. \
             Rename one of them",
            route.method, route.uri, first.name, first.file, first.line, other.file, other.line
        ))
    }

    pub(super) fn known(&self, route: &Route) -> Option<Known> {
        count_step();
        self.registry?.of_route(route)
    }

    fn unscoped_line(&self, route: &Route) -> String {
        const QUERY: &str = " (a query may be left out: put the user into the path)";
        let handler = handler_name(route)
            .map_or("a handler without a name".to_owned(), |name| format!("handler `{name}`"));
        let requirements = self.known(route).map(|known| Requirements::of_handler(known.first));
        let requirements = requirements.unwrap_or_default();
        let why = match is_marked(route) || Declared::of(route).is_some() {
            true => "nothing asks whether the caller may use it",
            false => "nothing declares who may call it",
        };
        let found = self.uncovered(route, &requirements).next();
        let what = match (Pattern::unmounted(route).place_of(USER_ID), found) {
            (None, Some(Found { name, param, place })) if param.is_reserved => {
                let query = if *place == index::Place::Query { QUERY } else { "" };
                format!(
                    "has `<{name}>` where handlers are scoped by `<{}>`, and {why}. Write \
                     `#[scoped({name}: …)]` above the route attribute{query}",
                    param.name
                )
            }
            (None, Some(Found { name, place, .. })) => {
                let query = if *place == index::Place::Query { QUERY } else { "" };
                format!(
                    "has a user in its pattern, and {why}. Write `#[user_scoped(param = \
                     \"{name}\")]` above the route attribute{query}"
                )
            }
            (place, _) => {
                let remedy = match place {
                    Some(Place::Trailing) => {
                        " (a user is one segment: `<user_id>/<rest..>` instead of `<user_id..>`)"
                    }
                    Some(Place::Query) => QUERY,
                    Some(Place::Segment(_)) | None => "",
                };
                format!(
                    "has a user in its pattern, and {why}. Write `#[user_scoped]` above the route \
                     attribute{remedy}"
                )
            }
        };
        format!("{} {} ({handler}) {what}", route.method, route.uri)
    }
}
