//! Better Auth in its default configuration: public keys and no shared secret.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use auth_guard_tests::server::{Connection, request};
use serde_json::Value;

use super::servers::{ExampleApp, Issuer, User, lasting_port};
use super::tamper;

const JWKS: (&str, &str) = ("ISSUER_MODE", "jwks");

fn list(app: &ExampleApp, owner: &User, token: Option<&str>) -> u16 {
    app.call("GET", &format!("/api/{}/tasks", owner.id), token, Value::Null).0
}

/// Returns the encoded header of a token, which contains the key id and the algorithm.
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
        // One memoized token, and one new token.
        assert_eq!(list(&app, &alice, Some(&token)), 200, "{algorithm}");
        assert_eq!(list(&app, &alice, Some(&again)), 200, "{algorithm}");
    }
}

#[test]
fn a_cold_start_without_the_issuer_recovers_by_itself() {
    let port = lasting_port();
    let url = format!("http://127.0.0.1:{port}");
    let app = ExampleApp::start(&[("BETTER_AUTH_URL", &url), ("AUTH_GUARD_JWKS_COOLDOWN", "1")]);
    let elsewhere = Issuer::start(&[JWKS]);
    let stranger = elsewhere.sign_up("stranger");
    let mut connection = Connection::open(app.address());
    let line = format!("Authorization: Bearer {}\r\n", elsewhere.token(&stranger));
    connection.write(&request("GET", &format!("/api/{}/tasks", stranger.id), &line, ""));
    let reply = connection.read("GET");
    assert_eq!((reply.status, &*reply.code()), (503, "keys_unavailable"));
    assert!(reply.fields.contains(&"retry-after: 1".to_owned()), "{:?}", reply.fields);

    let issuer = Issuer::start_at(port, &[JWKS]);
    let alice = issuer.sign_up("alice");
    let token = issuer.token(&alice);
    let started = Instant::now();
    while list(&app, &alice, Some(&token)) != 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "no recovery within 20 s");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_rotation_needs_no_restart_and_the_old_token_stays_valid() {
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

/// Eight simultaneous first requests find no key, so each creates one. A first fetch of the
/// keys would create one, too, so the application starts after them.
#[test]
fn eight_keys_minted_in_parallel_all_work() {
    let tries = std::iter::repeat_with(mint_in_parallel).take(5);
    let mut minted = tries.filter(|(_, users)| {
        let keys: BTreeSet<_> = users.iter().map(|(_, token)| header(token)).collect();
        println!("eight tokens minted in parallel: {} keys", keys.len());
        keys.len() == users.len()
    });
    let (issuer, users) = minted.next().expect("a key for each");

    let app = ExampleApp::start(&[("BETTER_AUTH_URL", &issuer.url)]);
    for (user, token) in &users {
        assert_eq!(list(&app, user, Some(token)), 200);
    }
}

fn mint_in_parallel() -> (Issuer, Vec<(User, String)>) {
    // RSA keys take long enough to generate, if Node generates that many at a time.
    let settings = [JWKS, ("ISSUER_JWKS_ALG", "RS256"), ("UV_THREADPOOL_SIZE", "16")];
    let issuer = Issuer::start(&settings);
    let users: Vec<_> = (0..8).map(|n| issuer.sign_up(&format!("user{n}"))).collect();
    let users = std::thread::scope(|scope| {
        let mint = |user: User| {
            let token = issuer.token(&user);
            (user, token)
        };
        let minting: Vec<_> =
            users.into_iter().map(|user| scope.spawn(move || mint(user))).collect();
        minting.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    (issuer, users)
}
