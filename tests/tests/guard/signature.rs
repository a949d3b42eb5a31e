//! Rules 7 to 9: key and signature.

use auth_guard::Secret;
use auth_guard_tests::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

#[test]
fn a_token_that_another_library_signs_is_accepted() {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let claims = json!({ "uid": "alice", "sub": "alice", "exp": NOW + 900 });
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key);
    assert_eq!(alice_with(&client(), token.expect("a token")), accepted());
}

#[test]
fn rule_07_the_secret_verifies_hs256_and_nothing_else() {
    for algorithm in [jsonwebtoken::Algorithm::HS384, jsonwebtoken::Algorithm::HS512] {
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let claims = json!({ "uid": "alice", "sub": "alice", "exp": NOW + 900 });
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), &claims, &key);
        assert_eq!(alice_with(&client(), token.expect("a token")), invalid());
    }
}

#[test]
fn rule_08_only_the_secret_itself_signs() {
    let client = client();
    let token = issuer().token("alice");
    assert_eq!(alice_with(&client, token.sign()), accepted());
    assert_eq!(alice_with(&client, token.clone().signed_with(&Secret::random()).sign()), invalid());
    for near in [format!("{SECRET} "), format!(" {SECRET}"), SECRET.to_uppercase()] {
        let near = Secret::new(near).expect("a valid secret");
        assert_eq!(alice_with(&client, token.clone().signed_with(&near).sign()), invalid());
    }
}

#[test]
fn rule_08_every_bit_of_the_signature_counts() {
    let client = client();
    let token = issuer().token("alice").sign();
    let (input, signature) = token.rsplit_once('.').expect("three segments");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let send = |signature: &[u8]| {
        alice_with(&client, format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    };

    assert_eq!(send(&signature), accepted());
    for bit in 0..256 {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(send(&flipped), invalid(), "bit {bit}");
    }
    for wrong in [&signature[..31], &signature[..16], &[], &[&signature[..], &[0]].concat()] {
        assert_eq!(send(wrong), invalid());
    }
}

#[test]
fn rule_09_the_signature_covers_header_and_payload() {
    let mine = issuer().token("mallory").sign();
    let alices = issuer().token("alice").sign();
    let [mine, alices] = [&mine, &alices].map(|token| token.split('.').collect::<Vec<_>>());
    let forged = format!("{}.{}.{}", mine[0], alices[1], mine[2]);
    assert_eq!(alice_with(&client(), forged), invalid());
}

#[test]
fn rule_09_no_claim_is_looked_at_before_the_signature() {
    // Only a token that the issuer signed is reported as expired.
    let expired = issuer().token("alice").expired();
    assert_eq!(alice_with(&client(), expired.sign()), (401, "token_expired".into()));
    let forged = expired.signed_with(&Secret::random());
    assert_eq!(alice_with(&client(), forged.sign()), invalid());
}
