//! A shared secret, and a server that publishes public keys: each of its tokens is refused, and
//! the launch says why.

use std::time::{Duration, Instant};

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer};
use auth_guard_tests::*;
use serde_json::json;

use crate::launch::{App, Served, TASKS};

const WARNING: &str = "publishes 1 public key: the key (EdDSA)";

/// A server on this machine, and its base URL.
fn server() -> (JwksServer, String) {
    let server = JwksServer::start();
    let base = server.url().trim_end_matches("/jwks").to_owned();
    (server, base)
}

/// The issuer whose key a server at `base` publishes, as Better Auth does by default.
fn issuer_at(base: &str) -> Issuer {
    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, "the key");
    issuer.with_clock(Clock::fixed(now())).with_issuer(base).with_audience(base)
}

/// An application with the secret and the URL, which gives no other cause for a warning.
fn app(base: &str) -> App {
    App::with_secret().env("BETTER_AUTH_URL", base).env("AUTH_GUARD_UNDECLARED", "allow")
}

/// Serves until the server has been asked and its answer is read. Returns what was written.
fn written(served: &Served, server: &JwksServer) -> String {
    served.wait_for("port ");
    let is_asked = || {
        std::thread::sleep(Duration::from_millis(10));
        server.fetches() > 0
    };
    assert!((0..1_000).any(|_| is_asked()), "nobody asked: {}", served.output());
    std::thread::sleep(Duration::from_millis(300));
    served.output()
}

#[test]
fn public_keys_that_are_not_used_are_a_warning_that_says_what_to_do() {
    let (server, base) = server();
    let better_auth = issuer_at(&base);
    server.publish(&[&better_auth]);
    let served = app(&base).serve();
    served.wait_for(WARNING);
    let output = written(&served, &server);
    let address = format!("{base}/api/auth/jwks");
    for words in [
        &*format!("Warning: auth-guard: {address} publishes"),
        "tokens: only HS256 with the shared secret",
        "Unset BETTER_AUTH_SECRET for this application to accept public keys instead",
        &*format!("set AUTH_GUARD_JWKS_URL to {address} to accept both"),
        "set AUTH_GUARD_ALGORITHMS to HS256",
    ] {
        assert!(output.contains(words), "no {words:?} in:\n{output}");
    }
    assert_eq!((output.matches(WARNING).count(), server.fetches()), (1, 1), "{output}");
    assert!(!output.contains(SECRET), "{output}");

    // It is true: the server's tokens are refused, and each remedy remedies.
    let (theirs, ours) = (better_auth.token("alice"), issuer().token("alice"));
    let ours = ours.claim("iss", &*base).claim("aud", &*base);
    let both = |app: App| app.get(TASKS, theirs.clone()).get(TASKS, ours.clone()).launches(&[]);
    assert_eq!(both(app(&base)), [401, 200]);
    assert_eq!(both(App::new().env("BETTER_AUTH_URL", &base)), [200, 401]);
    assert_eq!(both(app(&base).env("AUTH_GUARD_JWKS_URL", address)), [200, 200]);
}

#[test]
fn without_usable_public_keys_nothing_is_said() {
    let (elsewhere, _) = server();
    elsewhere.publish(&[&issuer_at("https://auth.example")]);
    let redirect = format!("302 Found\nLocation: {}", elsewhere.url());
    for (status, body) in [
        ("404 Not Found", ""),
        ("503 Service Unavailable", ""),
        ("200 OK", "<html>"),
        ("200 OK", "{\"keys\":[]}"),
        ("200 OK", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}"),
        (&*redirect, ""),
    ] {
        let (server, base) = server();
        server.answer(status, body);
        let output = written(&app(&base).serve(), &server);
        assert!(!output.contains("Warning:"), "{status} {body}: a warning in:\n{output}");
    }
    assert_eq!(elsewhere.fetches(), 0, "a redirect to another origin was followed");

    // A server that closes the connection, and a port where nobody listens.
    let (server, base) = server();
    let output = written(&app(&base).serve(), &server);
    assert!(!output.contains("Warning:"), "{output}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let served = app(&base).serve();
    served.wait_for("port ");
    std::thread::sleep(Duration::from_millis(300));
    assert!(!served.output().contains("Warning:"), "{}", served.output());
}

/// `0.0.0.0` leads to this machine, but is not its loopback address.
#[test]
fn another_machine_is_not_asked_by_plain_http() {
    let (server, base) = server();
    server.publish(&[&issuer_at(&base)]);
    let base = base.replace("127.0.0.1", "0.0.0.0");
    let served = app(&base).serve();
    served.wait_for("port ");
    std::thread::sleep(Duration::from_millis(500));
    assert!(!served.output().contains("publishes"), "{}", served.output());
    assert_eq!(server.fetches(), 0);
    let permitted = app(&base).env("AUTH_GUARD_JWKS_INSECURE", "true").serve();
    permitted.wait_for(WARNING);
}

#[test]
fn nobody_looks_where_it_is_settled_which_keys_are_used() {
    let (server, base) = server();
    server.publish(&[&issuer_at(&base)]);
    let elsewhere = "http://127.0.0.1:9/jwks";
    // A further issuer may be the same server.
    let further = format!(
        "{{issuers={{agents={{issuer=\"a\",audience=\"a\",token_type=\"at+jwt\",users=\"same\",\
         jwks_url=\"{elsewhere}\"}}}}}}"
    );
    for app in [
        app(&base).env("AUTH_GUARD_ALGORITHMS", "HS256"),
        app(&base).env("AUTH_GUARD_JWKS_URL", elsewhere),
        app(&base).env("ROCKET_AUTH_GUARD", further),
        App::with_secret(),
    ] {
        let served = app.serve();
        served.wait_for("port ");
        std::thread::sleep(Duration::from_millis(300));
        let output = served.output();
        assert!(!output.contains("publishes"), "{output}");
        let is_further = output.contains("further issuer `agents`");
        assert!(!is_further || !output.contains("public keys are not used"), "{output}");
    }
    // Nor where code gives the secret: a test, mostly.
    let _client = launch(auth_guard_tests::app(&json!({ "url": base })));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.fetches(), 0);
}

/// The look would give up after 5 seconds.
#[test]
fn neither_the_launch_nor_a_request_nor_the_end_waits_for_a_server_that_hangs() {
    let (server, base) = server();
    server.publish(&[&issuer_at(&base)]);
    server.delay(Duration::from_secs(60));
    let token = issuer().token("alice");
    let token = token.claim("iss", &*base).claim("aud", &*base);
    let began = Instant::now();
    assert_eq!(app(&base).get(TASKS, token).launches(&[]), [200]);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());

    let served = app(&base).serve();
    let output = written(&served, &server);
    assert!(!output.contains("publishes"), "{output}");
}
