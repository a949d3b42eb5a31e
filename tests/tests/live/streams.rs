//! The stream and the WebSocket of `docs/streaming.md`, in a browser, with the tokens of a real
//! Better Auth server.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_guard::{AuthGuard, Secret};
use auth_guard_tests::figment;
use auth_guard_tests::server::Server;
use auth_guard_tests::streaming::app;
use rocket::tokio::sync::broadcast::channel;
use serde_json::json;

use super::browser::script;
use super::servers::{Issuer, SECRET};

#[test]
fn a_stream_and_a_socket_end_when_their_token_does_and_come_back() {
    // Its tokens live for three seconds; the leeway is far longer, and no stream has it.
    let issuer = Issuer::start(&[("ISSUER_VARIANT", "short-lived")]);
    let (alice, bob) = (issuer.sign_up("alice"), issuer.sign_up("bob"));
    let figment = figment(&json!({ "url": issuer.url, "leeway": 60 }));
    let guard = AuthGuard::fairing().with_secret(Secret::new(SECRET).expect("a secret"));
    let news = channel(64).0;
    let server = Server::start(app(guard, &figment, &news), figment);

    let is_over = AtomicBool::new(false);
    let visit = std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                // Nobody listens in between.
                let _ = news.send((alice.id.clone(), format!("alice's {number}\nin two lines")));
                let _ = news.send((bob.id.clone(), format!("bob's {number}")));
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("streams.png");
        let visit = script("streams.mjs")
            .env("API", format!("http://{}", server.address()))
            .env("ISSUER", &issuer.url)
            .envs([("USER", &alice.id), ("SESSION", &alice.session), ("OTHER", &bob.id)])
            .env("SCREENSHOT", screenshot)
            .output();
        is_over.store(true, Ordering::Relaxed);
        visit.expect("Node 20 or later is installed")
    });
    let [output, errors] =
        [visit.stdout, visit.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert!(visit.status.success(), "{output}{errors}");
    println!("{output}");
}
