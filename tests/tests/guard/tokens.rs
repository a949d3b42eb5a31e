//! Rules 14 and 19 to 21: the access tokens of an issuer, and the other tokens that it signs
//! with the same key. Each setting of an issuer, and the algorithms.

use std::time::{Duration, Instant};

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, RequestExt, Token, attack_all};
use auth_guard::{AuthError, AuthGuard, Verified, Verifier, protect, user_scoped};
use auth_guard_tests::*;
use rocket::http::uri::Origin;
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, get, routes};
use serde_json::{Value, json};

const KEY: &str = "key of the test";

fn not_allowed() -> (u16, String) {
    (403, "not_allowed".into())
}

/// Ignores OAuth scopes, unless a table says otherwise: `scopes.rs` tests them.
fn without_scopes(mut table: Value) -> Value {
    table.as_object_mut().expect("a table").entry("scopes").or_insert_with(|| json!("ignored"));
    table
}

/// An application with this table and the shared secret, and the issuer that it accepts.
fn with(table: Value) -> (Client, Issuer) {
    let client = launch(app(&without_scopes(table)));
    let issuer = Issuer::of(client.rocket()).expect("an issuer");
    (client, issuer)
}

/// An application with this table, and the key pair that it accepts.
fn with_key_pair(table: &Value, algorithm: Algorithm) -> (Client, Issuer) {
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let issuer = Issuer::with_key_pair(algorithm, KEY);
    let client = launch(issuer.trusted_by(app_with(guard, &without_scopes(table.clone()))));
    let issuer = Issuer::of(client.rocket()).expect("the one that is trusted");
    (client, issuer)
}

#[track_caller]
fn all(client: &Client, expected: &(u16, String), tokens: impl IntoIterator<Item = Token>) {
    for (at, token) in tokens.into_iter().enumerate() {
        assert_eq!(alice_with(client, token), *expected, "number {at}");
    }
}

