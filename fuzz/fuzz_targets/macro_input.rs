//! Feeds arbitrary arguments and items to the attributes. They must always return tokens,
//! and never panic.
//!
//! The input is the arguments, a line feed, and the item.

#![no_main]

// A proc-macro crate links into rustc only, so this includes its modules. Outside rustc,
// `proc_macro2` does its own lexing.
#[path = "../../auth-guard-macros/src/args.rs"]
mod args;
#[path = "../../auth-guard-macros/src/argument.rs"]
mod argument;
#[path = "../../auth-guard-macros/src/expand.rs"]
mod expand;
#[path = "../../auth-guard-macros/src/handler.rs"]
mod handler;
#[path = "../../auth-guard-macros/src/route.rs"]
mod route;
#[path = "../../auth-guard-macros/src/stack.rs"]
mod stack;

use libfuzzer_sys::{Corpus, fuzz_target};
use proc_macro2::TokenStream;
use stack::Kind;

fuzz_target!(|text: &str| -> Corpus {
    let (args, item) = text.split_once('\n').unwrap_or(("", text));
    // Text that rustc cannot lex never reaches a macro.
    let (Some(args), Some(item)) = (tokens(args), tokens(item)) else { return Corpus::Reject };

    for kind in [Kind::UserScoped, Kind::Scoped, Kind::Authorized] {
        let expanded = expand::expand(kind, args.clone(), item.clone());
        // The output prints as text that lexes again.
        let printed = expanded.to_string();
        assert!(printed.parse::<TokenStream>().is_ok(), "{printed}");
    }
    Corpus::Keep
});

fn tokens(text: &str) -> Option<TokenStream> {
    // syn parses recursively, and the fuzzer's stack is smaller than rustc's.
    let nesting = text.bytes().filter(|byte| b"([{<&*!-".contains(byte)).count();
    (nesting < 200).then(|| text.parse().ok()).flatten()
}
