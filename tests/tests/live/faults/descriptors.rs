//! The application runs out of descriptors.

use std::net::TcpStream;
use std::time::Duration;

use auth_guard_tests::server::{Connection, request};

use super::{Stage, issuer, printed, recovery};
use crate::process::Used;
use crate::proxy::until;
use crate::servers::ExampleApp;

#[test]
fn without_descriptors_open_connections_are_served_and_the_rest_wait() {
    let stage = Stage::set();
    let app = ExampleApp::deploy_by(&["prlimit", "--nofile=64"], &stage.settings(&[]));
    let token = stage.token("alice");
    let ask = |connection: &mut Connection, token: &str| {
        let line = format!("Authorization: Bearer {token}\r\n");
        connection.write(&request("GET", "/api/alice/tasks", &line, ""));
        let reply = connection.read("GET");
        (reply.status, reply.code())
    };
    let mut open = Connection::open(app.address());
    assert_eq!(ask(&mut open, &token).0, 200);

    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(app.address())).collect();
    until("it has no descriptor left", || app.last_line("accept error").is_some());
    let before = Used::of(app.id());
    assert_eq!(ask(&mut open, &token).0, 200);
    let second = issuer("second");
    stage.keys.publish(&[&stage.issuer, &second]);
    let new = second.token("alice").sign();
    assert_eq!(ask(&mut open, &new), (503, "keys_unavailable".to_owned()));
    std::thread::sleep(Duration::from_secs(5));
    let after = Used::of(app.id());
    println!(
        "descriptors: {} of 64 used; {:?} of processor time in 5 s; {}; {}",
        after.descriptors,
        after.processor - before.processor,
        printed(&app, "accept error"),
        printed(&app, "could not fetch"),
    );
    assert!(after.processor - before.processor < Duration::from_secs(1), "it spins");

    drop(idle);
    let took = [recovery(&app, "/api/me", &token), recovery(&app, "/api/me", &new)];
    println!("descriptors: {took:?} later it serves others again, and tokens of new keys");
}
