//! The servers, tokens and libraries that the benchmarks share.

pub mod apps;
pub mod interleave;
pub mod peers;
pub mod tokens;
