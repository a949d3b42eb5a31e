//! What only a real connection can show.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;

use auth_guard_tests::*;
use rocket::Shutdown;
use rocket::fairing::AdHoc;
use serde_json::json;

/// A server on a real port, shut down on drop.
struct Server(SocketAddr, Shutdown);

impl Server {
    fn start() -> Self {
        let (ready, started) = mpsc::channel();
        let figment = figment(&json!({})).merge(("port", 0));
        let rocket =
            app(&json!({})).configure(figment).attach(AdHoc::on_liftoff("ready", |rocket| {
                Box::pin(async move {
                    let address = SocketAddr::new(rocket.config().address, rocket.config().port);
                    ready.send(Server(address, rocket.shutdown())).expect("the test waits");
                })
            }));
        std::thread::spawn(|| drop(rocket::execute(rocket.launch())));
        started.recv().expect("the server starts")
    }

    /// Sends these bytes on one connection, and gives each answer's status.
    fn send(&self, requests: &[u8], answers: usize) -> Vec<u16> {
        let mut stream = TcpStream::connect(self.0).expect("a connection");
        stream.write_all(requests).expect("the server reads");
        let mut reader = BufReader::new(stream);
        (0..answers).map(|_| read_answer(&mut reader)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.1.clone().notify();
    }
}

fn read_answer(reader: &mut impl BufRead) -> u16 {
    let mut lines = reader.by_ref().lines().map(|line| line.expect("a header line"));
    let status = lines.next().expect("a status line")[9..12].parse().expect("a status");
    let fields = lines.take_while(|line| !line.is_empty());
    let lengths = fields.filter_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")
            .map(|n| n.parse::<usize>().expect("a length"))
    });
    let length: usize = lengths.sum();
    reader.read_exact(&mut vec![0; length]).expect("a body");
    status
}

fn request(authorization: &[u8]) -> Vec<u8> {
    let mut request = b"GET /api/alice/tasks HTTP/1.1\r\nHost: x\r\n".to_vec();
    request.extend_from_slice(authorization);
    request.extend_from_slice(b"\r\n");
    request
}

#[test]
fn rule_01_two_fields_are_seen_over_a_real_connection() {
    let server = Server::start();
    let token = issuer().token("alice").sign();
    let field = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(server.send(&request(field.as_bytes()), 1), [200]);
    assert_eq!(server.send(&request(field.repeat(2).as_bytes()), 1), [400]);
    let lower = format!("{field}authorization: Basic x\r\n");
    assert_eq!(server.send(&request(lower.as_bytes()), 1), [400]);
    // Optional white space around a field's value is no part of it.
    let wide = format!("Authorization:   Bearer {token} \t \r\n");
    assert_eq!(server.send(&request(wide.as_bytes()), 1), [200]);
    assert_eq!(server.send(&request(b"Authorization:\r\n"), 1), [401]);
    assert_eq!(server.send(&request(b""), 1), [401]);
}

/// Documented: Rocket drops a field that is not UTF-8 before anybody sees it.
#[test]
fn rule_01_a_field_that_is_not_utf_8_is_dropped_by_rocket() {
    let server = Server::start();
    let token = issuer().token("alice").sign();
    let mut broken = b"Authorization: Bearer \xFF\xFE\r\n".to_vec();
    assert_eq!(server.send(&request(&broken), 1), [401]);
    broken.extend_from_slice(format!("Authorization: Bearer {token}\r\n").as_bytes());
    assert_eq!(server.send(&request(&broken), 1), [200]);
}

#[test]
fn pipelined_requests_each_get_their_own_answer() {
    let server = Server::start();
    let field = |uid: &str| format!("Authorization: Bearer {}\r\n", issuer().token(uid).sign());
    let requests = [
        request(field("alice").as_bytes()),
        request(field("bob").as_bytes()),
        request(b""),
        request(field("alice").as_bytes()),
        request(b"Authorization: Bearer x\r\n"),
        request(field("alice").as_bytes()),
    ];
    assert_eq!(server.send(&requests.concat(), 6), [200, 403, 401, 200, 401, 200]);
}

#[test]
fn a_long_field_is_refused_without_harm() {
    let server = Server::start();
    let long = format!("Authorization: Bearer {}\r\n", "a.".repeat(100_000));
    assert_eq!(server.send(&request(long.as_bytes()), 1), [401]);
    let token = issuer().token("alice").sign();
    let field = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(server.send(&request(field.as_bytes()), 1), [200]);
}
