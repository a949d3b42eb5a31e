//! What the tokens of OAuth clients open: their user's permission, and no more.

use crate::handlers::{Answer, App};
use auth_guard::testing::{Issuer, RequestExt};
use rocket::http::Method::{self, Delete, Get, Patch, Post, Put};
use rocket::serde::json::json;

const TASK: &str = r#"{"title":"tea"}"#;
const PROJECT: &str = r#"{"name":"garden"}"#;

/// Launches it for the access tokens of an OAuth server.
fn app() -> App {
    App::with(|rocket| {
        let figment = rocket.figment().clone().merge(("auth_guard.token_type", "at+jwt"));
        rocket.configure(figment)
    })
}

/// Sends a request of alice's, by a client that has these scopes.
fn send(app: &App, method: Method, path: &str, scopes: &str, body: &str) -> Answer {
    let claims = json!({ "roles": ["admin"], "orgs": { "one": ["member"] } });
    let request = app.client.req(method, path).body(body).as_user("alice").with_claims(claims);
    request.with_scope(scopes).dispatch().into()
}

#[test]
fn a_client_that_may_read_reads_and_writes_nothing() {
    let app = app();
    let created = send(&app, Post, "/api/alice/tasks", "tasks:write", TASK);
    assert_eq!(created.status.code, 201, "{created:?}");

    for (method, path, body) in [
        (Get, "/api/alice/tasks", ""),
        (Get, "/api/alice/tasks/1", ""),
        (Get, "/api/me", ""),
        (Get, "/api/orgs/one/projects", ""),
        (Get, "/api/admin/stats", ""),
        (Get, "/api/status", ""),
        (Put, "/api/alice/tasks/1", TASK),
        (Patch, "/api/alice/tasks/1/complete", ""),
        (Post, "/api/alice/tasks", TASK),
        (Post, "/api/orgs/one/projects", PROJECT),
        (Delete, "/api/alice/tasks/1", ""),
    ] {
        let (right, wrong) = match method {
            Get => ("openid tasks:read", "openid tasks:write"),
            _ => ("openid tasks:write", "openid tasks:read"),
        };
        for scopes in [wrong, "openid", "", "tasks", "tasks:readwrite", "TASKS:READ TASKS:WRITE"] {
            send(&app, method, path, scopes, body).refusal(403, "insufficient_scope");
        }
        let status = send(&app, method, path, right, body).status.code;
        assert!((200..300).contains(&status), "{method} {path}: {status}");
    }
    // No scope opens another user's path.
    let bobs = app.client.get("/api/bob/tasks").as_user("alice").dispatch();
    Answer::from(bobs).refusal(403, "not_owner");
    // What is public stays so.
    assert_eq!(app.send(Get, "/health", None, "").status.code, 200);
}

#[test]
fn the_challenge_names_the_scope_that_is_needed() {
    let app = app();
    let challenge = |method, scopes: Option<&str>| {
        let request = app.client.req(method, "/api/alice/tasks");
        let response = match scopes {
            Some(scopes) => request.as_user("alice").with_scope(scopes).dispatch(),
            None => request.dispatch(),
        };
        response.headers().get_one("WWW-Authenticate").unwrap().to_owned()
    };
    assert_eq!(challenge(Get, None), r#"Bearer realm="api", scope="tasks:read""#);
    assert_eq!(challenge(Post, None), r#"Bearer realm="api", scope="tasks:write""#);
    let insufficient = r#"Bearer realm="api", error="insufficient_scope", error_description="The token lacks a scope that this request needs.", scope="tasks:write""#;
    assert_eq!(challenge(Post, Some("tasks:read")), insufficient);
}

#[test]
fn a_machine_opens_only_the_route_that_admits_machines() {
    let app = app();
    let machine = Issuer::of(app.client.rocket()).unwrap().machine_token();
    let get = |path: &'static str, scopes| {
        Answer::from(app.client.get(path).bearer(machine.clone().scope(scopes)).dispatch())
    };
    for path in ["/api/me", "/api/alice/tasks", "/api/client-of-the-test/tasks"] {
        get(path, "tasks:read tasks:write").refusal(403, "not_allowed");
    }
    assert_eq!(get("/api/status", "tasks:read").json(), json!({ "status": "ok" }));
    for scopes in ["tasks:write", "openid", ""] {
        get("/api/status", scopes).refusal(403, "insufficient_scope");
    }
}

#[test]
fn the_attack_finds_no_way_around_the_scopes() {
    let app = app();
    let created = send(&app, Post, "/api/alice/tasks", "tasks:write", TASK);
    assert_eq!(created.status.code, 201, "{created:?}");
    let table = app.attack().to_string();
    println!("{table}");
    for row in table.lines().filter(|row| row.contains("scope tasks:")) {
        let insufficient: u32 = row.split_whitespace().rev().nth(1).unwrap().parse().unwrap();
        assert!(insufficient > 10, "{row}");
    }
}

/// A session token is its user, who needs nobody's permission.
#[test]
fn a_session_token_needs_no_scope() {
    let app = App::new();
    app.task_of_alice();
    assert_eq!(app.get("/api/me", "alice").status.code, 200);
}
