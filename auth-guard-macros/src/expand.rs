//! Checks a handler, and emits it with the guard.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Error, Path, Result, parse_quote};

use crate::argument::written;
use crate::handler::{GUARD, Handler};
use crate::route::RoutePath;
use crate::stack::{Kind, Stack};

/// Expands the attributes of a handler: parses, checks, emits. Emits the handler after an
/// error too, so that the user reads one error and not ten.
pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut handler = match syn::parse2::<Handler>(item.clone()) {
        Ok(handler) => handler,
        Err(error) => {
            let message = format!(
                "`#[{}]` is for handlers: write it above a function with a route attribute",
                kind.name()
            );
            let error = Error::new(error.span(), message).into_compile_error();
            return quote!(#item #error);
        }
    };

    let below = imports(&handler.attributes);
    let stack = Stack::take(kind, args, handler.attribute_span(), &mut handler.attributes);
    let guarded = stack.and_then(|stack| guard(&mut handler, kind, &stack));
    let companion = guarded.unwrap_or_else(|error| {
        handler.attributes.retain(|attribute| Kind::of(attribute).is_none());
        handler.stand_in();
        error.into_compile_error()
    });
    quote!(#companion #below #handler)
}

/// The segments that a handler is scoped by, and their positions.
struct Segments {
    owner: Option<(String, Option<usize>)>,
    scope: Option<(String, usize)>,
}

impl Segments {
    fn find(stack: &Stack, path: &RoutePath) -> Result<Self> {
        let owner = match &stack.user_scoped {
            None => None,
            Some(args) => {
                let param = args.param();
                let position = path.position(Kind::UserScoped, &param);
                // With `exempt` nothing is compared, so the user may be anywhere.
                let position = if args.exempt.is_some() { position.ok() } else { Some(position?) };
                Some((param, position))
            }
        };
        let scope = match &stack.scoped {
            None => None,
            Some(args) => {
                let param = args.segment.unraw().to_string();
                let position = path.position(Kind::Scoped, &param)?;
                Some((param, position))
            }
        };
        Ok(Self { owner, scope })
    }

    /// Returns the names that the attributes bind.
    fn names(&self) -> impl Iterator<Item = &String> {
        let owner = self.owner.as_ref().filter(|(_, position)| position.is_some());
        owner.map(|(name, _)| name).into_iter().chain(self.scope.as_ref().map(|(name, _)| name))
    }
}

/// Adds the guard, and returns the type that describes the handler to it.
fn guard(handler: &mut Handler, kind: Kind, stack: &Stack) -> Result<TokenStream> {
    handler.check(kind)?;
    let path = RoutePath::find(kind, handler.attribute_span(), &handler.attributes)?;
    let segments = Segments::find(stack, &path)?;
    // Before the guard is added, which has no name in the path.
    let has_or = stack.user_scoped.as_ref().is_some_and(|args| args.or.is_some());
    let proofs = if has_or { handler.prove_no_owner(&path) } else { TokenStream::new() };

    let name = handler.signature.ident.unraw();
    let companion = format_ident!("__guarded_{name}", span = Span::mixed_site());
    let has_guards = handler.has_guards(&path);
    for name in segments.names() {
        // With the span of the user's own literal, the body can use the name.
        if !handler.names(name) {
            let bound = Ident::new(name, path.span());
            handler.prepend(parse_quote!(#[allow(unused_variables)] #bound: ::auth_guard::UserId));
            handler.attributes.push(parse_quote!(#[allow(clippy::needless_pass_by_value)]));
        }
    }
    let guard = Ident::new(GUARD, Span::mixed_site());
    handler.prepend(parse_quote!(#guard: ::auth_guard::__private::Guard<#companion>));
    handler.attributes.push(parse_quote!(#[allow(clippy::too_many_arguments)]));
    // rustc takes `r#list` for `list`; the audit takes it for the mark of the attributes.
    handler.signature.ident = Ident::new_raw(&name.to_string(), handler.signature.ident.span());

    let companion = describe(handler, stack, &segments, &path, &companion, has_guards);
    Ok(quote!(#companion #proofs))
}

/// Emits a use of each of our attributes among these: one that is taken off would leave its
/// import unused, or missing.
fn imports(attributes: &[Attribute]) -> TokenStream {
    let ours = attributes.iter().filter(|attribute| Kind::of(attribute).is_some());
    let imports = ours.map(|attribute| {
        let path = attribute.path();
        quote!(const _: () = {
            #[allow(unused_imports)]
            use #path as _;
        };)
    });
    imports.collect()
}

/// Emits the type that describes the handler.
fn describe(
    handler: &Handler,
    stack: &Stack,
    segments: &Segments,
    path: &RoutePath,
    companion: &Ident,
    has_guards: bool,
) -> TokenStream {
    let visibility = &handler.visibility;
    let name = handler.signature.ident.unraw().to_string();
    let (method, uri) = (path.method(), path.uri());
    let user_scoped = stack.user_scoped.as_ref();
    let owner_or = user_scoped.and_then(|args| args.or.as_ref());
    let exempt = option(user_scoped.and_then(|args| args.exempt.as_ref()));
    let (owner, scope) = (owner_rule(stack, segments), scope_rule(stack, segments));
    let scoped = stack.scoped.as_ref();
    let scope_or = scoped.and_then(|args| args.or.as_ref());
    let authorized = stack.authorized.as_ref();
    let required = authorized.and_then(|args| args.requirement.as_ref());
    let requirement = option(required.map(written));
    let machines = authorized.and_then(|args| args.machines.as_ref());
    let machines = machines.is_some_and(|machines| machines.value);
    let scopes = stack.scopes();

    let questions = [
        question("OWNER_OR", owner_or),
        question("ADMITS", scoped.map(|args| &args.by)),
        question("ADMITS_OR", scope_or),
        question("REQUIREMENT", required),
    ];
    quote! {
        #[doc(hidden)]
        #[allow(nonstandard_style, unused, unreachable_pub, unnameable_types)]
        #[allow(missing_debug_implementations, missing_copy_implementations)]
        #visibility struct #companion;

        impl ::auth_guard::__private::Guarded for #companion {
            const HANDLER: ::auth_guard::__private::GuardedHandler =
                ::auth_guard::__private::GuardedHandler {
                    name: #name,
                    method: #method,
                    uri: #uri,
                    file: ::core::file!(),
                    line: ::core::line!(),
                    owner: #owner,
                    scope: #scope,
                    requirement: #requirement,
                    machines: #machines,
                    scopes: &[#(#scopes),*],
                    exempt: #exempt,
                    has_guards: #has_guards,
                };
            #(#questions)*
        }
    }
}

/// Emits what `#[user_scoped]` asks.
fn owner_rule(stack: &Stack, segments: &Segments) -> TokenStream {
    let or = stack.user_scoped.as_ref().and_then(|args| args.or.as_ref());
    option(segments.owner.as_ref().map(|(param, position)| {
        let (segment, or) = (option(position.as_ref()), option(or.map(written)));
        quote!(::auth_guard::__private::OwnerRule { param: #param, segment: #segment, or: #or })
    }))
}

/// Emits what `#[scoped]` asks.
fn scope_rule(stack: &Stack, segments: &Segments) -> TokenStream {
    let scoped = stack.scoped.as_ref().zip(segments.scope.as_ref());
    option(scoped.map(|(args, (param, segment))| {
        let (by, or) = (written(&args.by), option(args.or.as_ref().map(written)));
        quote!(::auth_guard::__private::ScopeRule {
            param: #param, segment: #segment, by: #by, or: #or
        })
    }))
}

/// Emits how the guard asks a type. It is named as the trait's, and not as an argument of a
/// function of ours, or rustc would show that function in an error about the type. The type may
/// be private although the handler is not.
fn question(name: &str, of: Option<&Path>) -> Option<TokenStream> {
    let of = of?;
    let name = Ident::new(name, Span::mixed_site());
    let (ty, ask) = match name == "ADMITS" {
        true => (
            quote!(SegmentQuestion),
            quote!(|caller, segment, request| {
                <#of as ::auth_guard::Scope>::admits(caller, segment, request)
            }),
        ),
        false => (
            quote!(Question),
            quote!(|caller, request| {
                <#of as ::auth_guard::Requirement>::is_met_by(caller, request)
            }),
        ),
    };
    Some(quote! {
        const #name: ::core::option::Option<::auth_guard::__private::#ty> =
            ::core::option::Option::Some(#ask);
    })
}

fn option<T: ToTokens>(value: Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
