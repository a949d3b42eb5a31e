//! Public keys: which are used, and what happens while their issuer is away.

use std::time::{Duration, Instant};

use auth_guard::AuthGuard;
use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, RequestExt, verify_jws_with_jwk};
use auth_guard_tests::{Answer, SECRET, figment, get_as, launch, now, secret};
use rocket::local::blocking::Client;
use rocket::routes;
use serde_json::{Value, json};

pub(crate) const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256];

const ISSUER: &str = "https://auth.example";

#[auth_guard::user_scoped]
#[rocket::get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

/// A server of keys, and an application that gets its keys there.
struct Stage {
    server: JwksServer,
    clock: Clock,
    client: Client,
}

impl Stage {
    /// What the server does at launch is decided by `prepare`.
    fn set(prepare: impl FnOnce(&JwksServer)) -> Self {
        Self::with(json!({}), AuthGuard::fairing(), prepare)
    }

    fn with(settings: Value, guard: AuthGuard, prepare: impl FnOnce(&JwksServer)) -> Self {
        let (server, clock) = (JwksServer::start(), Clock::fixed(now()));
        prepare(&server);
        let mut table = json!({ "jwks_url": server.url(), "issuer": ISSUER, "audience": ISSUER });
        let settings = settings.as_object().expect("an object").clone();
        table.as_object_mut().expect("an object").extend(settings);
        let guard = guard.with_clock(clock.clone());
        let rocket = rocket::custom(figment(&table)).attach(guard);
        let client = launch(rocket.mount("/api", routes![list]));
        let stage = Self { server, clock, client };
        stage.settle();
        stage
    }

