//! The attributes of one handler: the outermost takes the others off and expands for all.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Error, Meta, Result};

use crate::args::{AuthorizedArgs, ScopedArgs, Scopes, UserScopedArgs};
use crate::route::{ROUTE_ATTRIBUTES, is_named};

/// Which attribute it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    UserScoped,
    Scoped,
    Authorized,
}

const ALL: [Kind; 3] = [Kind::UserScoped, Kind::Scoped, Kind::Authorized];

/// What the attributes of one handler say.
#[derive(Default)]
pub(crate) struct Stack {
    pub(crate) user_scoped: Option<UserScopedArgs>,
    pub(crate) scoped: Option<ScopedArgs>,
    pub(crate) authorized: Option<AuthorizedArgs>,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UserScoped => "user_scoped",
            Self::Scoped => "scoped",
            Self::Authorized => "authorized",
        }
    }

    /// Returns a path that the attribute may guard.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::UserScoped => "/<user_id>/…",
            Self::Scoped => "/orgs/<org_id>/…",
            Self::Authorized => "/…",
        }
    }

    /// Returns what the segment of the attribute is.
    pub(crate) fn subject(self) -> &'static str {
        if self == Self::UserScoped { "owner" } else { "scope" }
    }

    /// Returns how the attribute names a segment.
    pub(crate) fn naming(self, segment: &str) -> String {
        match self {
            Self::UserScoped if segment == "user_id" => "`#[user_scoped]`".to_owned(),
            Self::UserScoped => format!("`#[user_scoped(param = \"{segment}\")]`"),
            Self::Scoped | Self::Authorized => format!("`#[scoped({segment}: …)]`"),
        }
    }

    /// Returns what to write for a path without such a segment.
    pub(crate) fn without_segment(self) -> &'static str {
        match self {
            Self::UserScoped => "If the path has no owner, use `#[authorized]`",
            Self::Scoped | Self::Authorized => {
                "If the path has no such segment, use `#[authorized]`"
            }
        }
    }

    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        ALL.into_iter().find(|kind| is_named(attribute, &[kind.name()]))
    }
}

impl Stack {
    /// Parses the arguments of the outermost attribute, which is at `span`, and of those below
    /// it, which it removes.
    pub(crate) fn take(
        outermost: Kind,
        args: TokenStream,
        span: Span,
        attributes: &mut Vec<Attribute>,
    ) -> Result<Self> {
        let mut stack = Self::default();
        let is_bare = args.is_empty();
        stack.add(outermost, args).map_err(|error| match is_bare {
            true => Error::new(span, error),
            false => error,
        })?;
        let route = attributes.iter().position(|of| is_named(of, &ROUTE_ATTRIBUTES));
        let below_route = attributes.iter().skip(route.unwrap_or(attributes.len()));
        if let Some(attribute) = below_route.into_iter().find(|of| Kind::of(of).is_some()) {
            let message = "this attribute goes above the route attribute: move it up";
            return Err(Error::new_spanned(attribute, message));
        }

        let ours: Vec<_> = attributes.extract_if(.., |of| Kind::of(of).is_some()).collect();
        for attribute in ours {
            let Some(kind) = Kind::of(&attribute) else { continue };
            let args = match &attribute.meta {
                Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            };
            let is_bare = args.is_empty();
            let is_second = stack.add(kind, args).map_err(|error| match is_bare {
                true => Error::new_spanned(&attribute, error),
                false => error,
            })?;
            if is_second {
                let message = format!("`#[{}]` is here twice: remove one", kind.name());
                return Err(Error::new_spanned(&attribute, message));
            }
        }
        stack.check()
    }

    /// Returns the OAuth scopes of all attributes, once each.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let user_scoped = self.user_scoped.as_ref().and_then(|args| args.scope.as_ref());
        let scoped = self.scoped.as_ref().and_then(|args| args.scope.as_ref());
        let authorized = self.authorized.as_ref().and_then(|args| args.scope.as_ref());
        let written = [user_scoped, scoped, authorized].into_iter().flatten().map(Scopes::value);
        let mut scopes: Vec<String> = Vec::new();
        for scope in written.flat_map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>())
        {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// Returns `true` if there was one of this kind.
    fn add(&mut self, kind: Kind, args: TokenStream) -> Result<bool> {
        Ok(match kind {
            Kind::UserScoped => self.user_scoped.replace(syn::parse2(args)?).is_some(),
            Kind::Scoped => self.scoped.replace(syn::parse2(args)?).is_some(),
            Kind::Authorized => self.authorized.replace(syn::parse2(args)?).is_some(),
        })
    }

    fn check(self) -> Result<Self> {
        let exempt = self.user_scoped.as_ref().and_then(|args| args.exempt.as_ref());
        if let Some(exempt) = exempt
            && (self.scoped.is_some() || self.authorized.is_some())
        {
            let message = "`exempt` checks nothing, so no other attribute can stand beside it: \
                           remove one";
            return Err(Error::new(exempt.span(), message));
        }
        Ok(self)
    }
}
