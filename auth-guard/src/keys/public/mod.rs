//! Public keys, fetched from the issuer.

pub(crate) mod engine;
pub(crate) mod jwk;
pub(crate) mod memo;