    /// Waits for the fetch that begins at launch.
    fn settle(&self) {
        let started = Instant::now();
        while self.server.fetches() == 0 {
            assert!(started.elapsed() < Duration::from_secs(10), "no fetch at launch");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn issuer(&self, algorithm: Algorithm, kid: &str) -> Issuer {
        issuer(algorithm, kid).with_clock(self.clock.clone())
    }

    fn get(&self, issuer: &Issuer) -> u16 {
        self.answer(&issuer.token("alice").sign()).status
    }

    fn answer(&self, token: &str) -> Answer {
        get_as(&self.client, "/api/alice/tasks", token)
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn issuer(algorithm: Algorithm, kid: &str) -> Issuer {
    let issuer = Issuer::with_key_pair(algorithm, kid).with_clock(Clock::fixed(now()));
    issuer.with_issuer(ISSUER).with_audience(ISSUER)
}

#[test]
fn rule_07_each_public_key_opens_its_owners_path_and_nobody_elses() {
    let issuers = ALGORITHMS.map(|algorithm| issuer(algorithm, &format!("{algorithm:?}")));
    let stage = Stage::set(|server| server.publish(&issuers.each_ref()));
    for issuer in &issuers {
        let token = issuer.token("alice");
        // The second time it is remembered.
        for _ in 0..2 {
            assert_eq!(stage.answer(&token.sign()).status, 200);
            let bobs = get_as(&stage.client, "/api/bob/tasks", token.sign());
            assert_eq!((bobs.status, bobs.code()), (403, "not_owner".into()));
        }
        assert_eq!(stage.answer(&token.tampered()).status, 401);
        assert_eq!(stage.answer(&token.clone().claim("iss", "https://other").sign()).status, 401);
        assert_eq!(stage.answer(&token.clone().without("aud").sign()).status, 401);
    }
    assert_eq!(stage.client.get("/api/alice/tasks").dispatch().status().code, 401);
    assert_eq!(stage.server.fetches(), 1);
}

#[test]
fn rule_07_a_token_never_chooses_how_it_is_verified() {
    let eddsa = issuer(Algorithm::EdDsa, "one");
    let es256 = issuer(Algorithm::Es256, "two");
    let rs256 = issuer(Algorithm::Rs256, "three");
    let guard = AuthGuard::fairing().with_secret(secret());
    let stage = Stage::with(json!({}), guard, |server| server.publish(&[&eddsa, &es256, &rs256]));
    let tricks = [
        // Another key's id, another key's algorithm.
        eddsa.token("alice").header("kid", "two").sign(),
        eddsa.token("alice").header("alg", "ES256").sign(),
        rs256.token("alice").header("alg", "PS256").sign(),
        rs256.token("alice").header("alg", "RS512").sign(),
        es256.token("alice").header("alg", "ES512").sign(),
        eddsa.token("alice").unsigned(),
        // The public key as the shared secret.
        hs256_with(rs256.jwk().expect("a key")["n"].as_str().expect("text").as_bytes()),
        hs256_with(rs256.jwk().expect("a key").to_string().as_bytes()),
    ];
    for token in &tricks {
        assert_eq!(stage.answer(token).status, 401, "{token}");
    }
    // Each token goes to the key its algorithm belongs to.
    let shared = Issuer::new(&secret()).with_clock(stage.clock.clone());
    let shared = shared.with_issuer(ISSUER).with_audience(ISSUER);
    for issuer in [&eddsa, &es256, &rs256, &shared] {
        assert_eq!(stage.get(issuer), 200);
    }
    // RFC 9864's name of the same algorithm.
    assert_eq!(stage.answer(&eddsa.token("alice").header("alg", "Ed25519").sign()).status, 200);
}

/// Signed with the bytes of a public key.
fn hs256_with(key: &[u8]) -> String {
    let key = [key, SECRET.as_bytes()].concat()[..key.len().max(32)].to_vec();
    let issuer = Issuer::new(&auth_guard::Secret::new(key).expect("long enough"));
    let issuer = issuer.with_clock(Clock::fixed(now())).with_issuer(ISSUER).with_audience(ISSUER);
    issuer.token("alice").sign()
}

#[test]
fn a_token_without_a_key_id_needs_a_key_that_is_alone() {
    let (one, other) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::Es256, "other"));
    let stage = Stage::set(|server| server.publish(&[&one, &other]));
    let header = json!({ "alg": "EdDSA" }).to_string();
    let unnamed = |issuer: &Issuer| {
        let token = issuer.token("alice").sign();
        let payload = token.split('.').nth(1).expect("a payload").to_owned();
        issuer.sign(&header, decoded(&payload))
    };
    assert_eq!(stage.answer(&unnamed(&one)).status, 200);

    let twin = issuer(Algorithm::EdDsa, "twin");
    let stage = Stage::set(|server| server.publish(&[&one, &twin]));
    assert_eq!(stage.answer(&unnamed(&one)).status, 401);
    assert_eq!(stage.get(&one), 200);
    assert_eq!(stage.get(&twin), 200);
    assert_eq!(stage.server.fetches(), 1, "no fetch would help");
}

fn decoded(segment: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(segment).expect("base64url")
}

#[test]
fn an_entry_that_cannot_be_used_never_spoils_the_set() {
    let good = issuer(Algorithm::Es256, "good");
    let encrypting = issuer(Algorithm::EdDsa, "ed");
    let ed = encrypting.jwk().expect("a key");
    let ec = issuer(Algorithm::Es256, "ec").jwk().expect("a key");
    let rsa = issuer(Algorithm::Rs256, "rsa").jwk().expect("a key");
    let with = |jwk: &Value, name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk
    };
    let without = |jwk: &Value, name: &str| {
        let mut jwk = jwk.clone();
        jwk.as_object_mut().expect("an object").remove(name);
        jwk
    };
    let unusable = [
        with(&ed, "use", json!("enc")),
        with(&ed, "key_ops", json!(["sign"])),
        with(&ed, "alg", json!("ES256")),
        with(&ed, "alg", json!("HS256")),
        with(&ed, "alg", json!(5)),
        with(&ed, "x", json!("AAAA")),
        with(&ec, "crv", json!("P-521")),
        with(&ec, "alg", json!("ES512")),
        with(&ec, "y", ec["x"].clone()),
        without(&ec, "y"),
        without(&rsa, "alg"),
        with(&rsa, "n", json!(rsa["n"].as_str().expect("text")[..172])),
        with(&rsa, "e", json!("AQ")),
        with(&rsa, "e", json!("")),
        with(&rsa, "alg", json!("RSA-OAEP")),
        json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "shared" }),
        json!({ "kty": "AKP", "kid": "future" }),
        json!({}),
        json!(null),
        json!("key"),
    ];
    for jwk in &unusable {
        assert_eq!(verify_jws_with_jwk("a.b.c", jwk), Err(None), "{jwk}");
    }
    for jwk in [&ed, &ec, &rsa, &without(&ed, "alg"), &without(&ec, "alg")] {
        assert_ne!(verify_jws_with_jwk("a.b.c", jwk), Err(None), "{jwk}");
    }

    let mut keys = unusable.to_vec();
    keys.push(good.jwk().expect("a key"));
    let stage = Stage::set(|server| server.answer("200 OK", json!({ "keys": keys }).to_string()));
    assert_eq!(stage.get(&good), 200);
    assert_eq!(stage.get(&encrypting), 401);
}

