//! The OAuth scopes that an application asks for.

use rocket::Rocket;

use super::survey::Ignited;

/// Returns every scope that a mounted route names, for the metadata. No attribute names one
/// yet.
pub(crate) fn scopes_of_routes<P: Ignited>(_: &Rocket<P>) -> Vec<String> {
    Vec::new()
}
