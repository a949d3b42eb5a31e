//! `discovery`: keys whose address the issuer's metadata says, and metadata that is wrong.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use auth_guard::testing::{Algorithm, Clock, Issuer};
use auth_guard::{AuthGuard, Verifier};
use auth_guard_tests::{figment, get_as, launch, now};
use rocket::local::blocking::Client;
use rocket::routes;
use serde_json::{Value, json};

use crate::launch::App;

const OPENID: &str = "/.well-known/openid-configuration";

#[auth_guard::user_scoped]
#[rocket::get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

/// A server of metadata and keys on this machine. What it does not have is 404.
#[derive(Clone)]
struct Site {
    origin: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    /// Status line and body of each path.
    pages: BTreeMap<String, (String, Vec<u8>)>,
    asked: Vec<String>,
    /// `true` while no request is answered.
    is_closed: bool,
}

impl Site {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let site = Self { origin, shared: Arc::default() };
        let shared = site.shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        site
    }

    /// Publishes the keys of these issuers at `/keys`, and metadata that says so.
    fn publish(&self, issuers: &[&Issuer]) {
        let keys: Vec<_> = issuers.iter().filter_map(|issuer| issuer.jwk()).collect();
        self.answer("/keys", "200 OK", json!({ "keys": keys }).to_string());
        self.describe(OPENID, &self.origin);
    }

    /// Serves metadata of `issuer` at `path`.
    fn describe(&self, path: &str, issuer: &str) {
        self.answer(path, "200 OK", self.metadata(issuer).to_string());
    }

    fn metadata(&self, issuer: &str) -> Value {
        json!({ "issuer": issuer, "jwks_uri": format!("{}/keys", self.origin) })
    }

    fn answer(&self, path: &str, status: &str, body: impl Into<Vec<u8>>) {
        let page = (status.to_owned(), body.into());
        self.shared.state.lock().expect("no panic").pages.insert(path.into(), page);
    }

    /// Returns the paths of all requests so far.
    fn asked(&self) -> Vec<String> {
        self.shared.state.lock().expect("no panic").asked.clone()
    }

    fn close(&self) {
        self.shared.state.lock().expect("no panic").is_closed = true;
    }

    fn open(&self) {
        self.shared.state.lock().expect("no panic").is_closed = false;
        self.shared.opened.notify_all();
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let mut head = BufReader::new(&stream).lines().map_while(Result::ok);
        let Some(request) = head.next() else { return };
        let _ = head.by_ref().take_while(|line| !line.is_empty()).count();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let mut state = self.state.lock().expect("no panic");
        state.asked.push(path.to_owned());
        let state = self.opened.wait_while(state, |state| state.is_closed).expect("no panic");
        let missing = || ("404 Not Found".to_owned(), Vec::new());
        let (status, body) = state.pages.get(path).cloned().unwrap_or_else(missing);
        drop(state);
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        // The client may have given up.
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    }
}

/// An application that discovers the keys of a site.
struct Stage {
    site: Site,
    clock: Clock,
    client: Client,
}

impl Stage {
    fn set(site: Site) -> Self {
        let issuer = site.origin.clone();
        Self::of_issuer(site, &issuer)
    }

    /// The issuer is on the site, perhaps with a path.
    fn of_issuer(site: Site, issuer: &str) -> Self {
        let table = json!({
            "discovery": true, "issuer": issuer, "audience": "api", "id_tokens": "accepted",
        });
        let clock = Clock::fixed(now());
        let guard = AuthGuard::fairing().with_clock(clock.clone());
        let rocket = rocket::custom(figment(&table)).attach(guard).mount("/api", routes![list]);
        Self { site, clock, client: launch(rocket) }
    }

    fn get(&self, issuer: &Issuer) -> u16 {
        let issuer = issuer.clone().with_clock(self.clock.clone());
        get_as(&self.client, "/api/alice/tasks", issuer.token("alice").sign()).status
    }

