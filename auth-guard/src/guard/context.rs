//! What the fairing leaves in managed state for the guards.

use rocket::{Phase, Rocket};

use super::hook::Hook;
use crate::clock::Clock;
use crate::sync::Outage;
use crate::verifier::Verifier;

/// Everything that a guard needs and that no token says.
pub(crate) struct Context {
    /// A clone of the one in managed state, so that one look-up finds everything.
    pub(crate) verifier: Verifier,
    pub(crate) clock: Clock,
    pub(crate) realm: String,
    /// Where OAuth clients learn whose tokens the API accepts (RFC 9728), for challenges.
    pub(crate) metadata_url: Option<String>,
    pub(crate) hook: Option<Hook>,
    /// Of the application's own check.
    pub(crate) check_outage: Outage,
    /// Of its requirements and scopes.
    pub(crate) requirement_outage: Outage,
}

impl Context {
    pub(crate) fn of<P: Phase>(rocket: &Rocket<P>) -> Option<&Self> {
        rocket.state()
    }
}
