//! Names do not resolve, and the resolver stops answering.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::{Stage, folder, get, issuer, printed, recovery};
use crate::process::Used;
use crate::servers::ExampleApp;

/// The only port that `resolv.conf` can mean.
const RESOLVER: &str = "127.77.0.53:53";

/// How long the resolver is silent.
const SILENCE: Duration = Duration::from_secs(40);

const SILENT: u8 = 0;
const UNKNOWN: u8 = 1;
const KNOWN: u8 = 2;

/// Answers that each name is unknown, or this machine, or does not answer.
fn resolve(mode: Arc<AtomicU8>) {
    let socket = UdpSocket::bind(RESOLVER).expect("root may use the port");
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let mode = mode.load(Ordering::SeqCst);
            if mode == SILENT {
                continue;
            }
            // RFC 1035, section 4.1: a header of 12 bytes, then the question, of which the
            // type is in the last four bytes. Whatever follows it is left out.
            let name = bytes[12..length].iter().position(|byte| *byte == 0).expect("a root");
            let end = 12 + name + 5;
            let is_ipv4 = bytes[end - 4..end - 2] == [0, 1];
            let answers = u8::from(mode == KNOWN && is_ipv4);
            let code = if mode == UNKNOWN { 3 } else { 0 };
            let mut answer = bytes[..end].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
            if answers == 1 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
            }
            socket.send_to(&answer, from).expect("it is sent");
        }
    });
}

#[test]
#[ignore = "needs root, for the port of a resolver"]
fn a_name_that_is_unknown_and_a_silent_resolver_delay_no_known_key() {
    let (stage, folder, mode) = (Stage::set(), folder("names"), Arc::new(AtomicU8::new(UNKNOWN)));
    resolve(mode.clone());
    let file = folder.join("resolv.conf");
    let address = RESOLVER.trim_end_matches(":53");
    std::fs::write(&file, format!("nameserver {address}\n")).expect("a file");
    let url = stage.keys.url().replace("127.0.0.1", "issuer.test");
    let settings = [
        ("BETTER_AUTH_URL", super::URL),
        ("AUTH_GUARD_JWKS_URL", &*url),
        ("AUTH_GUARD_JWKS_INSECURE", "true"),
    ];
    let mount = "mount --bind \"$0\" /etc/resolv.conf && exec \"$1\"";
    let file = file.to_str().expect("UTF-8");
    let app = ExampleApp::deploy_by(&["unshare", "-m", "sh", "-c", mount, file], &settings);
    let token = stage.token("alice");
    let unavailable = (503, "keys_unavailable".to_owned());

    let timed = |token: &str| {
        let started = Instant::now();
        (get(&app, "/api/me", token), started.elapsed())
    };
    let (answer, took) = timed(&token);
    assert_eq!(answer, unavailable);
    println!("names: unknown: 503 after {took:?}; {}", printed(&app, "dns error"));
    mode.store(KNOWN, Ordering::SeqCst);
    println!("names: known again: 200 after {:?}", recovery(&app, "/api/me", &token));

    mode.store(SILENT, Ordering::SeqCst);
    let second = issuer("second");
    stage.keys.publish(&[&stage.issuer, &second]);
    let new = second.token("alice").sign();
    let (answer, took) = timed(&new);
    assert_eq!(answer, unavailable);
    assert!(took < Duration::from_secs(12), "{took:?}");
    println!("names: silent: 503 after {took:?}; {}", printed(&app, "does not answer"));

    serves_known_keys(&app, &token, &new);
    mode.store(KNOWN, Ordering::SeqCst);
    println!("names: known again: 200 after {:?}", recovery(&app, "/api/me", &new));
}

/// Asserts that tokens of a known key are not delayed while others need fetches, which leave
/// threads behind until the system gives up on the name.
fn serves_known_keys(app: &ExampleApp, known: &str, new: &str) {
    let (mut threads, mut slowest, started) = (0, Duration::ZERO, Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while started.elapsed() < SILENCE {
                    assert_eq!(get(app, "/api/me", new), (503, "keys_unavailable".to_owned()));
                }
            });
        }
        while started.elapsed() < SILENCE {
            let asked = Instant::now();
            assert_eq!(get(app, "/api/me", known).0, 200);
            slowest = slowest.max(asked.elapsed());
            threads = threads.max(Used::of(app.id()).threads);
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    println!(
        "names: silent for {SILENCE:?}: at most {threads} threads, the slowest answer with a known \
         key {slowest:?}"
    );
    assert!(threads < 40 && slowest < Duration::from_secs(2), "{threads}, {slowest:?}");
}
