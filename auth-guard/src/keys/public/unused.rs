//! Looks once whether a server publishes public keys although only the shared secret is
//! accepted: Better Auth signs with them by default, and each of its tokens is then refused.

use crate::keys::public::algorithm::Algorithms;
use crate::keys::public::fetch::Source;
use crate::keys::public::report::{self, Line};
use crate::keys::public::set::KeySet;

/// The public keys of a server that are not used, if it publishes any.
#[derive(Clone)]
pub(crate) struct UnusedKeys {
    /// The base URL of the Better Auth server.
    base: String,
    algorithms: Algorithms,
    insecure: bool,
}

impl UnusedKeys {
    /// Returns `None` if the accepted algorithms rule public keys out: then it was meant so.
    pub(crate) fn of(base: String, algorithms: &[String], insecure: bool) -> Option<Self> {
        let algorithms = Algorithms::of(algorithms);
        (!algorithms.is_empty()).then_some(Self { base, algorithms, insecure })
    }

    /// Looks on a thread of its own, and warns if there are keys. Nothing waits for it, and
    /// nothing else is said: without an answer there is nothing to say.
    pub(crate) fn look(&self) {
        let unused = self.clone();
        let thread = std::thread::Builder::new().name("auth-guard-look".into());
        let _ = thread.spawn(move || report::log(unused.warning()));
    }

    /// Fetches the keys by the rules of all fetches: never by http from another machine unless
    /// that is permitted, and without a redirect to another origin.
    fn warning(&self) -> Option<Line> {
        // Opened here, and not at the launch, as it may read the certificates of the machine.
        let source = Source::open(None, Some(&self.base), self.insecure).ok()?;
        let json = source.fetch().ok()?;
        let read = KeySet::read(&json, &self.algorithms).ok()?;
        Some(report::published_in_vain(&source.to_string(), &read.keys))
    }
}