#[test]
fn without_any_key_it_is_503_and_comes_back_by_itself() {
    let one = issuer(Algorithm::EdDsa, "one");
    let stage = Stage::with(json!({ "jwks_cooldown": 7 }), AuthGuard::fairing(), |_| {});
    let refused = stage.answer(&one.token("alice").sign());
    assert_eq!((refused.status, refused.code()), (503, "keys_unavailable".into()));
    assert_eq!(refused.retry_after.as_deref(), Some("7"));
    assert_eq!(refused.challenges, Vec::<String>::new());
    // What is wrong whatever the keys are is said all the same.
    assert_eq!(stage.answer("x").status, 401);
    assert_eq!(stage.answer(&one.token("alice").unsigned()).status, 401);

    stage.server.publish(&[&one]);
    let before = stage.server.fetches();
    assert_eq!(stage.get(&one), 503, "within the cooldown");
    assert_eq!(stage.server.fetches(), before);
    stage.advance(7);
    assert_eq!(stage.get(&stage.issuer(Algorithm::EdDsa, "one")), 401, "another key of that id");
    assert_eq!(stage.get(&one), 200);
}

#[test]
fn a_misbehaving_issuer_leaves_the_known_keys_in_use() {
    let (one, two) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::EdDsa, "two"));
    let stage = Stage::set(|server| server.publish(&[&one]));
    assert_eq!(stage.get(&one), 200);

    let elsewhere = JwksServer::start();
    elsewhere.publish(&[&two]);
    let many: Vec<_> = (0..101).map(|n| json!({ "kty": "OKP", "kid": n.to_string() })).collect();
    let redirect = format!("302 Found\nLocation: {}", elsewhere.url());
    let answers = [
        ("404 Not Found", Vec::new()),
        ("500 Internal Server Error", Vec::new()),
        ("200 OK", b"<html></html>".to_vec()),
        ("200 OK", b"{\"keys\":[]}".to_vec()),
        ("200 OK", b"{\"keys\":[{\"kty\":\"oct\"}]}".to_vec()),
        ("200 OK", b"{".to_vec()),
        ("200 OK", b"[]".to_vec()),
        ("200 OK", Vec::new()),
        ("200 OK", vec![0xff; 100]),
        ("200 OK", vec![b' '; 257 * 1024]),
        ("200 OK", json!({ "keys": many }).to_string().into_bytes()),
        (&*redirect, Vec::new()),
    ];
    for (status, body) in answers {
        stage.advance(30);
        stage.server.answer(status, body);
        let before = stage.server.fetches();
        assert_eq!(stage.get(&two), 503, "{status}: it may well be a new key");
        assert_eq!(stage.server.fetches(), before + 1, "{status}");
        assert_eq!(stage.get(&one), 200, "{status}");
    }
    assert_eq!(elsewhere.fetches(), 0, "another origin is never asked");

    stage.advance(30);
    stage.server.publish(&[&one]);
    assert_eq!(stage.get(&two), 401, "the issuer has answered: there is no such key");
    stage.advance(30);
    stage.server.publish(&[&one, &two]);
    assert_eq!((stage.get(&two), stage.get(&one)), (200, 200));
}

#[test]
fn a_known_key_never_waits_for_a_fetch() {
    let one = issuer(Algorithm::EdDsa, "one");
    let server = JwksServer::start();
    server.publish(&[&one]);
    let table = json!({ "jwks_url": server.url(), "issuer": ISSUER, "audience": ISSUER });
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let rocket = rocket::custom(figment(&table)).attach(guard).mount("/api", routes![list]);

    rocket::async_test(async move {
        let client =
            rocket::local::asynchronous::Client::untracked(rocket).await.expect("launches");
        let client = &client;
        let status = |token: String| async move {
            client.get("/api/alice/tasks").bearer(token).dispatch().await.status().code
        };
        assert_eq!(status(one.token("alice").sign()).await, 200);

        // An unknown key has it fetched again, and the issuer hangs.
        server.delay(Duration::from_secs(60));
        let unknown = status(one.token("alice").header("kid", "unknown").sign());
        let known = async {
            while server.fetches() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let started = Instant::now();
            for n in 0..50 {
                assert_eq!(status(one.token("alice").claim("n", n).sign()).await, 200);
            }
            started.elapsed()
        };
        let (asked, (unknown, known)) = (Instant::now(), tokio::join!(unknown, known));
        // The fetch hangs for its whole timeout, and the unknown key with it.
        assert!(asked.elapsed() > known + Duration::from_secs(1), "answered before it was over");
        assert_eq!(unknown, 503);
        assert!(asked.elapsed() < Duration::from_secs(20), "nobody waits longer than the timeout");
    });
}

