//! Forces orders of events that threads bring about only by chance.

use serde_json::json;

use super::*;
use crate::keys::public::algorithm::Algorithms;

/// RFC 8037 appendix A.2, and another point of the curve (RFC 8032 section 7.1, test 2).
const ONE: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const TWO: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

/// An engine, and a clock that the test moves.
struct Bench {
    engine: Engine,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self::with(5, 600, 86_400)
    }

    fn with(cooldown: u64, max_age: u64, max_stale: u64) -> Self {
        let [cooldown, max_age, max_stale] =
            [cooldown, max_age, max_stale].map(Duration::from_secs);
        let timing = Timing { cooldown, max_age, max_stale };
        Self { engine: Engine::new(timing, "https://a.example".into()), now: Instant::now() }
    }

    /// An engine with the key `one`, fetched now.
    fn started() -> Self {
        let mut bench = Self::new();
        let order = bench.engine.fetch().expect("the first fetch");
        bench.begin(&order);
        bench.succeed(&order, &[("one", ONE)]);
        bench
    }

    fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn begin(&mut self, order: &Order) {
        self.engine.begin(order.id, self.now);
    }

    fn succeed(&mut self, order: &Order, keys: &[(&str, &str)]) -> Vec<Line> {
        self.engine.finish(order.id, Ok(set(keys)), self.now)
    }

    fn fail(&mut self, order: &Order) -> Vec<Line> {
        self.engine.finish(order.id, Err("it is away".into()), self.now)
    }

    fn keep_fresh(&mut self) -> Option<Order> {
        self.engine.keep_fresh(self.now).0
    }

    fn step(&mut self, visit: &Visit, kid: &str) -> Step {
        self.engine.step(visit, Algorithm::EdDsa, Some(kid), self.now)
    }

    /// The order of a request that is the first to ask.
    fn ask(&mut self, visit: &Visit, kid: &str) -> Order {
        match self.step(visit, kid) {
            Step::Wait(Some(order)) => order,
            step => panic!("no order: {step:?}"),
        }
    }

    fn key(&self, kid: &str) -> Option<Arc<PublicKey>> {
        self.engine.select(Algorithm::EdDsa, Some(kid), self.now).ok().cloned()
    }
}

fn set(keys: &[(&str, &str)]) -> ReadSet {
    let jwk =
        |(kid, x): &(&str, &str)| json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x });
    let keys: Vec<_> = keys.iter().map(jwk).collect();
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes(), &Algorithms::of(&[]))
        .expect("a set")
}

#[test]
fn f01_nothing_moves_until_a_fetch_has_begun() {
    let mut bench = Bench::started();
    bench.advance(450);
    let order = bench.keep_fresh().expect("a refresh");
    // It never begins, as on a machine that has no thread left.
    bench.advance(1);
    bench.fail(&order);
    assert_eq!(bench.keep_fresh(), None, "not for every token");
    bench.advance(5);
    assert!(bench.keep_fresh().is_some(), "tried again");

    let mut bench = Bench::started();
    let visit = bench.engine.visit();
    let order = bench.ask(&visit, "two");
    bench.fail(&order);
    let visit = bench.engine.visit();
    assert_eq!(bench.ask(&visit, "two").delay, Duration::ZERO, "the cooldown is not used up");
}

#[test]
fn f03_the_cooldown_delays_no_refresh() {
    let mut bench = Bench::with(3_600, 600, 700);
    let order = bench.engine.fetch().expect("the first fetch");
    bench.begin(&order);
    bench.succeed(&order, &[("one", ONE)]);
    bench.advance(449);
    let visit = bench.engine.visit();
    let order = bench.ask(&visit, "two");
    bench.begin(&order);
    bench.fail(&order);
    assert_eq!(bench.keep_fresh(), None);
    bench.advance(4);
    assert_eq!(bench.keep_fresh(), None, "just tried");
    bench.advance(1);
    let order = bench.keep_fresh().expect("a refresh long before the cooldown is over");
    bench.begin(&order);
    bench.fail(&order);
    bench.advance(5);
    let order = bench.keep_fresh().expect("its own short retry");
    bench.begin(&order);
    bench.succeed(&order, &[("one", ONE)]);
    assert!(bench.key("one").is_some());
}

#[test]
fn f03_a_refresh_uses_up_no_cooldown() {
    let mut bench = Bench::started();
    bench.advance(450);
    let refresh = bench.keep_fresh().expect("a refresh");
    bench.begin(&refresh);
    let visit = bench.engine.visit();
    assert_eq!(bench.step(&visit, "two"), Step::Wait(None), "the refresh may bring it");
    bench.succeed(&refresh, &[("one", ONE)]);
    let order = bench.ask(&visit, "two");
    assert_eq!(order.delay, Duration::ZERO);
    bench.begin(&order);
    bench.succeed(&order, &[("one", ONE), ("two", TWO)]);
    assert_eq!(bench.step(&visit, "two"), Step::Settled);
}

#[test]
fn f03_without_keys_a_token_has_them_fetched_again() {
    let mut bench = Bench::new();
    let order = bench.engine.fetch().expect("the first fetch");
    bench.begin(&order);
    bench.fail(&order);
    assert_eq!(bench.keep_fresh(), None);
    bench.advance(5);
    let order = bench.keep_fresh().expect("a retry");
    bench.begin(&order);
    bench.succeed(&order, &[("one", ONE)]);

    // Nobody asks until they are too old.
    let one = bench.key("one").expect("a key");
    bench.advance(86_400);
    assert!(bench.key("one").is_none(), "not even before they are dropped");
    assert!(bench.keep_fresh().is_some());
    assert!(one.is_retired());
}

