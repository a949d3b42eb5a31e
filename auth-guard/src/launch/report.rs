//! What a launch prints.

use rocket::{Orbit, Rocket};

use crate::audit::audit;
use crate::keys::public::UnusedKeys;
use crate::verifier::Verifier;

/// What to print once the application is launched.
pub(super) struct Report {
    /// What is enforced, one line each.
    pub(super) summary: Vec<String>,
    pub(super) warnings: Vec<String>,
    /// Public keys that a server may publish in vain.
    pub(super) unused_keys: Option<UnusedKeys>,
}

impl Report {
    /// Prints what is enforced, in Rocket's own style: a warning whose target contains
    /// `rocket::launch` is plain information, shown at every level but "off", and one
    /// whose target ends in `_` is indented.
    pub(super) fn print(&self, rocket: &Rocket<Orbit>, audited: &[String]) {
        log::warn!(target: "auth_guard::rocket::launch", "Auth Guard:");
        let print = |line: &str| log::warn!(target: "auth_guard::rocket::launch::_", "{line}");
        self.summary.iter().for_each(|line| print(line));
        for issuer in rocket.state::<Verifier>().into_iter().flat_map(|of| of.issuers().all()) {
            match (issuer.public_keys(), &issuer.name) {
                (Some(keys), None) => print(&format!("public keys: {keys}")),
                (Some(keys), Some(name)) => print(&format!("public keys of `{name}`: {keys}")),
                (None, _) => {}
            }
        }
        format!("{:#}", audit(rocket)).lines().for_each(print);
        self.warnings.iter().chain(audited).for_each(|warning| log::warn!("auth-guard: {warning}"));
    }
}
