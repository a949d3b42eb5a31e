//! Rotates the secret under steady traffic, without refusing a valid token.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::servers::ExampleApp;

const OLD: &str = "the old secret: of 32 bytes or more of it";
const NEW: &str = "the new secret: of 32 bytes or more of it";
const STRANGE: &str = "a strange secret: of 32 bytes or more too";

/// How long a token is valid, and how long the test sends it.
const TTL: Duration = Duration::from_secs(6);
const SENT_FOR: Duration = Duration::from_secs(4);
/// The server's default leeway.
const LEEWAY: Duration = Duration::from_secs(5);

const ALICE: &str = "/api/alice/tasks";

/// A copy of the application behind a load balancer, which sends it no requests during a
/// restart.
struct Running(RwLock<ExampleApp>);

impl Running {
    fn start(secrets: &[(&str, &str)]) -> Self {
        Self(RwLock::new(ExampleApp::start(secrets)))
    }

    fn restart(&self, secrets: &[(&str, &str)]) {
        *self.0.write().expect("no panic") = ExampleApp::start(secrets);
    }

    /// Requests alice's list. Returns the status, or `None` during a restart.
    fn get(&self, token: &str) -> Option<u16> {
        let app = self.0.try_read().ok()?;
        Some(app.call("GET", ALICE, Some(token), Value::Null).0)
    }
}

fn mint(secret: &str, uid: &str) -> String {
    let ttl = format!("{}s", TTL.as_secs());
    ExampleApp::mint(&[("BETTER_AUTH_SECRET", secret)], uid, &ttl)
}

#[test]
fn the_secret_changes_under_traffic_without_one_wrong_refusal() {
    let copies = [OLD; 2].map(|secret| Running::start(&[("BETTER_AUTH_SECRET", secret)]));
    let signing = Mutex::new(OLD);
    let (accepted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done = AtomicBool::new(false);
    let forged = ["alice", "bob"].map(|uid| mint(STRANGE, uid));

    std::thread::scope(|scope| {
        // Callers fetch new tokens from time to time, and use them while they are valid.
        scope.spawn(|| {
            let mut tokens: VecDeque<(Instant, String, String)> = VecDeque::new();
            while !done.load(Ordering::SeqCst) {
                let is_due =
                    tokens.back().is_none_or(|(at, ..)| at.elapsed() > Duration::from_millis(300));
                if is_due {
                    let secret = *signing.lock().expect("no panic");
                    let at = Instant::now();
                    tokens.push_back((at, mint(secret, "alice"), mint(secret, "bob")));
                }
                tokens.retain(|(at, ..)| at.elapsed() < SENT_FOR);

                for (_, alice, bob) in &tokens {
                    for copy in &copies {
                        let answers = [
                            (copy.get(alice), 200, &accepted),
                            (copy.get(bob), 403, &accepted),
                            (copy.get(&forged[0]), 401, &refused),
                        ];
                        for (status, expected, count) in answers {
                            let Some(status) = status else { continue };
                            if status != expected {
                                done.store(true, Ordering::SeqCst);
                                panic!("{status} for {expected}");
                            }
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                }
            }
        });

        let traffic = |enough: Duration| {
            let (started, before) = (Instant::now(), accepted.load(Ordering::SeqCst));
            while started.elapsed() < enough || accepted.load(Ordering::SeqCst) < before + 50 {
                assert!(!done.load(Ordering::SeqCst), "a wrong answer: see above");
                assert!(started.elapsed() < Duration::from_secs(60), "no traffic");
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        let both = [("BETTER_AUTH_SECRET", NEW), ("BETTER_AUTH_SECRET_PREVIOUS", OLD)];
        traffic(Duration::from_millis(500));

        // Step 1: the verifiers learn the new secret and keep the old one.
        for copy in &copies {
            copy.restart(&both);
            traffic(Duration::from_millis(300));
        }
        // Step 2: the issuer signs with the new one. Earlier tokens stay valid.
        *signing.lock().expect("no panic") = NEW;
        let last_of_the_old = mint(OLD, "alice");
        for copy in &copies {
            assert_eq!(copy.get(&last_of_the_old), Some(200));
        }
        traffic(TTL + LEEWAY);
        for copy in &copies {
            assert_eq!(copy.get(&last_of_the_old), Some(401));
        }
        // Step 3: every token of the old secret has expired, so the verifiers drop it.
        for copy in &copies {
            copy.restart(&[("BETTER_AUTH_SECRET", NEW)]);
            traffic(Duration::from_millis(300));
            assert_eq!(copy.get(&mint(OLD, "alice")), Some(401));
            assert_eq!(copy.get(&mint(NEW, "alice")), Some(200));
        }
        done.store(true, Ordering::SeqCst);
    });

    let (accepted, refused) = (accepted.into_inner(), refused.into_inner());
    println!(
        "rotation: {accepted} right answers to good tokens, {refused} refusals of forged ones"
    );
    assert!(accepted > 300, "{accepted}");
}

#[test]
fn a_weak_previous_secret_stops_the_launch() {
    for weak in ["", "short", "better-auth-secret-12345678901234567890"] {
        let output = ExampleApp::refused(&[
            ("BETTER_AUTH_SECRET", NEW),
            ("BETTER_AUTH_SECRET_PREVIOUS", weak),
        ]);
        assert!(output.contains("BETTER_AUTH_SECRET_PREVIOUS"), "{output}");
    }
}
