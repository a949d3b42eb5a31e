//! The faults that `docs/operating.md` lists, each tried with the release build of the example
//! app. What they print are the figures of that list.

mod certificate;
mod clock;
mod connections;
mod descriptors;
mod disk;
mod memo;
mod names;
mod shutdown;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use auth_guard::testing::{Algorithm, Issuer, JwksServer};
use auth_guard_tests::server::{Connection, Reply, request};

use crate::proxy::until;
use crate::servers::ExampleApp;

const URL: &str = "https://auth.example";

/// An issuer whose only key is published at an address of this machine.
struct Stage {
    issuer: Issuer,
    keys: JwksServer,
}

impl Stage {
    fn set() -> Self {
        let (issuer, keys) = (issuer("first"), JwksServer::start());
        keys.publish(&[&issuer]);
        Self { issuer, keys }
    }

    /// Returns the settings of an application that fetches its keys, and some more.
    fn settings<'s>(&'s self, more: &[(&'s str, &'s str)]) -> Vec<(&'s str, &'s str)> {
        let mut settings = vec![("BETTER_AUTH_URL", URL), ("AUTH_GUARD_JWKS_URL", self.keys.url())];
        settings.extend(more);
        settings
    }

    fn token(&self, uid: &str) -> String {
        self.issuer.token(uid).sign()
    }
}

fn issuer(key: &str) -> Issuer {
    Issuer::with_key_pair(Algorithm::EdDsa, key).with_issuer(URL).with_audience(URL)
}

/// Sends one request on a connection of its own. Returns the status, and the `code` of a
/// refusal.
fn get(app: &ExampleApp, path: &str, token: &str) -> (u16, String) {
    let reply = send(app.address(), "GET", path, token, "");
    (reply.status, reply.code())
}

fn send(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> Reply {
    let line = format!("Authorization: Bearer {token}\r\nConnection: close\r\n");
    let mut connection = Connection::open(address);
    connection.write(&request(method, path, &line, body));
    connection.read(method)
}

/// Asks until the answer is 200, and returns how long that took.
fn recovery(app: &ExampleApp, path: &str, token: &str) -> Duration {
    let started = Instant::now();
    while get(app, path, token).0 != 200 {
        assert!(started.elapsed() < Duration::from_secs(30), "no recovery within 30 s");
        std::thread::sleep(Duration::from_millis(100));
    }
    started.elapsed()
}

/// Waits until the application has printed a line with this, and returns the last one.
fn printed(app: &ExampleApp, with: &str) -> String {
    until(&format!("it prints {with:?}"), || app.last_line(with).is_some());
    app.last_line(with).expect("a line")
}

/// Creates an empty folder.
fn folder(name: &str) -> PathBuf {
    let name = format!("{name}-{}", std::process::id());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
