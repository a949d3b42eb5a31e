//! `GET /health/ready`: whether the server can verify tokens.

use std::time::{Duration, Instant};

use auth_guard::testing::{Algorithm, Issuer, JwksServer};
use rocket::http::{Method, Status};
use rocket::serde::json::json;

use crate::binary::{SECRET, Server, run};
use crate::handlers::App;
use crate::metrics::curl;

const ORIGIN: &str = "https://auth.example.com";

#[test]
fn with_a_shared_secret_it_is_ready_at_once() {
    let ready = App::new().send(Method::Get, "/health/ready", None, "");
    assert_eq!((ready.status, ready.json()), (Status::Ok, json!({ "status": "ready" })));
}

/// Waits for this answer, and sends nothing else: an orchestrator sends no requests to a
/// server that is not ready.
fn wait_for(server: &Server, status: &str) -> String {
    let (started, url) = (Instant::now(), format!("http://{}/health/ready", server.address));
    loop {
        let answer = curl(&[], &url);
        if answer.starts_with(&format!("HTTP/1.1 {status}")) {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "no {status} within 30 s: {answer}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn start(issuer: &JwksServer, variables: &[(&str, &str)]) -> Server {
    let keys = [("BETTER_AUTH_URL", ORIGIN), ("AUTH_GUARD_JWKS_URL", issuer.url())];
    Server::start(&[&keys, variables].concat())
}

#[test]
fn with_public_keys_it_is_ready_once_it_has_some() {
    let issuer = JwksServer::start();
    let server = start(&issuer, &[]);
    let answer = wait_for(&server, "503");
    assert!(answer.to_lowercase().contains("content-type: application/problem+json"), "{answer}");
    assert!(answer.contains(r#""detail":"There are no keys"#), "{answer}");
    // It is up all the same.
    let health = curl(&[], &format!("http://{}/health", server.address));
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");

    issuer.publish(&[&Issuer::with_key_pair(Algorithm::EdDsa, "one")]);
    wait_for(&server, "200");
    issuer.fail();
    std::thread::sleep(Duration::from_millis(200));
    // The known keys stay in use.
    wait_for(&server, "200");
}

#[test]
fn it_is_not_ready_once_its_keys_are_too_old() {
    let issuer = JwksServer::start();
    issuer.publish(&[&Issuer::with_key_pair(Algorithm::EdDsa, "one")]);
    let stale = [("AUTH_GUARD_JWKS_MAX_AGE", "1"), ("AUTH_GUARD_JWKS_MAX_STALE", "1")];
    let server = start(&issuer, &stale);
    wait_for(&server, "200");
    issuer.fail();
    wait_for(&server, "503");
}

/// Neither the demo nor the table of routes adds a secret beside discovery.
#[test]
fn an_issuer_that_is_to_be_discovered_is_not_ready_and_no_error() {
    let discovery = [
        ("AUTH_GUARD_DISCOVERY", "true"),
        ("AUTH_GUARD_ISSUER", "http://127.0.0.1:1"),
        ("AUTH_GUARD_AUDIENCE", "https://api.example.com"),
        ("AUTH_GUARD_TOKEN_TYPE", "at+jwt"),
    ];
    let server = Server::start(&discovery);
    assert!(!server.output.contains("RANDOM SECRET"), "{}", server.output);
    wait_for(&server, "503");

    let without_secret = run(&["routes"], &discovery);
    let with_secret = run(&["routes"], &[("BETTER_AUTH_SECRET", SECRET)]);
    assert!(without_secret.success, "{}", without_secret.stderr);
    // Rocket applies the log level only after ignition, so the fetch may log a line first.
    let table = with_secret.stdout;
    assert!(without_secret.stdout.ends_with(&table), "{}", without_secret.stdout);
}
