//! The stream and the WebSocket of `docs/streaming.md`, on a real port.

mod client;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use auth_guard::testing::{
    Algorithm, Clock, HostileRequest, Issuer, JwksServer, Token, attack_all,
};
use auth_guard::{AuthError, AuthGuard, Secret, audit};
use auth_guard_tests::server::{Server, request};
use auth_guard_tests::streaming::{News, app, events, socket};
use auth_guard_tests::{figment, secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::{Events, Frame, Socket};
use rocket::figment::Figment;
use rocket::local::blocking::Client;
use rocket::tokio::sync::broadcast::channel;
use serde_json::{Value, json};

const DOCS: &str = include_str!("../../../auth-guard/docs/streaming.md");

const EVENTS: &str = "/api/alice/events";
const SOCKET: &str = "/api/socket";

/// A leeway above any delay of a test, so that a test notices a stream that includes it.
const LEEWAY: Duration = Duration::from_secs(60);

/// The longest that a loaded machine may take.
const SLACK: Duration = Duration::from_secs(20);

struct Stage {
    server: Server,
    news: News,
}

fn settings() -> Figment {
    figment(&json!({ "leeway": LEEWAY.as_secs(), "issuer": "https://auth.example" }))
}

/// The issuer, by the system's clock.
fn issuer() -> Issuer {
    Issuer::new(&secret()).with_issuer("https://auth.example")
}

fn token(lifetime: u64) -> String {
    issuer().token("alice").lifetime(Duration::from_secs(lifetime)).sign()
}

/// Returns a token that has expired, by less than the leeway.
fn just_expired() -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    issuer().token("alice").claim("iat", now - 30).claim("exp", now - 1).sign()
}

/// Reads when a token expires.
fn expiry(token: &str) -> SystemTime {
    let payload = token.split('.').nth(1).expect("three segments");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let claims: Value = serde_json::from_slice(&payload).expect("JSON");
    SystemTime::UNIX_EPOCH + Duration::from_secs(claims["exp"].as_u64().expect("a number"))
}

/// Checks that the token of what has ended just now has just expired.
#[track_caller]
fn ends_with(token: &str) {
    let late = SystemTime::now().duration_since(expiry(token)).expect("not before the token");
    assert!(late < SLACK, "{late:?} after the token");
}

