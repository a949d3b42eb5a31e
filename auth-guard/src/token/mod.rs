//! A token, from the header field to its claims, without a request.

pub(crate) mod bearer;
pub(crate) mod check;
pub(crate) mod claims;
pub(crate) mod header;
pub(crate) mod json;
