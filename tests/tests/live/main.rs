//! The main purpose, on real ports: a token from a real Better Auth server opens its
//! owner's path in the built example app, and nobody else's.
//!
//! These tests need Node, Chromium, HAProxy, OpenSSL and the packages of the issuers, of the
//! browser and of Next.js (`npm ci` in `example-app/issuer`, `tests/issuers`, `tests/browser`
//! and `tests/next`). They fail if any of that is missing. Those that are ignored take minutes,
//! need root or the machine for themselves: `.ci/release` runs them.

mod browser;
mod faults;
mod jwks;
mod next;
mod oauth;
mod organizations;
mod origin;
mod other_tokens;
mod process;
mod proxy;
mod readme;
mod rotation;
mod servers;
mod soak;
mod streams;
mod two_issuers;
mod walk;

use serde_json::{Value, json};
use servers::{ExampleApp, Issuer, User};

/// The method and path of every scoped route.
const ROUTES: [(&str, &str); 6] = [
    ("GET", "tasks"),
    ("POST", "tasks"),
    ("GET", "tasks/1"),
    ("PUT", "tasks/1"),
    ("DELETE", "tasks/1"),
    ("PATCH", "tasks/1/complete"),
];

struct Stage {
    issuer: Issuer,
    app: ExampleApp,
    alice: User,
    bob: User,
}

impl Stage {
    fn set() -> Self {
        let issuer = Issuer::start(&[]);
        let app = ExampleApp::start(&[
            ("BETTER_AUTH_SECRET", servers::SECRET),
            ("BETTER_AUTH_URL", &issuer.url),
        ]);
        let (alice, bob) = (issuer.sign_up("alice"), issuer.sign_up("bob"));
        Self { issuer, app, alice, bob }
    }

    fn call(&self, method: &str, user: &User, path: &str, token: Option<&str>) -> (u16, Value) {
        let body = json!({ "title": "milk" });
        self.app.call(method, &format!("/api/{}/{path}", user.id), token, body)
    }
}

#[test]
fn a_real_token_opens_its_owners_path_and_nobody_elses() {
    let stage = Stage::set();
    let (alice, bob) = (&stage.alice, &stage.bob);
    let (alices, bobs) = (stage.issuer.token(alice), stage.issuer.token(bob));

    let (status, me) = stage.app.call("GET", "/api/me", Some(&alices), Value::Null);
    assert_eq!((status, &me["uid"]), (200, &json!(alice.id)));

    // The owner uses all six routes.
    let as_alice = |method: &str, path: &str| stage.call(method, alice, path, Some(&alices));
    let (status, task) = as_alice("POST", "tasks");
    assert_eq!((status, &task["title"], &task["completed"]), (201, &json!("milk"), &json!(false)));
    let own = format!("tasks/{}", task["id"]);
    assert_eq!(as_alice("GET", "tasks"), (200, json!([task])));
    assert_eq!(as_alice("GET", &own), (200, task.clone()));
    assert_eq!(as_alice("PUT", &own), (200, task.clone()));
    let (status, toggled) = as_alice("PATCH", &format!("{own}/complete"));
    assert_eq!((status, &toggled["completed"]), (200, &json!(true)));

    // Everybody else is refused on every route, and changes nothing.
    let code =
        |answer: (u16, Value)| (answer.0, answer.1["code"].as_str().unwrap_or("").to_owned());
    for (method, path) in ROUTES {
        let path = path.replace("tasks/1", &own);
        let as_anybody = |token| code(stage.call(method, alice, &path, token));
        assert_eq!(as_anybody(Some(&bobs)), (403, "not_owner".into()), "{method} {path}");
        assert_eq!(as_anybody(None), (401, "token_missing".into()), "{method} {path}");
        let forged = tamper(&alices);
        assert_eq!(as_anybody(Some(&forged)), (401, "token_invalid".into()), "{method} {path}");
    }
    assert_eq!(as_alice("GET", "tasks"), (200, json!([toggled])));

    // Bob's own path does not lead to Alice's task.
    for (method, _) in &ROUTES[2..5] {
        let (status, _) = stage.call(method, bob, &own, Some(&bobs));
        assert_eq!(status, 404, "{method}");
    }
    assert_eq!(as_alice("GET", "tasks"), (200, json!([toggled])));
    assert_eq!(as_alice("DELETE", &own).0, 204);
    assert_eq!(as_alice("GET", "tasks"), (200, json!([])));
}

/// Returns the token with one bit of its signature flipped.
fn tamper(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').expect("three segments");
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{other}{}", &signature[1..])
}

#[test]
fn a_token_outlives_its_session_and_no_new_one_is_minted() {
    let stage = Stage::set();
    let token = stage.issuer.token(&stage.alice);
    stage.issuer.sign_out(&stage.alice);
    assert_eq!(stage.call("GET", &stage.alice, "tasks", Some(&token)).0, 200);
    assert_eq!(stage.issuer.try_token(&stage.alice), Err(401));
}

#[test]
fn a_server_with_another_secret_or_url_accepts_nothing() {
    let issuer = Issuer::start(&[]);
    let alice = issuer.sign_up("alice");
    let token = issuer.token(&alice);
    let path = format!("/api/{}/tasks", alice.id);
    for (secret, url, expected) in [
        (servers::SECRET, &*issuer.url, 200),
        (servers::SECRET, "http://127.0.0.1:1", 401),
        ("another secret, also of 32 bytes or more", &*issuer.url, 401),
    ] {
        let app = ExampleApp::start(&[("BETTER_AUTH_SECRET", secret), ("BETTER_AUTH_URL", url)]);
        let (status, _) = app.call("GET", &path, Some(&token), Value::Null);
        assert_eq!(status, expected, "{url}");
    }
}

#[test]
fn the_printed_curl_lines_work_as_they_are() {
    let app = ExampleApp::start(&[]);
    let statuses: Vec<_> = app.curl_lines().iter().map(|line| servers::run_curl(line)).collect();
    for status in [200, 201, 401, 403] {
        assert!(statuses.contains(&status), "no {status} among {statuses:?}");
    }
}

#[test]
fn outside_debug_no_secret_is_made() {
    let output = ExampleApp::refused(&[("ROCKET_PROFILE", "release")]);
    assert!(output.contains("BETTER_AUTH_SECRET is not set"), "{output}");
}

/// Rocket ignores the case of the level, so the warning must, too.
#[test]
fn outside_debug_the_log_level_debug_is_warned_about() {
    for (level, is_warned) in [("debug", true), ("DEBUG", true), ("normal", false)] {
        let app = ExampleApp::start(&[
            ("BETTER_AUTH_SECRET", servers::SECRET),
            ("ROCKET_PROFILE", "release"),
            ("ROCKET_LOG_LEVEL", level),
        ]);
        let warning = "Rocket writes whole tokens to the log";
        let warned = app.first_lines().iter().any(|line| line.contains(warning));
        assert_eq!(warned, is_warned, "{level}");
    }
}

#[test]
fn the_token_command_mints_what_the_server_accepts() {
    let settings =
        [("BETTER_AUTH_SECRET", servers::SECRET), ("BETTER_AUTH_URL", "https://auth.example/base")];
    let app = ExampleApp::start(&settings);
    let token = ExampleApp::mint(&settings, "alice", "5m");
    let get = |path: &str| app.call("GET", path, Some(&token), Value::Null).0;
    assert_eq!((get("/api/alice/tasks"), get("/api/bob/tasks"), get("/api/me")), (200, 403, 200));
}
