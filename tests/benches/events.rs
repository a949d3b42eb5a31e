//! What an event costs, compared in one run: by itself while nobody listens, beside
//! one verification and beside one request in process; and a request while somebody
//! does. `cargo bench -p auth-guard-tests --bench events`

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

/// Formats what it gets, as a logger must, and writes it nowhere.
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

/// The event of a request that is let in, as `decision.rs` has it.
#[inline(never)]
fn tell(method: &str, route: &str) {
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

/// A call with the same arguments, and no event.
#[inline(never)]
fn say_nothing(method: &str, route: &str) {
    black_box((method.len(), route.len()));
}

/// Nanoseconds for one of `count`.
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

    let [mut nothing, mut off, mut verification, mut unheard, mut heard] =
        [(); 5].map(|()| Vec::new());
    for _ in 0..31 {
        log::set_max_level(LevelFilter::Off);
        nothing.push(time(1_000_000, || {
            say_nothing(black_box("GET"), black_box("/api/<user_id>/tasks"));
        }));
        off.push(time(1_000_000, || tell(black_box("GET"), black_box("/api/<user_id>/tasks"))));
        verification.push(time(10_000, || drop(black_box(verifier.verify(&token, now())))));
        unheard.push(time(2_000, request));
        log::set_max_level(LevelFilter::Trace);
        heard.push(time(2_000, request));
    }

    let (nothing, event) = (median(nothing), median(off));
    let (verification, unheard, heard) = (median(verification), median(unheard), median(heard));
    println!("a call without an event      {nothing:10.2} ns");
    println!("an event that nobody hears   {event:10.2} ns");
    println!("one verification (HS256)     {verification:10.0} ns  {:8.0} x", verification / event);
    println!("a request, level off         {unheard:10.0} ns  {:8.0} x", unheard / event);
    println!("a request, level trace       {heard:10.0} ns  (Rocket's own records, too)");
}
