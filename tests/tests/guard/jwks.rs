//! Public keys: which are used, when they are fetched, and what happens while their issuer is
//! away.

use std::time::{Duration, Instant};

use auth_guard::testing::internal::verify_jws_with_jwk;
use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, RequestExt};
use auth_guard::{AuthError, AuthGuard, Verifier};
use auth_guard_tests::{Answer, SECRET, figment, get_as, launch, now, secret};
use rocket::local::blocking::Client;
use rocket::{futures, routes};
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
        let mut table = table(server.url());
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

/// Returns the least that has to be set with keys from `url`.
fn table(url: impl Into<Value>) -> Value {
    json!({
        "jwks_url": url.into(), "issuer": ISSUER, "audience": ISSUER, "required_claims": ["iat"],
    })
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
    // The first may still wait for the fetch of the launch.
    for _ in 0..2 {
        let refused = stage.answer(&one.token("alice").sign());
        assert_eq!((refused.status, refused.code()), (503, "keys_unavailable".into()));
        assert_eq!(refused.retry_after.as_deref(), Some("7"));
        assert_eq!(refused.challenges, Vec::<String>::new());
    }
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
fn what_is_left_of_a_cooldown_is_said_in_whole_seconds_rounded_up() {
    let one = issuer(Algorithm::EdDsa, "one");
    let stage = Stage::with(json!({ "jwks_cooldown": 30 }), AuthGuard::fairing(), |_| {});
    let retry_after = || stage.answer(&one.token("alice").sign()).retry_after;
    // The first may still wait for the fetch of the launch, the second asks for one.
    assert_eq!((retry_after(), retry_after()), (Some("30".into()), Some("30".into())));
    for (milliseconds, seconds) in [(1, "30"), (499, "30"), (500, "29"), (9_999, "20")] {
        stage.clock.advance(Duration::from_millis(milliseconds));
        assert_eq!(retry_after().as_deref(), Some(seconds), "{milliseconds}");
    }
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
fn an_answer_has_at_most_256_kib() {
    let one = issuer(Algorithm::EdDsa, "one");
    let set = json!({ "keys": [one.jwk().expect("a key")] }).to_string();
    for (length, status) in [(256 * 1024, 200), (256 * 1024 + 1, 503), (400 * 1024, 503)] {
        let answer = set.clone() + &" ".repeat(length - set.len());
        let stage = Stage::set(|server| server.answer("200 OK", answer));
        assert_eq!(stage.get(&one), status, "{length}");
    }
}

#[test]
fn five_redirects_are_followed_and_no_more() {
    let (one, two) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::EdDsa, "two"));
    let stage = Stage::set(|server| server.publish(&[&one]));
    assert_eq!(stage.get(&one), 200, "the fetch of the launch has ended");
    let redirect = format!("302 Found\nLocation: {}", stage.server.url());
    stage.server.answer(&redirect, "");
    let before = stage.server.fetches();
    stage.advance(30);
    assert_eq!(stage.get(&two), 503);
    assert_eq!(stage.server.fetches(), before + 1 + 5);
}

#[test]
fn a_known_key_never_waits_for_a_fetch() {
    let one = issuer(Algorithm::EdDsa, "one");
    let server = JwksServer::start();
    server.publish(&[&one]);
    let table = table(server.url());
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
    let long = json!({ "jwks_cooldown": 30 });
    let stage = Stage::with(long, AuthGuard::fairing(), |server| server.publish(&[&one]));
    assert_eq!(stage.get(&one), 200);
    let before = stage.server.fetches();
    let flood = |range: std::ops::Range<u32>, status| {
        for n in range {
            assert_eq!(stage.answer(&garbage(n)).status, status);
        }
    };

    flood(0..1, 401);
    // The rest of it, while the issuer rotates: too early to ask again, so none is called
    // invalid.
    stage.server.publish(&[&one, &two]);
    flood(1..10_000, 503);
    assert_eq!(stage.server.fetches(), before + 1, "within one cooldown");
    assert_eq!((stage.get(&one), stage.get(&two)), (200, 503));
    stage.advance(30);
    flood(10_000..10_001, 401);
    assert_eq!(stage.get(&two), 200, "starved no longer than a cooldown");
    assert_eq!(stage.server.fetches(), before + 2);
}

