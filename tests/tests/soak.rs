//! An issuer that hangs, dies, rotates and answers garbage in a random order, clocks that
//! jump, and requests all the while: `SOAK_SECONDS` of it (3 by default), from `SOAK_SEED`.
//! `-- --nocapture` prints the counts.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use auth_guard::testing::{Algorithm, Clock, Issuer, RequestExt};
use auth_guard::{AuthError, AuthGuard, Verified, Verifier};
use auth_guard_tests::{figment, now};
use rocket::local::asynchronous::Client;
use rocket::{futures, routes};
use serde_json::json;

const ISSUER: &str = "https://auth.example";
const COOLDOWN: u64 = 1;
const MAX_AGE: u64 = 40;
const MAX_STALE: Duration = Duration::from_secs(200);
/// The keys of the issuer. The first is always published.
const KEYS: usize = 8;
/// What the clock may jump between the beginning of a fetch and its arrival.
const SLACK: Duration = Duration::from_secs(40);
/// The longest time for an answer: the rest of a fetch, a cooldown, a fetch, and a slow machine.
const LIMIT: Duration = Duration::from_secs(30);

#[rocket::get("/me")]
fn me(user: Verified) -> String {
    user.uid().to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Answers,
    Dies,
    Hangs,
    Garbage,
}

/// What is true of the issuer.
struct World {
    mode: Mode,
    published: Vec<usize>,
    /// When each key was last handed out, and how often it was withdrawn.
    given: HashMap<usize, SystemTime>,
    withdrawn: [usize; KEYS],
    /// When keys were last handed out that the guard has processed: it fetches once at a time,
    /// so whatever was handed out before a fetch has arrived by then.
    arrived: Option<SystemTime>,
    fetches: usize,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicUsize,
    unavailable: AtomicUsize,
    refused: AtomicUsize,
    verified: AtomicUsize,
    asked_for: AtomicUsize,
}

struct Soak {
    clock: Clock,
    keys: Vec<Issuer>,
    world: Mutex<World>,
    counts: Counts,
    is_over: AtomicBool,
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }
}

