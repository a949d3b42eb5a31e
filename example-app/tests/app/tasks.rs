//! The answers of each route to the owner.

use std::time::{Duration, SystemTime};

use crate::handlers::App;
use example_app::store::Store;
use rocket::http::{Method, Status};
use rocket::serde::json::json;

#[test]
fn health_needs_no_token() {
    let health = App::new().send(Method::Get, "/health", None, "");
    assert_eq!((health.status, health.json()), (Status::Ok, json!({ "status": "ok" })));
}

#[test]
fn me_shows_the_caller_and_the_expiry() {
    let app = App::new();
    let me = app.get("/api/me", "alice").json();
    assert_eq!(me["uid"], "alice");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let left = Duration::from_secs(me["expires_at"].as_u64().unwrap()) - now;
    assert!(left > Duration::from_secs(800) && left <= Duration::from_secs(900), "{left:?}");

    app.send(Method::Get, "/api/me", None, "").refusal(401, "token_missing");
}

#[test]
fn a_task_is_created_changed_and_deleted() {
    let app = App::new();
    assert_eq!(app.get("/api/alice/tasks", "alice").json(), json!([]));

    let created = app.post("/api/alice/tasks", "alice", r#"{"title":"milk"}"#);
    assert_eq!(created.status, Status::Created);
    let task = json!({ "id": 1, "title": "milk", "description": null, "completed": false });
    assert_eq!(created.json(), task);
    let path = created.location.unwrap();
    assert_eq!(path, "/api/alice/tasks/1");
    assert_eq!(app.get(&path, "alice").json(), task);

    let done = app.patch(&format!("{path}/complete"), "alice");
    assert_eq!((done.status, done.json()["completed"].clone()), (Status::Ok, json!(true)));

    let replaced = app.put(&path, "alice", r#"{"title":"oat milk","description":"two"}"#);
    let task = json!({ "id": 1, "title": "oat milk", "description": "two", "completed": true });
    assert_eq!((replaced.status, replaced.json()), (Status::Ok, task.clone()));
    assert_eq!(app.get("/api/alice/tasks", "alice").json(), json!([task]));

    let undone = app.patch(&format!("{path}/complete"), "alice");
    assert_eq!(undone.json()["completed"], json!(false));
    let replaced = app.put(&path, "alice", r#"{"title":"tea"}"#).json();
    assert_eq!(replaced["description"], json!(null));

    let deleted = app.delete(&path, "alice");
    assert_eq!((deleted.status, deleted.text.as_str()), (Status::NoContent, ""));
    app.get(&path, "alice").problem(404);
    app.delete(&path, "alice").problem(404);
    app.put(&path, "alice", r#"{"title":"tea"}"#).problem(404);
    app.patch(&format!("{path}/complete"), "alice").problem(404);
}

#[test]
fn the_list_is_ordered_and_ids_are_not_used_again() {
    let app = App::new();
    for title in ["c", "a", "b"] {
        app.post("/api/alice/tasks", "alice", &json!({ "title": title }).to_string());
    }
    app.delete("/api/alice/tasks/3", "alice");
    let task = app.post("/api/alice/tasks", "alice", r#"{"title":"d"}"#).json();
    assert_eq!(task["id"], 4);

    let list = app.get("/api/alice/tasks", "alice").json();
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
    assert_eq!(ids, [1, 2, 4]);
}

#[test]
fn any_user_id_gives_a_usable_location() {
    let app = App::new();
    for (uid, segment) in [
        ("a b/c?d#e%f", "a%20b%2Fc%3Fd%23e%25f"),
        ("zoë", "zo%C3%AB"),
        ("' OR 1=1 --", "'%20OR%201=1%20--"),
        ("42", "42"),
    ] {
        let created = app.post(&format!("/api/{segment}/tasks"), uid, r#"{"title":"milk"}"#);
        assert_eq!(created.status, Status::Created, "{uid}");
        let location = created.location.as_deref().unwrap();
        assert_eq!(app.get(location, uid).json(), created.json(), "{uid}");
        let list = app.get(&format!("/api/{segment}/tasks"), uid).json();
        assert_eq!(list, json!([created.json()]), "{uid}");
    }
}

#[test]
fn an_id_that_leads_nowhere_is_not_found() {
    let app = App::new();
    app.task_of_alice();
    for id in [
        "2",
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "one",
        "1.0",
        "1e0",
        "0x1",
        "%31%00",
        "%20",
        "%FF",
        "1'--",
    ] {
        let path = format!("/api/alice/tasks/{id}");
        app.get(&path, "alice").problem(404);
        app.put(&path, "alice", r#"{"title":"tea"}"#).problem(404);
        app.delete(&path, "alice").problem(404);
        app.patch(&format!("{path}/complete"), "alice").problem(404);
    }
}

#[test]
fn a_path_that_leads_nowhere_is_not_found() {
    let app = App::new();
    for path in ["/", "/api", "/api/alice", "/api/alice/tasks/1/2", "/%FF", "/api/%00"] {
        app.get(path, "alice").problem(404);
    }
    app.delete("/api/alice/tasks", "alice").problem(404);
}

#[test]
fn head_is_answered_like_get() {
    let app = App::new();
    let (path, _) = app.task_of_alice();
    let head = |path, user| app.send(Method::Head, path, user, "").status;
    assert_eq!(head(&path, Some("alice")), Status::Ok);
    assert_eq!(head(&path, Some("bob")), Status::Forbidden);
    assert_eq!(head(&path, None), Status::Unauthorized);
}

#[test]
fn copies_that_start_at_once_share_a_new_database() {
    let directory = tempfile::tempdir().expect("a directory");
    for round in 0..20 {
        let file = directory.path().join(format!("{round}.sqlite"));
        let copies = (0..8).map(|_| Store::open(&file));
        let opened = rocket::execute(rocket::futures::future::join_all(copies));
        assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    }
}

#[test]
fn a_database_error_reveals_nothing() {
    let app = App::new();
    app.break_database();
    for answer in [
        app.get("/api/alice/tasks", "alice"),
        app.post("/api/alice/tasks", "alice", r#"{"title":"milk"}"#),
        app.delete("/api/alice/tasks/1", "alice"),
    ] {
        assert_eq!(answer.problem(500), "The server failed. Try again later.");
    }
    app.get("/api/alice/tasks", "bob").refusal(403, "not_owner");
}

/// SQLite commits a statement after its last row, so the row alone says nothing.
#[test]
fn a_change_that_cannot_be_committed_is_not_reported_as_done() {
    let app = App::new();
    app.break_commits();
    let body = r#"{"title":"tea"}"#;
    for answer in [
        app.post("/api/alice/tasks", "alice", body),
        app.put("/api/alice/tasks/7", "alice", body),
        app.patch("/api/alice/tasks/7/complete", "alice"),
        app.delete("/api/alice/tasks/7", "alice"),
    ] {
        assert_eq!(answer.problem(500), "The server failed. Try again later.");
    }
    let task = json!({ "id": 7, "title": "milk", "description": null, "completed": false });
    assert_eq!(app.get("/api/alice/tasks", "alice").json(), json!([task]));
}
