//! What is measured, and what it is compared with.

pub mod apps;
pub mod interleave;
pub mod peers;
pub mod tokens;