#[test]
fn rule_05_the_type_is_at_jwt_where_that_is_set() {
    let (client, issuer) = with(json!({ "token_type": "at+jwt" }));
    let typed = |typ: &str| issuer.access_token("alice").header("typ", typ);
    all(
        &client,
        &accepted(),
        ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "APPLICATION/AT+JWT"].map(typed),
    );
    all(
        &client,
        &invalid(),
        ["JWT", "jwt", "application/jwt", "at+jwt ", "at", "", "id+jwt", "application/"].map(typed),
    );
    // An absent type is no access token's.
    let payload = json!({ "sub": "alice", "iat": NOW, "exp": NOW + 60, "jti": "1", "azp": "app" });
    let sign = |header: &str| alice_with(&client, issuer.sign(header, payload.to_string()));
    assert_eq!(sign(r#"{"alg":"HS256","typ":"at+jwt"}"#), accepted());
    assert_eq!(sign(r#"{"alg":"HS256"}"#), invalid());
    assert_eq!(sign(r#"{"alg":"HS256","typ":"JWT"}"#), invalid());
    assert_eq!(sign(r#"{"alg":"HS256","typ":["at+jwt"]}"#), invalid());

    // Never both: what the default accepts is refused, and the reverse.
    let (client, issuer) = with(json!({}));
    all(&client, &accepted(), [issuer.token("alice")]);
    all(&client, &invalid(), [issuer.access_token("alice")]);
}

#[test]
fn rule_14_an_access_token_has_the_claims_of_rfc_9068() {
    let (client, issuer) = with(json!({ "token_type": "at+jwt" }));
    let token = || issuer.access_token("alice");
    all(&client, &accepted(), [token(), token().without("client_id").claim("azp", "app")]);
    all(&client, &invalid(), ["sub", "iat", "jti", "client_id", "exp"].map(|n| token().without(n)));
    // The user is `sub`, unless another claim is named; a `uid` does not replace it.
    all(&client, &invalid(), [token().without("sub").claim("uid", "alice")]);
    let (client, issuer) = with(json!({ "token_type": "at+jwt", "uid_claim": "uid" }));
    let token = || issuer.access_token("alice");
    all(&client, &accepted(), [token()]);
    all(&client, &invalid(), [token().without("sub"), token().without("uid")]);
}

#[test]
fn rule_14_another_claim_may_name_the_audience() {
    for (claim, other) in [("client_id", "azp"), ("azp", "client_id")] {
        let (client, issuer) = with(json!({
            "audience": ["app", "web"],
            "audience_claim": claim,
            "require": { "token_use": "access" },
        }));
        let token = || issuer.token("alice");
        all(
            &client,
            &accepted(),
            [
                token(),
                token().claim(claim, "web"),
                token().claim(other, "another"),
                // One that has `aud` all the same names ours there, too.
                token().claim("aud", "web"),
                token().claim("aud", json!(["x", "app"])),
            ],
        );
        all(
            &client,
            &invalid(),
            [
                token().without(claim),
                token().without(claim).claim("aud", "app"),
                token().without(claim).claim(other, "app"),
                token().claim(claim, "another"),
                token().claim(claim, "APP"),
                token().claim(claim, "app "),
                token().claim(claim, json!(["app"])),
                token().claim(claim, Value::Null),
                token().claim("aud", "another"),
                token().claim("aud", json!([])),
                token().claim("aud", Value::Null),
            ],
        );
    }
    // By default, `aud` alone counts.
    let (client, issuer) = with(json!({ "audience": "app" }));
    let token = || issuer.token("alice").without("aud");
    all(&client, &invalid(), ["client_id", "azp", "resource"].map(|n| token().claim(n, "app")));
}

#[test]
fn rule_14_a_required_claim_has_one_of_its_values() {
    let (client, issuer) = with(json!({
        "require": { "token_use": ["access", "at"], "is_anonymous": false, "ver": 2 },
    }));
    let token = || issuer.token("alice");
    let set = |name: &'static str| move |value: Value| (name, value);
    let right = [json!("access"), json!("at"), json!(["id", "at"])].map(set("token_use"));
    let right = right.into_iter().chain([json!([false, true])].map(set("is_anonymous")));
    let right = right.chain([json!([1, 2]), json!([2])].map(set("ver")));
    all(&client, &accepted(), right.map(|(name, value)| token().claim(name, value)));

    for name in ["token_use", "is_anonymous", "ver"] {
        all(&client, &invalid(), [token().without(name), token().claim(name, Value::Null)]);
    }
    let wrong = [
        json!("id"),
        json!("Access"),
        json!("access "),
        json!("accessory"),
        json!("no access"),
        json!("access at"),
        json!(["id"]),
        json!([["access"]]),
        json!({ "access": true }),
        json!(true),
    ];
    let wrong = wrong.map(set("token_use")).into_iter();
    let wrong = wrong.chain([json!(true), json!("false"), json!(0)].map(set("is_anonymous")));
    let wrong = wrong.chain([json!(1), json!("2"), json!(2.0), json!([1])].map(set("ver")));
    all(&client, &invalid(), wrong.map(|(name, value)| token().claim(name, value)));

    // Expiry is reported only if all else is well.
    let expired = token().expired();
    assert_eq!(alice_with(&client, expired.clone()), (401, "token_expired".into()));
    all(&client, &invalid(), [expired.claim("token_use", "id")]);
}

#[test]
fn rule_14_a_required_claim_must_be_there_whatever_it_says() {
    let (client, issuer) = with(json!({ "required_claims": ["jti", "iat", "sid"] }));
    let token = || issuer.token("alice");
    all(&client, &accepted(), [token(), token().claim("sid", Value::Null)]);
    all(&client, &invalid(), ["jti", "iat", "sid"].map(|name| token().without(name)));
}

#[test]
fn rule_19_a_bound_token_is_refused_from_a_bearer() {
    for table in [
        json!({}),
        json!({ "token_type": "at+jwt" }),
        json!({ "id_tokens": "accepted" }),
        json!({ "required_claims": "cnf2" }),
    ] {
        let (client, issuer) = with(table);
        let token = || issuer.token("alice");
        all(&client, &accepted(), [token(), token().claim("confirmation", json!({ "cnf": 1 }))]);
        let values = [json!({ "x5t#S256": "x" }), json!({}), json!(null), json!(""), json!(false)];
        let bound = values.map(|value| token().claim("cnf", value));
        all(&client, &invalid(), bound.into_iter().chain([token().bound()]));
    }
}

#[test]
fn rule_20_an_id_token_is_refused() {
    for table in [json!({}), json!({ "uid_claim": "sub" }), json!({ "audience": "app" })] {
        let (client, issuer) = with(table);
        let token = || issuer.token("alice");
        for name in ["nonce", "at_hash", "c_hash", "s_hash"] {
            let values = [json!("x"), json!(""), json!(null), json!(0), json!([])];
            all(&client, &invalid(), values.map(|value| token().claim(name, value)));
        }
        all(&client, &invalid(), [issuer.id_token("alice"), issuer.id_token("alice").expired()]);
        let only_kind = issuer.id_token("alice").without("nonce").without("at_hash");
        all(&client, &accepted(), [only_kind]);
    }
    // An ID token has no `typ`, so `at+jwt` refuses it, whatever it has.
    let (client, issuer) = with(json!({ "token_type": "at+jwt" }));
    let without = issuer.id_token("alice").without("nonce").without("at_hash");
    all(&client, &invalid(), [issuer.id_token("alice"), without]);
}

#[test]
fn rule_20_id_tokens_may_be_accepted() {
    let (client, issuer) = with(json!({ "id_tokens": "accepted", "uid_claim": "sub" }));
    all(&client, &accepted(), [issuer.id_token("alice"), issuer.token("alice")]);
    all(&client, &invalid(), [issuer.id_token("alice").bound()]);
}

#[get("/<user_id>/held")]
fn held(user_id: &str) -> &str {
    user_id
}

#[user_scoped(or = Staff)]
#[get("/<user_id>/staff")]
fn staff(user_id: &str) -> &str {
    user_id
}

#[user_scoped(exempt = "a profile is for every user")]
#[get("/<user_id>/profile")]
fn profile(user_id: &str, caller: Verified) -> String {
    format!("{user_id} {}", caller.uid())
}

fn every_kind_of_route(table: &Value) -> Rocket<Build> {
    app(table).mount("/api", routes![staff, profile]).mount("/held", protect(routes![held]))
}

#[test]
fn rule_21_a_machines_token_opens_no_users_route() {
    for table in [
        json!({}),
        json!({ "uid_claim": "sub" }),
        json!({ "token_type": "at+jwt" }),
        json!({ "audience": "app", "audience_claim": "client_id", "uid_claim": "sub" }),
    ] {
        let client = launch(every_kind_of_route(&table));
        let issuer = Issuer::of(client.rocket()).expect("an issuer");
        let machine = issuer.machine_token();
        for path in [
            "/api/alice/tasks",
            "/api/client-of-the-test/tasks",
            "/api/app/tasks",
            "/api/me",
            "/api/alice/staff",
            "/api/alice/profile",
            "/held/alice/held",
        ] {
            let staff = machine.clone().claim("role", "staff");
            for token in [machine.clone(), staff] {
                let answer = get_as(&client, path, token);
                assert_eq!((answer.status, answer.code()), not_allowed(), "{path}");
                assert!(answer.challenges.is_empty() && answer.retry_after.is_none());
            }
        }
        // A machine's expired or invalid token is what it is.
        let expired = machine.clone().expired();
        assert_eq!(alice_with(&client, expired), (401, "token_expired".into()));
        assert_eq!(alice_with(&client, machine.tampered()), invalid());
    }
}

#[test]
fn rule_21_what_makes_a_token_a_machines() {
    let (client, issuer) = with(json!({}));
    let token = || issuer.token("alice");
    let named = |name: &str, value: Value| token().claim(name, value);
    all(
        &client,
        &not_allowed(),
        [
            named("client_id", json!("alice")),
            named("azp", json!("alice")),
            named("gty", json!("client-credentials")),
            named("idtyp", json!("app")),
        ],
    );
    // Of a person, or of nothing that can be told.
    all(
        &client,
        &accepted(),
        [
            named("client_id", json!("app")),
            named("client_id", json!("Alice")),
            named("client_id", json!(["alice"])),
            named("client_id", Value::Null),
            named("azp", json!("app")),
            named("gty", json!("password")),
            named("gty", json!(["client-credentials"])),
            named("idtyp", json!("user")),
            named("idtyp", json!("App")),
            named("appid", json!("alice")),
        ],
    );
    let at_clients = issuer.token("alice@clients");
    assert_eq!(alice_with(&client, at_clients), not_allowed());

    // The `sub` counts beside the uid.
    let (client, issuer) = with(json!({ "match_subject": false }));
    let token = || issuer.token("alice").claim("sub", "app");
    all(&client, &accepted(), [token(), token().claim("client_id", "another")]);
    all(
        &client,
        &not_allowed(),
        [token().claim("client_id", "app"), token().claim("sub", "app@clients")],
    );

    // An integer is compared as the text that the uid is.
    let (client, issuer) = with(json!({}));
    let token = issuer.token("7").claim("client_id", "7");
    let answer = get_as(&client, "/api/7/tasks", token);
    assert_eq!((answer.status, answer.code()), not_allowed());
}

/// Other transports have no guard, and ask.
#[test]
fn rule_21_a_verifier_says_that_a_token_is_a_machines() {
    let (client, issuer) = with(json!({}));
    let verifier: &Verifier = client.rocket().state().expect("the guard is attached");
    let is_machine =
        |token: Token| verifier.verify(&token.sign(), now()).expect("a valid token").is_machine();
    assert!(is_machine(issuer.machine_token()));
    assert!(!is_machine(issuer.token("alice")));
}

#[test]
fn an_explanation_names_the_rule_and_the_setting_of_a_token_of_another_kind() {
    let (client, issuer) = with(json!({
        "token_type": "at+jwt",
        "audience": "app",
        "require": { "token_use": "access" },
    }));
    let token = || issuer.token("alice");
    for (token, rule, words) in [
        (token().header("typ", "JWT"), 5, &["`at+jwt`", "AUTH_GUARD_TOKEN_TYPE"][..]),
        (token().without("aud"), 14, &["`app`", "AUTH_GUARD_AUDIENCE_CLAIM"]),
        (token().without("jti"), 14, &["`jti`", "AUTH_GUARD_TOKEN_TYPE"]),
        (token().claim("token_use", "id"), 14, &["`token_use`", "`require`"]),
        (token().bound(), 19, &["`cnf`"]),
        (token().claim("nonce", "x"), 20, &["`nonce`", "AUTH_GUARD_ID_TOKENS"]),
    ] {
        let explanation = explain(&client, &token);
        let text = explanation.to_string();
        assert_eq!(explanation.rule(), Some(rule), "{text}");
        let failed = text.lines().find(|line| line.starts_with("FAILED")).expect("a line");
        for word in words {
            assert!(failed.contains(word), "no {word} in {failed}");
        }
    }

    // A machine's token is valid, and opens nothing.
    let explanation = explain(&client, &issuer.machine_token());
    let path = Origin::parse("/api/client-of-the-test/tasks").expect("a path");
    let explanation = explanation.on_path(client.rocket(), &path);
    let text = explanation.to_string();
    assert!(text.contains("a machine's: 403 not_allowed, rule 21"), "{text}");
    assert!(!explanation.routes().is_empty());
    let refused = auth_guard::Decision::Refused(AuthError::NotAllowed);
    assert!(explanation.routes().iter().all(|route| route.decision == refused), "{text}");
    assert!(text.contains("(owner of <user_id>): 403 not_allowed, rule 21"), "{text}");
}

fn explain(client: &Client, token: &Token) -> auth_guard::Explanation {
    let verifier: &Verifier = client.rocket().state().expect("the guard is attached");
    rocket::execute(verifier.explain(&token.sign(), now()))
}

const MORE_ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

#[test]
fn rule_07_larger_curves_and_hashes_verify_as_the_others_do() {
    for algorithm in MORE_ALGORITHMS {
        let (client, issuer) = with_key_pair(&json!({}), algorithm);
        let token = || issuer.token("alice");
        // The second time it is remembered.
        for _ in 0..2 {
            assert_eq!(alice_with(&client, token()), accepted(), "{algorithm:?}");
        }
        let bobs = get_as(&client, "/api/bob/tasks", token());
        assert_eq!((bobs.status, bobs.code()), (403, "not_owner".into()));
        let other = Issuer::with_key_pair(algorithm, KEY).with_clock(Clock::fixed(now()));
        let other = other.with_issuer("https://auth.example").with_audience("https://auth.example");
        for wrong in [token().tampered(), token().unsigned(), other.token("alice").sign()] {
            assert_eq!(alice_with(&client, wrong), invalid(), "{algorithm:?}");
        }
        for alg in ["HS256", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384"]
        {
            let token = token().header("alg", alg);
            let is_own = issuer.jwk().expect("a key pair")["alg"] == alg;
            let expected = if is_own { accepted() } else { invalid() };
            assert_eq!(alice_with(&client, token), expected, "{algorithm:?} {alg}");
        }
    }
    let (client, _) = with_key_pair(&json!({}), Algorithm::Es512);
    println!("attack: {} requests with ES512", attack_all(&client).requests());
}

#[test]
fn rule_07_only_the_algorithms_that_are_set_are_accepted() {
    for (algorithm, expected) in [(Algorithm::EdDsa, accepted()), (Algorithm::Es256, accepted())] {
        let table = json!({ "algorithms": ["EdDSA", "ES256"] });
        let (client, issuer) = with_key_pair(&table, algorithm);
        assert_eq!(alice_with(&client, issuer.token("alice")), expected);
    }
    // One key that is accepted, and one that is not.
    let (server, clock) = (JwksServer::start(), Clock::fixed(now()));
    let [accepted_key, other_key] = [Algorithm::Es256, Algorithm::Rs256].map(|algorithm| {
        let issuer = Issuer::with_key_pair(algorithm, KEY).with_clock(clock.clone());
        issuer.with_issuer("https://auth.example").with_audience("https://auth.example")
    });
    server.publish(&[&accepted_key, &other_key]);
    let guard = AuthGuard::fairing().with_clock(clock.clone());
    let client = launch(server.asked_by(app_with(guard, &json!({ "algorithms": "ES256" }))));
    assert_eq!(alice_with(&client, accepted_key.token("alice")), accepted());
    assert_eq!(alice_with(&client, other_key.token("alice")), invalid());

    // With the secret beside them, `algorithms` decides about it, too.
    for (algorithms, expected) in
        [(json!(["ES256"]), invalid()), (json!(["ES256", "HS256"]), accepted())]
    {
        let rocket = server.asked_by(app(&json!({ "algorithms": algorithms })));
        let client = launch(rocket);
        let shared = issuer().with_issuer("https://auth.example");
        let shared = shared.with_audience("https://auth.example");
        assert_eq!(alice_with(&client, shared.token("alice")), expected);
        assert_eq!(alice_with(&client, accepted_key.token("alice")), accepted());
    }
    let (client, issuer) = with(json!({ "algorithms": "HS256" }));
    assert_eq!(alice_with(&client, issuer.token("alice")), accepted());
    assert!(guard_with(json!({ "algorithms": "ES256" })).is_err());
}

fn guard_with(table: Value) -> Result<Verifier, impl std::fmt::Debug> {
    guard().verifier(&figment(&table))
}

/// Entra's keys are RSA keys that do not name their algorithm.
#[test]
fn rule_07_an_rsa_key_without_an_algorithm_needs_a_setting_with_just_one() {
    let clock = Clock::fixed(now());
    let issuer = Issuer::with_key_pair(Algorithm::Ps384, KEY).with_clock(clock.clone());
    let issuer = issuer.with_issuer("https://auth.example").with_audience("https://auth.example");
    let server = JwksServer::start();
    let mut jwk = issuer.jwk().expect("a key pair");
    jwk.as_object_mut().expect("an object").remove("alg");
    server.answer("200 OK", json!({ "keys": [jwk] }).to_string());

    let unavailable = (503, "keys_unavailable".to_owned());
    for (algorithms, expected) in [
        (json!(["PS384"]), accepted()),
        (json!(["ES256", "PS384", "EdDSA"]), accepted()),
        (json!(["PS256"]), invalid()),
        (json!(["PS384", "RS256"]), unavailable.clone()),
        (json!([]), unavailable),
    ] {
        let mut table = json!({});
        if algorithms != json!([]) {
            table["algorithms"] = algorithms.clone();
        }
        let guard = AuthGuard::fairing().with_clock(clock.clone());
        let client = launch(server.asked_by(app_with(guard, &table)));
        assert_eq!(alice_with(&client, issuer.token("alice")), expected, "{algorithms}");
    }
}

#[test]
fn a_verifier_is_ready_once_there_are_keys() {
    let verifier = |client: &Client| client.rocket().state::<Verifier>().expect("one").is_ready();
    assert!(verifier(&client()));

    let (server, clock) = (JwksServer::start(), Clock::fixed(now()));
    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, KEY).with_clock(clock.clone());
    let guard = AuthGuard::fairing().with_clock(clock.clone());
    let client = launch(server.asked_by(app_with(guard, &json!({}))).manage(issuer.clone()));
    assert!(!verifier(&client));
    let get = || client.get("/api/alice/tasks").as_user("alice").dispatch().status().code;
    assert_eq!(get(), 503);
    assert!(!verifier(&client));

    server.publish(&[&issuer]);
    let started = Instant::now();
    while !verifier(&client) {
        assert!(started.elapsed() < Duration::from_secs(30), "the keys are never fetched");
        clock.advance(Duration::from_secs(1));
        let _ = get();
    }
    assert_eq!(get(), 200);
    // A failing issuer does not take the keys away.
    server.fail();
    assert!(verifier(&client));
}

/// With public keys, an audience is never "none".
#[test]
fn rule_14_as_user_and_the_attack_fit_an_issuer_with_public_keys() {
    let table = json!({
        "issuer": "https://tenant.example/",
        "audience": "app",
        "audience_claim": "client_id",
        "token_type": "at+jwt",
        "discovery": true,
        "require": { "token_use": "access" },
        "required_claims": ["sid"],
    });
    let (client, issuer) = with_key_pair(&table, Algorithm::Rs384);
    all(&client, &accepted(), [issuer.token("alice"), issuer.access_token("alice")]);
    let wrong = [issuer.id_token("alice"), issuer.token("alice").bound()];
    all(&client, &invalid(), wrong);
    all(&client, &not_allowed(), [issuer.machine_token()]);
}
