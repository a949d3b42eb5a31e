//! The OAuth scopes that an application names.

use rocket::Route;

use super::policy::Policy;
use super::survey::Survey;
use super::table::Closed;
use crate::route::mark::Declared;
use crate::token::scopes::{Scopes, are_scopes};
use crate::verifier::{Issuers, TrustedIssuer};

impl<'r> Survey<'r> {
    /// Returns the routes that name OAuth scopes, each with its scopes and spaces between them.
    /// Handlers that differ, but cannot be told apart, count as naming none.
    pub(crate) fn scopes(&self) -> Vec<(&'r Route, String)> {
        let named = self.routes().filter_map(|route| {
            let is_known = self.known(route).is_none_or(|known| known.other.is_none());
            let policy = Some(self.policy(route)).filter(|_| is_known)?;
            let scopes = policy.requirements()?.oauth_scopes.join(" ");
            // Malformed ones stop the launch, and are never sent to a client.
            are_scopes(&scopes).then_some((route, scopes))
        });
        named.collect()
    }

    /// Returns an error for each route whose mount requires something that is no list of scopes.
    pub(super) fn malformed_scopes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for route in self.routes() {
            let scopes = Declared::of(route).map(|declared| declared.scopes).unwrap_or_default();
            lines.extend(scopes.iter().filter(|scopes| !are_scopes(scopes)).map(|scopes| {
                format!(
                    "{} {}: `require_scope({scopes:?})` names no OAuth scopes. Write visible ASCII \
                     without `\"` and `\\`, and one space between two scopes: \
                     `require_scope(\"tasks:read tasks:write\")`",
                    route.method, route.uri
                )
            }));
        }
        lines
    }

    /// Returns a warning for each issuer whose tokens open routes that name scopes without having
    /// them, unless a setting says that they are ignored.
    pub(super) fn unneeded_scopes(&self, issuers: &Issuers) -> Vec<String> {
        let names_scopes = |route: &&'r Route| {
            let policy = self.policy(route);
            policy.requirements().is_some_and(|needed| !needed.oauth_scopes.is_empty())
        };
        let routes = match self.routes().filter(names_scopes).count() {
            0 => return Vec::new(),
            1 => "1 route names".to_owned(),
            count => format!("{count} routes name"),
        };
        let unsaid = issuers.all().filter(|of| of.profile.scopes == Scopes::IgnoredByDefault);
        let warning = |issuer: &TrustedIssuer| {
            let (of, key) = match &issuer.name {
                Some(name) => (format!("`{name}`"), format!("issuers.{name}.scopes")),
                None if issuers.is_one() => ("this issuer".into(), "scopes".into()),
                None => ("the first issuer".into(), "scopes".into()),
            };
            format!(
                "{routes} OAuth scopes, which the tokens of {of} do not need. Set `{key}` to \
                 \"enforced\", or to \"ignored\" if that is meant"
            )
        };
        unsaid.map(warning).collect()
    }

    /// Returns a warning if no guarded route names scopes: then every token whose scopes are
    /// enforced is refused.
    pub(super) fn unnamed_scopes(&self) -> Option<&'static str> {
        let guarded = |route: &'r Route| match self.policy(route) {
            Policy::Requires(requirements) => Some(requirements),
            _ => None,
        };
        let mut guarded = self.routes().filter_map(guarded).peekable();
        guarded.peek()?;
        guarded.all(|requirements| requirements.oauth_scopes.is_empty()).then_some(
            "no route names an OAuth scope, so every token whose scopes are enforced is refused. Write \
             `scope = \"…\"` in the attributes, or set `scopes` to \"ignored\"",
        )
    }
}

/// Returns whose tokens a route is closed to that names no scopes, or `None` if there are none.
pub(super) fn closed(issuers: &Issuers) -> Option<Closed> {
    let enforces = |issuer: &&TrustedIssuer| issuer.profile.scopes == Scopes::Enforced;
    let name = |issuer: &TrustedIssuer| issuer.name.as_deref().map(str::to_owned);
    let enforced: Vec<_> = issuers.all().filter(enforces).map(name).collect();
    match enforced.len() {
        0 => None,
        count if count == issuers.all().count() => Some(Closed::ToAll),
        _ => Some(Closed::To(enforced)),
    }
}
