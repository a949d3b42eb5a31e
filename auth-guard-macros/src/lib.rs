//! Implementation detail of the `auth-guard` crate.

mod args;
mod expand;
mod route;

use proc_macro::TokenStream;

/// Makes a handler answer only the user whose path it is.
#[proc_macro_attribute]
pub fn user_scoped(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::user_scoped(args.into(), item.into()).into()
}
