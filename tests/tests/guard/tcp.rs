//! What only a real connection can show.

use auth_guard_tests::server::{self, Reply, Server};
use auth_guard_tests::*;
use serde_json::json;

fn start() -> Server {
    let table = json!({});
    Server::start(app(&table), figment(&table))
}

/// Sends these bytes on one connection. Returns the statuses of the answers.
fn statuses(server: &Server, requests: &[u8], answers: usize) -> Vec<u16> {
    server.send(requests, answers).iter().map(|reply| reply.status).collect()
}

/// Returns the bytes of a request for alice's tasks with this line.
fn request(authorization: &[u8]) -> Vec<u8> {
    let mut request = b"GET /api/alice/tasks HTTP/1.1\r\nHost: x\r\n".to_vec();
    request.extend_from_slice(authorization);
    request.extend_from_slice(b"\r\n");
    request
}

/// Returns the header line with a valid token.
fn line(uid: &str) -> String {
    format!("Authorization: Bearer {}\r\n", issuer().token(uid).sign())
}

#[test]
fn rule_01_two_fields_are_seen_over_a_real_connection() {
    let server = start();
    let field = line("alice");
    assert_eq!(statuses(&server, &request(field.as_bytes()), 1), [200]);
    assert_eq!(statuses(&server, &request(field.repeat(2).as_bytes()), 1), [400]);
    let lower = format!("{field}authorization: Basic x\r\n");
    assert_eq!(statuses(&server, &request(lower.as_bytes()), 1), [400]);
    // White space around a field's value is not part of it.
    let wide = field.replace(": ", ":   ").replace("\r\n", " \t \r\n");
    assert_eq!(statuses(&server, &request(wide.as_bytes()), 1), [200]);
    assert_eq!(statuses(&server, &request(b"Authorization:\r\n"), 1), [401]);
    assert_eq!(statuses(&server, &request(b""), 1), [401]);
}

/// Rocket drops a field that is not UTF-8 before the guards run, as documented.
#[test]
fn rule_01_a_field_that_is_not_utf_8_is_dropped_by_rocket() {
    let server = start();
    let mut broken = b"Authorization: Bearer \xFF\xFE\r\n".to_vec();
    assert_eq!(statuses(&server, &request(&broken), 1), [401]);
    broken.extend_from_slice(line("alice").as_bytes());
    assert_eq!(statuses(&server, &request(&broken), 1), [200]);
}

#[test]
fn pipelined_requests_each_get_their_own_answer() {
    let server = start();
    let [alice, bob] = [line("alice"), line("bob")];
    let bad = "Authorization: Bearer x\r\n";
    let expired = format!("Authorization: Bearer {}\r\n", issuer().token("bob").expired().sign());
    let twice = alice.repeat(2);

    // Valid and invalid tokens of two users, on their own and on the other's path, with
    // and without a body.
    let exchanges: [(&str, &str, &str, &str, u16, &str); 14] = [
        ("GET", "/api/alice/tasks", &alice, "", 200, "alice"),
        ("GET", "/api/alice/tasks", &bob, "", 403, "not_owner"),
        ("GET", "/api/bob/tasks", &bob, "", 200, "bob"),
        ("GET", "/api/bob/tasks", "", "", 401, "token_missing"),
        ("GET", "/api/me", &alice, "", 200, "alice"),
        ("GET", "/api/me", bad, "", 401, "token_invalid"),
        ("GET", "/api/me", &bob, "", 200, "bob"),
        ("POST", "/api/alice/tasks", &alice, "milk", 200, "alice alice milk"),
        ("POST", "/api/alice/tasks", &bob, "poison", 403, "not_owner"),
        ("POST", "/api/bob/tasks", &bob, "bread", 200, "bob bob bread"),
        ("GET", "/api/bob/tasks", &expired, "", 401, "token_expired"),
        ("GET", "/api/alice/tasks", &twice, "", 400, "request_malformed"),
        ("GET", "/api/bob/tasks", &alice, "", 403, "not_owner"),
        ("GET", "/api/alice/tasks", &alice, "", 200, "alice"),
    ];
    let requests =
        exchanges.map(|(method, path, line, body, ..)| server::request(method, path, line, body));
    let replies = server.send(&requests.concat().repeat(3), exchanges.len() * 3);
    for ((method, path, .., status, text), reply) in exchanges.iter().cycle().zip(&replies) {
        let got = if *status == 200 { reply.body.clone() } else { reply.code() };
        assert_eq!((reply.status, &*got), (*status, *text), "{method} {path}");
    }
}

/// The guard refuses a request before its body is read. The unread body must not be taken
/// for the next request.
#[test]
fn the_body_of_a_refused_request_is_never_the_next_request() {
    let server = start();
    let hidden = server::request("GET", "/api/alice/tasks", &line("alice"), "");
    let hidden = String::from_utf8(hidden).expect("UTF-8");
    for refused in ["", "Authorization: Bearer x\r\n", &*line("bob")] {
        let outer = server::request("POST", "/api/alice/tasks", refused, &hidden);
        let next = server::request("GET", "/api/bob/tasks", &line("bob"), "");
        let mut connection = server.connect();
        connection.write(&[outer, next].concat());
        assert!(connection.read("POST").status > 400);
        assert_eq!(connection.read("GET").body, "bob");
    }
}

#[test]
fn head_is_answered_as_get_on_the_wire() {
    let server = start();
    for line in ["", "Authorization: Bearer x\r\n", &*line("alice"), &*line("bob")] {
        let mut connection = server.connect();
        let [get, head] = ["GET", "HEAD"].map(|method| {
            connection.write(&server::request(method, "/api/alice/tasks", line, ""));
            connection.read(method)
        });
        assert_eq!(head, Reply { body: String::new(), ..get });
    }
}

#[test]
fn an_overlong_field_is_refused_and_harms_nothing() {
    let server = start();
    let long = format!("Authorization: Bearer {}\r\n", "a.".repeat(100_000));
    assert_eq!(statuses(&server, &request(long.as_bytes()), 1), [401]);
    assert_eq!(statuses(&server, &request(line("alice").as_bytes()), 1), [200]);
}
