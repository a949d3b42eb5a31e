//! The rules of a token and the answers to a request, in the order of its way.
//! A test named `rule_NN_…` shows that rule of the verification profile.

mod answers;
mod attribute;
mod audit;
mod bearer;
mod check;
mod claims;
mod corpus;
mod docs;
mod exceptions;
mod explain;
mod guards;
mod header;
mod jwks;
mod launch;
mod openapi;
mod ownership;
mod protect;
mod signature;
mod tcp;
mod testing;
mod testing_public_keys;
