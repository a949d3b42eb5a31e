//! What a memo keeps, and whom it evicts.

use std::time::SystemTime;

use serde_json::json;

use super::*;
use crate::keys::public::algorithm::{Algorithm, Algorithms};
use crate::keys::public::set::KeySet;
use crate::token::profile::Profile;

/// RFC 8037 appendix A.2.
fn key() -> Arc<PublicKey> {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x }] }).to_string();
    let read = KeySet::read(set.as_bytes(), &Algorithms::of(&[])).expect("a set");
    read.keys.select(Algorithm::EdDsa, None).expect("a key").clone()
}

fn claims(uid: &str) -> Claims {
    let uid_claim = "uid".into();
    let profile = Profile { uid_claim, max_lifetime: 100, ..Profile::default() };
    let payload = json!({ "uid": uid, "exp": 50 }).to_string();
    profile.check(payload.as_bytes(), SystemTime::UNIX_EPOCH).expect("valid claims")
}

/// Makes the text of a token. The memo does not look inside.
fn token(n: usize, length: usize) -> String {
    format!("{}{n:032}", "x".repeat(length))
}

#[test]
fn nobody_evicts_everybody() {
    let (memo, key) = (Memo::new(1_000).expect("a memo"), key());
    for user in 0..200 {
        memo.insert(&token(user, 300), 0, key.clone(), &claims(&format!("user {user}")));
    }
    let kept = || (0..200).filter(|user| memo.get(&token(*user, 300), 0).is_some()).count();
    let before = kept();
    assert!(before > 190, "{before}");

    let mallory = claims("mallory");
    for n in 1_000..51_000 {
        memo.insert(&token(n, 300), 0, key.clone(), &mallory);
    }
    assert!(kept() + OF_ONE_USER >= before, "{before}, and now {}", kept());
    let own = (1_000..51_000).filter(|n| memo.get(&token(*n, 300), 0).is_some()).count();
    assert_eq!(own, OF_ONE_USER);
}

#[test]
fn with_room_for_twice_as_many_everybody_is_remembered() {
    let (memo, key) = (Memo::new(20_000).expect("a memo"), key());
    for user in 0..10_000 {
        memo.insert(&token(user, 300), 0, key.clone(), &claims(&format!("user {user}")));
    }
    let kept = (0..10_000).filter(|user| memo.get(&token(*user, 300), 0).is_some()).count();
    assert_eq!(kept, 10_000);
}

#[test]
fn the_memo_is_bounded_in_bytes() {
    let (memo, key) = (Memo::new(320).expect("a memo"), key());
    for n in 0..2_000 {
        memo.insert(&token(n, 8_000), 0, key.clone(), &claims(&format!("user {n}")));
    }
    // What is evicted from one lane is evicted from all.
    for lane in &memo.lanes {
        let shards = lane.iter().map(|shard| shard.read().expect("no panic"));
        let bytes: usize =
            shards.map(|shard| shard.values().map(|of| of.weight()).sum::<usize>()).sum();
        assert!(bytes > 0 && bytes <= 320 * BYTES_PER_TOKEN, "{bytes}");
    }
    const { assert!(10_000 * BYTES_PER_TOKEN < 16 * 1024 * 1024) };
}

#[test]
fn what_is_larger_than_a_bucket_is_not_remembered() {
    let (memo, key) = (Memo::new(1).expect("a memo"), key());
    let largest = (BYTES_PER_TOKEN - OVERHEAD) / 2 - 32;
    let (fits, does_not) = (token(1, largest), token(2, largest + 1));
    memo.insert(&fits, 0, key.clone(), &claims("alice"));
    memo.insert(&does_not, 0, key, &claims("alice"));
    assert!(memo.get(&fits, 0).is_some() && memo.get(&does_not, 0).is_none());
}

#[test]
fn the_whole_token_is_compared() {
    let (memo, key) = (Memo::new(16).expect("a memo"), key());
    memo.insert(&token(1, 300), 0, key, &claims("alice"));
    assert!(memo.get(&token(1, 300), 0).is_some());
    assert!(memo.get(&token(1, 301), 0).is_none(), "the same end, another beginning");
}

#[test]
fn rule_22_what_is_remembered_for_one_issuer_is_not_recalled_for_another() {
    let (memo, key) = (Memo::new(16).expect("a memo"), key());
    memo.insert(&token(1, 300), 1, key, &claims("alice"));
    assert_eq!(memo.issuer_of(&token(1, 300)), Some(1));
    assert!(memo.get(&token(1, 300), 1).is_some());
    assert!(memo.get(&token(1, 300), 0).is_none() && memo.get(&token(1, 300), 2).is_none());
    assert_eq!(memo.issuer_of(&token(2, 300)), None);
}
