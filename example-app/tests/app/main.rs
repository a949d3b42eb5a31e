//! Tests the application from the outside: its handlers through Rocket's client, and its
//! binary as a shell runs it.

#![allow(clippy::unwrap_used)]

mod handlers;

mod bodies;
mod copied;
mod cors;
mod docs;
mod organizations;
mod ownership;
mod policy;
mod scopes;
mod tasks;

mod binary;
mod explain;
mod launch;
mod metrics;
mod ready;
mod token;
