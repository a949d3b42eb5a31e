//! Sends the whole hostile corpus. Every answer is the documented one, follows the grammar
//! of its RFC, and reveals nothing.

use std::collections::BTreeMap;

use auth_guard_tests::corpus::{self, Case};
use auth_guard_tests::*;
use rocket::http::Method;
use rocket::local::blocking::Client;
use rocket::{Request, catch, catchers};
use serde_json::{Map, Value, json};

/// Sends every case. Returns each with its answer.
fn answers(client: &Client) -> Vec<(Case, Answer)> {
    corpus::cases().into_iter().map(|case| (case.clone(), case.get(client))).collect()
}

fn refusals() -> Vec<(Case, Answer)> {
    answers(&corpus::client()).into_iter().filter(|(case, _)| case.is_refused()).collect()
}

#[test]
fn every_hostile_request_gets_its_documented_answer() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (case, answer) in answers(&corpus::client()) {
        let got = (answer.status, &*answer.code());
        assert_eq!(got, (case.status, case.code), "rule {}: {}", case.rule, case.name);
        *counts.entry(case.code).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    println!("hostile corpus: {total} requests, {counts:?}");
    assert!(total > 350, "{total}");
}

/// Parses a challenge by the grammar of RFC 9110 section 11 into its `auth-scheme` and its
/// `auth-param`s. Rejects everything that the grammar does not name.
fn parse_challenge(field: &str) -> Result<(String, Vec<(String, String)>), String> {
    let mut rest = Rest(field);
    let scheme = rest.token()?;
    rest.expect(" ")?;
    let mut params: Vec<(String, String)> = Vec::new();
    loop {
        let name = rest.token()?.to_ascii_lowercase();
        // Only legacy senders may put white space around the equals sign.
        rest.expect("=")?;
        let value = rest.quoted_string()?;
        if params.iter().any(|(known, _)| *known == name) {
            return Err(format!("{name} twice"));
        }
        params.push((name, value));
        if rest.0.is_empty() {
            return Ok((scheme, params));
        }
        rest.expect(", ")?;
    }
}

struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn expect(&mut self, text: &str) -> Result<(), String> {
        let rest = self.0.strip_prefix(text).ok_or(format!("no {text:?} before {:?}", self.0))?;
        self.0 = rest;
        Ok(())
    }

    /// Parses `token = 1*tchar`.
    fn token(&mut self) -> Result<String, String> {
        let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let end = self.0.bytes().position(|b| !is_tchar(b)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        if token.is_empty() { Err(format!("no token at {rest:?}")) } else { Ok(token.to_owned()) }
    }

    /// Parses `quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE`.
    fn quoted_string(&mut self) -> Result<String, String> {
        self.expect("\"")?;
        let mut value = String::new();
        let mut characters = self.0.char_indices();
        loop {
            match characters.next() {
                Some((at, '"')) => {
                    self.0 = &self.0[at + 1..];
                    return Ok(value);
                }
                Some((_, '\\')) => match characters.next() {
                    Some((_, c @ ('\t' | ' '..='~'))) => value.push(c),
                    other => return Err(format!("a quoted pair with {other:?}")),
                },
                Some((_, c @ ('\t' | ' '..='~'))) => value.push(c),
                other => return Err(format!("{other:?} in a quoted string")),
            }
        }
    }
}

