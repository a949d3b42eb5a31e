//! Reads what Rocket shows of a mounted route: its pattern, its name, and the handler
//! that the attribute registered for it.

pub(crate) mod mark;
pub(crate) mod pattern;
pub(crate) mod registry;
