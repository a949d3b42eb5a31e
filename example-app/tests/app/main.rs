//! The application from outside: its handlers through Rocket's client, and its
//! binary as a shell runs it.

#![allow(clippy::unwrap_used)]

mod handlers;

mod bodies;
mod cors;
mod docs;
mod ownership;
mod policy;
mod tasks;

mod binary;
mod explain;
mod launch;
mod metrics;
mod token;
