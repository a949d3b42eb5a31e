//! A Better Auth server that rotates its keys every 20 s, callers with fresh tokens, and
//! others with invented key ids: `SOAK_SECONDS` of it (300 by default).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::servers::{ExampleApp, Issuer};

/// The callers with valid tokens.
const CALLERS: usize = 6;
/// The callers with invented key ids. Each of their requests waits for a fetch.
const STRANGERS: usize = 16;
/// How long a caller sends a token before it gets the next one.
const SENT_FOR: Duration = Duration::from_secs(1);

/// How many requests had which answer, and the longest time that one took.
#[derive(Default)]
struct Seen(Mutex<(BTreeMap<u16, usize>, Duration)>);

impl Seen {
    fn add(&self, status: u16, took: Duration) {
        let mut seen = self.0.lock().expect("no panic");
        *seen.0.entry(status).or_default() += 1;
        seen.1 = seen.1.max(took);
    }
}

#[test]
#[ignore = "takes minutes"]
fn soak_no_valid_token_is_refused_while_keys_rotate_and_strangers_invent_key_ids() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(300, |s| s.parse().expect("seconds"));
    let settings = [
        ("ISSUER_MODE", "jwks"),
        ("ISSUER_VARIANT", "rotating"),
        ("ISSUER_ROTATION_SECONDS", "20"),
    ];
    let issuer = Issuer::start(&settings);
    let app = ExampleApp::start(&[("BETTER_AUTH_URL", &issuer.url)]);
    let users: Vec<_> = (0..CALLERS).map(|n| issuer.sign_up(&format!("user{n}"))).collect();
    let (valid, invented) = (Seen::default(), Seen::default());
    let keys = Mutex::new(BTreeSet::new());
    let number = AtomicUsize::new(0);
    let (end, issuer, app) = (Instant::now() + Duration::from_secs(seconds), &issuer, &app);

    std::thread::scope(|scope| {
        for user in &users {
            let (valid, keys) = (&valid, &keys);
            scope.spawn(move || {
                let caller = Caller::new(app, &user.id);
                while Instant::now() < end {
                    let token = issuer.token(user);
                    let header = token.split('.').next().expect("a header").to_owned();
                    keys.lock().expect("no panic").insert(header);
                    let next = Instant::now() + SENT_FOR;
                    while Instant::now() < next {
                        caller.send(&token, valid);
                    }
                }
            });
        }
        for _ in 0..STRANGERS {
            let (invented, number) = (&invented, &number);
            scope.spawn(move || {
                let caller = Caller::new(app, "alice");
                while Instant::now() < end {
                    let number = number.fetch_add(1, Ordering::Relaxed);
                    let header = format!(r#"{{"alg":"EdDSA","kid":"invented-{number}"}}"#);
                    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                    let header = encode(header.as_bytes());
                    let token = format!("{header}.{}.{}", encode(b"{}"), encode(&[0; 64]));
                    caller.send(&token, invented);
                }
            });
        }
    });

    let [(valid, longest), (invented, _)] =
        [valid, invented].map(|seen| seen.0.into_inner().expect("no panic"));
    let keys = keys.into_inner().expect("no panic").len();
    println!(
        "live soak: {seconds} s, {keys} keys; valid tokens, by status: {valid:?}, the slowest \
         {longest:?}; invented key ids, by status: {invented:?}"
    );
    assert_eq!(valid.keys().copied().collect::<Vec<_>>(), [200]);
    assert!(invented.keys().all(|status| [401, 503].contains(status)), "{invented:?}");
    assert!(keys as u64 >= seconds / 30, "{keys}");
}

/// A connection that lists a user's tasks.
struct Caller {
    agent: ureq::Agent,
    url: String,
}

impl Caller {
    fn new(app: &ExampleApp, uid: &str) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { agent, url: format!("http://{}/api/{uid}/tasks", app.address()) }
    }

    fn send(&self, token: &str, seen: &Seen) {
        let started = Instant::now();
        let request = self.agent.get(&self.url).header("Authorization", format!("Bearer {token}"));
        let mut response = request.call().expect("an answer");
        response.body_mut().read_to_string().expect("a body");
        seen.add(response.status().as_u16(), started.elapsed());
    }
}