/// A token that nobody signed, with a key id of its own.
fn garbage(n: u32) -> String {
    format!("{}.e30.AA", header(&format!("unknown {n}")))
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
    stage.advance(5);
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

/// Asks again until it is so.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A verifier without an application, and a clock for it.
fn verifier(server: &JwksServer, settings: Value) -> (Verifier, Clock) {
    let clock = Clock::fixed(now());
    let mut table = table(server.url());
    let settings = settings.as_object().expect("an object").clone();
    table.as_object_mut().expect("an object").extend(settings);
    let guard = AuthGuard::fairing().with_clock(clock.clone());
    (guard.verifier(&figment(&table)).expect("a valid configuration"), clock)
}

fn verifies(verifier: &Verifier, clock: &Clock, issuer: &Issuer) -> Result<(), AuthError> {
    let token = issuer.clone().with_clock(clock.clone()).token("alice").sign();
    verifier.verify(&token, clock.now()).map(drop)
}

/// Begins a fetch, which may be over before the token is looked at.
#[track_caller]
fn begins_a_fetch(verifier: &Verifier, clock: &Clock, issuer: &Issuer) {
    let verdict = verifies(verifier, clock, issuer);
    assert!(matches!(verdict, Ok(()) | Err(AuthError::KeysUnavailable)), "{verdict:?}");
}

#[test]
fn f01_a_verifier_without_a_runtime_fetches_and_retires_keys() {
    let (one, two) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::EdDsa, "two"));
    let server = JwksServer::start();
    server.publish(&[&one]);
    let (verifier, clock) = verifier(&server, json!({ "jwks_cooldown": 1 }));
    begins_a_fetch(&verifier, &clock, &one);
    eventually("the first keys", || verifies(&verifier, &clock, &one).is_ok());

    server.publish(&[&two]);
    eventually("a new key", || verifies(&verifier, &clock, &two).is_ok());
    assert!(verifies(&verifier, &clock, &one).is_err());

    server.publish(&[&one]);
    clock.advance(Duration::from_secs(450));
    assert_eq!(verifies(&verifier, &clock, &two), Ok(()), "the refresh is in the background");
    eventually("a refresh", || verifies(&verifier, &clock, &two).is_err());
}

#[test]
fn f02_f11_a_runtime_that_ends_or_is_never_driven_holds_no_fetch() {
    let one = issuer(Algorithm::EdDsa, "one");
    let server = JwksServer::start();
    server.publish(&[&one]);
    let (verifier, clock) = verifier(&server, json!({}));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    {
        let _entered = runtime.enter();
        begins_a_fetch(&verifier, &clock, &one);
        eventually("the first keys", || verifies(&verifier, &clock, &one).is_ok());
    }

    // Asked for from the last task of a runtime that shuts down.
    clock.advance(Duration::from_secs(86_400));
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let _entered = handle.enter();
    begins_a_fetch(&verifier, &clock, &one);
    eventually("keys again", || verifies(&verifier, &clock, &one).is_ok());
}

#[test]
fn f03_a_long_cooldown_delays_no_refresh() {
    let (one, two) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::EdDsa, "two"));
    let settings = json!({ "jwks_cooldown": 3600, "jwks_max_age": 600, "jwks_max_stale": 600 });
    let stage = Stage::with(settings, AuthGuard::fairing(), |server| server.publish(&[&one]));
    assert_eq!(stage.get(&stage_issuer(&stage, &one)), 200);
    assert_eq!(stage.answer(&garbage(0)).status, 401, "the cooldown begins");

    stage.server.publish(&[&two]);
    stage.advance(450);
    assert_eq!(stage.get(&stage_issuer(&stage, &one)), 200, "the refresh is in the background");
    eventually("a new key", || stage.get(&stage_issuer(&stage, &two)) == 200);
    assert_eq!(stage.get(&stage_issuer(&stage, &one)), 503, "too early to ask for it");
    // Whether or not the refresh is over, a healthy issuer is no outage.
    for _ in 0..5 {
        stage.advance(450);
        let before = stage.server.fetches();
        // The refresh before this one may still be on its way, so one request may not do.
        eventually("a refresh", || {
            assert_eq!(stage.get(&stage_issuer(&stage, &two)), 200);
            stage.server.fetches() > before
        });
    }
}

#[test]
fn f03_ages_that_cannot_be_kept_are_refused() {
    let refused = |max_age: u32, max_stale: u32| {
        let mut table = table("https://a.example/jwks");
        table["jwks_max_age"] = max_age.into();
        table["jwks_max_stale"] = max_stale.into();
        let errors = AuthGuard::fairing().verifier(&figment(&table)).err();
        let keys = errors.iter().flatten().map(|error| error.key().map(ToOwned::to_owned));
        keys.collect::<Vec<_>>()
    };
    assert_eq!(refused(600, 599), [Some("jwks_max_stale".to_owned())]);
    assert_eq!(refused(600, 600), []);
}

