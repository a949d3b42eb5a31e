//! The stream and the WebSocket of `docs/streaming.md`: in a browser, with the tokens of a real
//! Better Auth server, and behind the proxy that `docs/operating.md` configures.

#[path = "../streaming/client.rs"]
mod client;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_guard::testing::Issuer as Kit;
use auth_guard::{AuthGuard, Secret};
use auth_guard_tests::server::Server;
use auth_guard_tests::streaming::{News, app};
use auth_guard_tests::{figment, secret};
use client::{Events, Frame, Socket};
use rocket::figment::Figment;
use rocket::tokio::sync::broadcast::channel;
use serde_json::json;

use super::browser::script;
use super::proxy::{Proxy, until};
use super::servers::{Issuer, SECRET};

fn serve(guard: AuthGuard, figment: &Figment, news: &News) -> Server {
    let rocket = app(guard, figment, news);
    let figment = rocket.figment().clone();
    Server::start(rocket, figment)
}

#[test]
fn a_stream_and_a_socket_end_when_their_token_does_and_come_back() {
    // Its tokens live for three seconds; the leeway is far longer, and no stream has it.
    let issuer = Issuer::start(&[("ISSUER_VARIANT", "short-lived")]);
    let (alice, bob) = (issuer.sign_up("alice"), issuer.sign_up("bob"));
    let figment = figment(&json!({ "url": issuer.url, "leeway": 60 }));
    let guard = AuthGuard::fairing().with_secret(Secret::new(SECRET).expect("a secret"));
    let news = channel(64).0;
    let server = serve(guard, &figment, &news);

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

/// The proxy closes a connection on which nothing happens for 30 s.
#[test]
fn a_proxy_lets_silent_streams_and_sockets_live_and_holds_nothing_back() {
    let (figment, news) = (figment(&json!({})), channel(64).0);
    let guard = AuthGuard::fairing().with_secret(secret());
    let server = serve(guard, &figment, &news);
    let proxy = Proxy::start([server.address().port(); 2]);
    let token = |seconds| {
        let token = Kit::new(&secret()).token("alice");
        token.lifetime(Duration::from_secs(seconds)).sign()
    };

    let mut events = Events::open(proxy.address(), "/api/alice/events", &token(45));
    assert_eq!(events.status, 200);
    let kind = "content-type: text/event-stream";
    assert!(events.fields.iter().any(|field| field == kind), "{:?}", events.fields);
    let mut socket = Socket::with(proxy.address(), "/api/socket", &token(45));
    until("both listen", || news.receiver_count() == 2);
    std::thread::sleep(Duration::from_secs(35));
    for text in ["milk", "bread"] {
        news.send(("alice".into(), text.into())).expect("both listen");
        assert_eq!(events.next().as_deref(), Some(text));
        assert_eq!(socket.next(), Some(Frame::Text(text.into())));
    }
    assert_eq!(events.next(), None);
    assert_eq!(socket.closed(), (1008, "token_expired".into()));
}
