//! Only the owner gets in, on every route, whatever else is wrong with the request.

use crate::handlers::{Answer, App};
use auth_guard::testing::{Issuer, RequestExt};
use rocket::http::{Header, Method, Status};
use rocket::serde::json::json;

const INPUT: &str = r#"{"title":"tea"}"#;

/// Every scoped route, with the owner's status.
const ROUTES: [(Method, &str, Status); 6] = [
    (Method::Get, "/api/alice/tasks", Status::Ok),
    (Method::Post, "/api/alice/tasks", Status::Created),
    (Method::Get, "/api/alice/tasks/1", Status::Ok),
    (Method::Put, "/api/alice/tasks/1", Status::Ok),
    (Method::Patch, "/api/alice/tasks/1/complete", Status::Ok),
    (Method::Delete, "/api/alice/tasks/1", Status::NoContent),
];

#[test]
fn every_route_is_the_owners() {
    let app = App::new();
    let (_, task) = app.task_of_alice();

    for (method, path, _) in ROUTES {
        // The broken body is never read.
        for body in [INPUT, "", "{", r#"{"title":""}"#] {
            app.send(method, path, None, body).refusal(401, "token_missing");
            app.send(method, path, Some("bob"), body).refusal(403, "not_owner");
            app.send(method, path, Some("Alice"), body).refusal(403, "not_owner");
        }
    }
    // A refused write changes nothing.
    assert_eq!(app.get("/api/alice/tasks", "alice").json(), json!([task]));

    for (method, path, status) in ROUTES {
        assert_eq!(app.send(method, path, Some("alice"), INPUT).status, status, "{method} {path}");
    }
}

#[test]
fn a_task_of_another_user_is_not_there() {
    let app = App::new();
    let (path, task) = app.task_of_alice();
    app.post("/api/bob/tasks", "bob", INPUT);

    let under_bob = path.replace("alice", "bob");
    app.get(&under_bob, "bob").problem(404);
    app.put(&under_bob, "bob", INPUT).problem(404);
    app.patch(&format!("{under_bob}/complete"), "bob").problem(404);
    app.delete(&under_bob, "bob").problem(404);

    assert_eq!(app.get(&path, "alice").json(), task);
    assert_eq!(app.get("/api/alice/tasks", "alice").json(), json!([task]));
    assert_eq!(app.get("/api/bob/tasks", "bob").json()[0]["title"], "tea");
}

#[test]
fn access_is_decided_before_the_id() {
    let app = App::new();
    for id in ["7", "99999999999999999999", "one"] {
        let path = format!("/api/alice/tasks/{id}");
        app.send(Method::Delete, &path, None, "").refusal(401, "token_missing");
        app.delete(&path, "bob").refusal(403, "not_owner");
        app.delete(&path, "alice").problem(404);
    }
}

/// The application catches every status, yet the guard's answers reach the client.
#[test]
fn the_answers_of_the_guard_are_its_own() {
    let app = App::new();
    let issuer = Issuer::of(app.client.rocket()).unwrap();
    let get = || app.client.get("/api/alice/tasks");

    let twice = Header::new("Authorization", "Bearer x");
    let answer = get().as_user("alice").header(twice).dispatch();
    assert!(answer.headers().get_one("WWW-Authenticate").unwrap().contains("invalid_request"));
    Answer::from(answer).refusal(400, "request_malformed");

    let answer = get().dispatch();
    assert_eq!(
        answer.headers().get_one("WWW-Authenticate"),
        Some(r#"Bearer realm="api", scope="tasks:read""#)
    );
    Answer::from(answer).refusal(401, "token_missing");

    let answer = get().bearer("not.a.token").dispatch();
    Answer::from(answer).refusal(401, "token_invalid");
    let answer = get().bearer(issuer.token("alice").expired()).dispatch();
    Answer::from(answer).refusal(401, "token_expired");
    let answer = get().as_user("bob").dispatch();
    Answer::from(answer).refusal(403, "not_owner");
}
