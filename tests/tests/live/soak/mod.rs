//! Two copies of the release build behind the proxy that `docs/operating.md` configures, and
//! a real Better Auth server that rotates its keys every minute, is killed and comes back:
//! `SOAK_SECONDS` of it (300 by default). Every answer is judged. Memory, descriptors and
//! answers are sampled into the file `SOAK_CSV`, which `tests/chart` draws.

mod callers;
mod issuer;
mod judge;
mod samples;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rocket::tokio;
use rocket::tokio::signal::unix::{SignalKind, signal};

use super::proxy::{NAMES, OnPanic, Proxy, until};
use super::servers::{ExampleApp, lasting_port};
use callers::Caller;
use issuer::MortalIssuer;
use judge::Judge;
use samples::Samples;

/// The users, each with a thread that sends requests of every kind.
const USERS: usize = 6;
/// The threads that invent key ids. Each of their requests waits for a fetch.
const STRANGERS: usize = 4;

/// The issuer is killed after `FIRST_DEATH`, then every `LIFE`, and comes back after `DEATH`.
/// Tokens live for a minute, and so outlive that.
const FIRST_DEATH: Duration = Duration::from_secs(45);
const LIFE: Duration = Duration::from_secs(150);
const DEATH: Duration = Duration::from_secs(20);

const BETWEEN_TOKENS: Duration = Duration::from_millis(300);
const BETWEEN_SAMPLES: Duration = Duration::from_secs(5);

#[test]
#[ignore = "takes minutes"]
fn soak_two_copies_stay_right_and_flat_while_the_issuer_rotates_dies_and_returns() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(300, |s| s.parse().expect("seconds"));
    let issuer = MortalIssuer::start();
    let ports = [lasting_port(), lasting_port()];
    let database = temporary("soak-tasks.sqlite");
    let copies = [0, 1].map(|number| start_copy(number, ports[number], &database, &issuer));
    let proxy = Proxy::start(ports);
    for name in NAMES {
        until("a copy is up", || proxy.stat(name, "status") == "UP");
    }

    let judge = Judge::new(&issuer);
    let caller = |n| Caller::new(&issuer, &judge, proxy.address(), &format!("user{n}"));
    let callers: Vec<_> = (0..USERS).map(caller).collect();
    let csv = std::env::var_os("SOAK_CSV").map_or_else(|| temporary("soak.csv"), PathBuf::from);
    let mut samples = Samples::open(&csv, copies.each_ref().map(ExampleApp::id));
    let end = Duration::from_secs(seconds);
    let ran = run(&issuer, &judge, &callers, &mut samples, end);

    println!("soak: {} s, {issuer}; the samples are in {}", ran.as_secs(), csv.display());
    println!("{judge}");
    let metrics = copies.each_ref().map(|copy| read(&format!("http://{}/metrics", copy.address())));
    for copy in copies {
        assert_eq!(copy.terminate(10), Some(0));
    }
    assert!(judge.wrong() == 0, "wrong answers: see above");
    assert!(ran >= end, "stopped by a signal");
    issuer.assert_rotated(seconds);
    judge.assert_counted(&metrics.concat());
    samples.assert_flat();
}

/// Lets everybody do their part until `end`, a signal, or too many wrong answers. Returns how
/// long that was.
fn run(
    issuer: &MortalIssuer,
    judge: &Judge<'_>,
    callers: &[Caller<'_>],
    samples: &mut Samples,
    end: Duration,
) -> Duration {
    let (done, started) = (stop_at_signals(), Instant::now());
    std::thread::scope(|scope| {
        for caller in callers {
            scope.spawn(|| until_done(&done, || caller.send_round()));
        }
        for _ in 0..STRANGERS {
            scope.spawn(|| until_done(&done, || callers[0].invent_a_key_id()));
        }
        scope.spawn(|| {
            until_done(&done, || {
                for caller in callers {
                    caller.fetch_a_token();
                    std::thread::sleep(BETWEEN_TOKENS);
                }
            });
        });
        scope.spawn(|| {
            let mut death = FIRST_DEATH;
            until_done(&done, || {
                std::thread::sleep(Duration::from_millis(100));
                if issuer.is_alive() && started.elapsed() >= death {
                    issuer.kill();
                } else if !issuer.is_alive() && started.elapsed() >= death + DEATH {
                    issuer.revive();
                    death += LIFE;
                }
            });
        });

        let _guard = OnPanic(&done);
        let is_over = || done.load(Ordering::SeqCst) || judge.is_hopeless();
        let mut next = BETWEEN_SAMPLES;
        while next <= end && !is_over() {
            std::thread::sleep(Duration::from_millis(50));
            if started.elapsed() >= next {
                samples.take(started.elapsed(), issuer.is_alive(), judge);
                next += BETWEEN_SAMPLES;
            }
        }
        done.store(true, Ordering::SeqCst);
    });
    started.elapsed()
}

/// Starts a copy on the port that the proxy knows it by.
fn start_copy(number: usize, port: u16, database: &Path, issuer: &MortalIssuer) -> ExampleApp {
    ExampleApp::deploy(&[
        ("BETTER_AUTH_URL", &issuer.url),
        ("EXAMPLE_APP_METRICS", "true"),
        ("EXAMPLE_APP_DATABASE", database.to_str().expect("UTF-8")),
        ("ROCKET_PORT", &port.to_string()),
        ("ROCKET_IDENT", NAMES[number]),
    ])
}

fn read(url: &str) -> String {
    let answer = ureq::get(url).call().expect("an answer");
    answer.into_body().read_to_string().expect("text")
}

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}

/// Repeats `work` until the end of the run, or until another thread panics.
fn until_done(done: &AtomicBool, mut work: impl FnMut()) {
    let _guard = OnPanic(done);
    while !done.load(Ordering::SeqCst) {
        work();
    }
}

/// Returns a flag that SIGTERM or SIGINT sets, so that the run ends early and stops what it
/// has started.
fn stop_at_signals() -> Arc<AtomicBool> {
    let done = Arc::new(AtomicBool::new(false));
    let stopped = done.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let [mut terminate, mut interrupt] = [SignalKind::terminate(), SignalKind::interrupt()]
                .map(|kind| signal(kind).expect("a handler"));
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        stopped.store(true, Ordering::SeqCst);
    });
    done
}
