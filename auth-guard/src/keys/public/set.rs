//! A JWK Set (RFC 7517 section 5): the usable keys in it, and the one for a token.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::error::AuthError;
use crate::keys::public::algorithm::{Algorithm, Algorithms};
use crate::keys::public::jwk::{PublicKey, named};

/// The usable keys of one JWK Set.
#[derive(Default)]
pub(crate) struct KeySet {
    keys: Vec<Arc<PublicKey>>,
    by_id: HashMap<String, Vec<Arc<PublicKey>>>,
    /// The length of the longest id: a longer one need not be hashed.
    longest_id: usize,
}

/// Why a set has no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFit {
    /// Another set may have the key.
    Unknown,
    /// The key with this id is for another algorithm.
    Pinned,
    /// The token has no key id, and several keys are for its algorithm.
    Ambiguous,
}

/// The result of reading a JWK Set.
pub(super) struct ReadSet {
    pub(super) keys: KeySet,
    /// One line for each entry that is not used.
    pub(super) skipped: Vec<String>,
}

impl KeySet {
    /// No real issuer publishes more keys.
    const MAX_KEYS: usize = 100;

    /// Reads a JWK Set. An unusable entry never spoils the others, and a key that is
    /// published twice is one key.
    ///
    /// Errors complete a sentence about the issuer's answer.
    pub(super) fn read(json: &[u8], accepted: &Algorithms) -> Result<ReadSet, String> {
        #[derive(Deserialize)]
        struct Members {
            keys: Vec<Value>,
        }

        let Members { keys: entries } =
            serde_json::from_slice(json).map_err(|_| "is not a JWK Set".to_owned())?;
        if entries.len() > Self::MAX_KEYS {
            return Err(format!("has more than {} keys", Self::MAX_KEYS));
        }

        let (mut keys, mut skipped) = (Self::default(), Vec::new());
        for entry in &entries {
            match PublicKey::read(entry, accepted) {
                Ok(key) if keys.find(&key).is_some() => {}
                Ok(key) if keys.has_rival_of(&key) => {
                    skipped.push(format!("{key}: another key has the same id"));
                }
                Ok(key) => keys.push(Arc::new(key)),
                Err(why) => skipped.push(format!("{}: {why}", named(entry))),
            }
        }

        match (keys.is_empty(), skipped.is_empty()) {
            (false, _) => Ok(ReadSet { keys, skipped }),
            (true, true) => Err("has no keys".into()),
            (true, false) => Err(format!("has no usable key ({})", skipped.join("; "))),
        }
    }

    /// Selects the one key for an algorithm and a token's key id.
    pub(crate) fn select(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<&Arc<PublicKey>, NoFit> {
        let candidates = match kid {
            Some(kid) if kid.len() > self.longest_id => return Err(NoFit::Unknown),
            Some(kid) => self.by_id.get(kid).ok_or(NoFit::Unknown)?,
            None => &self.keys,
        };

        let mut fitting = candidates.iter().filter(|key| key.algorithm() == algorithm);
        match (fitting.next(), kid) {
            // The key may be published under several ids.
            (Some(key), _) if fitting.all(|other| other.is_same_material(key)) => Ok(key),
            (Some(_), _) => Err(NoFit::Ambiguous),
            (None, Some(_)) => Err(NoFit::Pinned),
            (None, None) => Err(NoFit::Unknown),
        }
    }

    /// Replaces these keys with those of `fresh`, and retires the others. A key that is
    /// in both stays the same `Arc`, so its memoized tokens remain valid.
    pub(super) fn replace(&mut self, fresh: Self) {
        for key in self.keys.iter().filter(|key| fresh.find(key).is_none()) {
            key.retire();
        }

        let mut next = Self::default();
        for key in fresh.keys {
            // A retired key never returns: its memoized tokens would return with it.
            let known = self.find(&key).filter(|known| !known.is_retired()).cloned();
            next.push(known.unwrap_or(key));
        }
        *self = next;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    fn find(&self, key: &PublicKey) -> Option<&Arc<PublicKey>> {
        self.keys.iter().find(|other| ***other == *key)
    }

    /// Returns `true` if another key has the id and the algorithm of `key`.
    fn has_rival_of(&self, key: &PublicKey) -> bool {
        let namesakes = key.kid().and_then(|kid| self.by_id.get(kid));
        namesakes.is_some_and(|keys| keys.iter().any(|other| other.algorithm() == key.algorithm()))
    }

    fn push(&mut self, key: Arc<PublicKey>) {
        if let Some(kid) = key.kid() {
            self.longest_id = self.longest_id.max(kid.len());
            self.by_id.entry(kid.to_owned()).or_default().push(key.clone());
        }
        self.keys.push(key);
    }
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.keys.iter().all(|key| other.find(key).is_some())
    }
}

/// Prints the ids and algorithms of the keys, for the log.
impl fmt::Display for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.keys.iter().enumerate() {
            write!(f, "{}{key}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl From<NoFit> for AuthError {
    fn from(no_fit: NoFit) -> Self {
        match no_fit {
            NoFit::Unknown | NoFit::Ambiguous => Self::NoMatchingKey,
            NoFit::Pinned => Self::AlgorithmNotAllowed,
        }
    }
}

#[cfg(feature = "testing")]
impl KeySet {
    /// Makes a set of one JWK, for third-party vectors.
    pub(crate) fn of(jwk: &Value) -> Result<Self, String> {
        let key = PublicKey::read(jwk, &Algorithms::of(&[]))?;
        let mut keys = Self::default();
        keys.push(Arc::new(key));
        Ok(keys)
    }
}
