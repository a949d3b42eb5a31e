//! The feature `testing` for an application with public keys: the same, once it
//! trusts an issuer of the test.

use std::time::Duration;

use auth_guard::testing::internal::{verify_jws, verify_jws_with_jwk};
use auth_guard::testing::{Algorithm, Issuer, JwksServer, RequestExt, assert_refused, attack_all};
use auth_guard::{AuthError, AuthGuard, Verified, protect, user_scoped};
use auth_guard_tests::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Build, Rocket, State, async_trait, get, routes};
use serde_json::{Value, json};

use crate::jwks::ALGORITHMS;
use crate::testing::message;

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[get("/<user_id>/held")]
fn held(user_id: &str, caller: Verified) -> String {
    format!("{user_id} {}", caller.claims::<Value>().expect("an object")["role"])
}

fn app(table: &Value) -> Rocket<Build> {
    let guard = AuthGuard::fairing();
    let rocket = rocket::custom(figment(table)).attach(guard).mount("/api", routes![list]);
    rocket.mount("/held", protect(routes![held]))
}

fn key_pair(algorithm: Algorithm) -> Issuer {
    Issuer::with_key_pair(algorithm, "key of the test")
}

#[test]
fn as_user_mints_what_an_application_with_public_keys_accepts() {
    for algorithm in ALGORITHMS {
        let client = launch(key_pair(algorithm).trusted_by(app(&json!({}))));
        let get = |path: &'static str| client.get(path).as_user("alice");
        assert_eq!(get("/api/alice/tasks").dispatch().status(), Status::Ok, "{algorithm:?}");
        assert_refused!(get("/api/bob/tasks").dispatch(), NotOwner);
        assert_refused!(get("/api/alice/tasks").expired().dispatch(), Expired);
        let staff = get("/held/alice/held").with_claims(json!({ "role": "staff" }));
        assert_eq!(staff.dispatch().into_string().expect("a body"), "alice \"staff\"");

        let issuer = Issuer::of(client.rocket()).expect("the one that is trusted");
        let token = issuer.token("alice");
        assert_eq!(alice_with(&client, token.clone()), accepted());
        assert_eq!(alice_with(&client, token.tampered()), invalid());
        assert_eq!(alice_with(&client, token.unsigned()), invalid());
        assert_eq!(alice_with(&client, token.signed_with(&secret())), invalid());
        assert_eq!(alice_with(&client, key_pair(algorithm).token("alice")), invalid());
    }
}

#[test]
fn an_application_with_public_keys_is_attacked_with_tricks_for_its_algorithm() {
    for algorithm in ALGORITHMS {
        let report = attack_all(&launch(key_pair(algorithm).trusted_by(app(&json!({})))));
        println!("attack: {} requests with {algorithm:?}", report.requests());
        assert!(report.requests() > 1_000, "{report}");
    }
}

/// The kid, the rules and the other key source are what they are.
#[test]
fn an_application_with_public_keys_is_attacked_whatever_its_settings_are() {
    for (kid, table) in [
        ("", json!({ "url": "https://auth.example.com", "memo_capacity": 0 })),
        ("\"alg\":\"none\"", json!({ "issuer": "x", "audience": ["a", "é"], "leeway": 0 })),
        ("HS256", json!({ "uid_claim": "sub", "jwks_url": "https://auth.example.com/jwks" })),
        ("EdDSA", json!({ "match_subject": false, "max_lifetime": 1 })),
        ("at+jwt", json!({ "token_type": "at+jwt", "algorithms": ["EdDSA", "ES256"] })),
        (
            "discovery",
            json!({
                "issuer": "https://auth.example.com/",
                "audience": "app",
                "audience_claim": "azp",
                "require": { "token_use": "access" },
                "discovery": true,
            }),
        ),
    ] {
        let issuer = Issuer::with_key_pair(Algorithm::EdDsa, kid);
        attack_all(&launch(issuer.trusted_by(app(&table))));
    }

    // With a secret besides: each token goes to the key that its algorithm belongs to.
    let both = key_pair(Algorithm::Rs256).trusted_by(crate::testing::sound());
    attack_all(&launch(both));
}

/// Where the test decides what the key server does.
#[test]
fn an_application_gets_its_keys_from_a_server_of_the_test() {
    let (server, issuer) = (JwksServer::start(), key_pair(Algorithm::EdDsa));
    server.publish(&[&issuer, &Issuer::with_key_pair(Algorithm::EdDsa, "another key")]);
    let client = launch(server.asked_by(app(&json!({}))).manage(issuer));
    attack_all(&client);
    assert!(server.fetches() > 1, "at launch, and for unknown key ids");
}