#[test]
fn f12_a_valid_token_of_a_new_key_is_never_refused_while_the_issuer_answers() {
    let (settings, first) = (json!({ "jwks_cooldown": 1 }), issuer(Algorithm::EdDsa, "first"));
    let stage = Stage::with(settings, AuthGuard::fairing(), |server| server.publish(&[&first]));
    let before = stage.server.fetches();
    for n in 0..3 {
        let one = issuer(Algorithm::EdDsa, &n.to_string());
        stage.server.publish(&[&one]);
        // The clock stands still: each waits for the rest of the cooldown.
        assert_eq!(stage.answer(&garbage(n)).status, 401);
        let next = issuer(Algorithm::EdDsa, &format!("next {n}"));
        stage.server.publish(&[&one, &next]);
        assert_eq!((stage.get(&next), stage.get(&one)), (200, 200));
    }
    assert!(stage.server.fetches() - before <= 7);
}

#[test]
fn f12_a_request_that_arrives_during_a_fetch_waits_for_the_next() {
    let (one, two) = (issuer(Algorithm::EdDsa, "one"), issuer(Algorithm::EdDsa, "two"));
    let settings = json!({ "jwks_cooldown": 1 });
    let stage = Stage::with(settings, AuthGuard::fairing(), |server| server.publish(&[&one]));
    assert_eq!(stage.get(&one), 200);
    // The server decides on its answer before it delays it.
    stage.server.delay(Duration::from_secs(1));
    let before = stage.server.fetches();
    let verifier = stage.client.rocket().state::<Verifier>().expect("a verifier");
    assert!(verifier.verify(&garbage(0), now()).is_err());
    eventually("a fetch", || stage.server.fetches() > before);
    stage.server.publish(&[&one, &two]);
    assert_eq!(stage.get(&two), 200);
}

#[test]
fn f17_one_key_published_several_times_is_one_key() {
    let one = issuer(Algorithm::EdDsa, "one");
    let jwk = one.jwk().expect("a key");
    let mut unnamed = jwk.clone();
    unnamed.as_object_mut().expect("an object").remove("kid");
    let token = one.token("alice").sign();
    let payload = decoded(token.split('.').nth(1).expect("a payload"));
    let token = one.sign(json!({ "alg": "EdDSA" }).to_string(), payload);
    for keys in [json!([unnamed, unnamed]), json!([jwk, unnamed]), json!([jwk, jwk, unnamed])] {
        let body = json!({ "keys": keys }).to_string();
        let stage = Stage::set(|server| server.answer("200 OK", body));
        assert_eq!(stage.answer(&token).status, 200, "{keys}");
    }
}

#[test]
fn f20_at_most_256_requests_wait_for_keys() {
    use futures::FutureExt;

    let server = JwksServer::start();
    server.delay(Duration::from_secs(60));
    let table = table(server.url());
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let rocket = rocket::custom(figment(&table)).attach(guard).mount("/api", routes![list]);
    rocket::async_test(async move {
        let client =
            rocket::local::asynchronous::Client::untracked(rocket).await.expect("launches");
        let ended = std::sync::Mutex::new(Vec::new());
        let crowd = || {
            let each = (0..300).map(|n| {
                let (client, ended) = (&client, &ended);
                async move {
                    let request = client.get("/api/alice/tasks").bearer(garbage(n));
                    assert_eq!(request.dispatch().await.status().code, 503);
                    ended.lock().expect("no panic").push(n);
                }
            });
            futures::future::join_all(each)
        };
        // Requests that are dropped leave.
        for _ in 0..2 {
            assert!(crowd().now_or_never().is_none());
            let ended = std::mem::take(&mut *ended.lock().expect("no panic"));
            assert_eq!(ended, (256..300).collect::<Vec<_>>(), "refused at once");
        }
        crowd().await;
        assert_eq!(ended.lock().expect("no panic").len(), 300, "the rest at the fetch's end");
        let verifier = client.rocket().state::<Verifier>().expect("managed");
        let explanation = verifier.explain(&garbage(0), now()).await.to_string();
        assert!(explanation.contains(": it does not answer within 5 s"), "{explanation}");
    });
}
