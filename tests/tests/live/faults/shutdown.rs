//! SIGTERM under load.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auth_guard_tests::server::request;
use serde_json::{Value, json};

use super::{Stage, folder};
use crate::servers::ExampleApp;

const TASKS: &str = "/api/alice/tasks";
const CALLERS: usize = 16;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Created,
    /// The connection was refused, so the request was never sent.
    NotSent,
    /// It was sent, and the connection ended without an answer.
    NoAnswer,
}

/// Sends one request on a connection of its own, or on the one that is open.
fn create(open: &mut Option<TcpStream>, app: &ExampleApp, token: &str, title: &str) -> Fate {
    let body = json!({ "title": title }).to_string();
    let bytes = request("POST", TASKS, &format!("Authorization: Bearer {token}\r\n"), &body);
    let stream = match open.take() {
        Some(stream) => Ok(stream),
        None => TcpStream::connect(app.address()),
    };
    let Ok(mut stream) = stream else { return Fate::NotSent };
    if stream.write_all(&bytes).is_err() {
        return Fate::NoAnswer;
    }
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return Fate::NoAnswer,
            Ok(length) => answer.extend_from_slice(&part[..length]),
        }
        // The body is a task, which ends with a bracket.
        if answer.ends_with(b"}") {
            assert!(answer.starts_with(b"HTTP/1.1 201 "), "{}", String::from_utf8_lossy(&answer));
            *open = Some(stream);
            return Fate::Created;
        }
    }
}

#[test]
#[ignore = "needs the machine for itself, or Rocket may give up before all connections have ended"]
fn sigterm_under_load_answers_what_it_has_begun() {
    let (stage, folder) = (Stage::set(), folder("shutdown"));
    let database = folder.join("tasks.sqlite");
    let settings = stage.settings(&[("EXAMPLE_APP_DATABASE", database.to_str().expect("UTF-8"))]);
    let mut app = ExampleApp::deploy(&settings);
    let token = stage.token("alice");
    let (fates, number) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let (is_asked, done) = (AtomicBool::new(false), AtomicBool::new(false));

    let took = std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (fates, number, is_asked, done) = (&fates, &number, &is_asked, &done);
            let (app, token) = (&app, &token);
            scope.spawn(move || {
                // Half of them keep their connection.
                let (mut open, keeps) = (None, caller % 2 == 0);
                while !done.load(Ordering::SeqCst) {
                    let title = number.fetch_add(1, Ordering::SeqCst).to_string();
                    let after = is_asked.load(Ordering::SeqCst);
                    let fate = create(&mut open, app, token, &title);
                    fates.lock().expect("no panic").push((title, fate, after));
                    if fate == Fate::NotSent {
                        return;
                    }
                    open = open.filter(|_| keeps);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        is_asked.store(true, Ordering::SeqCst);
        app.signal();
        let started = Instant::now();
        while TcpStream::connect(app.address()).is_ok() {
            assert!(started.elapsed() < Duration::from_secs(10), "it still listens");
        }
        started.elapsed()
    });
    let started = Instant::now();
    assert_eq!(app.end(10), Some(0));

    let fates = fates.into_inner().expect("no panic");
    let mut counts = BTreeMap::<_, usize>::new();
    fates.iter().for_each(|(_, fate, after)| *counts.entry((*after, *fate)).or_default() += 1);
    println!(
        "SIGTERM: (after the signal, fate): {counts:?}; no new connection {took:?} after the signal, \
         the end {:?} later",
        started.elapsed(),
    );
    let count = |after, fate| counts.get(&(after, fate)).copied().unwrap_or_default();
    assert!(count(false, Fate::Created) > 100 && count(false, Fate::NotSent) == 0);
    assert!(count(true, Fate::NoAnswer) + count(false, Fate::NoAnswer) <= CALLERS);
    assert_carried_out(&ExampleApp::deploy(&settings), &token, &fates);
}

/// Asserts that exactly the requests that were answered were carried out.
fn assert_carried_out(app: &ExampleApp, token: &str, fates: &[(String, Fate, bool)]) {
    let (status, tasks) = app.call("GET", TASKS, Some(token), Value::Null);
    assert_eq!(status, 200);
    let tasks = tasks.as_array().expect("a list");
    for (title, fate, _) in fates {
        let times = tasks.iter().filter(|task| task["title"] == json!(title)).count();
        assert_eq!(times, usize::from(*fate == Fate::Created), "{title}: {fate:?}");
    }
}

#[test]
fn sigterm_waits_for_no_connection_longer_than_grace_and_mercy() {
    let stage = Stage::set();
    for begun in ["", "GET /health HTTP/1.1\r\nHost: x\r\n"] {
        let mut app = ExampleApp::deploy(&stage.settings(&[]));
        let connect = |_| {
            let mut stream = TcpStream::connect(app.address()).expect("a connection");
            stream.write_all(begun.as_bytes()).expect("it is sent");
            stream
        };
        let open: Vec<_> = (0..100).map(connect).collect();
        std::thread::sleep(Duration::from_millis(500));
        let started = Instant::now();
        app.signal();
        assert_eq!(app.end(7), Some(0));
        let (count, took) = (open.len(), started.elapsed());
        println!("SIGTERM: {count} connections with {begun:?} and no more: the end {took:?} later");
    }
}