#[test]
fn without_keys_the_attack_says_so() {
    let (server, issuer) = (JwksServer::start(), key_pair(Algorithm::EdDsa));
    let client = launch(server.asked_by(app(&json!({}))).manage(issuer));
    let said = message(|| drop(attack_all(&client)));
    assert!(said.contains("came back: 503, no challenge, code keys_unavailable"), "{said}");
}

#[test]
fn an_application_that_trusts_nobody_here_is_told_how() {
    let table = json!({ "url": "https://auth.example.com", "jwks_url": "https://127.0.0.1:9/" });
    let client = launch(app(&table));
    assert!(Issuer::of(client.rocket()).is_none());
    for said in [
        message(|| drop(client.get("/api/alice/tasks").as_user("alice"))),
        message(|| drop(attack_all(&client))),
    ] {
        assert!(said.contains("`Issuer::trusted_by`"), "{said}");
    }
    let shared = || Issuer::new(&secret()).trusted_by(app(&json!({})));
    assert!(message(|| drop(shared())).contains("a key pair"));
}

/// The clock of the application is that of its issuer.
#[test]
fn a_moved_clock_is_the_issuers_too() {
    let clock = auth_guard::testing::Clock::fixed(now());
    let guard = AuthGuard::fairing().with_clock(clock.clone());
    let rocket = rocket::custom(figment(&json!({}))).attach(guard).mount("/api", routes![list]);
    let client = launch(key_pair(Algorithm::Es256).trusted_by(rocket));
    let early = Issuer::of(client.rocket()).expect("an issuer").token("alice").sign();
    clock.advance(Duration::from_secs(3_000));
    assert_eq!(alice_with(&client, early), (401, "token_expired".into()));
    assert_eq!(client.get("/api/alice/tasks").as_user("alice").dispatch().status(), Status::Ok);
}

/// A guard by hand that takes, besides what is good, what its author did not think of.
struct Careless;

/// What the author did not think of.
type Mistake = fn(&str, &Value) -> bool;

#[async_trait]
impl<'r> FromRequest<'r> for Careless {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        let field = request.headers().get_one("Authorization").unwrap_or_default();
        let token = field.strip_prefix("Bearer ").unwrap_or_default();
        let rocket = request.rocket();
        let (mistake, jwk) = (rocket.state::<Mistake>(), rocket.state::<Value>());
        match mistake.expect("one")(token, jwk.expect("a key")) {
            true => Outcome::Success(Self),
            false => Verified::from_request(request).await.map(|_| Self),
        }
    }
}

#[get("/careless")]
fn careless(_user: Careless, jwk: &State<Value>) -> String {
    jwk["kid"].to_string()
}

/// The public key, which everybody has, as a shared secret.
fn mixes_keys_up(token: &str, jwk: &Value) -> bool {
    verify_jws(token, jwk.to_string().as_bytes()).is_ok()
}

/// The key that the token itself brings.
fn takes_any_key(token: &str, _: &Value) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    verify_jws_with_jwk(token, &header["jwk"]).is_ok()
}

/// The claims of whatever looks like a token.
fn looks_at_no_signature(token: &str, _: &Value) -> bool {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice::<Value>(&payload).is_ok_and(|claims| claims["uid"] == "alice")
}

/// What the table says of the careless route, and the requests that it shows.
fn found(mistake: Mistake) -> String {
    let issuer = key_pair(Algorithm::EdDsa);
    let rocket = app(&json!({})).mount("/", routes![careless]).manage(mistake);
    let rocket = rocket.manage(issuer.jwk().expect("a key pair"));
    let client = launch(issuer.trusted_by(rocket));
    let said = message(|| drop(attack_all(&client)));
    let (before, _) = said.split_once("WRONG: ").expect("a wrong answer");
    assert!(before.lines().last().is_some_and(|row| row.starts_with("GET /careless ")), "{said}");
    assert!(said.contains("came back: 200, no challenge"), "{said}");
    said
}

#[test]
fn a_guard_by_hand_that_mixes_public_keys_up_is_found() {
    // Each of them twice: `GET` and `HEAD`.
    let said = found(mixes_keys_up);
    assert!(said.contains("WRONG: 4\n"), "{said}");
    assert_eq!(said.matches("HS256 keyed with the JWK of a public key").count(), 2, "{said}");
    assert_eq!(said.matches("HS256 keyed with the JWK of the key of that id").count(), 2);

    let said = found(takes_any_key);
    assert!(said.contains("WRONG: 2\n"), "{said}");
    assert_eq!(said.matches(r#"the attacker's key and header {"alg":"EdDSA""#).count(), 2);

    let said = found(looks_at_no_signature);
    let (_, wrong) = said.split_once("WRONG: ").expect("wrong answers");
    let wrong: usize = wrong.lines().next().expect("a line").parse().expect("a number");
    assert!(wrong > 200, "{said}");
}