#[test]
fn the_parser_of_challenges_is_strict() {
    let parsed = parse_challenge(r#"Bearer realm="a \"b\"", error="x""#).expect("a challenge");
    let pairs = [("realm", "a \"b\""), ("error", "x")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(parsed, ("Bearer".into(), pairs.to_vec()));
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  realm=\"x\"",
        "Bearer realm",
        "Bearer realm=x",
        "Bearer realm=\"x",
        "Bearer realm=\"x\",",
        "Bearer realm=\"x\", ",
        "Bearer realm=\"x\" error=\"y\"",
        "Bearer realm=\"x\"; error=\"y\"",
        "Bearer realm=\"x\", Realm=\"y\"",
        "Bearer realm=\"\u{e9}\"",
        "Bearer realm=\"x\ny\"",
        "Bearer =\"x\"",
        "\"Bearer\" realm=\"x\"",
    ] {
        assert!(parse_challenge(wrong).is_err(), "{wrong:?}");
    }
}

/// Returns `true` if RFC 6750 section 3 allows the text in `error` and
/// `error_description`.
fn is_rfc_6750(text: &str) -> bool {
    let allowed = |b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !text.is_empty() && text.bytes().all(allowed)
}

#[test]
fn every_challenge_is_one_of_rfc_9110_and_rfc_6750() {
    for (case, answer) in refusals() {
        // No other credentials would help.
        if case.status == 403 {
            assert!(answer.challenges.is_empty(), "{}: {answer:?}", case.name);
            continue;
        }
        let [challenge] = &*answer.challenges else { panic!("{}: {answer:?}", case.name) };
        let (scheme, params) = parse_challenge(challenge).expect(&case.name);
        let names: Vec<_> = params.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<_> = params.iter().map(|(_, value)| value.as_str()).collect();
        assert!(values.iter().all(|value| is_rfc_6750(value)), "{challenge}");
        assert_eq!((&*scheme, values[0]), ("Bearer", "api"));

        // Without credentials there is no error code (RFC 6750 section 3.1).
        let error = match case.code {
            "token_missing" => {
                assert_eq!(names, ["realm"], "{}", case.name);
                continue;
            }
            "request_malformed" => "invalid_request",
            _ => "invalid_token",
        };
        assert_eq!(names, ["realm", "error", "error_description"], "{}", case.name);
        assert_eq!(values[1], error, "{}", case.name);
        assert_eq!(values[2], problem(&answer)["detail"], "{}", case.name);
    }
}

fn problem(answer: &Answer) -> Map<String, Value> {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Every realm that the configuration accepts makes a challenge that can be parsed.
#[test]
fn every_realm_that_launches_makes_a_challenge_that_can_be_read() {
    for realm in ["api", " ", "my tasks", "a, error=x", "a=b; c", "<&>'`{}[]~!#"] {
        let client = launch(app(&json!({ "realm": realm })));
        for field in [vec![], vec!["Bearer x"]] {
            let answer = get_with(&client, "/api/me", &field);
            let (_, params) = parse_challenge(&answer.challenges[0]).expect(realm);
            assert_eq!(params[0], ("realm".to_owned(), realm.to_owned()));
        }
    }
}

#[test]
fn every_body_is_a_problem_of_rfc_9457() {
    for (case, answer) in refusals() {
        assert_eq!(answer.content_type.as_deref(), Some("application/problem+json"));
        let problem = problem(&answer);
        let names: Vec<_> = problem.keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "detail", "status", "title", "type"], "{}", case.name);
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["status"], answer.status);
        // With `about:blank` the title is the status phrase (section 4.2.1).
        let title = rocket::http::Status::new(answer.status).reason();
        assert_eq!(problem["title"].as_str(), title);
        assert_eq!(problem["code"], case.code);
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.ends_with('.') && is_rfc_6750(detail), "{detail}");
    }
}

#[test]
fn no_answer_tells_anything_of_token_secret_claims_or_path() {
    let mut hidden_texts = 0;
    for (case, answer) in refusals() {
        let whole = format!("{:?} {}", answer.fields, answer.body);
        for hidden in case.hidden().iter().chain([&case.path]) {
            hidden_texts += 1;
            assert!(!whole.contains(hidden.as_str()), "{}: {hidden} in {whole}", case.name);
        }
    }
    println!("answers: searched for {hidden_texts} texts, found none");
}

#[test]
fn whatever_is_refused_for_one_code_gets_one_answer() {
    let mut by_code: BTreeMap<&str, (Case, Answer)> = BTreeMap::new();
    for (case, answer) in refusals() {
        let (first, expected) =
            by_code.entry(case.code).or_insert_with(|| (case.clone(), answer.clone()));
        assert_eq!(answer, *expected, "{} differs from {}", case.name, first.name);
    }
    assert_eq!(by_code.len(), 6, "every code of a refusal");

    // Answers with different codes differ only in the documented code and detail.
    let neutral = |code: &str| {
        let answer = &by_code[code].1;
        let detail = problem(answer)["detail"].as_str().expect("text").to_owned();
        let text = format!("{:?} {}", answer.fields, answer.body);
        text.replace(&detail, "(detail)").replace(code, "(code)")
    };
    assert_eq!(neutral("token_invalid"), neutral("token_expired"));
    let missing = neutral("token_missing");
    let error = r#", error=\"invalid_token\", error_description=\"(detail)\""#;
    assert_eq!(missing, neutral("token_invalid").replace(error, ""));
}

#[test]
fn head_is_answered_as_get_for_the_whole_corpus() {
    let client = corpus::client();
    for (case, get) in answers(&client) {
        let head = send(&client, Method::Head, &case.path, &case.fields());
        assert_eq!(head, Answer { body: String::new(), ..get }, "{}", case.name);
    }
}

#[catch(default)]
fn own(status: rocket::http::Status, _: &Request<'_>) -> String {
    format!("the application's own {}", status.code)
}

#[test]
fn an_applications_own_catcher_keeps_its_body_for_the_whole_corpus() {
    let plain = corpus::client();
    let client = launch(app(&corpus::settings()).register("/", catchers![own]));
    for (case, answer) in answers(&client).into_iter().filter(|(case, _)| case.is_refused()) {
        assert_eq!(answer.body, format!("the application's own {}", case.status));
        assert_eq!(answer.status, case.status);
        assert_eq!(answer.challenges, case.get(&plain).challenges, "{}", case.name);
    }
}

/// An invalid token is refused on every kind of guarded route.
#[test]
fn the_corpus_is_refused_on_every_kind_of_route() {
    let client = corpus::client();
    for case in corpus::cases().into_iter().filter(|case| case.rule < 17) {
        for (method, path) in [(Method::Get, "/api/me"), (Method::Post, &*case.path)] {
            let answer = send(&client, method, path, &case.fields());
            let got = (answer.status, &*answer.code());
            assert_eq!(got, (case.status, case.code), "{method} {path}: {}", case.name);
        }
    }
}
