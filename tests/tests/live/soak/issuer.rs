//! A real Better Auth server that is killed and comes back, with the same users and keys.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::servers::{Issuer, User, lasting_port, try_exchange};

/// How long a token is valid.
pub(super) const LIFETIME: Duration = Duration::from_secs(60);
const ROTATION: Duration = Duration::from_secs(60);
/// For this long, what a fetch found out may arrive late on a slow machine.
const SLACK: Duration = Duration::from_secs(1);

pub(super) struct MortalIssuer {
    pub(super) url: String,
    port: u16,
    database: String,
    process: Mutex<Option<Issuer>>,
    outages: Mutex<Vec<Outage>>,
    /// The ids of the keys that tokens were signed with.
    keys: Mutex<BTreeSet<String>>,
}

/// A time without the issuer. Until `is_dead`, and from `may_answer` on, it may answer or not.
#[derive(Clone, Copy)]
struct Outage {
    begins: Instant,
    is_dead: Option<Instant>,
    may_answer: Option<Instant>,
    ends: Option<Instant>,
}

/// What a request could have seen of the issuer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Alive,
    Dead,
    Either,
}

/// A token of the issuer.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: String,
    /// The id of the key that signed it.
    pub(super) kid: String,
    pub(super) minted: Instant,
}

impl MortalIssuer {
    pub(super) fn start() -> Self {
        let port = lasting_port();
        let database = super::temporary("soak-issuer.json").display().to_string();
        let issuer = Self::run(port, &database);
        let (url, process) = (issuer.url.clone(), Mutex::new(Some(issuer)));
        Self { url, port, database, process, outages: Mutex::default(), keys: Mutex::default() }
    }

    fn run(port: u16, database: &str) -> Issuer {
        let seconds = |time: Duration| time.as_secs().to_string();
        let grace = seconds(2 * LIFETIME);
        Issuer::start_at(
            port,
            &[
                ("ISSUER_MODE", "jwks"),
                ("ISSUER_VARIANT", "rotating,short-lived,lasting"),
                ("ISSUER_ROTATION_SECONDS", &seconds(ROTATION)),
                ("ISSUER_GRACE_SECONDS", &grace),
                ("ISSUER_LIFETIME_SECONDS", &seconds(LIFETIME)),
                ("ISSUER_DATABASE", database),
            ],
        )
    }

    /// Kills it, as `kill -9` does.
    pub(super) fn kill(&self) {
        // Noted first: an answer may be judged before the process has ended.
        let begins = Instant::now();
        let outage = Outage { begins, is_dead: None, may_answer: None, ends: None };
        self.outages.lock().expect("no panic").push(outage);
        drop(self.process.lock().expect("no panic").take());
        self.change(|outage| outage.is_dead = Some(Instant::now()));
    }

    pub(super) fn revive(&self) {
        self.change(|outage| outage.may_answer = Some(Instant::now()));
        let issuer = Self::run(self.port, &self.database);
        *self.process.lock().expect("no panic") = Some(issuer);
        self.change(|outage| outage.ends = Some(Instant::now()));
    }

    /// Changes the last outage.
    fn change(&self, change: impl FnOnce(&mut Outage)) {
        change(self.outages.lock().expect("no panic").last_mut().expect("it was killed"));
    }

    pub(super) fn is_alive(&self) -> bool {
        self.process.lock().expect("no panic").is_some()
    }

    pub(super) fn sign_up(&self, name: &str) -> User {
        self.process.lock().expect("no panic").as_ref().expect("it is alive").sign_up(name)
    }

    /// Fetches a token; `None` while it is dead.
    pub(super) fn token(&self, user: &User) -> Option<Token> {
        let (minted, url) = (Instant::now(), format!("{}/api/auth/token", self.url));
        let answer = try_exchange("GET", &url, Some(&user.session), &Value::Null).ok();
        let text = answer.and_then(|(_, _, body)| body["token"].as_str().map(str::to_owned));
        let Some(text) = text else {
            let seen = self.seen(minted, Instant::now());
            assert!(seen != Seen::Alive, "the issuer is alive and mints no token");
            return None;
        };
        let header = URL_SAFE_NO_PAD.decode(text.split('.').next().expect("a header"));
        let header: Value = serde_json::from_slice(&header.expect("base64")).expect("JSON");
        let kid = header["kid"].as_str().expect("a key id").to_owned();
        self.keys.lock().expect("no panic").insert(kid.clone());
        Some(Token { text, kid, minted })
    }

    /// Returns what a request from `began` to `ended` could have seen.
    pub(super) fn seen(&self, began: Instant, ended: Instant) -> Seen {
        let outages = self.outages.lock().expect("no panic");
        let touches =
            |o: &&Outage| o.begins <= ended && o.ends.is_none_or(|ends| began <= ends + SLACK);
        match outages.iter().rev().find(touches) {
            None => Seen::Alive,
            Some(o)
                if o.is_dead.is_some_and(|at| at <= began)
                    && o.may_answer.is_none_or(|at| ended < at) =>
            {
                Seen::Dead
            }
            Some(_) => Seen::Either,
        }
    }

    /// Asserts that keys were rotated, as far as the run was long enough for it.
    pub(super) fn assert_rotated(&self, seconds: u64) {
        let keys = self.keys.lock().expect("no panic").len() as u64;
        assert!(keys > seconds / (2 * ROTATION.as_secs()), "{keys} keys");
    }
}

impl fmt::Display for MortalIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [keys, deaths] = [
            self.keys.lock().expect("no panic").len(),
            self.outages.lock().expect("no panic").len(),
        ];
        write!(f, "{keys} keys, {deaths} outages of the issuer")
    }
}
