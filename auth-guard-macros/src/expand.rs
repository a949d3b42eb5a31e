//! Checks the handler, and emits it with the guard added.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, FnArg, Pat, Result, Signature, Visibility, parse_quote};

use crate::args::Args;
use crate::route::{self, RoutePath};

/// A handler function. Its body is passed through as it is.
struct Handler {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: TokenStream,
}

/// The argument that the guard is bound to.
const SCOPE: &str = "__auth_guard_scope";

/// The whole attribute: parse, check, emit. On an error the handler still comes
/// out, so that the user reads one error and not ten.
pub(crate) fn user_scoped(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut handler = match syn::parse2::<Handler>(item.clone()) {
        Ok(handler) => handler,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };

    let scoped = syn::parse2::<Args>(args).and_then(|args| scope(&mut handler, &args));
    let companion = scoped.unwrap_or_else(|error| {
        handler.bind_user_id();
        error.into_compile_error()
    });
    quote!(#companion #handler)
}

/// Adds the guard, and gives the type that tells it about the handler.
fn scope(handler: &mut Handler, args: &Args) -> Result<TokenStream> {
    handler.check()?;
    let path = RoutePath::find(&handler.attributes)?;
    let param = args.param();
    let position = path.position(&param);
    // An exception may have its user anywhere: nothing is compared.
    let segment = if args.exempt.is_some() { position.ok() } else { Some(position?) };
    if args.or.is_some() {
        handler.check_no_owner()?;
    }

    let name = handler.signature.ident.unraw();
    let companion = format_ident!("__user_scoped_{name}", span = Span::mixed_site());
    let has_guards = handler.has_guards(&path);
    // A name that is not taken is bound under the span of the user's own literal,
    // so that the body can use it.
    if segment.is_some() && !handler.names(&param) {
        let bound = Ident::new(&param, path.span());
        handler.prepend(parse_quote!(#[allow(unused_variables)] #bound: ::auth_guard::UserId));
        handler.attributes.push(parse_quote!(#[allow(clippy::needless_pass_by_value)]));
    }
    let scope = Ident::new(SCOPE, Span::mixed_site());
    handler.prepend(parse_quote!(#scope: ::auth_guard::__private::UserScope<#companion>));
    handler.attributes.push(parse_quote!(#[allow(clippy::too_many_arguments)]));
    // `list` and `r#list` are the same to rustc, but the audit can tell that
    // the attribute stands above this handler.
    handler.signature.ident = Ident::new_raw(&name.to_string(), handler.signature.ident.span());

    let visibility = &handler.visibility;
    let name = name.to_string();
    let (method, uri) = (path.method(), path.uri());
    let segment = option(segment.map(|segment| quote!(#segment)));
    let exempt = option(args.exempt.as_ref().map(|reason| quote!(#reason)));
    let or = option(args.or.as_ref().map(|exception| {
        let name = exception.to_token_stream().to_string().replace(' ', "");
        quote!(#name)
    }));
    // In a body: there it may be private, though the handler is not.
    let applies = args.or.as_ref().map(|exception| {
        quote! {
            fn applies(caller: &::auth_guard::Verified) -> bool {
                <#exception as ::auth_guard::Exception>::applies(caller)
            }
        }
    });
    Ok(quote! {
        #[doc(hidden)]
        #[allow(nonstandard_style, unused, unreachable_pub, unnameable_types)]
        #[allow(missing_debug_implementations, missing_copy_implementations)]
        #visibility struct #companion;

        impl ::auth_guard::__private::UserScoped for #companion {
            const HANDLER: ::auth_guard::__private::Handler = ::auth_guard::__private::Handler {
                name: #name,
                method: #method,
                uri: #uri,
                file: ::core::file!(),
                line: ::core::line!(),
                param: #param,
                segment: #segment,
                exempt: #exempt,
                or: #or,
                has_guards: #has_guards,
            };
            #applies
        }
    })
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

impl Handler {
    fn check(&self) -> Result<()> {
        if let Some(receiver) = self.signature.receiver() {
            let message =
                "`#[user_scoped]` is for handlers, which are functions and have no `self`";
            return Err(Error::new_spanned(receiver, message));
        }

        let twice =
            self.attributes.iter().find(|attribute| route::is_named(attribute, &["user_scoped"]));
        if let Some(second) = twice {
            return Err(Error::new_spanned(second, "`#[user_scoped]` is here twice: remove one"));
        }
        if self.names(SCOPE) {
            let message = "`#[user_scoped]` is above this handler twice: remove one";
            return Err(Error::new(Span::call_site(), message));
        }

        let name = &self.signature.ident;
        // `gen` is a keyword of edition 2024, and syn takes it for a name in all.
        let is_keyword = syn::parse_str::<Ident>(&name.unraw().to_string()).is_err();
        if is_keyword || name.unraw() == "gen" {
            let message = "a handler named by a keyword cannot be told from one without \
                           `#[user_scoped]` when the routes are audited: give it another name";
            return Err(Error::new(name.span(), message));
        }

        Ok(())
    }

    /// Beside `or`, the caller need not be the user of the path. `Owner` refuses
    /// such a caller, by whatever name it goes; where it can be read here, it is a
    /// mistake that need not wait for the first of them.
    fn check_no_owner(&self) -> Result<()> {
        let types = self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(argument) => Some(&argument.ty),
            FnArg::Receiver(_) => None,
        });
        match types.into_iter().find_map(|ty| find_ident(ty.to_token_stream(), "Owner")) {
            Some(owner) => Err(Error::new(
                owner.span(),
                "`Owner` is always the owner, and `or` lets others in: take `Access`, which tells \
                 `path_user()` from `caller()`",
            )),
            None => Ok(()),
        }
    }

    /// Whether an argument has this name.
    fn names(&self, name: &str) -> bool {
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

    /// Whether an argument is anything but a part of the path or the query: a
    /// guard, or a body whose type may ask a guard.
    fn has_guards(&self, path: &RoutePath) -> bool {
        self.arguments().any(|argument| !path.binds(&argument))
    }

    /// Where the check cannot be added, so that Rocket does not complain as well
    /// about a segment that the attribute would have bound.
    fn bind_user_id(&mut self) {
        if let Ok(path) = RoutePath::find(&self.attributes)
            && path.binds("user_id")
            && !self.names("user_id")
        {
            self.prepend(parse_quote!(user_id: ::auth_guard::UserId));
        }
    }

    fn prepend(&mut self, argument: FnArg) {
        self.signature.inputs.insert(0, argument);
    }
}

fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident).filter(|ident| ident == name),
        TokenTree::Group(group) => find_ident(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

impl Parse for Handler {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let not_a_handler = |error: Error| {
            Error::new(error.span(), "`#[user_scoped]` is for handlers, which are functions")
        };
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse().map_err(not_a_handler)?;
        Ok(Self { attributes, visibility, signature, body: input.parse()? })
    }
}

impl ToTokens for Handler {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attributes, visibility, signature, body } = self;
        tokens.extend(quote!(#(#attributes)* #visibility #signature #body));
    }
}
