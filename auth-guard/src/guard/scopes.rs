//! Step 6, continued: the OAuth scopes that a route names.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use rocket::{Request, Route};

use super::ask::address;
use super::refused::Refused;
use super::verified::Verified;
use crate::error::AuthError;

/// Managed state: the OAuth scopes that each route names, by its address, as the audit shows
/// them. A route that names none is not in it.
#[derive(Debug, Default)]
pub(crate) struct RouteScopes(OnceLock<HashMap<usize, String>>);

impl RouteScopes {
    /// Enters the routes, once all are mounted.
    pub(crate) fn set<'r>(&self, routes: impl IntoIterator<Item = (&'r Route, String)>) {
        let routes = routes.into_iter().map(|(route, scopes)| (address(route), scopes));
        self.0.get_or_init(|| routes.collect());
    }

    /// Returns the scopes of all routes.
    pub(crate) fn all(&self) -> BTreeSet<&str> {
        let routes = self.0.get().into_iter().flat_map(HashMap::values);
        routes.flat_map(|scopes| scopes.split(' ')).collect()
    }

    /// Returns the OAuth scopes that the route of this request names, with spaces between
    /// them. Returns `None` if it names none.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> Option<&'r str> {
        let Self(routes) = request.rocket().state()?;
        routes.get()?.get(&address(request.route()?)).map(String::as_str)
    }
}

/// Checks that the caller's token has the OAuth scopes that the route names, if its scopes are
/// enforced. A route that names none was not made for OAuth clients, and is closed to them.
pub(super) fn check(request: &Request<'_>, caller: &Verified) -> Result<(), Refused> {
    if !caller.enforces_scopes() {
        return Ok(());
    }

    let error = match RouteScopes::of(request) {
        Some(needed) if caller.allows_scopes(needed) => return Ok(()),
        Some(_) => AuthError::InsufficientScope,
        None => AuthError::NotAllowed,
    };
    Err(Refused { is_by_scopes: true, ..Refused::of(caller, error) })
}