#[test]
fn f10_a_retired_key_is_never_taken_back() {
    let mut bench = Bench::started();
    let one = bench.key("one").expect("a key");
    bench.advance(86_399);
    let order = bench.keep_fresh().expect("a refresh");
    bench.begin(&order);
    // Read while the keys are in use …
    let read = set(&[("one", ONE)]);
    // … which they are no longer when it is decided what to keep.
    bench.advance(1);
    assert_eq!(bench.keep_fresh(), None, "one is pending");
    assert!(one.is_retired());
    bench.engine.finish(order.id, Ok(read), bench.now);
    let again = bench.key("one").expect("the key is published");
    assert!(!again.is_retired() && !Arc::ptr_eq(&again, &one));

    // A key that stays is the same one.
    bench.advance(450);
    let order = bench.keep_fresh().expect("a refresh");
    bench.begin(&order);
    bench.succeed(&order, &[("two", TWO), ("one", ONE)]);
    assert!(Arc::ptr_eq(&again, &bench.key("one").expect("a key")));
}

#[test]
fn f12_a_fetch_that_began_before_a_request_asked_proves_nothing() {
    let mut bench = Bench::started();
    let first = bench.engine.visit();
    let order = bench.ask(&first, "garbage");
    let joined = bench.engine.visit();
    assert_eq!(bench.step(&joined, "two"), Step::Wait(None), "it has not begun");
    bench.begin(&order);
    // The issuer answers, then rotates, then a token of the new key arrives.
    let late = bench.engine.visit();
    assert_eq!(bench.step(&late, "two"), Step::Wait(None));
    bench.advance(1);
    bench.succeed(&order, &[("one", ONE)]);
    assert_eq!(bench.step(&first, "garbage"), Step::Settled);
    assert_eq!(bench.step(&joined, "two"), Step::Settled);

    // The next fetch is scheduled for the end of the cooldown, for all who ask meanwhile.
    let order = bench.ask(&late, "two");
    assert_eq!(order.delay, Duration::from_secs(4));
    let crowd = bench.engine.visit();
    assert_eq!(bench.step(&crowd, "three"), Step::Wait(None));
    bench.advance(4);
    bench.begin(&order);
    bench.succeed(&order, &[("one", ONE), ("two", TWO)]);
    assert_eq!(bench.step(&late, "two"), Step::Settled);
    assert!(bench.key("two").is_some());
    assert_eq!(bench.step(&crowd, "three"), Step::Settled, "the issuer has none");
    assert!(!bench.engine.is_unavailable());
}

#[test]
fn f12_a_request_that_would_wait_too_long_is_refused_at_once() {
    let mut bench = Bench::with(30, 600, 86_400);
    for refused in [true, false] {
        let visit = bench.engine.visit();
        let order = bench.ask(&visit, "one");
        bench.begin(&order);
        bench.succeed(&order, &[("two", TWO)]);
        bench.advance(if refused { 24 } else { 25 });
        let visit = bench.engine.visit();
        match refused {
            true => assert_eq!(bench.step(&visit, "one"), Step::Unavailable),
            false => assert_eq!(bench.ask(&visit, "one").delay, Duration::from_secs(5)),
        }
        bench.advance(6);
    }
}

#[test]
fn f12_a_failed_fetch_answers_all_who_wait() {
    let mut bench = Bench::started();
    let first = bench.engine.visit();
    let order = bench.ask(&first, "two");
    bench.begin(&order);
    let late = bench.engine.visit();
    bench.fail(&order);
    assert_eq!(bench.step(&first, "two"), Step::Unavailable);
    assert_eq!(bench.step(&late, "two"), Step::Unavailable);
    assert!(bench.engine.is_unavailable());
    assert!(bench.key("one").is_some());
}

#[test]
fn f17_one_key_under_several_ids_is_one_key() {
    let ReadSet { keys, skipped } = set(&[("one", ONE), ("one", ONE), ("again", ONE)]);
    assert_eq!((keys.len(), skipped.len()), (2, 0));
    assert!(keys.select(Algorithm::EdDsa, None).is_ok());
    let ReadSet { keys, skipped } = set(&[("one", ONE), ("one", TWO), ("two", TWO)]);
    assert_eq!((keys.len(), skipped.len()), (2, 1));
    assert_eq!(keys.select(Algorithm::EdDsa, None).err(), Some(NoFit::Ambiguous));
}

#[test]
fn an_outage_is_one_error_line() {
    let mut bench = Bench::started();
    let mut lines = Vec::new();
    for n in 0..20_000 {
        bench.advance(5);
        let (order, line) = bench.engine.keep_fresh(bench.now);
        lines.extend(line);
        let Some(order) = order else { continue };
        bench.begin(&order);
        lines.extend(match n {
            19_999 => bench.succeed(&order, &[("one", ONE)]),
            _ => bench.fail(&order),
        });
    }
    let lines: Vec<_> = lines.iter().map(|(level, line)| format!("{level} {line}")).collect();
    assert_eq!(
        lines,
        [
            "ERROR auth-guard: could not fetch public keys from https://a.example: it is away; \
             using the 1 known keys for up to 85950 s.",
            "ERROR auth-guard: the public keys from https://a.example are 86400 s old and no \
             longer used.",
            "WARN auth-guard: https://a.example now publishes 1 public key: one (EdDSA).",
        ]
    );
}

#[test]
fn a_server_publishes_again_what_was_in_use_all_the_time() {
    let mut bench = Bench::started();
    let lines = [false, true, true].map(|is_there| {
        let order = bench.engine.fetch().expect("a fetch");
        if is_there { bench.succeed(&order, &[("one", ONE)]) } else { bench.fail(&order) }
    });
    assert!(lines[1][0].1.contains("publishes 1 public key again: one"), "{lines:?}");
    assert!(lines[2].is_empty(), "nothing has changed: {lines:?}");
}
