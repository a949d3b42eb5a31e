//! The memo of verified tokens is full, and new valid tokens keep coming.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_guard_tests::server::{Connection, request};

use super::{Stage, get};
use crate::process::Used;
use crate::proxy::until;
use crate::servers::ExampleApp;

/// The default of `memo_capacity`.
const CAPACITY: usize = 10_000;
const OTHERS: usize = 50;
/// Of a memo that is full of tokens as large as they may be, and what the allocator adds.
const MAX_KIBIBYTES: u64 = 32 * 1024;

/// Sends tokens on four connections, and returns the processor time of each request.
fn flood(app: &ExampleApp, count: usize, token: &(dyn Fn(usize) -> String + Sync)) -> Duration {
    let (before, next) = (Used::of(app.id()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = Connection::open(app.address());
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let line = format!("Authorization: Bearer {}\r\n", token(number));
                    connection.write(&request("GET", "/api/me", &line, ""));
                    assert_eq!(connection.read("GET").status, 200);
                }
            });
        }
    });
    (Used::of(app.id()).processor - before.processor) / count as u32
}

/// Returns `true` if the result of a token is remembered: the event of a refusal names the key
/// that verified the signature now.
fn is_remembered(app: &ExampleApp, token: &str) -> bool {
    static PROBES: AtomicUsize = AtomicUsize::new(0);
    // Rocket's own line names the path, and the event follows it.
    let path = format!("/api/probe-{}/tasks", PROBES.fetch_add(1, Ordering::Relaxed));
    assert_eq!(get(app, &path, token), (403, "not_owner".to_owned()));
    let event = || app.line_after(&path, "reason=\"not_owner\"");
    until("its event is printed", || event().is_some());
    !event().expect("an event").contains(" key=")
}

#[test]
#[ignore = "takes half a minute"]
fn a_flood_of_new_tokens_is_bounded_in_memory_and_cannot_evict_by_one_user() {
    let stage = Stage::set();
    let app = ExampleApp::deploy(&stage.settings(&[("ROCKET_LOG_LEVEL", "normal")]));
    let others: Vec<_> = (0..OTHERS).map(|n| stage.token(&format!("user {n}"))).collect();
    let remembered = || others.iter().filter(|token| is_remembered(&app, token)).count();
    assert_eq!([remembered(), remembered()], [0, OTHERS]);

    let again = stage.token("again");
    let hit = flood(&app, 5_000, &|_| again.clone());
    let before = Used::of(app.id()).kibibytes;
    let sign = |user: &str, number: usize, padding: usize| {
        let token = stage.issuer.token(user).claim("number", number);
        token.claim("padding", "x".repeat(padding)).sign()
    };
    let miss = flood(&app, 20_000, &|number| sign("mallory", number, 0));
    let (after_one, kept_by_one) = (Used::of(app.id()).kibibytes, remembered());
    assert!(kept_by_one + 4 >= OTHERS, "{kept_by_one}");

    let of_many = |padding| move |number| sign(&format!("new user {number}"), number, padding);
    flood(&app, 3 * CAPACITY, &of_many(0));
    let (after_many, kept_by_many) = (Used::of(app.id()).kibibytes, remembered());
    assert_eq!(remembered(), OTHERS, "each is remembered again after one request");
    println!(
        "memo: a remembered token costs {hit:?} of processor time, a new one {miss:?}; {before} KiB \
         before, {after_one} after 20,000 tokens of one user ({kept_by_one} of {OTHERS} others \
         remembered), {after_many} after 30,000 of as many users ({kept_by_many})"
    );

    // The tokens that use the most: no more of them fit than of these, and the last are as
    // large as they may be.
    let app = ExampleApp::deploy(&stage.settings(&[]));
    flood(&app, 1_000, &|_| again.clone());
    let before = Used::of(app.id()).kibibytes;
    let [middle, large] = [400, 4_000].map(|padding| {
        flood(&app, 3 * CAPACITY, &of_many(padding));
        Used::of(app.id()).kibibytes
    });
    println!(
        "memo: {before} KiB before, {middle} with tokens of 1 KiB, {large} with tokens of 6 KiB"
    );
    assert!(large < before + MAX_KIBIBYTES, "{large}");
}
