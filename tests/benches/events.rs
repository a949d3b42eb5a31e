//! Compares the cost of an event that is not observed with that of a verification and of
//! a request in this process, and measures a request whose events are observed.
//! `cargo bench -p auth-guard-tests --bench events`

use std::hint::black_box;
use std::time::Instant;

use auth_guard::{Verifier, user_scoped};
use auth_guard_tests::*;
use log::{LevelFilter, Log, Metadata, Record};
use rocket::http::Header;
use rocket::local::blocking::Client;
use rocket::{get, routes};
use serde_json::json;
use tracing::{Level, event};

/// A logger that formats its records, as any logger must, and discards them.
struct Listener;

impl Log for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if record.target() == "auth_guard::decision" {
            black_box(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Emits the event of an allowed request, as the guards do.
#[inline(never)]
fn emit(method: &str, route: &str) {
    event!(
        target: "auth_guard::decision",
        Level::TRACE,
        outcome = "allowed",
        by = "owner",
        method,
        route,
        "auth-guard: allowed"
    );
}

/// Takes the same arguments, and emits no event.
#[inline(never)]
fn emit_nothing(method: &str, route: &str) {
    black_box((method.len(), route.len()));
}

/// Runs `f` `count` times. Returns the nanoseconds per run.
fn time(count: u32, mut f: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..count).for_each(|_| f());
    start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

fn main() {
    log::set_logger(&Listener).expect("the first logger");
    let guard = guard().allow_testing_in_release();
    let rocket = rocket::custom(figment(&json!({}))).attach(guard);
    let client: Client = launch(rocket.mount("/api", routes![list]));
    let verifier: &Verifier = client.rocket().state().expect("the guard is attached");
    let token = issuer().token("alice").sign();
    let field = Header::new("Authorization", format!("Bearer {token}"));
    let request = || {
        let response = client.get("/api/alice/tasks").header(field.clone()).dispatch();
        assert_eq!(response.status().code, 200);
    };

    let [mut nothing, mut off, mut verification, mut unobserved, mut observed] =
        [(); 5].map(|()| Vec::new());
    for _ in 0..31 {
        log::set_max_level(LevelFilter::Off);
        nothing.push(time(1_000_000, || {
            emit_nothing(black_box("GET"), black_box("/api/<user_id>/tasks"));
        }));
        off.push(time(1_000_000, || emit(black_box("GET"), black_box("/api/<user_id>/tasks"))));
        verification.push(time(10_000, || drop(black_box(verifier.verify(&token, now())))));
        unobserved.push(time(2_000, request));
        log::set_max_level(LevelFilter::Trace);
        observed.push(time(2_000, request));
    }

    let (nothing, event) = (median(nothing), median(off));
    let (verification, unobserved, observed) =
        (median(verification), median(unobserved), median(observed));
    println!("a call without an event      {nothing:10.2} ns");
    println!("an event, not observed       {event:10.2} ns");
    println!("one verification (HS256)     {verification:10.0} ns  {:8.0} x", verification / event);
    println!("a request, level off         {unobserved:10.0} ns  {:8.0} x", unobserved / event);
    println!("a request, level trace       {observed:10.0} ns  (including Rocket's own records)");
}
