//! Wycheproof's vectors of JSON Web Signature, Key and Crypto. They are read where
//! they lie: in the folder that `WYCHEPROOF_DIR` names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use auth_guard::testing::internal::{verify_jws, verify_jws_with_jwk};
use auth_guard::{Secret, SecretError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

const FILES: [&str; 3] = ["json_web_signature", "json_web_key", "json_web_crypto"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    public: Value,
    #[serde(default)]
    private: Value,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    tc_id: usize,
    comment: String,
    result: String,
    /// Text, or an object where it is in JSON serialization.
    #[serde(default)]
    jws: Value,
}

/// What can be done with a vector's key.
enum Key {
    Hs256(Vec<u8>),
    /// A JWK, which may turn out to be none that is used.
    Public(Value),
    /// Refused before any token comes.
    Weak,
    Unsupported,
}

/// One line of `exceptions.txt`.
struct Exception {
    vectors: BTreeSet<(&'static str, usize)>,
    outcome: String,
    reason: String,
}

#[test]
fn json_web_vectors_come_out_as_they_say_or_as_the_exceptions_say() {
    let folder = folder();
    let exceptions = exceptions(include_str!("exceptions.txt"));
    let (mut run, mut unexpected) = (BTreeMap::<&str, usize>::new(), Vec::new());
    let mut used = BTreeMap::<usize, usize>::new();

    for file in FILES {
        let path = folder.join(format!("{file}_test.json"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| fetch(&format!("{}: {error}", path.display())));
        let parsed: File = serde_json::from_str(&text).expect("a file of vectors");
        let total: usize = parsed.test_groups.iter().map(|group| group.tests.len()).sum();
        assert_eq!(total, parsed.number_of_tests, "{file}");

        for (group, vector) in parsed
            .test_groups
            .iter()
            .flat_map(|group| group.tests.iter().map(move |vector| (group, vector)))
        {
            let outcome = outcome(&Key::of(group), vector);
            let entry = (file, vector.tc_id);
            let exception =
                exceptions.iter().position(|exception| exception.vectors.contains(&entry));
            let expected = match exception {
                Some(index) => {
                    *used.entry(index).or_default() += 1;
                    &*exceptions[index].outcome
                }
                None if vector.result == "valid" => "accepted",
                None => "refused",
            };
            if outcome == expected {
                *run.entry(file).or_default() += usize::from(outcome != "unsupported");
            } else {
                let Vector { tc_id, comment, result, .. } = vector;
                unexpected.push(format!("{file} {tc_id} ({comment}, {result}): {outcome}"));
            }
            // What comes out as it says is no exception.
            let plain = if vector.result == "valid" { "accepted" } else { "refused" };
            assert!(exception.is_none() || expected != plain, "{file} {}", vector.tc_id);
        }
    }

    for (file, run) in &run {
        println!("{file}: {run} vectors run");
    }
    for (index, exception) in exceptions.iter().enumerate() {
        let count = used.get(&index).copied().unwrap_or_default();
        println!("  excepted: {count:3}  {}: {}", exception.outcome, exception.reason);
        assert_eq!(count, exception.vectors.len(), "exceptions without a vector");
    }
    let (run, excepted) = (run.values().sum::<usize>(), used.values().sum::<usize>());
    println!("Wycheproof's JSON web vectors: {run} run, {excepted} excepted or otherwise");
    assert!(unexpected.is_empty(), "unexpected:\n{}", unexpected.join("\n"));
}

/// `accepted`, `refused` or `unsupported`.
fn outcome(key: &Key, vector: &Vector) -> &'static str {
    let Some(token) = vector.jws.as_str().map(str::to_owned).or_else(|| {
        // JSON serialization.
        vector.jws.is_object().then(|| vector.jws.to_string())
    }) else {
        return "unsupported";
    };

    let payload = match key {
        Key::Unsupported => return "unsupported",
        Key::Weak => return "refused",
        Key::Hs256(key) => verify_jws(&token, key).ok(),
        Key::Public(jwk) => verify_jws_with_jwk(&token, jwk).ok(),
    };
    let Some(payload) = payload else { return "refused" };
    // What it gives is what was signed.
    let segment = token.split('.').nth(1).expect("three segments");
    assert_eq!(URL_SAFE_NO_PAD.encode(payload), segment);
    "accepted"
}

impl Key {
    /// The key of a group: a JWK, or a set of one.
    fn of(group: &Group) -> Self {
        let given = if group.public.is_null() { &group.private } else { &group.public };
        let jwk = match given["keys"].as_array().map(Vec::as_slice) {
            Some([one]) => one,
            Some(_) => return Self::Unsupported,
            None => given,
        };

        match (jwk["kty"].as_str(), jwk["alg"].as_str(), jwk["k"].as_str()) {
            (Some("oct"), Some("HS256"), Some(k)) => {
                let key = URL_SAFE_NO_PAD.decode(k).expect("base64url");
                match Secret::new(key.clone()) {
                    // Better Auth's secrets are text; those of the vectors need not be.
                    Ok(_) | Err(SecretError::NotUtf8) => Self::Hs256(key),
                    Err(_) => Self::Weak,
                }
            }
            (Some("EC" | "RSA" | "OKP"), Some("ES256" | "RS256" | "PS256" | "EdDSA"), _) => {
                Self::Public(jwk.clone())
            }
            _ => Self::Unsupported,
        }
    }
}

fn exceptions(text: &str) -> Vec<Exception> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let exceptions: Vec<Exception> = lines.map(exception).collect();
    let mut seen = BTreeSet::new();
    for vector in exceptions.iter().flat_map(|exception| &exception.vectors) {
        assert!(seen.insert(vector), "excepted twice: {vector:?}");
    }
    exceptions
}

fn exception(line: &str) -> Exception {
    let fields: Vec<_> = line.split(" · ").collect();
    let [file, ids, outcome, reason] = fields[..] else { panic!("four fields: {line}") };
    let file = FILES.into_iter().find(|known| *known == file).expect("a known file");
    assert!(["unsupported", "refused", "accepted"].contains(&outcome), "{line}");

    let number = |text: &str| text.parse::<usize>().expect("a tcId");
    let ids = ids.split(' ').flat_map(|ids| {
        let (first, last) = ids.split_once('-').unwrap_or((ids, ids));
        number(first)..=number(last)
    });
    let vectors = ids.map(|id| (file, id)).collect();
    Exception { vectors, outcome: outcome.into(), reason: reason.into() }
}

fn folder() -> PathBuf {
    let Some(folder) = std::env::var_os("WYCHEPROOF_DIR") else {
        fetch("WYCHEPROOF_DIR is not set")
    };
    // Tests run in their package's folder, and the variable was set in the
    // workspace's.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    if !folder.is_dir() {
        fetch(&format!("WYCHEPROOF_DIR is {}, and nothing is there", folder.display()));
    }
    folder
}

fn fetch(what_is_wrong: &str) -> ! {
    panic!(
        "{what_is_wrong}. Fetch Wycheproof's vectors with `git clone --depth 1 \
         https://github.com/C2SP/wycheproof`, and set WYCHEPROOF_DIR to its folder \
         `testvectors_v1`"
    )
}
