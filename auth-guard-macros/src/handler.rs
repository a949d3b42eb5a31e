//! A handler function, and what can be read off it.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, Generics, Pat, Result, ReturnType, Signature, Visibility, parse_quote,
};

use crate::route::{ROUTE_ATTRIBUTES, RoutePath, is_named};
use crate::stack::Kind;

/// A handler function. Its body is not parsed.
pub(crate) struct Handler {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    body: TokenStream,
}

/// The name of the argument that holds the guard.
pub(crate) const GUARD: &str = "__auth_guard_scope";

impl Handler {
    /// Refuses what cannot be guarded by this attribute.
    pub(crate) fn check(&self, kind: Kind) -> Result<()> {
        let attribute = kind.name();
        if let Some(receiver) = self.signature.receiver() {
            let message = format!(
                "`#[{attribute}]` is for handlers, which have no `self`: move it out of the `impl`"
            );
            return Err(Error::new_spanned(receiver, message));
        }

        if self.names(GUARD) {
            let message = format!(
                "an attribute of auth-guard above this one did not know it by its name: write \
                 each by its own name, such as `#[{attribute}]`, and none twice"
            );
            return Err(Error::new(self.attribute_span(), message));
        }

        let name = &self.signature.ident;
        // `gen` is a keyword since edition 2024, but syn accepts it as a name.
        let is_keyword = syn::parse_str::<Ident>(&name.unraw().to_string()).is_err();
        if is_keyword || name.unraw() == "gen" {
            let message = format!(
                "`{name}` cannot be guarded: the audit uses `r#` as its mark. Rename the handler"
            );
            return Err(Error::new(name.span(), message));
        }

        Ok(())
    }

    /// Emits a proof that no guard is `Owner`: with `or`, the caller need not be the owner,
    /// and `Owner` would refuse those whom `or` admits.
    pub(crate) fn prove_no_owner(&self, path: &RoutePath) -> TokenStream {
        const MESSAGE: &str = "`Owner` is always the owner, and `or` lets others in: take \
                               `Access`, which tells `path_user()` from `caller()`";
        let guards = self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(argument) => match &*argument.pat {
                Pat::Ident(pattern) if path.binds(&pattern.ident.unraw().to_string()) => None,
                _ => Some(&argument.ty),
            },
            FnArg::Receiver(_) => None,
        });
        let proofs = guards.filter_map(|ty| {
            let inferred = infer_lifetimes(ty.to_token_stream())?;
            Some(quote_spanned! { ty.span() =>
                #[allow(unused, clippy::assertions_on_constants)]
                const _: () = {
                    use ::auth_guard::__private::NotOwner as _;
                    ::core::assert!(
                        !::auth_guard::__private::Argument::<#inferred>::IS_OWNER,
                        #MESSAGE
                    );
                };
            })
        });
        proofs.collect()
    }

    /// Returns the span of the attribute that is expanded. It resolves as the user's own, or
    /// rustc would add that the error originates in a macro.
    pub(crate) fn attribute_span(&self) -> Span {
        Span::call_site().resolved_at(self.signature.ident.span())
    }

    /// Returns `true` if an argument has this name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.arguments().any(|argument| argument == name)
    }

    fn arguments(&self) -> impl Iterator<Item = String> {
        self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(argument) => match &*argument.pat {
                Pat::Ident(pattern) => Some(pattern.ident.unraw().to_string()),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        })
    }

    /// Returns `true` if an argument is a guard, or a body, whose type may ask a guard:
    /// anything but a part of the path or the query.
    pub(crate) fn has_guards(&self, path: &RoutePath) -> bool {
        self.arguments().any(|argument| !path.binds(&argument))
    }

    /// Turns the handler into one that Rocket finds no fault with, after an error: binds the
    /// segments that the attributes would have bound, and gives a route without a path one.
    pub(crate) fn stand_in(&mut self) {
        let Some(route) = self.attributes.iter_mut().find(|of| is_named(of, &ROUTE_ATTRIBUTES))
        else {
            return;
        };
        let Some(path) = RoutePath::of(route) else {
            let name = route.path();
            *route = match name.segments.last() {
                Some(last) if last.ident == "route" => parse_quote!(#[#name(GET, uri = "/")]),
                _ => parse_quote!(#[#name("/")]),
            };
            self.signature.inputs.clear();
            self.signature.generics = Generics::default();
            self.signature.output = ReturnType::Default;
            self.body = quote!({});
            return;
        };
        for mut bound in path.segments().filter_map(|name| syn::parse_str::<Ident>(name).ok()) {
            if !self.names(&bound.to_string()) {
                bound.set_span(path.span());
                self.prepend(parse_quote!(#[allow(unused_variables)] #bound: ::auth_guard::UserId));
            }
        }
    }

    pub(crate) fn prepend(&mut self, argument: FnArg) {
        self.signature.inputs.insert(0, argument);
    }
}

/// Replaces the lifetimes in a type by `'_`, since those of the handler are not in scope
/// outside of it. Returns `None` for a type that only an argument may have, or that names
/// lifetimes itself.
fn infer_lifetimes(tokens: TokenStream) -> Option<TokenStream> {
    let mut inferred = TokenStream::new();
    let mut is_lifetime = false;
    for token in tokens {
        let token = match token {
            TokenTree::Ident(name) if is_lifetime && name != "static" => {
                Ident::new("_", name.span()).into()
            }
            TokenTree::Ident(name) if !is_lifetime && (name == "impl" || name == "for") => {
                return None;
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), infer_lifetimes(group.stream())?);
                inner.set_span(group.span());
                inner.into()
            }
            token => token,
        };
        is_lifetime = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        inferred.extend([token]);
    }
    Some(inferred)
}

impl Parse for Handler {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl ToTokens for Handler {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attributes, visibility, signature, body } = self;
        tokens.extend(quote!(#(#attributes)* #visibility #signature #body));
    }
}
