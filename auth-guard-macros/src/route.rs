//! Parses the path of Rocket's route attribute. Rocket judges the rest of it.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Attribute, Error, LitStr, Meta, Result};

use crate::argument::distance;
use crate::stack::Kind;

/// The names of Rocket's route attributes.
pub(crate) const ROUTE_ATTRIBUTES: [&str; 8] =
    ["get", "put", "post", "delete", "head", "options", "patch", "route"];

/// The method and the pattern of a route: `GET` and `/<user_id>/tasks?<page>`.
pub(crate) struct RoutePath {
    literal: LitStr,
    method: String,
    value: String,
}

impl RoutePath {
    /// Returns the path in the first route attribute among `attributes`.
    /// `span` is that of our own attribute.
    pub(crate) fn find(kind: Kind, span: Span, attributes: &[Attribute]) -> Result<Self> {
        let (name, path) = (kind.name(), kind.example());
        let missing = format!(
            "`#[{name}]` goes above a route attribute, and there is none below it: write \
             `#[{name}]` first, then `#[get(\"{path}\")]`, then the handler"
        );
        let attribute = attributes
            .iter()
            .find(|attribute| is_named(attribute, &ROUTE_ATTRIBUTES))
            .ok_or_else(|| Error::new(span, missing))?;

        Self::of(attribute).ok_or_else(|| {
            let route = attribute.path().segments.last().map(|name| name.ident.to_string());
            let method = if route.as_deref() == Some("route") { "GET, uri = " } else { "" };
            let route = route.unwrap_or_default();
            let message =
                format!("this route attribute has no path: write `#[{route}({method}\"{path}\")]`");
            Error::new_spanned(attribute, message)
        })
    }

    /// Returns the path in a route attribute, or `None` if there is none.
    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        let tokens = match &attribute.meta {
            Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        let literal = path_literal(tokens.clone())?;
        // `#[get(…)]`, or `#[route(GET, …)]`.
        let name = attribute.path().segments.last().map(|segment| segment.ident.to_string());
        let method = match name.as_deref() {
            Some("route") => tokens.into_iter().next().map(|method| method.to_string()),
            name => name.map(str::to_owned),
        };
        let method = method.unwrap_or_default().to_uppercase();
        Some(Self { value: literal.value(), method, literal })
    }

    /// Returns the position of the segment `<name>` after the mount point.
    pub(crate) fn position(&self, kind: Kind, name: &str) -> Result<usize> {
        let (path, query) = self.value.split_once('?').unwrap_or((&self.value, ""));
        // Rocket refuses empty segments in a route's path.
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        if let Some(position) = segments.position(|segment| segment == format!("<{name}>")) {
            return Ok(position);
        }

        let dynamic = |segment: &str| {
            segment.strip_prefix('<')?.strip_suffix('>').map(|name| name.to_owned())
        };
        let names: Vec<_> = path.split('/').filter_map(dynamic).collect();
        let message = if names.iter().any(|segment| *segment == format!("{name}..")) {
            let what = if kind == Kind::UserScoped { "user" } else { "scope" };
            format!(
                "`<{name}..>` takes several segments, and the {what} is one of them: write \
                 `<{name}>/<rest..>`"
            )
        } else if query.split('&').any(|field| dynamic(field).as_deref() == Some(name)) {
            format!(
                "`<{name}>` is in the query, where a caller may leave it out: it must be a \
                 segment of the path, as in \"/<{name}>/…\""
            )
        } else if let Some(near) = names.iter().find(|segment| is_near(kind, segment, name)) {
            let (what, write) = (kind.subject(), kind.naming(near));
            format!(
                "no segment `<{name}>` in this path: is `<{near}>` the {what}? Write {write}, or \
                 rename the segment"
            )
        } else {
            let or_name = match names.is_empty() {
                true => String::new(),
                false => format!(", or name another segment with {}", kind.naming("…")),
            };
            let else_write = kind.without_segment();
            format!(
                "no segment `<{name}>` in this path: write \"/<{name}>/…\"{or_name}. {else_write}"
            )
        };
        Err(Error::new(self.literal.span(), message))
    }

    /// Returns the method, in capitals.
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// Returns the pattern, without the mount point.
    pub(crate) fn uri(&self) -> &str {
        &self.value
    }

    /// Returns `true` if `<name>` or `<name..>` is in the path or the query.
    pub(crate) fn binds(&self, name: &str) -> bool {
        self.value.split(['/', '?', '&']).any(|part| {
            let dynamic = part.strip_prefix('<').and_then(|part| part.strip_suffix('>'));
            dynamic.is_some_and(|dynamic| dynamic.trim_end_matches("..") == name)
        })
    }

    /// Returns the names of the dynamic segments, without a trailing one.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        let (path, _) = self.value.split_once('?').unwrap_or((&self.value, ""));
        let segments = path.split('/');
        segments.filter_map(|segment| segment.strip_prefix('<')?.strip_suffix('>'))
    }

    /// Returns the span of the path: names with this span resolve as the user's own.
    pub(crate) fn span(&self) -> Span {
        self.literal.span()
    }
}

/// Returns `true` if the last segment of an attribute's path is one of these names.
pub(crate) fn is_named(attribute: &Attribute, names: &[&str]) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| names.iter().any(|name| segment.ident == name))
}

/// Returns the literal that stands alone, as in `#[get("/…")]`, or that belongs to `uri`, as
/// in `#[route(GET, uri = "/…")]`.
fn path_literal(tokens: TokenStream) -> Option<LitStr> {
    let mut key = None;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => key = Some(ident),
            TokenTree::Punct(punct) if punct.as_char() == ',' => key = None,
            TokenTree::Punct(_) => {}
            // A literal from a `macro_rules!` fragment is in a group.
            token if key.as_ref().is_none_or(|key| key == "uri") => {
                let tokens = match token {
                    TokenTree::Group(group) => group.stream(),
                    token => token.into(),
                };
                return syn::parse2(tokens).ok();
            }
            _ => {}
        }
    }
    None
}

/// Returns `true` if a segment may be meant by a name, or is what is meant by default.
fn is_near(kind: Kind, segment: &str, name: &str) -> bool {
    let plain = |name: &str| name.replace(['_', '.'], "").to_lowercase();
    kind == Kind::UserScoped && segment == "user_id" || distance(&plain(segment), &plain(name)) <= 2
}
