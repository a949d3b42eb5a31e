//! The explanation says what the guards do: it is made by their steps.

use std::collections::BTreeMap;

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, explain_fields};
use auth_guard::{AuthError, AuthGuard, Verdict, Verifier, protect, public};
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
    // Each rule that a token can break is named, but for 3, 6 and 9, which the checks
    // of 2, 7 and 8 show as well.
    for rule in [1, 2, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16] {
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

/// How many were refused by each rule.
fn explained_as_answered(client: &Client, cases: Vec<Case>) -> BTreeMap<u8, usize> {
    let mut rules = BTreeMap::new();
    for case in cases {
        let answer = case.get(client);
        let got = (answer.status, &*answer.code());
        assert_eq!(got, (case.status, case.code), "{}", case.name);
        let explanation = explain_fields(verifier(client), case.fields(), now());
        let explanation = explanation.on_path(client.rocket(), &origin(&case.path));
        let door = explanation.doors().iter().find(|door| door.method == "GET");
        let explained = match &door.expect("a route").verdict {
            Verdict::Opens => (200, ""),
            Verdict::Refused(error) => (error.status(), error.code()),
            verdict => panic!("{}: {verdict}", case.name),
        };
        assert_eq!(explained, got, "{}", case.name);
        let refusal = explanation.refusal().map(|error| (error.status(), error.code()));
        let accepted = explanation.claims().is_some();
        assert_eq!(refusal.is_some(), !accepted);
        assert_eq!(accepted, matches!(case.code, "" | "not_owner"), "{}", case.name);
        if let Some(rule) = explanation.rule() {
            *rules.entry(rule).or_default() += 1;
        }
    }
    rules
}

/// A token that breaks one rule, and the line that says so.
#[test]
fn an_explanation_names_the_check_the_rule_and_the_setting() {
    let table = json!({ "url": "https://auth.example.com", "leeway": 7, "max_lifetime": 60 });
    let client = launch(app(&table));
    let issuer = Issuer::of(client.rocket()).expect("an issuer");
    let good = || issuer.token("alice");
    for (token, rule, line) in [
        ("x".to_owned(), 4, "FAILED  rule  4  three segments"),
        ("x".repeat(9_000), 2, "FAILED  rule  2  a token, of at most 8 KiB"),
        (good().header("crit", json!(["x"])).sign(), 5, "FAILED  rule  5  no `crit`"),
        (good().header("typ", "at+jwt").sign(), 5, "FAILED  rule  5  a `typ`"),
        (good().header("kid", 5).sign(), 6, "FAILED  rule  6  a `kid`"),
        (good().header("alg", 5).sign(), 7, "FAILED  rule  7  an `alg`"),
        (
            good().unsigned(),
            7,
            "FAILED  rule  7  one key for that `alg` and `kid`  [BETTER_AUTH_SECRET",
        ),
        (
            good().tampered(),
            8,
            "FAILED  rule  8  the signature of that key, over header and claims  [BETTER_AUTH_SECRET",
        ),
        (issuer.sign(r#"{"alg":"HS256"}"#, "[]"), 10, "FAILED  rule 10  claims that are one"),
        (good().claim("exp", "soon").sign(), 11, "FAILED  rule 11  an `exp`, a number\n"),
        (good().claim("nbf", "soon").sign(), 13, "FAILED  rule 13  `nbf` and `iat` absent"),
        (
            good().claim("exp", NOW + 90).sign(),
            12,
            "FAILED  rule 12  an `exp` at most 60 s behind `iat`, and ahead of now  [AUTH_GUARD_MAX_LIFETIME, AUTH_GUARD_LEEWAY]",
        ),
        (good().claim("nbf", NOW + 8).sign(), 13, "but for 7 s  [AUTH_GUARD_LEEWAY]"),
        (
            good().claim("iss", "x").sign(),
            14,
            "FAILED  rule 14  an `iss` that is `https://auth.example.com`  [AUTH_GUARD_ISSUER, BETTER_AUTH_URL]",
        ),
        (good().without("aud").sign(), 14, "FAILED  rule 14  an `aud` that is or has"),
        (
            good().without("uid").sign(),
            15,
            "FAILED  rule 15  a `uid`: text, or an integer  [AUTH_GUARD_UID_CLAIM]",
        ),
        (good().claim("sub", "x").sign(), 16, "FAILED  rule 16  a `sub`"),
        (good().expired().sign(), 11, "or passed by less than 7 s  [AUTH_GUARD_LEEWAY]"),
    ] {
        let explanation = explain(&client, &token);
        let text = explanation.to_string();
        assert_eq!(explanation.rule(), Some(rule), "{text}");
        assert!(text.contains(line), "no {line:?} in\n{text}");
        // All before it have passed, and none behind it was made.
        let marks: Vec<_> = text.lines().filter_map(|line| line.split("  rule ").next()).collect();
        let marks: Vec<_> = marks.iter().map(|mark| mark.trim_end()).take(22).collect();
        let failed = marks.iter().position(|mark| *mark == "FAILED").expect("one");
        assert!(marks[..failed].iter().all(|mark| *mark == "passed"), "{text}");
        assert!(marks[failed + 1..].iter().all(|mark| *mark == "-"), "{text}");
    }

    let text = explain(&client, &good().sign()).to_string();
    assert_eq!(text.matches("passed  rule").count(), 22, "{text}");
    assert!(text.ends_with("The token is accepted.\n"), "{text}");
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
        let doors: Vec<_> = explanation.doors().iter().map(ToString::to_string).collect();
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
            "GET /api/<user_id>/staff (owner of <user_id> or Staff): opens if `Staff` applies, for \
             the caller is not the owner",
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
    let verdict = &explanation.doors()[0].verdict;
    assert_eq!(*verdict, Verdict::Refused(AuthError::MalformedToken));
    assert!(explanation.to_string().ends_with("GET /api/held (verified): 401 token_invalid\n"));
}

/// Rocket routes a path whose segments are encoded, or doubled slashes, as well.
#[test]
fn an_odd_path_is_explained_as_it_is_answered() {
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
            let door = explanation.doors().iter().find(|door| door.method == "GET");
            let explained = match door.map(|door| &door.verdict) {
                None => 404,
                Some(Verdict::Opens) => 200,
                Some(Verdict::Refused(error)) => error.status(),
                Some(verdict) => panic!("{path}: {verdict}"),
            };
            assert_eq!(explained, answer.status, "{uid} {path}");
        }
    }
}

#[test]
fn an_explanation_tells_nothing_of_token_secret_and_claims() {
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

/// The moment is given, and nothing else tells the time.
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

/// What could not be decided is not called a refusal.
#[test]
fn without_public_keys_the_explanation_says_so_and_what_will_do() {
    let (server, issuer) = (JwksServer::start(), Issuer::with_key_pair(Algorithm::EdDsa, "one"));
    let table = json!({ "jwks_url": server.url(), "url": corpus::URL });
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let client = launch(app_with(guard, &table).manage(issuer.clone()));
    let token = || Issuer::of(client.rocket()).expect("the managed one").token("alice");

    let explanation = explain(&client, &token().sign());
    assert_eq!(explanation.refusal(), Some(&AuthError::KeysUnavailable));
    let text = explanation.to_string();
    let undecided = "NO KEY  rule  7  one key for that `alg` and `kid`  [BETTER_AUTH_SECRET, ";
    assert!(text.contains(undecided) && !text.contains("FAILED"), "{text}");
    let end = format!(
        "The token is neither accepted nor refused: the keys cannot be had. 503 keys_unavailable.\n\
         Public keys: none yet, they cannot be had from {}: it cannot be reached",
        server.url()
    );
    assert!(text.contains(&end), "{text}");
    assert!(text.ends_with("set AUTH_GUARD_JWKS_URL to its address.\n"), "{text}");

    // What is wrong whatever the keys are is a refusal.
    let text = explain(&client, &token().unsigned()).to_string();
    assert!(text.contains("FAILED  rule  7") && text.contains("401 token_invalid"), "{text}");

    // A copy of the keys does.
    let copy = JwksServer::start();
    copy.publish(&[&issuer]);
    let table = json!({ "jwks_url": copy.url(), "url": corpus::URL });
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let verifier = guard.verifier(&figment(&table)).expect("a good configuration");
    let explain = |token: &str| rocket::execute(verifier.explain(token, now())).to_string();
    let text = explain(&token().sign());
    assert!(text.ends_with("The token is accepted.\n"), "{text}");
    // Which keys there are instead.
    let text = explain(&token().header("kid", "another").sign());
    let held = format!("Public keys: 1 from {}: one (EdDSA).\n", copy.url());
    assert!(text.ends_with(&held) && text.contains("FAILED  rule  7"), "{text}");
    let text = explain(&token().tampered());
    assert!(text.ends_with(&held) && text.contains("FAILED  rule  8"), "{text}");
}
