//! Step 2 with public keys: a JWK Set (RFC 7517) → the keys that tokens are
//! verified with.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

use crate::error::AuthError;
use crate::token::header::{Header, decode};

/// One usable key of a JWK Set, parsed and checked.
pub(crate) struct PublicKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: ParsedPublicKey,
    /// Whether its set has been replaced by one without it.
    is_retired: AtomicBool,
}

/// The algorithms of public keys that are supported, by the names of RFC 7518
/// section 3.1, RFC 8037 section 3.1 and RFC 9864 section 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "public for tests only"))]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

/// The usable keys of one JWK Set.
#[derive(Default)]
pub(crate) struct KeySet {
    keys: Vec<Arc<PublicKey>>,
    by_id: HashMap<String, Vec<Arc<PublicKey>>>,
}

/// Why no key of a set is the one for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFit {
    /// Another set may have it.
    Unknown,
    /// The key of this id is for another algorithm.
    Pinned,
    /// The token has no key id, and several keys are for its algorithm.
    Ambiguous,
}

/// What a JWK Set has been read into.
pub(crate) struct ReadSet {
    pub(crate) keys: KeySet,
    /// A line for each entry that is not used.
    pub(crate) skipped: Vec<String>,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Ps256];

    /// All of them.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// By the exact name in a token's header or a JWK.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
}

impl KeySet {
    /// More than this is no set that an issuer publishes.
    const MAX_KEYS: usize = 100;

    /// Reads a JWK Set. An entry that cannot be used never spoils the others;
    /// keys that `held` has too are taken over from it.
    ///
    /// Errors complete a sentence about what the issuer answered.
    pub(crate) fn read(json: &[u8], held: &Self) -> Result<ReadSet, String> {
        #[derive(Deserialize)]
        struct Members {
            keys: Vec<Value>,
        }

        let Members { keys: entries } =
            serde_json::from_slice(json).map_err(|_| "is no JWK Set".to_owned())?;
        if entries.len() > Self::MAX_KEYS {
            return Err(format!("has more than {} keys", Self::MAX_KEYS));
        }

        let (mut keys, mut skipped) = (Self::default(), Vec::new());
        for entry in &entries {
            match PublicKey::read(entry) {
                Ok(key) if keys.has_twin_of(&key) => {
                    skipped.push(format!("{key}: there is another key of this id"));
                }
                Ok(key) => keys.push(held.same(&key).unwrap_or_else(|| Arc::new(key))),
                Err(why) => skipped.push(format!("{}: {why}", named(entry))),
            }
        }

        match (keys.is_empty(), skipped.is_empty()) {
            (false, _) => Ok(ReadSet { keys, skipped }),
            (true, true) => Err("has no keys".into()),
            (true, false) => Err(format!("has no key that can be used ({})", skipped.join("; "))),
        }
    }

    /// The one key for `algorithm` and the token's key id.
    pub(crate) fn select(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<&Arc<PublicKey>, NoFit> {
        let of_id = match kid {
            Some(kid) => self.by_id.get(kid).ok_or(NoFit::Unknown)?,
            None => &self.keys,
        };

        let mut fitting = of_id.iter().filter(|key| key.algorithm == algorithm);
        match (fitting.next(), fitting.next(), kid) {
            (Some(key), None, _) => Ok(key),
            (Some(_), Some(_), _) => Err(NoFit::Ambiguous),
            (None, _, Some(_)) => Err(NoFit::Pinned),
            (None, _, None) => Err(NoFit::Unknown),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// What was verified with keys that `next` does not have counts no more.
    pub(crate) fn retire_all_but(&self, next: &Self) {
        let gone = self.keys.iter().filter(|key| next.same(key).is_none());
        gone.for_each(|key| key.is_retired.store(true, Ordering::Release));
    }

    fn same(&self, key: &PublicKey) -> Option<Arc<PublicKey>> {
        self.keys.iter().find(|other| ***other == *key).cloned()
    }

    fn has_twin_of(&self, key: &PublicKey) -> bool {
        let is_twin = |other: &Arc<PublicKey>| other.algorithm == key.algorithm;
        key.kid
            .as_ref()
            .and_then(|kid| self.by_id.get(kid))
            .is_some_and(|of| of.iter().any(is_twin))
    }

    fn push(&mut self, key: Arc<PublicKey>) {
        if let Some(kid) = &key.kid {
            self.by_id.entry(kid.clone()).or_default().push(key.clone());
        }
        self.keys.push(key);
    }
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.keys.iter().all(|key| other.same(key).is_some())
    }
}

/// The keys' ids and algorithms, for the log.
impl fmt::Display for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.keys.iter().enumerate() {
            write!(f, "{}{key}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl PublicKey {
    /// Errors complete a sentence that names the key.
    fn read(entry: &Value) -> Result<Self, String> {
        let jwk = Jwk::deserialize(entry).map_err(|_| broken(entry))?;
        let has_other_use =
            jwk.common.public_key_use.is_some_and(|of| of != PublicKeyUse::Signature)
                || jwk.common.key_operations.is_some_and(|of| !of.contains(&KeyOperations::Verify));
        if has_other_use {
            return Err("is not for verifying signatures".into());
        }

        let algorithm = match entry.get("alg") {
            Some(Value::String(name)) => Algorithm::named(name).ok_or_else(|| unsupported(name))?,
            Some(_) => return Err("its `alg` is no string".into()),
            None => only_algorithm(&jwk.algorithm)?,
        };
        let key = material(algorithm, &jwk.algorithm)?;
        Ok(Self { kid: jwk.common.key_id, algorithm, key, is_retired: AtomicBool::new(false) })
    }

    /// RFC 7518 section 3.3 to 3.5, RFC 8032 section 5.1.7.
    pub(crate) fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(input, signature).is_ok()
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.algorithm == other.algorithm
            && self.key.as_ref() == other.key.as_ref()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "{} ({})", printable(kid), self.algorithm.name()),
            None => write!(f, "without an id ({})", self.algorithm.name()),
        }
    }
}

