//! The bodies that a client may send, and the answers to all others.

use crate::handlers::{Answer, App};
use auth_guard::testing::RequestExt;
use rocket::http::{ContentType, Status};
use rocket::serde::json::json;

/// Checks that `POST` and `PUT` refuse this body alike and change nothing. Returns the
/// `detail`.
#[track_caller]
fn refused(app: &App, body: &str, status: u16) -> String {
    let (path, task) = app.task_of_alice();
    let before = app.get("/api/alice/tasks", "alice").json();

    let posted = app.post("/api/alice/tasks", "alice", body).problem(status);
    let put = app.put(&path, "alice", body).problem(status);
    assert_eq!(posted, put);

    assert_eq!(app.get(&path, "alice").json(), task);
    assert_eq!(app.get("/api/alice/tasks", "alice").json(), before);
    posted
}

#[track_caller]
fn accepted(app: &App, title: &str, description: Option<&str>) {
    let body = json!({ "title": title, "description": description });
    let created = app.post("/api/alice/tasks", "alice", &body.to_string());
    assert_eq!(created.status, Status::Created, "{created:?}");
    let task = app.get(created.location.as_deref().unwrap(), "alice").json();
    assert_eq!(task["title"], json!(title));
    assert_eq!(task["description"], json!(description));
}

#[test]
fn limits_count_characters() {
    let app = App::new();
    for character in ["x", "ü", "漢", "🦀"] {
        accepted(&app, character, Some(""));
        accepted(&app, &character.repeat(200), Some(&character.repeat(2_000)));

        let title = json!({ "title": character.repeat(201) }).to_string();
        assert!(refused(&app, &title, 422).contains("`title` must have 1 to 200 characters"));
        let long = json!({ "title": "x", "description": character.repeat(2_001) }).to_string();
        assert!(refused(&app, &long, 422).contains("`description` may have up to 2000 characters"));
    }
    assert!(refused(&app, r#"{"title":""}"#, 422).contains("`title` must have 1 to 200"));
}

#[test]
fn text_comes_back_as_it_was() {
    let app = App::new();
    for text in ["'; DROP TABLE tasks; --", "a\0b", "\u{feff}x", "<b>\n\"\\\t", " ", "?1 $1 :a"] {
        accepted(&app, text, Some(text));
    }
}

#[test]
fn the_answer_names_the_rule_that_a_body_breaks() {
    let app = App::new();
    for (body, rule) in [
        ("{}", "missing field `title`"),
        (r#"{"description":"x"}"#, "missing field `title`"),
        (r#"{"title":"x","completed":true}"#, "unknown field `completed`"),
        (r#"{"title":"x","id":7}"#, "unknown field `id`"),
        (r#"{"title":"x","user_id":"bob"}"#, "unknown field `user_id`"),
        (r#"{"title":"x","title":"y"}"#, "duplicate field `title`"),
        (r#"{"title":null}"#, "expected a string"),
        (r#"{"title":1e999}"#, ""),
        (r#"{"title":"x","description":["x"]}"#, "expected a string"),
        (r#"["x",null]"#, "an object with a `title`"),
        ("null", "an object with a `title`"),
        ("\"x\"", "an object with a `title`"),
        ("1", "an object with a `title`"),
    ] {
        let detail = refused(&app, body, 422);
        assert!(detail.contains(rule), "{body}: {detail}");
    }
}

#[test]
fn bad_json_is_a_bad_request() {
    let app = App::new();
    let deep = "[".repeat(100_000);
    for body in [
        "",
        " ",
        "{",
        r#"{"title":"x""#,
        r#"{"title":"x"} x"#,
        r#"{"title":"x",}"#,
        // These break two rules; being JSON comes first.
        r#"{"title":5"#,
        r#"{"other":"#,
        "title=milk",
        "{'title':'x'}",
        &deep,
    ] {
        assert!(refused(&app, body, 400).contains("not JSON"), "{body:.40}");
    }

    let answer = app.client.post("/api/alice/tasks").as_user("alice").body(b"{\"title\":\"\xff\"}");
    assert!(Answer::from(answer.dispatch()).problem(400).contains("not UTF-8"));
}

#[test]
fn a_large_body_is_refused() {
    let app = App::new();
    let large = json!({ "title": "x".repeat(2 * 1024 * 1024) }).to_string();
    refused(&app, &large, 413);
}

#[test]
fn a_detail_does_not_echo_a_large_body() {
    let app = App::new();
    let body = format!(r#"{{"{}":1}}"#, "x".repeat(500_000));
    assert!(refused(&app, &body, 422).len() < 300);
}

#[test]
fn any_content_type_is_accepted() {
    let app = App::new();
    for content_type in [ContentType::JSON, ContentType::Plain, ContentType::Form] {
        let request = app.client.post("/api/alice/tasks").as_user("alice").header(content_type);
        let answer = request.body(r#"{"title":"milk"}"#).dispatch();
        assert_eq!(answer.status(), Status::Created);
    }
}