#[test]
fn a_flood_of_unknown_keys_is_one_fetch_in_a_cooldown() {
    let (one, two) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::EdDsa, "two"));
    let stage = Stage::set(|server| server.publish(&[&one]));
    assert_eq!(stage.get(&one), 200);
    let before = stage.server.fetches();
    let flood = |range: std::ops::Range<u32>| {
        for n in range {
            let token = format!("{}.e30.AA", header(&format!("unknown {n}")));
            assert_eq!(stage.answer(&token).status, 401);
        }
    };

    flood(0..1);
    // The rest of it, while the issuer rotates.
    stage.server.publish(&[&one, &two]);
    flood(1..10_000);
    assert_eq!(stage.server.fetches(), before + 1, "within one cooldown");
    assert_eq!((stage.get(&one), stage.get(&two)), (200, 401));
    stage.advance(30);
    flood(10_000..10_001);
    assert_eq!(stage.get(&two), 200, "starved no longer than a cooldown");
    assert_eq!(stage.server.fetches(), before + 2);
}

fn header(kid: &str) -> String {
    use base64::Engine;
    let json = json!({ "alg": "EdDSA", "kid": kid }).to_string();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
}

#[test]
fn a_key_that_is_gone_verifies_nothing_more_and_nothing_remembered_counts() {
    let (one, two) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::EdDsa, "two"));
    let stage = Stage::set(|server| server.publish(&[&one]));
    let token = one.token("alice").sign();
    assert_eq!((stage.answer(&token).status, stage.answer(&token).status), (200, 200));

    stage.server.publish(&[&two]);
    assert_eq!(stage.get(&two), 200);
    assert_eq!(stage.answer(&token).status, 401);
}

#[test]
fn the_times_of_a_remembered_token_are_checked_on_every_request() {
    let one = issuer(Algorithm::EdDsa, "one");
    let stage = Stage::set(|server| server.publish(&[&one]));
    let token = one.token("alice").sign();
    assert_eq!(stage.answer(&token).status, 200);
    stage.advance(904);
    assert_eq!(stage.answer(&token).status, 200);
    stage.advance(1);
    let expired = stage.answer(&token);
    assert_eq!((expired.status, expired.code()), (401, "token_expired".into()));
}

#[test]
fn keys_are_fetched_ahead_of_their_age_and_dropped_when_too_stale() {
    let one = issuer(Algorithm::EdDsa, "one");
    let stage = Stage::set(|server| server.publish(&[&one]));
    let lives = |stage: &Stage| stage.get(&stage_issuer(stage, &one));
    assert_eq!(lives(&stage), 200);
    stage.advance(400);
    assert_eq!((lives(&stage), stage.server.fetches()), (200, 1), "nothing is polled");

    // Somebody asks, and the keys are fetched in the background.
    stage.advance(100);
    assert_eq!(lives(&stage), 200);
    let started = Instant::now();
    while stage.server.fetches() < 2 {
        assert!(started.elapsed() < Duration::from_secs(5), "not fetched again");
        std::thread::sleep(Duration::from_millis(5));
    }

    // The issuer is away: known keys live on, until they are too old.
    stage.server.fail();
    stage.advance(86_000);
    assert_eq!(lives(&stage), 200);
    stage.advance(400);
    assert_eq!(lives(&stage), 503);
}

/// The same key, with the clock of the stage.
fn stage_issuer(stage: &Stage, issuer: &Issuer) -> Issuer {
    issuer.clone().with_clock(stage.clock.clone())
}

#[test]
fn nothing_need_be_remembered() {
    let one = issuer(Algorithm::EdDsa, "one");
    let none = json!({ "memo_capacity": 0 });
    let stage = Stage::with(none, AuthGuard::fairing(), |server| server.publish(&[&one]));
    let token = one.token("alice").sign();
    assert_eq!((stage.answer(&token).status, stage.answer(&token).status), (200, 200));
}
