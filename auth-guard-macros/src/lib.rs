//! Implementation detail of the `auth-guard` crate, which documents the attributes.

mod args;
mod argument;
mod expand;
mod handler;
mod route;
mod stack;

use proc_macro::TokenStream;

use stack::Kind;

/// Guards a handler: only the user whose path it is may call it.
#[proc_macro_attribute]
pub fn user_scoped(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::UserScoped, args.into(), item.into()).into()
}

/// Guards a handler: only callers whom a type admits to a segment may call it.
#[proc_macro_attribute]
pub fn scoped(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Scoped, args.into(), item.into()).into()
}

/// Guards a handler: only callers with a valid token who meet a requirement may call it.
#[proc_macro_attribute]
pub fn authorized(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Authorized, args.into(), item.into()).into()
}
