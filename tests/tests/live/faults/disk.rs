//! The disk of the example app is full.

use std::process::Command;

use serde_json::Value;

use super::{Stage, folder, get, printed, send};
use crate::servers::ExampleApp;

const TASKS: &str = "/api/alice/tasks";

#[test]
#[ignore = "mounts a small disk, which a container may forbid"]
fn a_full_disk_fails_writes_cleanly_and_reads_go_on() {
    let (stage, folder) = (Stage::set(), folder("disk"));
    let directory = folder.to_str().expect("UTF-8");
    let database = format!("{directory}/tasks.sqlite");
    let settings = stage.settings(&[("EXAMPLE_APP_DATABASE", &*database)]);
    let mount = "mount -t tmpfs -o size=1m none \"$0\" && exec \"$1\"";
    let app = ExampleApp::deploy_by(&["unshare", "-rm", "sh", "-c", mount, directory], &settings);
    let inside = format!("/proc/{}/root{directory}", app.id());
    let ballast = format!("{inside}/ballast");
    std::fs::write(&ballast, vec![1; 400 * 1024]).expect("room for it");

    let token = stage.token("alice");
    let mut titles = Vec::new();
    let create = |titles: &mut Vec<String>, number: usize| {
        let title = format!("task {number}");
        let body = format!(r#"{{"title":"{title}","description":"{}"}}"#, "x".repeat(1_500));
        let reply = send(app.address(), "POST", TASKS, &token, &body);
        if reply.status == 201 {
            titles.push(title);
        }
        reply
    };
    let mut tries = (0..1_000).map(|number| create(&mut titles, number));
    let refused = tries
        .find(|reply| reply.status != 201)
        .unwrap_or_else(|| panic!("{:?}", listed(&app, &token).len()));
    let problem: Value = serde_json::from_str(&refused.body).expect("a problem");
    assert_eq!((refused.status, &problem["title"]), (500, &"Internal Server Error".into()));
    for number in 1_000..1_020 {
        create(&mut titles, number);
    }
    let line = printed(&app, "database failed");
    println!("disk: full after {} tasks; {line}", titles.len());
    assert_eq!(get(&app, "/health", "").0, 200);
    assert_eq!(get(&app, "/api/status", &token).0, 200);
    assert_eq!(listed(&app, &token), titles);

    std::fs::remove_file(&ballast).expect("it is there");
    for number in 2_000..2_020 {
        assert_eq!(create(&mut titles, number).status, 201);
    }
    assert_eq!(listed(&app, &token), titles);
    let check = "import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchone())";
    let mut python = Command::new("python3");
    python.args(["-c", check, &format!("{inside}/tasks.sqlite")]);
    let output = python.output().expect("python3 is installed");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n");
    assert_eq!(app.terminate(10), Some(0));
}

/// Returns the titles of the tasks.
fn listed(app: &ExampleApp, token: &str) -> Vec<String> {
    let reply = send(app.address(), "GET", TASKS, token, "");
    assert_eq!(reply.status, 200, "{}", reply.body);
    let tasks: Value = serde_json::from_str(&reply.body).expect("JSON");
    let titles = tasks.as_array().expect("a list").iter().map(|task| task["title"].as_str());
    titles.map(|title| title.expect("a title").to_owned()).collect()
}
