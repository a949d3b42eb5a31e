//! `docs/from-a-hand-written-guard.md`: a guard as applications have it, the same with
//! auth-guard, and the requests that the one lets in and the other does not.

// As a reader has them in a library.
#[allow(unreachable_pub)]
mod after;
#[allow(unreachable_pub)]
mod before;

use std::time::{Duration, SystemTime};

use auth_guard::testing::{Issuer, Token};
use auth_guard::{AuthGuard, Secret};
use auth_guard_tests::{SECRET, figment, secret};
use rocket::http::{Header, Status};
use rocket::local::blocking::Client;
use rocket::{Build, Rocket};
use serde_json::json;

const DOCS: &str = include_str!("../../../auth-guard/docs/from-a-hand-written-guard.md");

const ORIGIN: &str = "https://auth.example.com";

fn by_hand() -> Rocket<Build> {
    let figment = figment(&json!({})).merge(("jwt_secret", SECRET));
    rocket::custom(figment).mount("/api", before::routes())
}

/// Returns the status of both applications for a request with these fields.
fn statuses(path: &str, fields: &[String]) -> (Status, Status) {
    let guard = AuthGuard::fairing().with_secret(secret());
    let ours = rocket::custom(figment(&json!({ "url": ORIGIN }))).attach(guard);
    let status = |rocket: Rocket<Build>| {
        let client = Client::untracked(rocket).expect("a launch");
        let mut request = client.get(path.to_owned());
        for field in fields {
            request.add_header(Header::new("Authorization", field.clone()));
        }
        request.dispatch().status()
    };
    (status(by_hand()), status(ours.mount("/api", after::routes())))
}

/// Alice's token, as Better Auth signs it.
fn token() -> Token {
    let issuer = Issuer::new(&secret()).with_issuer(ORIGIN).with_audience(ORIGIN);
    issuer.token("alice")
}

fn bearer(token: Token) -> Vec<String> {
    vec![format!("Bearer {}", token.sign())]
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()
}

const TASKS: &str = "/api/alice/tasks";

#[test]
fn both_guards_let_the_owner_in_and_refuse_others() {
    assert_eq!(statuses(TASKS, &bearer(token())), (Status::Ok, Status::Ok));
    let refused = (Status::Forbidden, Status::Forbidden);
    assert_eq!(statuses("/api/bob/tasks", &bearer(token())), refused);
    let refused = (Status::Unauthorized, Status::Unauthorized);
    assert_eq!(statuses(TASKS, &bearer(token().signed_with(&Secret::random()))), refused);
    assert_eq!(statuses(TASKS, &[]), refused);
}

/// The table of the document is the one that comes out here.
#[test]
fn what_the_guard_by_hand_lets_in_is_as_the_docs_say() {
    let future = |seconds| now() + seconds;
    let two = [bearer(token()), bearer(token().claim("jti", "second"))].concat();
    let cases = [
        (
            "another user's notes: the comparison was forgotten",
            17,
            "/api/bob/notes",
            bearer(token()),
        ),
        (
            "`exp` in a hundred years",
            12,
            TASKS,
            bearer(token().claim("exp", future(3_155_760_000))),
        ),
        (
            "expired 50 seconds ago: the leeway is a minute",
            11,
            TASKS,
            bearer(token().claim("iat", now() - 600).claim("exp", now() - 50)),
        ),
        ("`nbf` in an hour", 13, TASKS, bearer(token().claim("nbf", future(3_600)))),
        (
            "`aud` is another application",
            14,
            TASKS,
            bearer(token().claim("aud", "https://other.example")),
        ),
        (
            "`iss` is another issuer",
            14,
            TASKS,
            bearer(token().claim("iss", "https://other.example")),
        ),
        ("`sub` is somebody else", 16, TASKS, bearer(token().claim("sub", "bob"))),
        (
            "`typ: \"logout+jwt\"`, a token that is for something else",
            5,
            TASKS,
            bearer(token().header("typ", "logout+jwt")),
        ),
        ("an ID token, with `nonce`", 20, TASKS, bearer(token().claim("nonce", "n"))),
        (
            "bound to a key, with `cnf`, and so perhaps stolen",
            19,
            TASKS,
            bearer(token().claim("cnf", json!({ "jkt": "x" }))),
        ),
        (
            "a program's, whose `client_id` is the user's id",
            21,
            TASKS,
            bearer(token().claim("client_id", "alice")),
        ),
        ("two `Authorization` fields, of which a proxy may check the other", 1, TASKS, two),
        ("a token of 100 KB", 3, TASKS, bearer(token().claim("text", "x".repeat(100_000)))),
    ];
    let mut rows = String::new();
    for (what, rule, path, fields) in cases {
        let (by_hand, ours) = statuses(path, &fields);
        assert_eq!(by_hand, Status::Ok, "{what}");
        assert!([400, 401, 403].contains(&ours.code), "{what}: {ours}");
        rows += &format!("| {what} | {rule} | {} |\n", ours.code);
    }
    let (_, table) = DOCS.split_once("| --- | --- | --- |\n").expect("a table");
    let (table, _) = table.split_once("\n\n").expect("an end");
    assert_eq!(format!("{table}\n"), rows);
}

/// It lets every caller in who finds out that the secret is empty.
#[test]
fn the_guard_by_hand_takes_any_secret_and_ours_does_not() {
    let rocket = by_hand();
    let figment = rocket.figment().clone().merge(("jwt_secret", ""));
    let client = Client::untracked(rocket.configure(figment)).expect("a launch");
    let key = jsonwebtoken::EncodingKey::from_secret(b"");
    let claims = json!({ "uid": "alice", "exp": now() + 60 });
    let token = jsonwebtoken::encode(&Default::default(), &claims, &key).expect("a token");
    let field = Header::new("Authorization", format!("Bearer {token}"));
    assert_eq!(client.get(TASKS).header(field).dispatch().status(), Status::Ok);
    assert!(Secret::new("").is_err());
}

/// A client cannot tell an expired token from an invalid one, nor a program what to do.
#[test]
fn the_guard_by_hand_says_nothing_in_its_refusals() {
    let expired = token().expired().sign();
    let field = || Header::new("Authorization", format!("bearer {expired}"));
    let client = Client::untracked(by_hand()).expect("a launch");
    let answer = client.get(TASKS).header(field()).dispatch();
    assert_eq!(answer.headers().get_one("WWW-Authenticate"), None);
    assert_eq!(answer.content_type(), Some(rocket::http::ContentType::HTML));

    // It takes the scheme for one of another name, too.
    let valid = token().lifetime(Duration::from_secs(60)).sign();
    let statuses = statuses(TASKS, &[format!("bearer {valid}")]);
    assert_eq!(statuses, (Status::Unauthorized, Status::Ok));
}

#[test]
fn the_code_of_the_docs_is_that_of_both_applications() {
    let blocks = DOCS.split("```rust,ignore\n").skip(1);
    let blocks = blocks.map(|block| block.split("```\n").next().expect("an end"));
    let files = [include_str!("by_hand/before.rs"), include_str!("by_hand/after.rs")];
    assert_eq!(Vec::from_iter(blocks), files);
}
