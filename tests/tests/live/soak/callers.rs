//! The clients of the soak: good requests, bad ones, expired tokens and other users' paths.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::issuer::{LIFETIME, MortalIssuer, Token};
use super::judge::{Answer, Judge, Key};
use crate::servers::User;
use crate::tamper;

/// The server's default leeway.
const LEEWAY: Duration = Duration::from_secs(5);
/// A moment in which a token is neither surely valid nor surely expired.
const MARGIN: Duration = Duration::from_secs(3);
/// How long expired tokens are sent. Their keys are still published.
const KEPT: Duration = Duration::from_secs(100);
const PAUSE: Duration = Duration::from_millis(30);

/// A user with tokens, and a connection.
pub(super) struct Caller<'s> {
    issuer: &'s MortalIssuer,
    judge: &'s Judge<'s>,
    base: String,
    agent: ureq::Agent,
    user: User,
    tokens: Mutex<VecDeque<Token>>,
    number: AtomicUsize,
}

impl<'s> Caller<'s> {
    pub(super) fn new(
        issuer: &'s MortalIssuer,
        judge: &'s Judge<'s>,
        proxy: SocketAddr,
        name: &str,
    ) -> Self {
        let (user, base) = (issuer.sign_up(name), format!("http://{proxy}"));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let (tokens, number) = (Mutex::default(), AtomicUsize::new(0));
        let caller = Self { issuer, judge, base, agent, user, tokens, number };
        caller.fetch_a_token();
        caller
    }

    /// Fetches another token, unless the issuer is dead, and forgets the oldest.
    pub(super) fn fetch_a_token(&self) {
        let token = self.issuer.token(&self.user);
        let mut tokens = self.tokens.lock().expect("no panic");
        tokens.extend(token);
        tokens.retain(|token| token.minted.elapsed() < KEPT);
    }

    /// Returns one of the tokens that are as old as this.
    fn token(&self, is_old_enough: impl Fn(Duration) -> bool) -> Option<Token> {
        let tokens = self.tokens.lock().expect("no panic");
        let fit: Vec<_> = tokens.iter().filter(|t| is_old_enough(t.minted.elapsed())).collect();
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        // The newest or an older one, by turns of two: some are remembered, some are not.
        let newest = fit.len().checked_sub(1)?;
        let index = if number % 4 < 2 { newest } else { number % fit.len() };
        fit.get(index).copied().cloned()
    }

    /// Sends one request of each kind.
    pub(super) fn send_round(&self) {
        let tasks = format!("/api/{}/tasks", self.user.id);
        let others = "/api/somebody-else/tasks";
        let get = |path: &str, tokens: &[&str], key: Key<'_>, expected: (u16, &str)| {
            self.send("GET", path, tokens, None, &key, expected)
        };
        if let Some(token) = self.token(|age| age + MARGIN < LIFETIME) {
            let Token { text, kid, .. } = &token;
            let own = || Key::Published(kid);
            self.assert_own(get(&tasks, &[text], own(), (200, "")));
            if let Some(me) = get("/api/me", &[text], own(), (200, "")) {
                self.assert(me["uid"] == json!(self.user.id), "another user's id");
            }
            get(others, &[text], own(), (403, "not_owner"));
            get(&tasks, &[&tamper(text)], own(), (401, "token_invalid"));
            get(&tasks, &[text, text], Key::None, (400, "request_malformed"));
            get(&tasks, &[&unsigned(text)], Key::None, (401, "token_invalid"));
            self.create_and_remove(&tasks, &token);
        }
        if let Some(Token { text, kid, .. }) = self.token(|age| age > LIFETIME + LEEWAY + MARGIN) {
            get(&tasks, &[&text], Key::Published(&kid), (401, "token_expired"));
            get(others, &[&text], Key::Published(&kid), (401, "token_expired"));
        }
        get(&tasks, &[], Key::None, (401, "token_missing"));
        get(&tasks, &[&self.user.session], Key::None, (401, "token_invalid"));
    }

    fn create_and_remove(&self, tasks: &str, Token { text, kid, .. }: &Token) {
        let (title, key) = (json!({ "title": self.user.id }), Key::Published(kid));
        let created = self.send("POST", tasks, &[text], Some(&title), &key, (201, ""));
        if let Some(task) = created {
            let path = format!("{tasks}/{}", task["id"]);
            self.send("DELETE", &path, &[text], None, &key, (204, ""));
        }
    }

    /// Sends a token whose key does not exist.
    pub(super) fn invent_a_key_id(&self) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let header = encode(format!(r#"{{"alg":"EdDSA","kid":"invented-{number}"}}"#).as_bytes());
        let token = format!("{header}.{}.{}", encode(b"{}"), encode(&[0; 64]));
        self.send("GET", "/api/me", &[&token], None, &Key::Invented, (401, "token_invalid"));
    }

    /// Sends a request. Returns the body of the expected answer.
    fn send(
        &self,
        method: &str,
        path: &str,
        tokens: &[&str],
        body: Option<&Value>,
        key: &Key<'_>,
        expected: (u16, &str),
    ) -> Option<Value> {
        std::thread::sleep(PAUSE);
        let mut request = ureq::http::Request::builder().method(method);
        for token in tokens {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.uri(format!("{}{path}", self.base));
        let began = Instant::now();
        let answer = match body {
            None => self.agent.run(request.body(()).expect("a request")),
            Some(body) => self.agent.run(request.body(body.to_string()).expect("a request")),
        };
        let what = format!("{method} {path} with {} tokens", tokens.len());
        let read = answer.and_then(|mut answer| {
            let text = answer.body_mut().read_to_string()?;
            Ok((answer, text))
        });
        let Ok((answer, text)) =
            read.map_err(|error| self.judge.report(&format!("{what}: {error}")))
        else {
            return None;
        };
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let copy = answer.headers().get("Server").and_then(|name| name.to_str().ok());
        let answer = Answer {
            began,
            copy: copy.unwrap_or_default().to_owned(),
            status: answer.status().as_u16(),
            code: body["code"].as_str().unwrap_or_default().to_owned(),
        };
        self.judge.judge(&what, key, expected, &answer).then_some(body)
    }

    fn assert_own(&self, list: Option<Value>) {
        let tasks = list.as_ref().and_then(Value::as_array).into_iter().flatten();
        for task in tasks {
            self.assert(task["title"] == json!(self.user.id), "another user's task");
        }
    }

    fn assert(&self, is_so: bool, otherwise: &str) {
        if !is_so {
            self.judge.report(otherwise);
        }
    }
}

/// Returns the token without a signature, and with an algorithm that says so.
fn unsigned(token: &str) -> String {
    let payload = token.split('.').nth(1).expect("a payload");
    format!("{}.{payload}.", encode(br#"{"alg":"none"}"#))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
