//! The explanation agrees with the guards, because the same steps produce it.

use std::collections::BTreeMap;

use auth_guard::testing::internal::explain_fields;
use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer};
use auth_guard::{AuthError, AuthGuard, Decision, Verifier, protect, public};
use auth_guard_tests::corpus::Case;
use auth_guard_tests::*;
use rocket::http::uri::Origin;
use rocket::local::blocking::Client;
use rocket::{get, routes};
use serde_json::{Value, json};

use crate::jwks::ALGORITHMS;
use crate::testing::{accounts, profile, staff, version};

fn verifier(client: &Client) -> &Verifier {
    client.rocket().state().expect("the guard is attached")
}

fn origin(path: &str) -> Origin<'static> {
    Origin::parse_owned(path.to_owned()).expect("a path")
}

#[test]
fn every_hostile_request_is_explained_as_it_is_answered() {
    let rules = explained_as_answered(&corpus::client(), corpus::cases());
    println!("explanations: refused by rule: {rules:?}");
    // Names each rule that a token can break, except 3, 6 and 9, which the checks of 2, 7
    // and 8 cover, too.
    for rule in [1, 2, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 19, 20] {
        assert!(rules.contains_key(&rule), "{rule}");
    }
}

#[test]
fn every_hostile_request_is_explained_as_it_is_answered_with_public_keys() {
    for algorithm in ALGORITHMS {
        let (client, cases) = corpus::with_public_key(algorithm);
        let rules = explained_as_answered(&client, cases);
        println!("explanations with {algorithm:?}: refused by rule: {rules:?}");
        assert!(rules[&7] > 30 && rules[&8] > 30, "{rules:?}");
    }
}

/// Checks each explanation against the answer. Returns the number of refusals by rule.
fn explained_as_answered(client: &Client, cases: Vec<Case>) -> BTreeMap<u8, usize> {
    let mut rules = BTreeMap::new();
    for case in cases {
        let answer = case.get(client);
        let got = (answer.status, &*answer.code());
        assert_eq!(got, (case.status, case.code), "{}", case.name);
        let explanation = explain_fields(verifier(client), case.fields(), now());
        let explanation = explanation.on_path(client.rocket(), &origin(&case.path));
        let door = explanation.routes().iter().find(|door| door.method == "GET");
        let explained = match &door.expect("a route").decision {
            Decision::Opens => (200, ""),
            Decision::Refused(error) => (error.status(), error.code()),
            verdict => panic!("{}: {verdict}", case.name),
        };
        assert_eq!(explained, got, "{}", case.name);
        let refusal = explanation.refusal().map(|error| (error.status(), error.code()));
        let accepted = explanation.claims().is_some();
        assert_eq!(refusal.is_some(), !accepted);
        let is_valid = matches!(case.code, "" | "not_owner" | "not_allowed");
        assert_eq!(accepted, is_valid, "{}", case.name);
        if let Some(rule) = explanation.rule() {
            *rules.entry(rule).or_default() += 1;
        }
    }
    rules
}

