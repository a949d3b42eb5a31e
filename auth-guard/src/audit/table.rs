//! The audit as data, and as a table to read.

use std::fmt;

use super::policy::Policy;

/// Who may call what: every mounted route of an application, for a reviewer to
/// read and for a test to pin. See [`audit`](crate::audit()).
///
/// Its `Display` is a table, sorted by path; `{:#}` adds where each handler is
/// defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    routes: Vec<AuditedRoute>,
}

/// One row of an [`Audit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditedRoute {
    /// `GET`, `POST`, …
    pub method: String,
    /// The full pattern, with the mount point: `/api/<user_id>/tasks`.
    pub uri: String,
    /// The name of the handler, if it has one.
    pub handler: Option<String>,
    /// Who may call it.
    pub policy: Policy,
    /// The file and line of a handler with the attribute.
    pub defined_at: Option<(&'static str, u32)>,
    /// Whose tokens cannot open it, because it names no OAuth scope.
    pub(super) closed: Option<Closed>,
}

/// The tokens that a route without OAuth scopes is closed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// All: every issuer's scopes are enforced.
    ToAll,
    /// Those of these issuers, by name; the first has none.
    To(Vec<Option<String>>),
}

impl Audit {
    pub(super) fn new(mut routes: Vec<AuditedRoute>) -> Self {
        routes.sort_by(|a, b| (&a.uri, &a.method).cmp(&(&b.uri, &b.method)));
        Self { routes }
    }

    /// Returns the routes, sorted by path and method.
    pub fn routes(&self) -> &[AuditedRoute] {
        &self.routes
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |route: &AuditedRoute| {
            let closed = route.closed.as_ref().map(|closed| format!("; {closed}"));
            let policy = format!("{}{}", route.policy, closed.unwrap_or_default());
            [format!("{} {}", route.method, route.uri), policy]
        };
        let rows: Vec<_> = self.routes.iter().map(cells).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths = [0, 1].map(|column| width(column).unwrap_or_default());
        for (route, [pattern, policy]) in self.routes.iter().zip(&rows) {
            let handler = route.handler.as_deref().unwrap_or("(no name)");
            write!(f, "{pattern:0$}  {policy:1$}  {handler}", widths[0], widths[1])?;
            match route.defined_at {
                Some((file, line)) if f.alternate() => writeln!(f, " ({file}:{line})")?,
                _ => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToAll => f.write_str("no scope: closed"),
            Self::To(issuers) => {
                let name = |name: &Option<String>| match name {
                    Some(name) => format!("`{name}`"),
                    None => "the first issuer".to_owned(),
                };
                let names: Vec<_> = issuers.iter().map(name).collect();
                write!(f, "no scope: closed to {}", names.join(", "))
            }
        }
    }
}
