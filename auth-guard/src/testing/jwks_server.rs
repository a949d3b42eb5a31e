//! A key server on this machine, and how an application comes to trust it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rocket::figment::providers::Serialized;
use rocket::{Build, Rocket};
use serde_json::{Value, json};

use super::issuer::Issuer;
use crate::keys::NoCooldown;
use crate::sync::lock;

/// A key server on a port of 127.0.0.1: it publishes the keys of issuers, or answers
/// whatever a test needs, and counts its requests.
///
/// [`Issuer::trusted_by`] starts one for you. Start one yourself to see your application
/// through a slow server, an outage or a rotation:
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
/// // The application launches while the issuer is unavailable.
/// let client = Client::untracked(rocket).expect("a valid Rocket");
/// let response = client.get("/api/alice/tasks").as_user("alice").dispatch();
/// assert_refused!(response, KeysUnavailable);
/// ```
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
    /// Status line and body. `None` closes connections without an answer.
    answer: Option<(String, Vec<u8>)>,
    delay: Duration,
}

impl JwksServer {
    /// Starts a server that closes each connection without an answer.
    ///
    /// # Panics
    ///
    /// Panics if there is no free port.
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

    /// Returns the address, for `AUTH_GUARD_JWKS_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes an application fetch its public keys from this server, whatever address it
    /// is configured with, and without a cooldown: no test waits for one. An application
    /// that names no issuer gets `https://auth.example`.
    ///
    /// Put the [`Issuer`] whose tokens [`RequestExt`](super::RequestExt) and
    /// [`attack_all`](super::attack_all) send into managed state, as
    /// [above](JwksServer).
    ///
    /// # Panics
    ///
    /// Panics if the variable `AUTH_GUARD_JWKS_URL` or `AUTH_GUARD_DISCOVERY` is set, as it
    /// overrides this address.
    pub fn asked_by(&self, rocket: Rocket<Build>) -> Rocket<Build> {
        for name in ["AUTH_GUARD_JWKS_URL", "AUTH_GUARD_DISCOVERY"] {
            assert!(
                std::env::var_os(name).is_none(),
                "{name} is set: unset it, as it overrides the server of the test"
            );
        }
        let figment = rocket.figment().clone();
        let figment = figment
            .merge(Serialized::global("auth_guard.jwks_url", self.url()))
            .merge(("auth_guard.discovery", false))
            .join(("auth_guard.url", "https://auth.example"));
        let rocket = rocket.configure(figment);
        match rocket.state::<NoCooldown>() {
            Some(_) => rocket,
            None => rocket.manage(NoCooldown),
        }
    }

    /// Publishes the public keys of these issuers from now on, and no other keys.
    ///
    /// ```rust
    /// use auth_guard::testing::{Algorithm, Issuer, JwksServer};
    ///
    /// let (old, new) = (
    ///     Issuer::with_key_pair(Algorithm::EdDsa, "old"),
    ///     Issuer::with_key_pair(Algorithm::EdDsa, "new"),
    /// );
    /// let server = JwksServer::start();
    /// server.publish(&[&old]);
    /// // A rotation: tokens of both keys are valid for a while.
    /// server.publish(&[&old, &new]);
    /// ```
    pub fn publish(&self, issuers: &[&Issuer]) {
        let keys: Vec<Value> = issuers.iter().filter_map(|issuer| issuer.jwk()).collect();
        self.answer("200 OK", json!({ "keys": keys }).to_string());
    }

    /// Answers with this status and body from now on. Header fields may follow the
    /// status, each on its own line.
    ///
    /// ```rust
    /// # let server = auth_guard::testing::JwksServer::start();
    /// server.answer("503 Service Unavailable\nRetry-After: 60", "");
    /// ```
    pub fn answer(&self, status: &str, body: impl Into<Vec<u8>>) {
        self.change(|behaviour| behaviour.answer = Some((status.into(), body.into())));
    }

    /// Closes each connection without an answer from now on.
    pub fn fail(&self) {
        self.change(|behaviour| behaviour.answer = None);
    }

    /// Waits this long before each answer from now on.
    pub fn delay(&self, delay: Duration) {
        self.change(|behaviour| behaviour.delay = delay);
    }

    /// Returns how many requests it has received.
    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    fn change(&self, f: impl FnOnce(&mut Behaviour)) {
        f(&mut lock(&self.shared.behaviour));
    }
}

impl Issuer {
    /// Makes an application trust this issuer instead of its own: a [`JwksServer`] on this
    /// machine publishes its keys, and the application
    /// [asks that server](JwksServer::asked_by).
    ///
    /// ```rust
    /// # use auth_guard::{AuthGuard, user_scoped};
    /// # use rocket::local::blocking::Client;
    /// use auth_guard::testing::{Algorithm, Issuer, RequestExt, assert_refused, attack_all};
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
    /// let client = Client::untracked(issuer.trusted_by(rocket())).expect("a valid Rocket");
    ///
    /// assert_eq!(client.get("/api/alice/tasks").as_user("alice").dispatch().status().code, 200);
    /// assert_refused!(client.get("/api/alice/tasks").as_user("bob").dispatch(), NotOwner);
    /// println!("{}", attack_all(&client));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the issuer shares a secret (give that to
    /// [`AuthGuard::with_secret`](crate::AuthGuard::with_secret) instead), if the
    /// application trusts an issuer already, and when [`JwksServer::asked_by`] does.
    pub fn trusted_by(self, rocket: Rocket<Build>) -> Rocket<Build> {
        assert!(
            self.jwk().is_some(),
            "`trusted_by` needs an issuer with a key pair: `Issuer::with_key_pair`"
        );
        let server = JwksServer::start();
        server.publish(&[&self]);
        server.asked_by(rocket).manage(self)
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
        let behaviour = lock(&self.behaviour).clone();
        std::thread::sleep(behaviour.delay);
        let Some((status, body)) = behaviour.answer else { return };
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            status.replace('\n', "\r\n"),
            body.len()
        );
        // The client may have given up.
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    }
}
