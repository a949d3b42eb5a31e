//! The answer to each error.

use auth_guard::testing::RequestExt;
use auth_guard::{AuthError, Verified, user_scoped};
use auth_guard_tests::*;
use rocket::http::{Method, Status};
use rocket::local::blocking::Client;
use rocket::{Request, catch, catchers, get, routes};
use serde_json::{Value, json};

const EXPIRED: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The token has expired.""#;
const INVALID: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The token is not valid.""#;
const MULTIPLE: &str = r#"Bearer realm="api", error="invalid_request", error_description="The request has more than one Authorization header field.""#;

fn problem(status: u16, title: &str, code: &str, detail: &str) -> Value {
    json!({ "type": "about:blank", "title": title, "status": status, "code": code, "detail": detail })
}

fn check(answer: &Answer, challenge: Option<&str>, expected: &Value) {
    assert_eq!(Value::from(answer.status), expected["status"]);
    assert_eq!(answer.challenges, challenge.into_iter().collect::<Vec<_>>());
    assert_eq!(answer.content_type.as_deref(), Some("application/problem+json"));
    assert_eq!(answer.retry_after.is_some(), answer.status == 503);
    assert_eq!(serde_json::from_str::<Value>(&answer.body).expect("JSON"), *expected);
}

#[test]
fn each_situation_has_its_answer() {
    let client = client();
    let path = "/api/alice/tasks";
    let bearer = |token: auth_guard::testing::Token| format!("Bearer {}", token.sign());
    let alice = issuer().token("alice");

    check(
        &get_with(&client, path, &[]),
        Some(r#"Bearer realm="api""#),
        &problem(401, "Unauthorized", "token_missing", "A bearer token is required."),
    );
    check(
        &get_with(&client, path, &["Basic x", "Basic y"]),
        Some(MULTIPLE),
        &problem(
            400,
            "Bad Request",
            "request_malformed",
            "The request has more than one Authorization header field.",
        ),
    );
    check(
        &get_with(&client, path, &[&bearer(alice.clone().expired())]),
        Some(EXPIRED),
        &problem(401, "Unauthorized", "token_expired", "The token has expired."),
    );
    check(
        &get_with(&client, path, &["Bearer x"]),
        Some(INVALID),
        &problem(401, "Unauthorized", "token_invalid", "The token is not valid."),
    );
    check(
        &get_with(&client, path, &[&bearer(issuer().token("bob"))]),
        None,
        &problem(403, "Forbidden", "not_owner", "The token does not give access to this resource."),
    );
}

#[get("/keys")]
fn keys() -> AuthError {
    AuthError::KeysUnavailable
}

#[get("/set-up")]
fn set_up() -> AuthError {
    AuthError::Misconfigured
}

#[test]
fn a_server_error_has_no_challenge() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/", routes![keys, set_up]));
    let answer = get_with(&client, "/keys", &[]);
    check(
        &answer,
        None,
        &problem(
            503,
            "Service Unavailable",
            "keys_unavailable",
            "The keys to check tokens with cannot be fetched right now.",
        ),
    );
    assert_eq!(answer.retry_after.as_deref(), Some("5"));
    check(
        &get_with(&client, "/set-up", &[]),
        None,
        &problem(
            500,
            "Internal Server Error",
            "guard_misconfigured",
            "The server is not set up to check this request.",
        ),
    );
}

/// An error offers its answer's status and code to Rust code, too.
#[test]
fn an_error_knows_its_status_and_code() {
    for (error, status, code) in [
        (AuthError::MissingToken, 401, "token_missing"),
        (AuthError::MultipleTokens, 400, "request_malformed"),
        (AuthError::InvalidClaim("aud".into()), 401, "token_invalid"),
        (AuthError::Expired, 401, "token_expired"),
        (AuthError::NotOwner, 403, "not_owner"),
        (AuthError::NotAllowed, 403, "not_allowed"),
        (AuthError::KeysUnavailable, 503, "keys_unavailable"),
        (AuthError::Misconfigured, 500, "guard_misconfigured"),
    ] {
        assert_eq!((error.status(), error.code()), (status, code));
    }
}

#[test]
fn a_401_is_decided_before_a_403() {
    let client = client();
    let bob = issuer().token("bob").expired();
    assert_eq!(get_as(&client, "/api/alice/tasks", bob).code(), "token_expired");
}

