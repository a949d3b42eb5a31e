//! Tests of the rules and the answers, in the order of a request's path through the crate.
//! A test named `rule_NN_…` covers that rule of the verification profile.

mod answers;
mod attack;
mod attribute;
mod audit;
mod authorization;
mod bearer;
mod check;
mod claims;
mod corpus;
mod declared;
mod discovery;
mod docs;
mod exceptions;
mod explain;
mod findings;
mod further_issuers;
mod guards;
mod header;
mod issuers;
mod jwks;
mod launch;
mod metadata;
mod openapi;
mod ownership;
mod protect;
mod scopes;
mod signature;
mod tcp;
mod testing;
mod testing_public_keys;
mod tokens;
mod unused_keys;
