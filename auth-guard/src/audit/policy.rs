//! What the audit says of a route, and what it does about routes that are not as they must be.

use std::fmt;

use crate::route::registry::GuardedHandler;

/// What to do about a route that the audit finds fault with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Refuses the launch.
    Deny,
    /// Launches, and logs a warning.
    Warn,
    /// Launches.
    Allow,
}

/// Managed state: the paths below which everything is declared to be public.
#[derive(Clone, Debug, Default)]
pub(crate) struct PublicBelow(pub(crate) Vec<String>);

/// Who may call a route, as far as it was declared.
///
/// ```rust
/// use auth_guard::{Audit, Policy};
///
/// fn open_routes(audit: &Audit) -> usize {
///     audit.routes().iter().filter(|route| route.policy == Policy::Public).count()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Callers with a valid token who meet all of this.
    Requires(Requirements),
    /// Anybody the handler itself lets in, for this reason.
    Exempt(&'static str),
    /// Anybody, by [`public`](crate::public) or
    /// [`AuthGuard::public_below`](crate::AuthGuard::public_below).
    Public,
    /// Unknown: nothing was declared. The audit cannot see a guard among the handler's
    /// arguments.
    Undeclared,
    /// There is a user or another scoped segment in the pattern, and nothing checks whether
    /// the caller may use it.
    Unscoped,
}

/// What a caller must meet, in addition to having a valid token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirements {
    /// The segment that names the owner.
    pub owner: Option<String>,
    /// The [`Requirement`](crate::Requirement) that admits others than the owner.
    pub owner_or: Option<&'static str>,
    /// What stands behind another segment.
    pub scope: Option<ScopeRequirement>,
    /// The requirements of `#[authorized]` and of the mount.
    pub requirements: Vec<&'static str>,
    /// The OAuth scopes of the attributes and of the mount: a token whose scopes are enforced
    /// must have all of them, and is refused if there are none.
    pub oauth_scopes: Vec<String>,
    /// `true` if a machine's token may pass.
    pub machines: bool,
    /// Why the attribute checks nothing, if it is exempt: only the mount asks for a token.
    pub exempt: Option<&'static str>,
}

/// A segment, and who decides about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeRequirement {
    /// The name of the segment.
    pub segment: String,
    /// The [`Scope`](crate::Scope) that admits callers.
    pub by: &'static str,
    /// The [`Requirement`](crate::Requirement) that admits others.
    pub or: Option<&'static str>,
}

impl Requirements {
    /// Returns what the attributes of a handler say.
    pub(super) fn of_handler(handler: &GuardedHandler) -> Self {
        let owner = handler.owner.filter(|_| handler.exempt.is_none());
        let mut requirements = Self {
            owner: owner.map(|owner| owner.param.to_owned()),
            owner_or: owner.and_then(|owner| owner.or),
            scope: handler.scope.map(|scope| ScopeRequirement {
                segment: scope.param.to_owned(),
                by: scope.by,
                or: scope.or,
            }),
            requirements: handler.requirement.into_iter().collect(),
            machines: handler.machines,
            exempt: handler.exempt,
            ..Self::default()
        };
        handler.scopes.iter().for_each(|scopes| requirements.add_oauth_scopes(scopes));
        requirements
    }

    /// Adds OAuth scopes, with spaces between them, once each.
    pub(super) fn add_oauth_scopes(&mut self, scopes: &str) {
        for scope in scopes.split(' ') {
            if !self.oauth_scopes.iter().any(|known| known == scope) {
                self.oauth_scopes.push(scope.to_owned());
            }
        }
    }

    /// Returns `true` if the application is asked about a caller.
    pub fn asks(&self) -> bool {
        self.owner_or.is_some() || self.scope.is_some() || !self.requirements.is_empty()
    }

    /// Returns `true` if any valid token of a person will do.
    fn is_bare(&self) -> bool {
        self.owner.is_none() && self.scope.is_none() && self.requirements.is_empty()
    }
}

impl Policy {
    /// Returns what a caller must meet, or `None` if no token is needed.
    pub fn requirements(&self) -> Option<&Requirements> {
        match self {
            Self::Requires(requirements) => Some(requirements),
            Self::Exempt(_) | Self::Public | Self::Undeclared | Self::Unscoped => None,
        }
    }

    /// Returns `true` if the route is declared to refuse every request without a valid
    /// token.
    pub fn needs_token(&self) -> bool {
        self.requirements().is_some()
    }

    /// Returns the name of the segment that is compared with the caller.
    pub fn owner(&self) -> Option<&str> {
        self.requirements()?.owner.as_deref()
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requires(requirements) => requirements.fmt(f),
            Self::Exempt(reason) => write!(f, "exempt: {reason}"),
            Self::Public => f.write_str("public"),
            Self::Undeclared => f.write_str("undeclared"),
            Self::Unscoped => f.write_str("UNSCOPED"),
        }
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |or: Option<&str>| or.map(|or| format!(" or {or}")).unwrap_or_default();
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.exempt.map(|reason| format!("exempt: {reason}")));
        if let Some(owner) = &self.owner {
            parts.push(format!("owner of <{owner}>{}", or(self.owner_or)));
        }
        if let Some(ScopeRequirement { segment, by, or: others }) = &self.scope {
            parts.push(format!("{by} admits <{segment}>{}", or(*others)));
        }
        parts.extend(self.requirements.iter().map(|&name| name.to_owned()));
        if self.is_bare() {
            parts.push("verified".into());
        }
        if !self.oauth_scopes.is_empty() {
            parts.push(format!("scope {}", self.oauth_scopes.join(" ")));
        }
        if self.machines {
            parts.push("machines too".into());
        }
        f.write_str(&parts.join("; "))
    }
}
