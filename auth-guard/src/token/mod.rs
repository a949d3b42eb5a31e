//! A token, from the header field to its claims. Nothing here knows of a request.

pub(crate) mod bearer;
pub(crate) mod check;
pub(crate) mod choice;
pub(crate) mod claims;
pub(crate) mod compact;
pub(crate) mod header;
mod json;
mod payload;
pub(crate) mod profile;
pub(crate) mod scopes;