/// Waits until this many streams and sockets listen.
#[track_caller]
fn listeners(news: &News, count: usize) {
    let started = Instant::now();
    while news.receiver_count() != count {
        assert!(started.elapsed() < SLACK, "{} listen", news.receiver_count());
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Stage {
    fn set() -> Self {
        Self::with(|rocket| rocket, AuthGuard::fairing().with_secret(secret()))
    }

    fn with(
        change: impl FnOnce(rocket::Rocket<rocket::Build>) -> rocket::Rocket<rocket::Build>,
        guard: AuthGuard,
    ) -> Self {
        let news = channel(64).0;
        let rocket = change(app(guard, &settings(), &news));
        let settings = rocket.figment().clone();
        Self { server: Server::start(rocket, settings), news }
    }

    fn events(&self, token: &str) -> Events {
        Events::open(self.server.address(), EVENTS, token)
    }

    fn socket(&self, token: &str) -> Socket {
        Socket::with(self.server.address(), SOCKET, token)
    }

    #[track_caller]
    fn listeners(&self, count: usize) {
        listeners(&self.news, count);
    }

    fn tell(&self, user: &str, text: &str) {
        self.news.send((user.into(), text.into())).expect("somebody listens");
    }

    /// Sends this as the first message. Returns how the socket is closed.
    #[track_caller]
    fn closing(&self, token: &str) -> (u16, String) {
        self.socket(token).closed()
    }
}

/// What closes the socket of somebody who may not use it.
fn refused(error: &AuthError) -> (u16, String) {
    (1008, error.code().to_owned())
}

#[test]
fn a_stream_ends_when_its_token_does() {
    let stage = Stage::set();
    let token = token(3);
    let mut events = stage.events(&token);
    assert_eq!(events.status, 200);
    for field in ["content-type: text/event-stream", "cache-control: no-cache"] {
        assert!(events.fields.iter().any(|found| found == field), "{:?}", events.fields);
    }
    stage.listeners(1);
    stage.tell("bob", "not hers");
    stage.tell("alice", "milk");
    assert_eq!(events.next().as_deref(), Some("milk"));

    // The answer is complete, and not broken off.
    assert_eq!(events.next(), None);
    ends_with(&token);
    stage.listeners(0);

    // With a fresh token it goes on.
    let mut events = stage.events(&self::token(600));
    stage.listeners(1);
    stage.tell("alice", "bread");
    assert_eq!(events.next().as_deref(), Some("bread"));
}

#[test]
fn a_stream_ends_with_its_token_while_there_is_always_more_to_send() {
    let stage = Stage::set();
    let token = token(3);
    let mut events = stage.events(&token);
    stage.listeners(1);
    let news = stage.news.clone();
    // The thread sends until nobody listens.
    let talker = std::thread::spawn(move || {
        while news.send(("alice".into(), "more".into())).is_ok() {
            std::thread::sleep(Duration::from_micros(100));
        }
    });
    let count = std::iter::from_fn(|| events.next()).count();
    ends_with(&token);
    talker.join().expect("no panic");
    assert!(count > 10, "only {count} events");
}

#[test]
fn a_token_within_the_leeway_opens_a_stream_that_ends_at_once() {
    let stage = Stage::set();
    let mut events = stage.events(&just_expired());
    assert_eq!(events.status, 200);
    assert_eq!(events.next(), None);
}

#[test]
fn a_stream_is_guarded_as_every_route() {
    let stage = Stage::set();
    for (token, status) in [
        (issuer().token("bob").sign(), 403),
        (issuer().token("alice").expired().sign(), 401),
        (issuer().token("alice").tampered(), 401),
    ] {
        assert_eq!(stage.events(&token).status, status);
    }
    let queried = format!("{EVENTS}?access_token={}", token(600));
    let answers = stage.server.send(&request("GET", &queried, "", ""), 1);
    assert_eq!((answers[0].status, &*answers[0].code()), (401, "token_missing"));
    stage.listeners(0);
}

#[test]
fn a_socket_serves_the_user_of_its_first_message() {
    let stage = Stage::set();
    let mut alice = stage.socket(&token(600));
    let mut bob = stage.socket(&issuer().token("bob").sign());
    stage.listeners(2);
    stage.tell("bob", "his");
    stage.tell("alice", "hers");
    assert_eq!(alice.next(), Some(Frame::Text("hers".into())));
    assert_eq!(bob.next(), Some(Frame::Text("his".into())));

    // What a client says is its user's, on all of that user's connections.
    let mut events = stage.events(&token(600));
    stage.listeners(3);
    alice.send("milk");
    assert_eq!(alice.next(), Some(Frame::Text("milk".into())));
    assert_eq!(events.next().as_deref(), Some("milk"));
    stage.tell("bob", "nothing of it");
    assert_eq!(bob.next(), Some(Frame::Text("nothing of it".into())));

    alice.send_frame(0x8, &1000_u16.to_be_bytes());
    assert_eq!(alice.next(), Some(Frame::Close(1000, String::new())));
    stage.listeners(2);
}

#[test]
fn a_socket_whose_first_message_is_no_valid_token_is_refused() {
    let stage = Stage::set();
    let alice = || issuer().token("alice");
    let anothers = Secret::new("the secret of another issuer, 32 bytes").expect("a secret");
    let stranger = Issuer::new(&secret()).with_issuer("https://other.example").token("alice");
    let cases: [(&str, String, AuthError); 10] = [
        ("empty", String::new(), AuthError::MalformedToken),
        ("no token", "hello".into(), AuthError::MalformedToken),
        ("with a scheme", format!("Bearer {}", alice().sign()), AuthError::MalformedToken),
        ("too long", "a.".repeat(5_000), AuthError::MalformedToken),
        ("another secret", alice().signed_with(&anothers).sign(), AuthError::InvalidSignature),
        ("another issuer's", stranger.sign(), AuthError::InvalidClaim("iss".into())),
        ("another payload's", alice().tampered(), AuthError::InvalidSignature),
        ("expired", alice().expired().sign(), AuthError::Expired),
        ("an ID token", issuer().id_token("alice").sign(), AuthError::InvalidClaim("nonce".into())),
        ("a machine's", issuer().machine_token().sign(), AuthError::NotAllowed),
    ];
    for (what, token, error) in cases {
        assert_eq!(stage.closing(&token), refused(&error), "{what}");
    }

    let mut binary = Socket::open(stage.server.address(), SOCKET);
    binary.send_frame(0x2, alice().sign().as_bytes());
    assert_eq!(binary.closed(), refused(&AuthError::MissingToken));
    stage.listeners(0);
}

/// The verifier alone enforces no scope, so the socket's own code must.
#[test]
fn a_delegated_token_opens_the_stream_and_the_socket_only_with_their_scope() {
    let enforced = |rocket: rocket::Rocket<rocket::Build>| {
        let figment = rocket.figment().clone().merge(("auth_guard.scopes", "enforced"));
        rocket.configure(figment)
    };
    let stage = Stage::with(enforced, AuthGuard::fairing().with_secret(secret()));
    let alice = || issuer().token("alice");
    for scopes in ["", "openid", "newsletter", "NEWS", "tasks:read old-news"] {
        let token = alice().scope(scopes).sign();
        assert_eq!(stage.closing(&token), refused(&AuthError::InsufficientScope), "{scopes}");
        assert_eq!(stage.events(&token).status, 403, "{scopes}");
    }
    assert_eq!(stage.closing(&alice().sign()), refused(&AuthError::InsufficientScope));
    let machine = issuer().machine_token().scope("news").sign();
    assert_eq!(stage.closing(&machine), refused(&AuthError::NotAllowed));
    stage.listeners(0);

    let token = alice().scope("openid news").sign();
    let (mut socket, mut events) = (stage.socket(&token), stage.events(&token));
    stage.listeners(2);
    stage.tell("alice", "milk");
    assert_eq!(socket.next(), Some(Frame::Text("milk".into())));
    assert_eq!(events.next().as_deref(), Some("milk"));
}

#[test]
fn no_hostile_token_opens_a_socket() {
    let stage = Stage::set();
    let guard = AuthGuard::fairing().with_secret(secret());
    let verifier = guard.verifier(&settings()).expect("a valid configuration");
    let hostile = HostileRequest::all(&verifier, &issuer(), "alice");
    let tokens = hostile.iter().filter(|request| request.refusal.status() == 401);
    let mut count = 0;
    for HostileRequest { name, authorization, refusal, .. } in tokens {
        let [field] = &authorization[..] else { continue };
        let Some(token) = field.strip_prefix("Bearer ") else { continue };
        // A message that long is never read to its end; see below.
        if token.len() > socket::LONGEST {
            continue;
        }
        assert_eq!(stage.closing(token), refused(refusal), "{name}");
        count += 1;
    }
    assert!(count > 200, "only {count} tokens");
    stage.listeners(0);
}

#[test]
fn a_socket_without_a_first_message_is_refused_in_time() {
    let stage = Stage::set();
    let started = Instant::now();
    let mut silent = Socket::open(stage.server.address(), SOCKET);
    assert_eq!(silent.closed(), refused(&AuthError::MissingToken));
    let took = started.elapsed();
    assert!((4..25).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn a_message_that_is_too_long_ends_the_socket() {
    let stage = Stage::set();
    let long = "a".repeat(socket::LONGEST + 1);
    // The connection may be broken off before the reason arrives, as the rest is not read.
    let mut unknown = stage.socket(&long);
    let refusal = Frame::Close(1008, "token_missing".into());
    assert!(unknown.next().is_none_or(|frame| frame == refusal));
    let mut alice = stage.socket(&token(600));
    stage.listeners(1);
    alice.send(&long);
    assert_eq!(alice.next(), None);
    stage.listeners(0);
}

#[test]
fn a_socket_is_closed_when_its_token_expires() {
    let stage = Stage::set();
    let token = token(3);
    let mut socket = stage.socket(&token);
    stage.listeners(1);
    assert_eq!(socket.closed(), refused(&AuthError::Expired));
    ends_with(&token);
    stage.listeners(0);

    // Within the leeway it is closed at once.
    assert_eq!(stage.closing(&just_expired()), refused(&AuthError::Expired));
}

#[test]
fn a_socket_is_closed_with_its_token_while_both_sides_talk() {
    let stage = Stage::set();
    let token = token(3);
    let mut socket = stage.socket(&token);
    let mut count = 0;
    // Each message comes back, as the user's own news.
    socket.send("again");
    loop {
        match socket.next() {
            Some(Frame::Text(_)) => socket.send("again"),
            Some(Frame::Close(code, reason)) => {
                break assert_eq!((code, &*reason), (1008, "token_expired"));
            }
            None => panic!("broken off"),
        }
        count += 1;
    }
    ends_with(&token);
    assert!(count > 10, "only {count} messages");
    // Whatever is still on its way is not answered.
    socket.send("again");
    assert_eq!(socket.next(), None);
}

/// A client that reads nothing can make no connection of its user's last.
#[test]
fn a_socket_that_is_never_read_ends_with_its_token() {
    let stage = Stage::set();
    let token = token(3);
    let _socket = stage.socket(&token);
    stage.listeners(1);
    let text = "a".repeat(1 << 20);
    while stage.news.send(("alice".into(), text.clone())).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    ends_with(&token);
}

#[test]
fn a_socket_whose_key_is_not_known_yet_is_told_to_come_again() {
    let keys = JwksServer::start();
    let [old, new] = ["old", "new"].map(|kid| {
        Issuer::with_key_pair(Algorithm::EdDsa, kid)
            .with_issuer("https://auth.example")
            .with_audience("https://auth.example")
    });
    keys.publish(&[&old]);
    let stage = Stage::with(|rocket| keys.asked_by(rocket), AuthGuard::fairing());
    let opens = |token: Token| {
        let mut socket = stage.socket(&token.sign());
        socket.send("hello");
        match socket.next() {
            Some(Frame::Text(_)) => true,
            Some(Frame::Close(1013, _)) => false,
            other => panic!("{other:?}"),
        }
    };
    let comes_in = |issuer: &Issuer| {
        let started = Instant::now();
        while !opens(issuer.token("alice")) {
            assert!(started.elapsed() < SLACK, "the key is never known");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    comes_in(&old);

    keys.publish(&[&old, &new]);
    assert!(!opens(new.token("alice")), "nobody has fetched the key");
    comes_in(&new);
    // A known key does not excuse a wrong signature.
    assert_eq!(
        stage.closing(&new.token("alice").tampered()),
        refused(&AuthError::InvalidSignature)
    );
}

#[test]
fn the_audit_says_how_a_socket_is_guarded() {
    let guard = || AuthGuard::fairing().with_secret(secret());
    let news = channel(1).0;
    let rocket = Client::untracked(app(guard(), &settings(), &news)).expect("it launches");
    let table = audit(rocket.rocket()).to_string();
    let (_, written) = DOCS.split_once("```text\n").expect("a table");
    let (written, _) = written.split_once("```").expect("an end");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows: Vec<_> = table.lines().map(words).collect();
    assert_eq!(written.lines().count(), 2);
    for row in written.lines() {
        assert!(rows.contains(&words(row)), "not in the table:\n{row}\n{table}");
    }
}

/// Rocket waits for `grace` at most, which is two seconds; sometimes it breaks off at once.
#[test]
fn a_shutdown_does_not_wait_for_streams_and_sockets_to_end() {
    let stage = Stage::set();
    let mut socket = stage.socket(&token(600));
    let _events = stage.events(&token(600));
    stage.listeners(2);
    let Stage { server, news } = stage;
    let started = Instant::now();
    drop(server);
    assert_eq!(socket.next(), None);
    let took = started.elapsed();
    assert!(took < SLACK, "{took:?}");
    listeners(&news, 0);
}

/// `attack_all` reads each answer to its end. By the system's clock, tokens of a day ago have
/// expired, and their streams end at once.
#[test]
fn the_stream_withstands_every_attack_and_the_socket_is_not_attacked() {
    let yesterday = Clock::fixed(SystemTime::now() - Duration::from_secs(86_400));
    let guard = AuthGuard::fairing().with_secret(secret()).with_clock(yesterday);
    let client = Client::untracked(app(guard, &settings(), &channel(1).0)).expect("it launches");
    let report = attack_all(&client).to_string();
    let row = |path: &str| {
        let row = report.lines().find(|line| line.starts_with(path));
        row.unwrap_or_else(|| panic!("{path} is not in the report:\n{report}")).to_owned()
    };
    assert!(row("GET /api/<user_id>/events").ends_with(" 200"), "{report}");
    assert!(row("GET /api/socket").ends_with("not attacked"), "{report}");
}

/// A socket without the attribute stops the launch, with a user in its path or without.
#[test]
fn an_undeclared_socket_stops_the_launch() {
    #[rocket::get("/bare")]
    fn bare(ws: rocket_ws::WebSocket) -> rocket_ws::Stream!['static] {
        ws.stream(|messages| messages)
    }
    #[rocket::get("/<user_id>/socket")]
    fn named(user_id: &str, ws: rocket_ws::WebSocket) -> rocket_ws::Stream!['static] {
        let _ = user_id;
        ws.stream(|messages| messages)
    }
    let news = channel(1).0;
    let launches = |routes: Vec<rocket::Route>| {
        let guard = AuthGuard::fairing().with_secret(secret());
        let rocket = app(guard, &settings(), &news).mount("/more", routes);
        Client::untracked(rocket).map_err(|error| error.kind().to_string()).is_ok()
    };
    assert!(launches(Vec::new()));
    assert!(!launches(rocket::routes![bare]));
    assert!(!launches(rocket::routes![named]));
    // `public` does not answer for a user in the path.
    assert!(!launches(auth_guard::public(rocket::routes![named])));
    assert!(launches([events::routes(), socket::routes()].concat()));
}

/// The code to copy is the code that these tests and those in a browser run, to the letter.
#[test]
fn the_code_of_the_document_is_that_of_the_files() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name| std::fs::read_to_string(tests.join(name)).expect("a file");
    let blocks = |fence: &str| {
        let fence = format!("```{fence}\n");
        let blocks = DOCS.split(&fence).skip(1);
        let code = |block: &str| block.split("```").next().expect("an end").to_owned();
        blocks.map(code).collect::<Vec<_>>()
    };
    // Below the line that says what the file is.
    let file = |name| {
        let text = read(name);
        text.split_once("\n\n").expect("a header").1.to_owned()
    };
    assert_eq!(blocks("rust"), [file("src/streaming/events.rs")]);
    assert_eq!(blocks("rust,ignore"), [file("src/streaming/socket.rs")]);
    assert_eq!(blocks("js").join("\n"), read("browser/streaming.mjs"));
}
