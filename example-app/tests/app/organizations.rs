//! The projects of organisations and the administrators' route, by the claims that
//! `issuer/organizations.mjs` mints.

use rocket::http::{Method, Status};
use rocket::serde::json::{Value, json};

use crate::handlers::{Answer, App};

const ONE: &str = "/api/orgs/one/projects";
const TWO: &str = "/api/orgs/two/projects";
const STATS: &str = "/api/admin/stats";
const INPUT: &str = r#"{"name":"garden"}"#;

/// Returns the claims of a member of the organisation `one` with these roles there.
fn member(roles: &[&str]) -> Value {
    json!({ "roles": ["user"], "orgs": { "one": roles } })
}

fn get(app: &App, path: &str, claims: &Value) -> Answer {
    app.send_with(Method::Get, path, ("alice", claims), "")
}

fn post(app: &App, path: &str, claims: &Value, body: &str) -> Answer {
    app.send_with(Method::Post, path, ("alice", claims), body)
}

#[test]
fn members_use_the_projects_of_their_organisation_and_of_no_other() {
    let app = App::new();
    for role in ["owner", "admin", "member"] {
        assert_eq!(get(&app, ONE, &member(&[role])).status, Status::Ok, "{role}");
    }
    let member = member(&["member"]);
    let created = post(&app, ONE, &member, INPUT);
    assert_eq!(created.status, Status::Created);
    assert_eq!(created.json(), json!({ "id": 1, "name": "garden" }));
    assert_eq!(get(&app, ONE, &member).json(), json!([created.json()]));

    get(&app, TWO, &member).refusal(403, "not_allowed");
    // The broken body is never read.
    for body in [INPUT, "", "{"] {
        post(&app, TWO, &member, body).refusal(403, "not_allowed");
        app.send(Method::Post, ONE, None, body).refusal(401, "token_missing");
        app.send(Method::Post, ONE, Some("alice"), body).refusal(403, "not_allowed");
    }
    let of_two = json!({ "orgs": { "two": ["member"] } });
    assert_eq!(get(&app, TWO, &of_two).json(), json!([]));
}

#[test]
fn a_similar_organisation_or_role_admits_nobody() {
    let app = App::new();
    let member = member(&["member"]);
    for path in ["One", "one%20", "one%2F", "on", "%6Fne%00", "owner", "orgs", "roles"] {
        let path = format!("/api/orgs/{path}/projects");
        get(&app, &path, &member).refusal(403, "not_allowed");
    }
    for orgs in [
        json!({}),
        json!({ "one": [] }),
        json!({ "one": ["Member", "members", "member ", "not member"] }),
        json!({ "one": "owner,member" }),
        json!({ "one": { "member": true } }),
        json!({ "one": [["member"]] }),
        json!({ "ONE": ["member"] }),
        json!(["one"]),
        json!("one"),
        json!(null),
    ] {
        get(&app, ONE, &json!({ "orgs": orgs })).refusal(403, "not_allowed");
    }
}

#[test]
fn only_administrators_see_the_numbers() {
    let app = App::new();
    app.task_of_alice();
    post(&app, ONE, &member(&["owner"]), INPUT);
    for roles in [json!(["admin"]), json!(["user", "admin"]), json!("admin")] {
        let stats = get(&app, STATS, &json!({ "roles": roles }));
        assert_eq!(stats.json(), json!({ "tasks": 1, "projects": 1 }), "{roles}");
    }

    for roles in [json!([]), json!(["Admin", "admins", "admin "]), json!("user,admin")] {
        get(&app, STATS, &json!({ "roles": roles })).refusal(403, "not_allowed");
    }
    // A role in an organisation is none in the application.
    get(&app, STATS, &member(&["admin"])).refusal(403, "not_allowed");
    app.send(Method::Get, STATS, Some("alice"), "").refusal(403, "not_allowed");
    app.send(Method::Get, STATS, None, "").refusal(401, "token_missing");
}

#[test]
fn an_administrator_is_no_member() {
    get(&App::new(), ONE, &json!({ "roles": ["admin"] })).refusal(403, "not_allowed");
}

#[test]
fn the_answer_names_the_rule_that_a_project_breaks() {
    let app = App::new();
    let member = member(&["member"]);
    let long = json!({ "name": "x".repeat(201) }).to_string();
    for (body, rule) in [
        ("{}", "missing field `name`"),
        (r#"{"name":""}"#, "`name` must have 1 to 200 characters"),
        (&long, "`name` must have 1 to 200 characters"),
        (r#"{"name":"x","org_id":"two"}"#, "unknown field `org_id`"),
        (r#"["x"]"#, "an object with a `name`"),
    ] {
        let detail = post(&app, ONE, &member, body).problem(422);
        assert!(detail.contains(rule), "{body}: {detail}");
    }
    assert!(post(&app, ONE, &member, "{").problem(400).contains("not JSON"));
    assert_eq!(get(&app, ONE, &member).json(), json!([]));
}

/// Two routes match this path. Each answers only whom its own guard admits.
#[test]
fn a_path_that_two_routes_match_is_guarded_by_both() {
    let app = App::new();
    let path = "/api/orgs/tasks/projects";
    let claims = json!({ "orgs": { "tasks": ["member"] } });
    get(&app, path, &claims).refusal(403, "not_owner");
    // The owner passes the first guard. `projects` is no id, so the second one is asked.
    app.send_with(Method::Get, path, ("orgs", &json!({})), "").refusal(403, "not_allowed");
    assert_eq!(app.send_with(Method::Get, path, ("orgs", &claims), "").json(), json!([]));
    app.send(Method::Get, path, None, "").refusal(401, "token_missing");
}