impl Header<'_> {
    /// The algorithm of a public key that this header asks for, if it does.
    pub(crate) fn public_algorithm(&self) -> Option<Algorithm> {
        Algorithm::named(&self.alg)
    }
}

/// The only algorithm that a type and curve allow (RFC 8725 section 3.1).
fn only_algorithm(parameters: &AlgorithmParameters) -> Result<Algorithm, String> {
    match parameters {
        AlgorithmParameters::OctetKeyPair(_) => Ok(Algorithm::EdDsa),
        AlgorithmParameters::EllipticCurve(_) => Ok(Algorithm::Es256),
        AlgorithmParameters::RSA(_) => Err("an RSA key has to say its `alg`".into()),
        AlgorithmParameters::OctetKey(_) => Err("a shared secret is never taken from a URL".into()),
        _ => Err("its `kty` is not supported".into()),
    }
}

/// The key itself, checked as far as that is possible without a signature.
fn material(
    algorithm: Algorithm,
    parameters: &AlgorithmParameters,
) -> Result<ParsedPublicKey, String> {
    match (algorithm, parameters) {
        (Algorithm::EdDsa, AlgorithmParameters::OctetKeyPair(key)) => {
            let EllipticCurve::Ed25519 = key.curve else { return Err(other_curve("Ed25519")) };
            parsed(&signature::ED25519, &coordinate(&key.x)?)
        }
        (Algorithm::Es256, AlgorithmParameters::EllipticCurve(key)) => {
            let EllipticCurve::P256 = key.curve else { return Err(other_curve("P-256")) };
            // SEC 1 section 2.3.3: an uncompressed point.
            let point = [vec![4], coordinate(&key.x)?, coordinate(&key.y)?].concat();
            parsed(&signature::ECDSA_P256_SHA256_FIXED, &point)
        }
        (Algorithm::Rs256, AlgorithmParameters::RSA(key)) => {
            rsa(&signature::RSA_PKCS1_2048_8192_SHA256, &key.n, &key.e)
        }
        (Algorithm::Ps256, AlgorithmParameters::RSA(key)) => {
            rsa(&signature::RSA_PSS_2048_8192_SHA256, &key.n, &key.e)
        }
        (_, AlgorithmParameters::OctetKey(_)) => {
            Err("a shared secret is never taken from a URL".into())
        }
        _ => Err("its `kty` does not go with its `alg`".into()),
    }
}

fn parsed(
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: &[u8],
) -> Result<ParsedPublicKey, String> {
    ParsedPublicKey::new(algorithm, bytes).map_err(|_| NO_KEY.into())
}

/// 256 bits (RFC 7518 section 6.2.1.2, RFC 8037 section 2).
fn coordinate(text: &str) -> Result<Vec<u8>, String> {
    decode(text).ok().filter(|bytes| bytes.len() == 32).ok_or_else(|| NO_KEY.into())
}

fn rsa(algorithm: &'static RsaParameters, n: &str, e: &str) -> Result<ParsedPublicKey, String> {
    let number = |text: &str| decode(text).map_err(|_| NO_KEY.to_owned());
    let (n, e) = (number(n)?, number(e)?);
    // RFC 7518 section 3.3 for the lower bound; the upper one is aws-lc-rs's.
    let bits = match n.iter().position(|byte| *byte != 0) {
        Some(first) => (n.len() - first) * 8 - n[first].leading_zeros() as usize,
        None => 0,
    };
    if !(2048..=8192).contains(&bits) {
        return Err(format!("an RSA key must have 2048 to 8192 bits, and it has {bits}"));
    }

    let leading = |number: &[u8]| number.iter().take_while(|byte| **byte == 0).count();
    let (n, e) = (&n[leading(&n)..], &e[leading(&e)..]);
    // With an exponent of 1, anybody can write signatures (RFC 8017 section 3.1).
    let is_exponent = e.last().is_some_and(|last| last % 2 == 1) && e != [1];
    if !is_exponent {
        return Err(NO_KEY.into());
    }

    let components = RsaPublicKeyComponents { n, e };
    components.to_parsed_public_key(algorithm).map_err(|_| NO_KEY.into())
}

const NO_KEY: &str = "its numbers are no key";

fn other_curve(ours: &str) -> String {
    format!("only the curve {ours} is supported for its `kty`")
}

fn unsupported(algorithm: &str) -> String {
    let supported = Algorithm::names();
    format!("the algorithm {} is not supported ({supported} are)", printable(algorithm))
}

/// An entry that cannot be read at all may still say an algorithm.
fn broken(entry: &Value) -> String {
    match entry.get("alg").and_then(Value::as_str) {
        Some(name) if Algorithm::named(name).is_none() => unsupported(name),
        _ => "is no JWK".into(),
    }
}

fn named(entry: &Value) -> String {
    entry.get("kid").and_then(Value::as_str).map_or("an entry without an id".into(), printable)
}

/// For the log: an issuer's text, on one line and not long.
fn printable(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

#[cfg(feature = "testing")]
impl KeySet {
    /// Of one JWK, for third-party vectors.
    pub(crate) fn of(jwk: &Value) -> Result<Self, String> {
        let key = PublicKey::read(jwk)?;
        let mut keys = Self::default();
        keys.push(Arc::new(key));
        Ok(keys)
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
