//! Better Auth as it is by default: public keys, and nothing shared.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::servers::{ExampleApp, Issuer, User, free_port};
use super::tamper;

const JWKS: (&str, &str) = ("ISSUER_MODE", "jwks");

fn list(app: &ExampleApp, owner: &User, token: Option<&str>) -> u16 {
    app.call("GET", &format!("/api/{}/tasks", owner.id), token, Value::Null).0
}

/// The key id in a token's header, as it is encoded there with the algorithm.
fn header(token: &str) -> &str {
    token.split('.').next().expect("a header")
}

#[test]
fn each_algorithm_opens_its_owners_path_and_the_issuer_may_be_away() {
    for algorithm in ["EdDSA", "ES256", "RS256", "PS256"] {
        let issuer = Issuer::start(&[JWKS, ("ISSUER_JWKS_ALG", algorithm)]);
        let app = ExampleApp::start(&[("BETTER_AUTH_URL", &issuer.url)]);
        let (alice, bob) = (issuer.sign_up("alice"), issuer.sign_up("bob"));
        let (token, again) = (issuer.token(&alice), issuer.token(&alice));
        assert_eq!(list(&app, &alice, Some(&token)), 200, "{algorithm}");
        assert_eq!(list(&app, &bob, Some(&token)), 403, "{algorithm}");
        assert_eq!(list(&app, &alice, Some(&tamper(&token))), 401, "{algorithm}");
        assert_eq!(list(&app, &alice, None), 401, "{algorithm}");

        drop(issuer);
        // One that is remembered, and one that was never seen.
        assert_eq!(list(&app, &alice, Some(&token)), 200, "{algorithm}");
        assert_eq!(list(&app, &alice, Some(&again)), 200, "{algorithm}");
    }
}

#[test]
fn a_cold_start_without_the_issuer_comes_right_by_itself() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let app = ExampleApp::start(&[("BETTER_AUTH_URL", &url), ("AUTH_GUARD_JWKS_COOLDOWN", "1")]);
    let elsewhere = Issuer::start(&[JWKS]);
    let stranger = elsewhere.sign_up("stranger");
    assert_eq!(list(&app, &stranger, Some(&elsewhere.token(&stranger))), 503);

    let issuer = Issuer::start_at(port, &[JWKS]);
    let alice = issuer.sign_up("alice");
    let token = issuer.token(&alice);
    let started = Instant::now();
    while list(&app, &alice, Some(&token)) != 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "it did not come right");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_rotation_is_met_without_a_restart_and_the_old_token_lives_on() {
    let issuer = Issuer::start(&[JWKS, ("ISSUER_VARIANT", "rotating")]);
    let app =
        ExampleApp::start(&[("BETTER_AUTH_URL", &issuer.url), ("AUTH_GUARD_JWKS_COOLDOWN", "1")]);
    let alice = issuer.sign_up("alice");
    let old = issuer.token(&alice);
    assert_eq!(list(&app, &alice, Some(&old)), 200);

    std::thread::sleep(Duration::from_millis(2_100));
    let new = issuer.token(&alice);
    assert_ne!(header(&old), header(&new), "the issuer has rotated");
    assert_eq!(list(&app, &alice, Some(&new)), 200);
    assert_eq!(list(&app, &alice, Some(&old)), 200);
}

#[test]
fn eight_tokens_minted_in_parallel_all_work() {
    let issuer = Issuer::start(&[JWKS]);
    let app = ExampleApp::start(&[("BETTER_AUTH_URL", &issuer.url)]);
    let mint = |n: usize| {
        let user = issuer.sign_up(&format!("user{n}"));
        let token = issuer.token(&user);
        (user, token)
    };
    let minted: Vec<_> = std::thread::scope(|scope| {
        let mint = &mint;
        let minting: Vec<_> = (0..8).map(|n| scope.spawn(move || mint(n))).collect();
        minting.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let keys: BTreeSet<_> = minted.iter().map(|(_, token)| header(token)).collect();
    println!("eight tokens minted in parallel: {} keys", keys.len());
    for (user, token) in &minted {
        assert_eq!(list(&app, user, Some(token)), 200);
    }
}
