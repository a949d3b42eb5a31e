//! A JWKS address on this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rocket::figment::providers::Serialized;
use rocket::{Build, Rocket};
use serde_json::{Value, json};

use super::Issuer;

/// Publishes the keys of issuers on a port of 127.0.0.1, or whatever else it is
/// told to answer, and counts how often it was asked.
#[derive(Clone, Debug)]
pub struct JwksServer {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    fetches: AtomicUsize,
    behaviour: Mutex<Behaviour>,
}

#[derive(Clone, Debug, Default)]
struct Behaviour {
    /// Status line and body; none: connections are closed without an answer.
    answer: Option<(String, Vec<u8>)>,
    delay: Duration,
}

impl JwksServer {
    /// A server that answers nothing yet: connections are closed at once.
    ///
    /// # Panics
    ///
    /// When there is no port to be had.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server =
            Self { url: format!("http://{address}/jwks"), shared: Arc::new(Shared::default()) };
        let shared = server.shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        server
    }

    /// The address, for `AUTH_GUARD_JWKS_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets an application ask this server for its public keys, whatever address it is
    /// configured with. Where it names no issuer, `https://auth.example` is the one.
    ///
    /// An [`Issuer`] in managed state is the one whose tokens
    /// [`RequestExt`](super::RequestExt) and [`attack_all`](super::attack_all) send:
    ///
    /// ```rust
    /// # use auth_guard::{AuthGuard, user_scoped};
    /// # use rocket::local::blocking::Client;
    /// use auth_guard::testing::{Algorithm, Issuer, JwksServer, RequestExt, assert_refused};
    ///
    /// # #[user_scoped]
    /// # #[rocket::get("/<user_id>/tasks")]
    /// # fn list(user_id: &str) -> &str {
    /// #     user_id
    /// # }
    /// # fn rocket() -> rocket::Rocket<rocket::Build> {
    /// #     rocket::build().attach(AuthGuard::fairing()).mount("/api", rocket::routes![list])
    /// # }
    /// let issuer = Issuer::with_key_pair(Algorithm::EdDsa, "key of the test");
    /// let server = JwksServer::start();
    /// let rocket = server.asked_by(rocket()).manage(issuer);
    ///
    /// // A launch while the issuer is away.
    /// let client = Client::untracked(rocket).expect("a valid Rocket");
    /// let response = client.get("/api/alice/tasks").as_user("alice").dispatch();
    /// assert_refused!(response, KeysUnavailable);
    /// ```
    ///
    /// # Panics
    ///
    /// When the variable `AUTH_GUARD_JWKS_URL` is set, which would win.
    pub fn asked_by(&self, rocket: Rocket<Build>) -> Rocket<Build> {
        assert!(std::env::var_os("AUTH_GUARD_JWKS_URL").is_none(), "AUTH_GUARD_JWKS_URL is set");
        let figment = rocket.figment().clone();
        let figment = figment
            .merge(Serialized::global("auth_guard.jwks_url", self.url()))
            .join(("auth_guard.url", "https://auth.example"));
        rocket.configure(figment)
    }

    /// Publishes the public keys of these issuers from now on, and no others.
    pub fn publish(&self, issuers: &[&Issuer]) {
        let keys: Vec<Value> = issuers.iter().filter_map(|issuer| issuer.jwk()).collect();
        self.answer("200 OK", json!({ "keys": keys }).to_string());
    }

    /// Answers this from now on: a status such as `404 Not Found`, which may be
    /// followed by header fields, each on a line, and a body.
    pub fn answer(&self, status: &str, body: impl Into<Vec<u8>>) {
        self.change(|behaviour| behaviour.answer = Some((status.into(), body.into())));
    }

    /// Closes each connection without an answer from now on.
    pub fn fail(&self) {
        self.change(|behaviour| behaviour.answer = None);
    }

    /// Lets everybody wait this long from now on.
    pub fn delay(&self, delay: Duration) {
        self.change(|behaviour| behaviour.delay = delay);
    }

    /// How often it was asked.
    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    fn change(&self, f: impl FnOnce(&mut Behaviour)) {
        f(&mut self.shared.behaviour.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                _ => return,
            }
        }

        self.fetches.fetch_add(1, Ordering::SeqCst);
        let behaviour = self.behaviour.lock().unwrap_or_else(PoisonError::into_inner).clone();
        std::thread::sleep(behaviour.delay);
        let Some((status, body)) = behaviour.answer else { return };
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            status.replace('\n', "\r\n"),
            body.len()
        );
        // Whoever asked may have given up.
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    }
}