/// For each token, one line names the rule that it breaks.
#[test]
fn an_explanation_names_the_check_the_rule_and_the_setting() {
    let table = json!({ "url": "https://auth.example.com", "leeway": 7, "max_lifetime": 60, "required_claims": ["iat"] });
    let client = launch(app(&table));
    let issuer = Issuer::of(client.rocket()).expect("an issuer");
    let good = || issuer.token("alice");
    for (token, rule, line) in [
        ("x".to_owned(), 4, "FAILED  rule  4  three segments"),
        ("x".repeat(9_000), 3, "FAILED  rule  3  a token of at most 8 KiB\n"),
        (
            good().header("crit", json!(["x"])).sign(),
            5,
            "FAILED  rule  5  a header without `crit` and `b64`\n",
        ),
        (
            good().header("typ", "at+jwt").sign(),
            5,
            "FAILED  rule  5  `typ` absent or `JWT`  [`token_type` (AUTH_GUARD_TOKEN_TYPE)]\n",
        ),
        (good().header("kid", 5).sign(), 6, "FAILED  rule  6  `kid` absent or a string\n"),
        (good().header("alg", 5).sign(), 7, "FAILED  rule  7  `alg` a string\n"),
        (
            good().unsigned(),
            7,
            "FAILED  rule  7  one key for this `alg` and `kid`  [BETTER_AUTH_SECRET",
        ),
        (
            good().tampered(),
            8,
            "FAILED  rule  8  the signature of that key over header and claims  [BETTER_AUTH_SECRET",
        ),
        (issuer.sign(r#"{"alg":"HS256"}"#, "[]"), 10, "FAILED  rule 10  claims that are one"),
        (good().claim("exp", "soon").sign(), 11, "FAILED  rule 11  `exp` a number\n"),
        (good().claim("nbf", "soon").sign(), 13, "FAILED  rule 13  `nbf` and `iat` absent"),
        (
            good().claim("exp", NOW + 90).sign(),
            12,
            "FAILED  rule 12  `exp` at most 60 s after `iat`, and at most 60 s from now  [`max_lifetime` (AUTH_GUARD_MAX_LIFETIME), `leeway` (AUTH_GUARD_LEEWAY)]",
        ),
        (
            good().claim("nbf", NOW + 8).sign(),
            13,
            "rule 13  `nbf` and `iat` not in the future, with 7 s of leeway  [`leeway` (AUTH_GUARD_LEEWAY)]",
        ),
        (
            good().claim("iss", "x").sign(),
            14,
            "FAILED  rule 14  `iss` equal to `https://auth.example.com`  [`issuer` (AUTH_GUARD_ISSUER), `url` (BETTER_AUTH_URL)]",
        ),
        (
            good().without("aud").sign(),
            14,
            "FAILED  rule 14  `aud` equal to, or a list with, `https://auth.example.com`  [",
        ),
        (
            good().without("uid").sign(),
            15,
            "FAILED  rule 15  `uid` a string or an integer  [`uid_claim` (AUTH_GUARD_UID_CLAIM)]",
        ),
        (
            good().claim("sub", "x").sign(),
            16,
            "FAILED  rule 16  `sub` absent or equal to `uid`  [`match_subject` (AUTH_GUARD_MATCH_SUBJECT)]",
        ),
        (
            good().claim("cnf", json!({})).sign(),
            19,
            "FAILED  rule 19  no `cnf`: a token bound to a key is not for a bearer\n",
        ),
        (
            good().claim("nonce", "x").sign(),
            20,
            "FAILED  rule 20  no `nonce`, `at_hash`, `c_hash`, `s_hash`: no ID token  [`id_tokens` (AUTH_GUARD_ID_TOKENS)]",
        ),
        (
            good().without("iat").sign(),
            14,
            "FAILED  rule 14  `iat`  [`require`, `required_claims` (AUTH_GUARD_REQUIRED_CLAIMS), `token_type` (AUTH_GUARD_TOKEN_TYPE)]",
        ),
        (
            good().expired().sign(),
            11,
            "FAILED  rule 11  `exp` in the future, with 7 s of leeway  [`leeway` (AUTH_GUARD_LEEWAY)]",
        ),
    ] {
        let explanation = explain(&client, &token);
        let text = explanation.to_string();
        assert_eq!(explanation.rule(), Some(rule), "{text}");
        assert!(text.contains(line), "no {line:?} in\n{text}");
        // All checks before it passed, and none after it was made.
        let marks: Vec<_> = text.lines().filter_map(|line| line.split("  rule ").next()).collect();
        let marks: Vec<_> = marks.iter().map(|mark| mark.trim_end()).take(26).collect();
        let failed = marks.iter().position(|mark| *mark == "FAILED").expect("one");
        assert!(marks[..failed].iter().all(|mark| *mark == "passed"), "{text}");
        assert!(marks[failed + 1..].iter().all(|mark| *mark == "-"), "{text}");
    }

    let hint = "With Better Auth, `definePayload` must return `{ uid: user.id }`.\n";
    let text = explain(&client, &good().without("uid").sign()).to_string();
    assert!(text.ends_with(hint), "{text}");
    let text = explain(&client, &good().sign()).to_string();
    assert!(!text.contains(hint), "{text}");
    assert_eq!(text.matches("passed  rule").count(), 26, "{text}");
    assert!(text.ends_with("The token is accepted.\n"), "{text}");
}

/// An encrypted token (JWE), such as Auth0's opaque one, has five.
#[test]
fn rule_04_an_explanation_names_the_segments_of_a_token_that_has_not_three() {
    let encrypted = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aaaa.bbbb.cccc";
    let signed = issuer().token("alice").sign();
    let (server, key) = (JwksServer::start(), Issuer::with_key_pair(Algorithm::EdDsa, "one"));
    server.publish(&[&key]);
    let public = json!({ "jwks_url": server.url(), "url": corpus::URL });
    let public = AuthGuard::fairing().verifier(&figment(&public)).expect("a valid configuration");
    for verifier in [public, shared_verifier()] {
        for token in [encrypted, &format!("{signed}.{signed}"), &signed.replacen('.', "..", 1)] {
            let explanation = rocket::execute(verifier.explain(token, now()));
            let text = explanation.to_string();
            assert_eq!(explanation.rule(), Some(4), "{text}");
            assert!(text.contains("\nFAILED  rule  4  three segments"), "{text}");
            assert_eq!(text.matches("FAILED").count(), 1, "{text}");
            assert!(!text.contains("passed  rule  5"), "{text}");
            // What decides, and when, is as before.
            assert_eq!(explanation.refusal(), verifier.verify(token, now()).err().as_ref());
            assert!(text.contains("401 token_invalid"), "{text}");
        }
    }
    let explanation = rocket::execute(shared_verifier().explain(&signed, now()));
    assert_eq!(explanation.rule(), None);
}

fn shared_verifier() -> Verifier {
    guard().verifier(&figment(&json!({}))).expect("a valid configuration")
}

fn explain(client: &Client, token: &str) -> auth_guard::Explanation {
    rocket::execute(verifier(client).explain(token, now()))
}

#[get("/held")]
fn held() -> &'static str {
    "1"
}

#[get("/<user_id>/tasks", rank = 20)]
fn behind(user_id: &str) -> &str {
    user_id
}

#[test]
fn a_path_is_explained_by_the_route_that_rocket_asks_first() {
    let table = json!({ "unscoped": "warn" });
    let client = launch(
        app(&table)
            .mount("/api", routes![staff, profile, behind])
            .mount("/api", protect(routes![held]))
            .mount("/", public(routes![version]))
            .mount("/", routes![accounts]),
    );
    let token = issuer().token("alice").sign();
    let doors = |path: &str| {
        let explanation = explain(&client, &token).on_path(client.rocket(), &origin(path));
        let doors: Vec<_> = explanation.routes().iter().map(ToString::to_string).collect();
        doors.join("\n")
    };
    for (path, expected) in [
        (
            "/api/alice/tasks",
            "GET /api/<user_id>/tasks (owner of <user_id>): opens\n\
             POST /api/<user_id>/tasks (owner of <user_id>): opens",
        ),
        (
            "/api/bob/tasks?x=1",
            "GET /api/<user_id>/tasks (owner of <user_id>): 403 not_owner, rule 17\n\
             POST /api/<user_id>/tasks (owner of <user_id>): 403 not_owner, rule 17",
        ),
        ("/api/alice/staff", "GET /api/<user_id>/staff (owner of <user_id> or Staff): opens"),
        (
            "/api/bob/staff",
            "GET /api/<user_id>/staff (owner of <user_id> or Staff): opens if met: Staff",
        ),
        ("/accounts/alice", "POST /accounts/<account>/<rest..> (owner of <account>): opens"),
        ("/accounts/alice/1/2", "POST /accounts/<account>/<rest..> (owner of <account>): opens"),
        (
            "/accounts/Alice/1",
            "POST /accounts/<account>/<rest..> (owner of <account>): 403 not_owner, rule 17",
        ),
        ("/api/bob/profile", "GET /api/<user_id>/profile (exempt: profiles are public): opens"),
        ("/version", "GET /version (public): opens"),
        ("/api/held", "GET /api/held (verified): opens"),
        ("/api/me", "GET /api/me (undeclared): as its handler decides"),
        ("/api", ""),
        ("/api/alice/tasks/1", ""),
    ] {
        assert_eq!(doors(path), expected, "{path}");
    }

    let explanation = explain(&client, "x").on_path(client.rocket(), &origin("/api/held"));
    let verdict = &explanation.routes()[0].decision;
    assert_eq!(*verdict, Decision::Refused(AuthError::MalformedToken));
    assert!(explanation.to_string().ends_with("GET /api/held (verified): 401 token_invalid\n"));
}

/// Rocket also routes paths with encoded segments or repeated slashes.
#[test]
fn an_unusual_path_is_explained_as_it_is_answered() {
    let client = client();
    for uid in ["alice", "bob", "a/b", "é"] {
        let token = issuer().token(uid).sign();
        for path in [
            "/api/alice/tasks",
            "/api/%61lice/tasks",
            "/%61pi/alice/%74asks",
            "//api///alice//tasks",
            "/api/ALICE/tasks",
            "/api/a%2Fb/tasks",
            "/api/a/b/tasks",
            "/api/%C3%A9/tasks",
            "/api/%FF/tasks",
            "/api/alice/tasks/",
            "/API/alice/tasks",
            "/api/alice",
            "/api//tasks",
        ] {
            let answer = get_as(&client, path, token.clone());
            let explanation = explain(&client, &token).on_path(client.rocket(), &origin(path));
            let door = explanation.routes().iter().find(|door| door.method == "GET");
            let explained = match door.map(|door| &door.decision) {
                None => 404,
                Some(Decision::Opens) => 200,
                Some(Decision::Refused(error)) => error.status(),
                Some(verdict) => panic!("{path}: {verdict}"),
            };
            assert_eq!(explained, answer.status, "{uid} {path}");
        }
    }
}

#[test]
fn an_explanation_reveals_no_token_secret_or_claim() {
    let client = corpus::client();
    for case in corpus::cases() {
        let explanation = explain_fields(verifier(&client), case.fields(), now());
        let explanation = explanation.on_path(client.rocket(), &origin(&case.path));
        let text = format!("{explanation} {explanation:?}");
        let hidden = case.hidden();
        for hidden in hidden.iter().filter(|text| !corpus::URL.contains(text.as_str())) {
            assert!(!text.contains(hidden.as_str()), "{}: {hidden} in {text}", case.name);
        }
    }
}

/// Only the given moment counts, not a clock.
#[test]
fn a_token_is_explained_as_of_any_moment() {
    let client = launch(app(&Value::Object(Default::default())));
    let token = issuer().token("alice").sign();
    for (offset, refusal) in [
        (0, None),
        (904, None),
        (905, Some(AuthError::Expired)),
        (-5, None),
        (-6, Some(AuthError::NotYetValid)),
    ] {
        let at = now() + std::time::Duration::from_secs(1_000);
        let at = at.checked_sub(std::time::Duration::from_secs((1_000 - offset) as u64));
        let explanation =
            rocket::execute(verifier(&client).explain(&token, at.expect("after 1970")));
        assert_eq!(explanation.refusal(), refusal.as_ref(), "{offset}");
    }
}

#[test]
fn an_explanation_says_what_the_settings_permit() {
    let explain = |table: &Value| {
        let verifier = guard().verifier(&figment(table)).expect("a valid configuration");
        rocket::execute(verifier.explain(&issuer().token("alice").sign(), now())).to_string()
    };
    for (setting, by_default, line) in [
        (json!({ "match_subject": false }), "`sub` absent or equal to `uid`", "any `sub`, or none"),
        (json!({ "id_tokens": "accepted" }), "no ID token", "an ID token, or none"),
    ] {
        let (usual, set) = (explain(&json!({})), explain(&setting));
        assert!(usual.contains(by_default) && !usual.contains(line), "{usual}");
        assert!(set.contains(line) && !set.contains(by_default), "{set}");
    }
}

/// An undecided token does not count as refused.
#[test]
fn without_public_keys_the_explanation_says_so_and_what_to_do() {
    let (server, issuer) = (JwksServer::start(), Issuer::with_key_pair(Algorithm::EdDsa, "one"));
    let table = json!({ "jwks_url": server.url(), "url": corpus::URL });
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let client = launch(app_with(guard, &table).manage(issuer.clone()));
    let token = || Issuer::of(client.rocket()).expect("the managed one").token("alice");

    let explanation = explain(&client, &token().sign());
    assert_eq!(explanation.refusal(), Some(&AuthError::KeysUnavailable));
    let text = explanation.to_string();
    let undecided = "NO KEY  rule  7  one key for this `alg` and `kid`  [BETTER_AUTH_SECRET, ";
    assert!(text.contains(undecided) && !text.contains("FAILED"), "{text}");
    let end = format!(
        "The token is neither accepted nor refused: the issuer's public keys cannot be fetched. 503 keys_unavailable.\n\
         Public keys: none; could not fetch them from {}: it cannot be reached",
        server.url()
    );
    assert!(text.contains(&end), "{text}");
    assert!(text.ends_with("set `jwks_url` (AUTH_GUARD_JWKS_URL) to its address.\n"), "{text}");

    // A token that no key could make valid is refused.
    let text = explain(&client, &token().unsigned()).to_string();
    assert!(text.contains("FAILED  rule  7") && text.contains("401 token_invalid"), "{text}");

    // A copy of the keys suffices.
    let copy = JwksServer::start();
    copy.publish(&[&issuer]);
    let table = json!({ "jwks_url": copy.url(), "url": corpus::URL });
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let verifier = guard.verifier(&figment(&table)).expect("a valid configuration");
    let explain = |token: &str| rocket::execute(verifier.explain(token, now())).to_string();
    let text = explain(&token().sign());
    assert!(text.ends_with("The token is accepted.\n"), "{text}");
    // If no key matches, the explanation lists the known keys.
    let text = explain(&token().header("kid", "another").sign());
    let held = format!("Public keys: 1 from {}: one (EdDSA).\n", copy.url());
    assert!(text.ends_with(&held) && text.contains("FAILED  rule  7"), "{text}");
    let text = explain(&token().tampered());
    assert!(text.ends_with(&held) && text.contains("FAILED  rule  8"), "{text}");
}
