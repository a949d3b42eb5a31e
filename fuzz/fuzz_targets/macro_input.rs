//! Any text as the arguments of `#[user_scoped(…)]` and any text below it: the
//! attribute answers with tokens and never panics.
//!
//! The input is the arguments, a line feed, and the item.

#![no_main]

// A proc-macro crate links into rustc and nothing else, so its modules are taken
// as they are. Outside of rustc `proc_macro2` lexes by itself.
#[path = "../../auth-guard-macros/src/args.rs"]
mod args;
#[path = "../../auth-guard-macros/src/expand.rs"]
mod expand;
#[path = "../../auth-guard-macros/src/route.rs"]
mod route;

use libfuzzer_sys::{Corpus, fuzz_target};
use proc_macro2::TokenStream;

fuzz_target!(|text: &str| -> Corpus {
    let (args, item) = text.split_once('\n').unwrap_or(("", text));
    // What rustc could not lex never reaches a macro.
    let (Some(args), Some(item)) = (tokens(args), tokens(item)) else { return Corpus::Reject };

    let expanded = expand::user_scoped(args, item);
    // What comes out is text that can be read again.
    let printed = expanded.to_string();
    assert!(printed.parse::<TokenStream>().is_ok(), "{printed}");
    Corpus::Keep
});

fn tokens(text: &str) -> Option<TokenStream> {
    // syn descends by recursion, and the fuzzer's stack is smaller than rustc's.
    let nesting = text.bytes().filter(|byte| b"([{<&*!-".contains(byte)).count();
    (nesting < 200).then(|| text.parse().ok()).flatten()
}
