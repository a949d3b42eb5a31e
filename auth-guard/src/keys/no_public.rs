//! The names of `public/` without the feature `jwks`: types that have no values.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::AuthError;
use crate::token::claims::Claims;

pub(crate) const ARE_SUPPORTED: bool = false;

#[derive(Clone)]
pub(crate) struct PublicKeys(Infallible);

pub(crate) struct PublicKey(Infallible);

pub(crate) enum NoKey {
    #[expect(dead_code, reason = "only public keys are fetched")]
    Unknown,
    Refused(AuthError),
}

#[expect(dead_code, reason = "nothing is opened")]
pub(crate) struct Settings {
    pub(crate) discovery: Option<String>,
    pub(crate) algorithms: Vec<String>,
    pub(crate) url: Option<String>,
    pub(crate) base: Option<String>,
    pub(crate) insecure: bool,
    pub(crate) cooldown: Duration,
    pub(crate) max_age: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) memo: SharedMemo,
    pub(crate) issuer: usize,
    pub(crate) name: Option<Arc<str>>,
}

/// Only tokens of public keys are memoized.
#[derive(Clone)]
pub(crate) struct SharedMemo;

impl SharedMemo {
    pub(crate) fn new(_: usize) -> Self {
        Self
    }

    pub(crate) fn issuer_of(&self, _: &str) -> Option<usize> {
        None
    }
}

/// Nobody looks for them.
#[derive(Clone)]
pub(crate) struct UnusedKeys(Infallible);

impl UnusedKeys {
    pub(crate) fn of(_: String, _: &[String], _: bool) -> Option<Self> {
        None
    }

    pub(crate) fn look(&self) {
        match self.0 {}
    }
}

impl PublicKeys {
    /// Refuses: the setting that asked for public keys needs the feature.
    pub(crate) fn open(settings: Settings, _: Clock) -> Result<Self, (&'static str, String)> {
        let _ = settings;
        Err(("jwks_url", "needs the feature `jwks`".into()))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn remove_cooldown(&self) {
        match self.0 {}
    }

    pub(crate) fn start(&self) {
        match self.0 {}
    }

    pub(crate) fn select(&self, _: &str, _: Option<&str>) -> Result<Arc<PublicKey>, NoKey> {
        match self.0 {}
    }

    pub(crate) fn algorithms(&self) -> String {
        match self.0 {}
    }

    pub(crate) fn unknown(&self) -> AuthError {
        match self.0 {}
    }

    pub(crate) fn ask(&self) {
        match self.0 {}
    }

    pub(crate) async fn wait(&self, _: &str, _: Option<&str>) -> Result<(), AuthError> {
        match self.0 {}
    }

    pub(crate) fn keep_fresh(&self) {
        match self.0 {}
    }

    pub(crate) fn recall(&self, _: &str) -> Option<Claims> {
        match self.0 {}
    }

    pub(crate) fn remember(&self, _: &str, _: Arc<PublicKey>, _: &Claims) {
        match self.0 {}
    }

    pub(crate) fn retry_after(&self) -> u64 {
        match self.0 {}
    }

    pub(crate) fn is_ready(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn is_first_refusal(&self) -> bool {
        match self.0 {}
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn count(&self) {
        match self.0 {}
    }
}

impl PublicKey {
    pub(crate) fn verifies(&self, _: &[u8], _: &[u8]) -> bool {
        match self.0 {}
    }
}

impl fmt::Display for PublicKeys {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}
