//! What the tests have in common. The README's code is compiled here too.
#![doc = include_str!("../../README.md")]