#[test]
fn head_is_answered_as_get() {
    let client = client();
    for authorization in [vec![], vec!["Bearer x"], vec!["Bearer x", "Bearer x"]] {
        let get = send(&client, Method::Get, "/api/alice/tasks", &authorization);
        let head = send(&client, Method::Head, "/api/alice/tasks", &authorization);
        assert_eq!(head, Answer { body: String::new(), ..get });
    }
}

#[test]
fn the_realm_is_a_setting() {
    let client = launch(app(&json!({ "realm": "my tasks" })));
    let answer = get_with(&client, "/api/me", &[]);
    assert_eq!(answer.challenges, [r#"Bearer realm="my tasks""#]);
}

#[catch(401)]
fn own_401() -> &'static str {
    "my own"
}

#[catch(default)]
fn own_default(status: Status, _: &Request<'_>) -> String {
    format!("my own {}", status.code)
}

#[catch(403)]
fn delegating(request: &Request<'_>) -> Result<AuthError, &'static str> {
    AuthError::of(request).ok_or("not ours")
}

#[catch(401)]
fn to_another_status() -> Status {
    Status::ImATeapot
}

#[get("/forbidden")]
fn forbidden() -> Status {
    Status::Forbidden
}

#[get("/unauthorized")]
fn unauthorized(user: Verified) -> Status {
    let _ = user;
    Status::Unauthorized
}

fn with_catchers(catchers: Vec<rocket::Catcher>) -> Client {
    let rocket = app(&json!({})).mount("/", routes![forbidden, unauthorized]);
    launch(rocket.register("/", catchers))
}

#[test]
fn an_applications_own_catcher_keeps_its_body_and_gets_the_challenge() {
    let client = with_catchers(catchers![own_401]);
    let answer = get_with(&client, "/api/me", &["Bearer x"]);
    assert_eq!((answer.status, &*answer.body), (401, "my own"));
    assert_eq!(answer.challenges, [INVALID]);
    // Our catcher answers what the application does not catch.
    let answer = get_as(&client, "/api/alice/tasks", issuer().token("bob"));
    assert_eq!(answer.code(), "not_owner");

    let client = with_catchers(catchers![own_default]);
    for (authorization, body, challenge) in
        [(vec![], "my own 401", r#"Bearer realm="api""#), (vec!["x", "y"], "my own 400", MULTIPLE)]
    {
        let answer = get_with(&client, "/api/me", &authorization);
        assert_eq!((&*answer.body, answer.challenges), (body, vec![challenge.to_owned()]));
    }
}

#[test]
fn a_catcher_delegates_in_one_line() {
    let client = with_catchers(catchers![delegating]);
    let answer = get_as(&client, "/api/alice/tasks", issuer().token("bob"));
    assert_eq!((answer.status, &*answer.code()), (403, "not_owner"));
    assert_eq!(answer.challenges, Vec::<String>::new());
    let answer = get_with(&client, "/forbidden", &[]);
    assert_eq!((answer.status, &*answer.body), (403, "not ours"));
    assert!(answer.challenges.is_empty());
}

#[test]
fn an_error_that_is_not_ours_keeps_rockets_answer() {
    let plain =
        Client::untracked(rocket::custom(figment(&json!({}))).mount("/", routes![forbidden]))
            .expect("the application launches");
    let guarded = with_catchers(vec![]);
    for path in ["/forbidden", "/nowhere"] {
        assert_eq!(get_with(&guarded, path, &[]), get_with(&plain, path, &[]));
    }
    // A handler's own 401, after the guard has accepted the request.
    let answer = get_as(&guarded, "/unauthorized", issuer().token("alice"));
    assert_eq!((answer.status, answer.challenges), (401, vec![]));
    assert!(answer.body.contains("The request requires user authentication"));
}

#[test]
fn a_catcher_that_changes_the_status_gets_no_challenge() {
    let client = with_catchers(catchers![to_another_status]);
    let answer = get_with(&client, "/api/me", &[]);
    assert!(answer.challenges.is_empty(), "{answer:?}");
}

#[user_scoped]
#[get("/<user_id>/own")]
fn own(user_id: &str) -> (Status, &str) {
    (Status::Unauthorized, user_id)
}

#[test]
fn a_handlers_own_status_is_left_alone() {
    let client = launch(app(&json!({})).mount("/api", routes![own]));
    let answer: Answer = client.get("/api/alice/own").as_user("alice").dispatch().into();
    assert_eq!((answer.status, &*answer.body, answer.challenges), (401, "alice", vec![]));
}
