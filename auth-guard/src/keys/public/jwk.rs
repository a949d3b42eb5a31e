//! One public key: a JWK (RFC 7517 section 4), parsed and checked.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, EllipticCurveKeyParameters, Jwk, KeyOperations,
    PublicKeyUse,
};
use serde::Deserialize;
use serde_json::Value;

use crate::keys::public::algorithm::{Algorithm, Algorithms};
use crate::token::compact::decode;

/// A public key that verifies signatures of one algorithm.
pub(crate) struct PublicKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: ParsedPublicKey,
    /// `true` once the key is no longer in use. Never `false` again.
    is_retired: AtomicBool,
}

impl PublicKey {
    /// Reads one entry of a JWK Set. Errors complete a sentence about the key.
    pub(super) fn read(entry: &Value, accepted: &Algorithms) -> Result<Self, String> {
        let jwk = Jwk::deserialize(entry).map_err(|_| broken(entry, accepted))?;
        let has_other_use =
            jwk.common.public_key_use.is_some_and(|of| of != PublicKeyUse::Signature)
                || jwk.common.key_operations.is_some_and(|of| !of.contains(&KeyOperations::Verify));
        if has_other_use {
            return Err("is not for verifying signatures".into());
        }

        let algorithm = match entry.get("alg") {
            Some(Value::String(name)) => {
                accepted.named(name).ok_or_else(|| unsupported(name, accepted))?
            }
            Some(_) => return Err("its `alg` is not a string".into()),
            None => only_algorithm(&jwk.algorithm, accepted)?,
        };
        let key = material(algorithm, &jwk.algorithm)?;
        Ok(Self { kid: jwk.common.key_id, algorithm, key, is_retired: AtomicBool::new(false) })
    }

    /// Verifies a signature (RFC 7518 section 3.3 to 3.5, RFC 8032 section 5.1.7).
    pub(crate) fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(input, signature).is_ok()
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns `true` if both keys verify the same signatures, whatever their ids.
    pub(super) fn is_same_material(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.key.as_ref() == other.key.as_ref()
    }

    /// Takes the key out of use, which invalidates its memoized tokens.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.is_same_material(other)
    }
}

/// Prints the id and the algorithm, for the log.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "{} ({})", printable(kid), self.algorithm.name()),
            None => write!(f, "without an id ({})", self.algorithm.name()),
        }
    }
}

/// Returns the only algorithm that a type and curve allow (RFC 8725 section 3.1). An RSA key
/// allows several, so it needs an `alg` unless the settings leave only one.
fn only_algorithm(
    parameters: &AlgorithmParameters,
    accepted: &Algorithms,
) -> Result<Algorithm, String> {
    let algorithm = match parameters {
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDsa,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P384 => Algorithm::Es384,
            EllipticCurve::P521 => Algorithm::Es512,
            _ => Algorithm::Es256,
        },
        AlgorithmParameters::RSA(_) => accepted.only_rsa().ok_or_else(|| {
            "an RSA key needs an `alg`, or the setting `algorithms` must name just one for RSA"
                .to_owned()
        })?,
        AlgorithmParameters::OctetKey(_) => return Err(SECRET.into()),
        _ => return Err("its `kty` is not supported".into()),
    };
    accepted.named(algorithm.name()).ok_or_else(|| unsupported(algorithm.name(), accepted))
}

/// Parses the key itself and checks what can be checked without a signature.
fn material(
    algorithm: Algorithm,
    parameters: &AlgorithmParameters,
) -> Result<ParsedPublicKey, String> {
    let on_curve = |key: &EllipticCurveKeyParameters, curve, name: &str, length, verifies| {
        if key.curve != curve {
            return Err(format!("its curve must be {name}"));
        }
        // SEC 1 section 2.3.3: an uncompressed point.
        let (x, y) = (coordinate(&key.x, length)?, coordinate(&key.y, length)?);
        parsed(verifies, &[vec![4], x, y].concat())
    };
    use AlgorithmParameters::{EllipticCurve as Ec, OctetKeyPair, RSA as Rsa};
    match (algorithm, parameters) {
        (Algorithm::EdDsa, OctetKeyPair(key)) => match key.curve {
            EllipticCurve::Ed25519 => parsed(&signature::ED25519, &coordinate(&key.x, 32)?),
            _ => Err("its curve must be Ed25519".into()),
        },
        (Algorithm::Es256, Ec(key)) => {
            on_curve(key, EllipticCurve::P256, "P-256", 32, &signature::ECDSA_P256_SHA256_FIXED)
        }
        (Algorithm::Es384, Ec(key)) => {
            on_curve(key, EllipticCurve::P384, "P-384", 48, &signature::ECDSA_P384_SHA384_FIXED)
        }
        (Algorithm::Es512, Ec(key)) => {
            on_curve(key, EllipticCurve::P521, "P-521", 66, &signature::ECDSA_P521_SHA512_FIXED)
        }
        (_, Rsa(key)) => match algorithm.rsa() {
            Some(parameters) => rsa(parameters, &key.n, &key.e),
            None => Err(NO_FIT.into()),
        },
        (_, AlgorithmParameters::OctetKey(_)) => Err(SECRET.into()),
        _ => Err(NO_FIT.into()),
    }
}

fn parsed(
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: &[u8],
) -> Result<ParsedPublicKey, String> {
    ParsedPublicKey::new(algorithm, bytes).map_err(|_| NO_KEY.into())
}

/// Decodes a coordinate of this length in bytes (RFC 7518 section 6.2.1.2, RFC 8037 section 2).
fn coordinate(text: &str, length: usize) -> Result<Vec<u8>, String> {
    decode(text).filter(|bytes| bytes.len() == length).ok_or_else(|| NO_KEY.into())
}

fn rsa(algorithm: &'static RsaParameters, n: &str, e: &str) -> Result<ParsedPublicKey, String> {
    let number = |text: &str| decode(text).ok_or_else(|| NO_KEY.to_owned());
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

const NO_KEY: &str = "its numbers are not a valid key";
const NO_FIT: &str = "its `kty` does not fit its `alg`";
const SECRET: &str = "a shared secret is never taken from a URL";

fn unsupported(algorithm: &str, accepted: &Algorithms) -> String {
    format!("the algorithm {} is not accepted ({accepted} are)", printable(algorithm))
}

/// Says why an entry cannot be read at all, by its algorithm if it names one.
fn broken(entry: &Value, accepted: &Algorithms) -> String {
    match entry.get("alg").and_then(Value::as_str) {
        Some(name) if accepted.named(name).is_none() => unsupported(name, accepted),
        _ => "is not a JWK".into(),
    }
}

/// Names an entry in the log, whether or not it is a key.
pub(super) fn named(entry: &Value) -> String {
    entry.get("kid").and_then(Value::as_str).map_or("an entry without an id".into(), printable)
}

/// Shortens an issuer's text for the log and keeps it on one line.
fn printable(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