    fn is_ready(&self) -> bool {
        self.client.rocket().state::<Verifier>().expect("attached").is_ready()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// An issuer whose tokens have this `iss`.
fn issuer(iss: &str, kid: &str) -> Issuer {
    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, kid).with_clock(Clock::fixed(now()));
    issuer.with_issuer(iss).with_audience("api")
}

/// Every wrong answer to a request for metadata, and the words of the log about it.
fn wrong_answers(site: &Site, elsewhere: &Site) -> Vec<(String, Vec<u8>, &'static str)> {
    let ok = |body: Value, words| ("200 OK".to_owned(), body.to_string().into_bytes(), words);
    let origin = &site.origin;
    let without = |name: &str| {
        let mut metadata = site.metadata(origin);
        metadata.as_object_mut().expect("an object").remove(name);
        metadata
    };
    let keys_at = |uri: &str| json!({ "issuer": origin, "jwks_uri": uri });
    let raw = |body: &[u8], words| ("200 OK".to_owned(), body.to_vec(), words);
    let not_metadata = "is not metadata with an `issuer` and a `jwks_uri`";
    let redirect = format!("302 Found\r\nLocation: {}{OPENID}", elsewhere.origin);
    let whole = site.metadata(origin).to_string();
    vec![
        ok(site.metadata("https://other.example"), "is the metadata of another issuer"),
        ok(site.metadata(&format!("{origin}/")), "a final `/` counts"),
        ok(without("issuer"), not_metadata),
        ok(without("jwks_uri"), not_metadata),
        ok(keys_at("http://keys.example/keys"), "its `jwks_uri` must begin with https"),
        ok(keys_at("keys"), "its `jwks_uri` is not an http or https URL"),
        ok(keys_at("file:///etc/keys"), "its `jwks_uri` is not an http or https URL"),
        ok(keys_at(&format!("{origin}/missing")), "at its `jwks_uri`, it answers 404"),
        raw(&vec![b' '; 257 * 1024], "longer than 256 KiB"),
        raw(b"<!doctype html><title>Sign in</title>", not_metadata),
        raw(&whole.as_bytes()[..whole.len() / 2], not_metadata),
        raw(b"", not_metadata),
        (redirect, Vec::new(), "it redirects to another origin"),
        ("500 Internal Server Error".into(), Vec::new(), "it answers 500"),
        ("404 Not Found".into(), Vec::new(), "it answers 404"),
    ]
}

#[test]
fn wrong_metadata_is_503_with_one_line_and_not_ready() {
    let (site, elsewhere) = (Site::start(), Site::start());
    let key = issuer(&site.origin, "key");
    for served in [&site, &elsewhere] {
        served.publish(&[&key]);
        served.describe(OPENID, &site.origin);
    }
    for (status, body, words) in wrong_answers(&site, &elsewhere) {
        site.answer(OPENID, &status, body);
        let ended = App::new()
            .env("AUTH_GUARD_DISCOVERY", "true")
            .env("AUTH_GUARD_ISSUER", &site.origin)
            .env("AUTH_GUARD_AUDIENCE", "api")
            .env("AUTH_GUARD_ID_TOKENS", "accepted")
            .env("AUTH_GUARD_JWKS_COOLDOWN", "3600")
            .get("/api/alice/tasks", key.token("alice"))
            .get("/api/alice/tasks", key.token("alice"))
            .run();
        assert!(ended.launched, "{words}: {}", ended.output);
        assert_eq!(ended.statuses, [503, 503], "{words}: {}", ended.output);
        let lines =
            ended.output.lines().filter(|line| line.contains("could not fetch public keys from"));
        let line = lines.clone().next().unwrap_or_default();
        assert!(line.contains(&site.origin) && line.contains(words), "no {words:?}: {line}");
        assert_eq!(lines.count(), 1, "{words}: {}", ended.output);

        let stage = Stage::set(site.clone());
        assert_eq!(stage.get(&key), 503, "{words}");
        assert!(!stage.is_ready(), "{words}");
    }
    assert_eq!(elsewhere.asked(), Vec::<String>::new(), "another origin is never asked");
}

#[test]
fn wrong_metadata_leaves_the_known_keys_in_use() {
    let (site, elsewhere) = (Site::start(), Site::start());
    let (one, two) = (issuer(&site.origin, "one"), issuer(&site.origin, "two"));
    site.publish(&[&one]);
    let stage = Stage::set(site);
    assert_eq!(stage.get(&one), 200);
    for (status, body, words) in wrong_answers(&stage.site, &elsewhere) {
        stage.advance(30);
        stage.site.answer(OPENID, &status, body);
        let before = stage.site.asked().len();
        assert_eq!(stage.get(&two), 503, "{words}: it may well be a new key");
        assert!(stage.site.asked().len() > before, "{words}");
        assert_eq!(stage.get(&one), 200, "{words}");
        assert!(stage.is_ready(), "{words}");
    }

    stage.advance(30);
    stage.site.publish(&[&one, &two]);
    assert_eq!((stage.get(&two), stage.get(&one)), (200, 200));
}

/// OpenID Connect Discovery appends to the issuer, RFC 8414 inserts before its path.
#[test]
fn metadata_is_asked_for_at_two_addresses() {
    for (path, appended, inserted) in [
        ("", "", ""),
        ("/", "", ""),
        ("/api/auth", "/api/auth", "/api/auth"),
        ("/realms/one/", "/realms/one", "/realms/one"),
    ] {
        let site = Site::start();
        let iss = format!("{}{path}", site.origin);
        let key = issuer(&iss, "key");
        let keys = json!({ "keys": [key.jwk()] });
        site.answer("/keys", "200 OK", keys.to_string());
        let first = format!("{appended}{OPENID}");
        let second = format!("/.well-known/oauth-authorization-server{inserted}");

        site.describe(&second, &iss);
        let stage = Stage::of_issuer(site.clone(), &iss);
        assert_eq!(stage.get(&key), 200, "{path:?}");
        assert_eq!(site.asked(), [&*first, &*second, "/keys"]);

        // The first one decides if it is there, even if it is wrong.
        site.describe(&first, "https://other.example");
        assert_eq!(Stage::of_issuer(site.clone(), &iss).get(&key), 503, "{path:?}");
        site.describe(&first, &iss);
        assert_eq!(Stage::of_issuer(site.clone(), &iss).get(&key), 200, "{path:?}");
    }
}

#[test]
fn a_launch_does_not_wait_for_metadata() {
    let site = Site::start();
    let key = issuer(&site.origin, "key");
    site.publish(&[&key]);
    site.close();
    // A launch that waited would get nothing, since nobody opens the site meanwhile.
    let stage = Stage::set(site);
    assert!(!stage.is_ready());
    stage.site.open();
    assert_eq!(stage.get(&key), 200);
    assert!(stage.is_ready());
    assert_eq!(stage.site.asked(), [OPENID, "/keys"]);
}

#[test]
fn keys_that_are_discovered_rotate_and_move() {
    let site = Site::start();
    let (one, two) = (issuer(&site.origin, "one"), issuer(&site.origin, "two"));
    site.publish(&[&one]);
    let stage = Stage::set(site);
    assert_eq!((stage.get(&one), stage.get(&one)), (200, 200));

    // The issuer moves its keys to another address, and drops the old one.
    let moved = json!({ "keys": [two.jwk()] });
    stage.site.answer("/moved", "200 OK", moved.to_string());
    let jwks_uri = format!("{}/moved", stage.site.origin);
    let metadata = json!({ "issuer": stage.site.origin, "jwks_uri": jwks_uri });
    stage.site.answer(OPENID, "200 OK", metadata.to_string());
    assert_eq!((stage.get(&one), stage.site.asked().len()), (200, 2), "nothing is polled");
    assert_eq!(stage.get(&two), 200);
    stage.advance(30);
    assert_eq!(stage.get(&one), 401);
}

#[test]
fn keys_that_are_discovered_are_refreshed() {
    let site = Site::start();
    let key = issuer(&site.origin, "key");
    site.publish(&[&key]);
    let stage = Stage::set(site);
    assert_eq!(stage.get(&key), 200);
    stage.advance(500);
    assert_eq!(stage.get(&key), 200);
    let started = Instant::now();
    while stage.site.asked().len() < 4 {
        assert!(started.elapsed() < Duration::from_secs(5), "not fetched again");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(stage.site.asked(), [OPENID, "/keys", OPENID, "/keys"]);

    // The issuer is unavailable: known keys stay in use until they are too old.
    stage.site.answer(OPENID, "500 Internal Server Error", "");
    stage.advance(86_000);
    assert_eq!(stage.get(&key), 200);
    stage.advance(400);
    assert_eq!(stage.get(&key), 503);
}