impl Soak {
    fn new() -> Self {
        let clock = Clock::fixed(now());
        let key = |n: usize| {
            let issuer = Issuer::with_key_pair(Algorithm::EdDsa, &n.to_string());
            issuer.with_clock(clock.clone()).with_issuer(ISSUER).with_audience(ISSUER)
        };
        let world = World {
            mode: Mode::Answers,
            published: vec![0],
            given: HashMap::new(),
            withdrawn: [0; KEYS],
            arrived: None,
            fetches: 0,
        };
        Self {
            keys: (0..KEYS).map(key).collect(),
            clock,
            world: Mutex::new(world),
            counts: Counts::default(),
            is_over: AtomicBool::new(false),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    /// Answers one fetch.
    fn serve(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                _ => return,
            }
        }

        let body = {
            let mut world = self.world();
            world.fetches += 1;
            world.arrived = world.given.get(&0).copied();
            match world.mode {
                Mode::Dies => return,
                Mode::Garbage => "{\"keys\":".to_owned(),
                Mode::Hangs => String::new(),
                Mode::Answers => {
                    let published = world.published.clone();
                    let given = published.iter().map(|key| (*key, self.clock.now()));
                    world.given.extend(given);
                    let keys: Vec<_> = published.iter().map(|key| self.keys[*key].jwk()).collect();
                    json!({ "keys": keys }).to_string()
                }
            }
        };
        if body.is_empty() {
            // Until the client gives up.
            let _ = stream.read(&mut buffer);
            return;
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
    }

    /// Changes the issuer and the clock until `end`.
    fn fate(&self, mut random: Random, end: Instant) {
        while Instant::now() < end {
            let tick = Duration::from_millis(20 + random.below(200) as u64);
            std::thread::sleep(tick);
            self.clock.advance(tick);
            if random.below(6) == 0 {
                self.clock.advance(Duration::from_secs(1 + random.below(10) as u64));
            }
            let mut world = self.world();
            match random.below(12) {
                0 => world.mode = Mode::Dies,
                1 => world.mode = Mode::Garbage,
                2 if random.below(4) == 0 => world.mode = Mode::Hangs,
                3..=6 => world.mode = Mode::Answers,
                7..=8 => {
                    // Rotates: a new key, and the one before it a while longer.
                    let next = 1 + random.below(KEYS - 1);
                    if !world.published.contains(&next) {
                        world.published.push(next);
                    }
                    if world.published.len() > 3 {
                        let gone = world.published.remove(1);
                        world.withdrawn[gone] += 1;
                    }
                }
                _ => {}
            }
        }
        self.is_over.store(true, SeqCst);
    }

    /// Checks that a key was accepted rightly by a request that began at `asked`.
    fn check_accepted(&self, key: usize, asked: SystemTime) {
        let given = self.world().given.get(&key).copied();
        let given = given.expect("an accepted key was handed out");
        assert!(given + MAX_STALE > asked, "key {key} used beyond its age");
    }

    /// Checks that the first key, which is always published, was refused rightly.
    /// `arrived` is [`World::arrived`] as the request began.
    fn check_refused(&self, arrived: Option<SystemTime>) {
        if let Some(arrived) = arrived {
            let age = self.clock.now().duration_since(arrived).unwrap_or_default();
            assert!(age + SLACK > MAX_STALE, "a known key refused, {age:?} old");
        }
    }

    /// Sends one request of a random key, or of none that there is.
    async fn request(&self, client: &Client, key: usize, n: usize) {
        let (asked, started) = (self.clock.now(), Instant::now());
        let before = {
            let world = self.world();
            (world.published.contains(&key), world.withdrawn, world.arrived)
        };
        let token = match self.keys.get(key) {
            Some(issuer) => issuer.token("alice").sign(),
            None => self.keys[0].token("alice").header("kid", format!("garbage {n}")).sign(),
        };
        let status = client.get("/me").bearer(token).dispatch().await.status().code;
        assert!(started.elapsed() < LIMIT, "{status} after {:?}", started.elapsed());

        match status {
            200 => {
                assert!(key < KEYS, "garbage accepted");
                self.check_accepted(key, asked);
                self.counts.accepted.fetch_add(1, SeqCst);
            }
            401 => {
                let is_published =
                    key < KEYS && before.0 && before.1[key] == self.world().withdrawn[key];
                assert!(!is_published, "a token of the published key {key} refused");
                self.counts.refused.fetch_add(1, SeqCst);
            }
            503 => {
                if key == 0 {
                    self.check_refused(before.2);
                }
                self.counts.unavailable.fetch_add(1, SeqCst);
            }
            other => panic!("{other}"),
        }
    }

    /// Sends requests from a runtime of its own, twenty at a time.
    fn requests(&self, client: &Client, mut random: Random) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            while !self.is_over() {
                let keys: Vec<_> = (0..20)
                    .map(|_| match random.below(3) {
                        0 => 0,
                        1 => random.below(KEYS),
                        _ => KEYS,
                    })
                    .collect();
                let each = keys.into_iter().enumerate();
                futures::future::join_all(each.map(|(n, key)| self.request(client, key, n))).await;
            }
        });
    }

    /// Verifies tokens on a thread without a runtime.
    fn verifications(&self, verifier: &Verifier, mut random: Random) {
        while !self.is_over() {
            let key = random.below(KEYS + 2) % KEYS;
            let (asked, started) = (self.clock.now(), Instant::now());
            let arrived = self.world().arrived;
            let token = self.keys[key].token("bob").sign();
            // Read after the token was minted: the clock may have jumped meanwhile.
            match verifier.verify(&token, self.clock.now()) {
                Ok(_) => {
                    self.check_accepted(key, asked);
                    self.counts.verified.fetch_add(1, SeqCst);
                }
                Err(AuthError::NoMatchingKey | AuthError::KeysUnavailable) if key != 0 => {
                    self.counts.asked_for.fetch_add(1, SeqCst);
                }
                Err(AuthError::KeysUnavailable) => self.check_refused(arrived),
                Err(error) => panic!("key {key}: {error}"),
            }
            assert!(started.elapsed() < LIMIT);
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn whatever_the_issuer_does_no_valid_token_is_refused_and_no_old_key_used() {
    let (seconds, seed) = (number("SOAK_SECONDS", 3), number("SOAK_SEED", 7517));
    let soak: &Soak = Box::leak(Box::new(Soak::new()));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || soak.serve(stream));
        }
    });

    let table = json!({
        "jwks_url": url, "issuer": ISSUER, "audience": ISSUER, "jwks_cooldown": COOLDOWN,
        "required_claims": ["iat"],
        "jwks_max_age": MAX_AGE, "jwks_max_stale": MAX_STALE.as_secs(),
    });
    let guard = AuthGuard::fairing().with_clock(soak.clock.clone());
    let rocket = rocket::custom(figment(&table)).attach(guard).mount("/", routes![me]);
    let client = rocket::execute(Client::untracked(rocket)).expect("the application launches");
    let verifier = client.rocket().state::<Verifier>().expect("a verifier");

    let (started, began) = (Instant::now(), soak.clock.now());
    let end = started + Duration::from_secs(seconds);
    let random = |n: u64| Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 + 2 * n));
    std::thread::scope(|scope| {
        scope.spawn(|| soak.fate(random(0), end));
        for n in 1..3 {
            let client = &client;
            scope.spawn(move || soak.requests(client, random(n)));
            scope.spawn(move || soak.verifications(verifier, random(n + 10)));
        }
    });

    let clock = soak.clock.now().duration_since(began).expect("forward").as_secs();
    let counts = &soak.counts;
    let of = |count: &AtomicUsize| count.load(SeqCst);
    let fetches = soak.world().fetches;
    println!(
        "soak: {seconds} s (clock {clock} s, seed {seed}): {} requests accepted, {} refused, {} \
         unavailable; without a runtime {} verified, {} asked for; {fetches} fetches",
        of(&counts.accepted),
        of(&counts.refused),
        of(&counts.unavailable),
        of(&counts.verified),
        of(&counts.asked_for),
    );
    // One a cooldown of either time for unknown keys, one in five seconds to refresh.
    let bound = 3 + (clock + started.elapsed().as_secs()) * 6 / 5;
    assert!(fetches as u64 <= bound, "{fetches} fetches, and at most {bound} are permitted");
    assert!(of(&counts.accepted) > 0 && of(&counts.verified) > 0 && of(&counts.refused) > 0);
}
