//! Which entries of a JWK Set are keys, and what is said of the others.

use auth_guard::testing::internal::key_set;
use auth_guard::testing::{Algorithm, Issuer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const ALL: &str = "EdDSA, ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512";

/// Reads a set of these entries: the number of keys, and what is said of the other entries.
fn read(entries: &[Value], algorithms: &[&str]) -> Result<(usize, Vec<String>), String> {
    let algorithms: Vec<_> = algorithms.iter().map(|name| (*name).to_owned()).collect();
    key_set(json!({ "keys": entries }).to_string().as_bytes(), &algorithms)
}

fn jwk(algorithm: Algorithm) -> Value {
    Issuer::with_key_pair(algorithm, "one").jwk().expect("a key")
}

/// A key that does not name its algorithm.
fn unnamed(algorithm: Algorithm) -> Value {
    let mut jwk = jwk(algorithm);
    jwk.as_object_mut().expect("an object").remove("alg");
    jwk
}

#[test]
fn rule_07_the_type_and_the_curve_of_a_key_name_its_algorithm() {
    let names = ["EdDSA", "ES256", "ES384", "ES512"];
    let algorithms = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512];
    for (algorithm, name) in algorithms.into_iter().zip(names) {
        let key = unnamed(algorithm);
        assert_eq!(read(std::slice::from_ref(&key), &[]), Ok((1, vec![])), "{name}");
        assert_eq!(read(std::slice::from_ref(&key), &[name]), Ok((1, vec![])), "{name}");
        for other in names.into_iter().filter(|other| *other != name) {
            let why = format!(
                "has no usable key (one: the algorithm {name} is not accepted ({other} are))"
            );
            assert_eq!(read(std::slice::from_ref(&key), &[other]), Err(why));
        }
    }
}

#[test]
fn an_entry_that_is_not_used_is_named_with_the_reason() {
    let good = jwk(Algorithm::EdDsa);
    let with = |name: &str, value: Value| {
        let mut jwk = jwk(Algorithm::EdDsa);
        jwk["kid"] = json!("two");
        jwk[name] = value;
        jwk
    };
    let oct = |alg: Option<&str>| {
        let mut jwk = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "two" });
        alg.into_iter().for_each(|alg| jwk["alg"] = json!(alg));
        jwk
    };
    let numbered = |alg: &str| json!({ "kty": "OKP", "kid": 2, "alg": alg });
    for (entry, why) in [
        (with("use", json!("enc")), "two: is not for verifying signatures"),
        (with("key_ops", json!(["sign"])), "two: is not for verifying signatures"),
        (with("alg", json!(5)), "two: is not a JWK"),
        (with("alg", json!(null)), "two: its `alg` is not a string"),
        (with("alg", json!("ES256")), "two: its `kty` does not fit its `alg`"),
        (with("x", json!("AAAA")), "two: its numbers are not a valid key"),
        (with("crv", json!("P-256")), "two: its curve must be Ed25519"),
        (with("kid", json!("one")), "one (EdDSA): another key has the same id"),
        (oct(None), "two: a shared secret is never taken from a URL"),
        (oct(Some("EdDSA")), "two: a shared secret is never taken from a URL"),
        (json!({ "kty": "AKP", "kid": "two" }), "two: its `kty` is not supported"),
        (
            json!({ "kty": "AKP", "kid": "two", "alg": "EdDSA" }),
            "two: its `kty` does not fit its `alg`",
        ),
        (json!({}), "an entry without an id: its `kty` is not supported"),
        (json!("key"), "an entry without an id: is not a JWK"),
        (numbered("ES256"), "an entry without an id: is not a JWK"),
        (
            numbered("none"),
            &*format!("an entry without an id: the algorithm none is not accepted ({ALL} are)"),
        ),
    ] {
        assert_eq!(read(&[good.clone(), entry.clone()], &[]), Ok((1, vec![why.to_owned()])));
        // By itself, it is the reason why the set is of no use.
        if entry["kid"] != "one" {
            assert_eq!(read(&[entry], &[]), Err(format!("has no usable key ({why})")));
        }
    }
}

#[test]
fn rule_07_an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent_above_one() {
    let with = |first: &[u8], rest: usize, e: &[u8]| {
        let n = [first, &vec![0xff; rest]].concat();
        let [n, e] = [&n[..], e].map(|number| URL_SAFE_NO_PAD.encode(number));
        let jwk = json!({ "kty": "RSA", "alg": "RS256", "kid": "one", "n": n, "e": e });
        read(&[jwk], &[])
    };
    let refused = |why: &str| Err(format!("has no usable key (one: {why})"));
    let usual = &[1, 0, 1][..];
    for (first, rest, bits) in [
        (&[0x7f][..], 255, 2047),
        (&[0, 0x7f], 255, 2047),
        (&[0, 0, 1], 127, 1017),
        (&[1], 1024, 8193),
        (&[0, 1], 1024, 8193),
        (&[0, 0], 0, 0),
    ] {
        let why = format!("an RSA key must have 2048 to 8192 bits, and it has {bits}");
        assert_eq!(with(first, rest, usual), refused(&why));
    }
    for (first, rest) in [(&[0xff][..], 255), (&[0, 0, 0xff], 255), (&[0xff], 1023), (&[0], 1024)] {
        assert_eq!(with(first, rest, usual), Ok((1, vec![])), "{first:?} {rest}");
    }
    for e in [&[3][..], &[0, 3], &[1, 0, 1]] {
        assert_eq!(with(&[0xff], 255, e), Ok((1, vec![])), "{e:?}");
    }
    for e in [&[][..], &[0], &[1], &[0, 1], &[2], &[1, 0, 0]] {
        assert_eq!(with(&[0xff], 255, e), refused("its numbers are not a valid key"), "{e:?}");
    }
}

#[test]
fn a_set_has_at_most_100_entries() {
    let usual = jwk(Algorithm::EdDsa);
    assert_eq!(read(&vec![usual.clone(); 100], &[]), Ok((1, vec![])));
    for length in [101, 102, 200] {
        assert_eq!(read(&vec![usual.clone(); length], &[]), Err("has more than 100 keys".into()));
    }
}
