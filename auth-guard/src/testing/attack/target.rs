//! A route that is attacked, and what its callers must be.

use std::fmt::Write;

use rocket::Route;

use super::callers::{Callers, Claims, merge};
use crate::audit::{Requirements, ScopeRequirement};

/// A guarded route.
pub(super) struct Target<'t> {
    pub(super) route: &'t Route,
    pub(super) requirements: &'t Requirements,
    pub(super) callers: &'t Callers,
    /// `true` if the OAuth scopes of tokens are enforced.
    pub(super) enforces_scopes: bool,
}

/// What every other dynamic segment is filled with.
pub(super) const SEGMENT: &str = "1";

impl<'t> Target<'t> {
    pub(super) fn owner(&self) -> Option<&'t str> {
        self.requirements.owner.as_deref()
    }

    pub(super) fn scope(&self) -> Option<&'t ScopeRequirement> {
        self.requirements.scope.as_ref()
    }

    /// Returns the OAuth scopes that a token needs, if they are enforced.
    pub(super) fn needed_scopes(&self) -> &'t [String] {
        if self.enforces_scopes { &self.requirements.oauth_scopes } else { &[] }
    }

    /// Returns `true` if the route is closed to every token, because it names no scope.
    pub(super) fn is_closed(&self) -> bool {
        self.enforces_scopes && self.requirements.oauth_scopes.is_empty()
    }

    /// Returns what a test must say of callers before this route can be attacked.
    pub(super) fn missing(&self) -> Vec<String> {
        let scope = self.scope().filter(|scope| self.callers.admitted(scope.by).is_none());
        let scope = scope.map(|scope| {
            format!(".admitted(\"{}\", \"acme\", json!({{\"orgs\": [\"acme\"]}}))", scope.by)
        });
        let required = self.requirements.requirements.iter();
        let required = required.filter(|name| self.callers.meeting(name).is_none());
        let required = required
            .map(|name| format!(".meeting(\"{name}\", json!({{\"roles\": [\"{name}\"]}}))"));
        scope.into_iter().chain(required).collect()
    }

    /// Returns the text of the scoped segment, as it is in a path.
    pub(super) fn segment(&self) -> String {
        let admitted = self.scope().and_then(|scope| self.callers.admitted(scope.by));
        encoded(admitted.map_or(SEGMENT, |(segment, _)| segment))
    }

    /// Returns the claims of a caller who meets all but what `is_left_out` names.
    pub(super) fn claims(&self, is_left_out: impl Fn(&str) -> bool) -> Claims {
        let mut claims = Claims::new();
        let scopes = self.needed_scopes().join(" ");
        claims.extend((!scopes.is_empty()).then(|| ("scope".to_owned(), scopes.into())));
        if let Some(scope) = self.scope().filter(|scope| !is_left_out(scope.by))
            && let Some((_, admitted)) = self.callers.admitted(scope.by)
        {
            merge(&mut claims, admitted);
        }
        for name in self.requirements.requirements.iter().filter(|name| !is_left_out(name)) {
            self.callers.meeting(name).into_iter().for_each(|met| merge(&mut claims, met));
        }
        claims
    }

    /// Returns the claims of a caller who may pass, if they are the owner.
    pub(super) fn valid_claims(&self) -> Claims {
        self.claims(|_| false)
    }

    /// Returns the claims of another user, who must not pass.
    pub(super) fn claims_of_another(&self) -> Claims {
        let admits = |name: &&str| Some(*name) == self.requirements.owner_or;
        match self.requirements.requirements.iter().any(admits) {
            // They would meet what admits others than the owner.
            true => Claims::new(),
            false => self.valid_claims(),
        }
    }
}

/// Encodes what is no letter or digit of ASCII.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                write!(encoded, "{}", char::from(byte))
            }
            byte => write!(encoded, "%{byte:02X}"),
        };
        encoded
    })
}
