//! How keys are fetched: TLS, proxies of the environment, redirects, addresses. Each test starts
//! an application with an environment of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use auth_guard::testing::{Algorithm, Clock, Issuer};
use auth_guard_tests::now;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::launch::{App, TASKS};

const URL: &str = "https://auth.example";
/// The credentials of the proxy, and as they are sent.
const CREDENTIALS: (&str, &str) = ("alice:opensesame", "Basic YWxpY2U6b3BlbnNlc2FtZQ==");

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, "the key");
    issuer.with_clock(Clock::fixed(now())).with_issuer(URL).with_audience(URL)
});

/// An answer with the keys of the issuer.
fn keys() -> String {
    let body = json!({ "keys": [ISSUER.jwk()] }).to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

/// An application that is asked once for alice's tasks, with a valid token.
fn app(jwks_url: &str) -> App {
    App::new()
        .env("BETTER_AUTH_URL", URL)
        .env("AUTH_GUARD_JWKS_URL", jwks_url)
        .env("AUTH_GUARD_UNDECLARED", "allow")
        .get(TASKS, ISSUER.token("alice"))
}

#[track_caller]
fn admitted(app: App) {
    let ended = app.run();
    assert_eq!(ended.statuses, [200], "{}", ended.output);
}

/// It launches and has no keys, says why, and never says the password of the proxy.
#[track_caller]
fn without_keys(app: App, why: &str) {
    let ended = app.run();
    assert_eq!(ended.statuses, [503], "{}", ended.output);
    assert!(ended.output.contains(why), "no {why:?} in:\n{}", ended.output);
    assert!(!ended.output.contains("opensesame"), "{}", ended.output);
}

/// A server on this machine, and the heads of the requests that it has received.
#[derive(Clone)]
struct Peer {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

impl Peer {
    /// Starts a server whose answers depend on the first line of a request.
    fn start(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        Self::with(move |peer, mut stream| {
            let request = peer.read(&mut stream);
            let _ = stream.write_all(answer(&request).as_bytes());
        })
    }

    /// Starts a server of keys that speaks TLS.
    fn with_tls() -> Self {
        let pem = |name| folder().join(name);
        let certificate = CertificateDer::from_pem_file(pem("server.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(pem("server.key.pem")).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).expect("a pair");
        let config = Arc::new(config);
        Self::with(move |peer, stream| {
            let connection = ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            if !peer.read(&mut stream).is_empty() {
                let _ = stream.write_all(keys().as_bytes());
            }
        })
    }

    /// Starts a proxy that reads requests, and a tunnel for the others, which end at `server`.
    fn proxy(server: u16) -> Self {
        Self::with(move |peer, mut stream| {
            if !peer.read(&mut stream).starts_with("CONNECT ") {
                let _ = stream.write_all(keys().as_bytes());
                return;
            }
            let mut back = TcpStream::connect(("127.0.0.1", server)).expect("a server");
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("a client");
            let mut to = (stream.try_clone().expect("a socket"), back.try_clone().expect("one"));
            std::thread::spawn(move || std::io::copy(&mut to.0, &mut to.1));
            let _ = std::io::copy(&mut back, &mut stream);
        })
    }

    fn with(serve: impl Fn(&Self, TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let peer = Self { port, heads: Arc::default() };
        let this = peer.clone();
        std::thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| serve(&this, stream));
        });
        peer
    }

    /// Reads the head of a request. Returns its first line.
    fn read(&self, stream: &mut dyn Stream) -> String {
        let lines = BufReader::with_capacity(1, stream).lines().map_while(Result::ok);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        if !head.is_empty() {
            self.heads.lock().expect("no panic").push(head.join("\n"));
        }
        head.into_iter().next().unwrap_or_default()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its address as that of a proxy, with credentials.
    fn as_proxy(&self) -> String {
        format!("http://{}@127.0.0.1:{}", CREDENTIALS.0, self.port)
    }

    /// Returns and forgets the heads of the requests so far.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().expect("no panic"))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guard/tls")
}

/// Trusts the authority of the tests, and nobody else.
fn trusting(app: App, file: &str) -> App {
    app.env("SSL_CERT_FILE", folder().join(file))
}

#[test]
fn over_https_only_who_the_operating_system_trusts_is_asked() {
    let server = Peer::with_tls();
    let url = |host: &str| format!("https://{host}:{}/jwks", server.port);
    admitted(trusting(app(&url("localhost")), "authority.pem"));
    let head = server.take().concat();
    let lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    assert_eq!(lines[0], "get /jwks http/1.1");
    assert!(lines.contains(&format!("host: localhost:{}", server.port)), "{head}");
    assert!(lines.contains(&"accept: application/json".to_owned()), "{head}");
    assert!(lines.iter().any(|line| line.starts_with("user-agent: auth-guard/")), "{head}");

    // Another authority, and another name.
    let other = trusting(app(&url("localhost")), "server.pem");
    without_keys(other, "it cannot be reached: invalid peer certificate: UnknownIssuer");
    let other = trusting(app(&url("127.0.0.1")), "authority.pem");
    without_keys(other, "it cannot be reached: invalid peer certificate: certificate not valid");
    assert_eq!(server.take(), [""; 0], "something was asked in vain");
}

#[test]
fn a_machine_without_certificates_fetches_nothing_over_https() {
    let server = Peer::start(|_| keys());
    let bare = |url: &str| {
        app(url).env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", folder().join("none"))
    };
    let ended = bare("https://keys.test/jwks").run();
    assert!(!ended.launched, "{}", ended.output);
    assert!(ended.output.contains("AUTH_GUARD_JWKS_URL cannot be fetched ("), "{}", ended.output);
    admitted(bare(&server.url("/jwks")));
}

#[test]
fn proxies_of_the_environment_are_used_but_for_this_machine() {
    let server = Peer::with_tls();
    let proxy = Peer::proxy(server.port);
    let behind = |url: &str| {
        let app = trusting(app(url), "authority.pem").env("AUTH_GUARD_JWKS_INSECURE", "true");
        app.env("HTTP_PROXY", proxy.as_proxy()).env("HTTPS_PROXY", proxy.as_proxy())
    };
    let has = |head: &str, line: &str| head.lines().any(|of| of.eq_ignore_ascii_case(line));
    let password = format!("proxy-authorization: {}", CREDENTIALS.1);

    // The proxy reads and asks for us.
    admitted(behind("http://keys.test/jwks?all"));
    let [asked] = &proxy.take()[..] else { panic!("not asked once") };
    assert!(has(asked, "GET http://keys.test/jwks?all HTTP/1.1"), "{asked}");
    assert!(has(asked, "host: keys.test") && has(asked, &password), "{asked}");

    // It only forwards what it cannot read, and its password stays with it.
    admitted(behind("https://keys.test/jwks"));
    let [asked] = &proxy.take()[..] else { panic!("not asked once") };
    assert!(has(asked, "CONNECT keys.test:443 HTTP/1.1") && has(asked, &password), "{asked}");
    let [asked] = &server.take()[..] else { panic!("not asked once") };
    assert!(has(asked, "GET /jwks HTTP/1.1") && has(asked, "host: keys.test"), "{asked}");
    assert!(!asked.to_ascii_lowercase().contains("proxy"), "{asked}");

    // It is not asked for this machine, nor for what `NO_PROXY` names.
    let here = Peer::start(|_| keys());
    admitted(behind(&here.url("/jwks")));
    admitted(behind(&format!("https://localhost:{}/jwks", server.port)));
    without_keys(behind("https://keys.test/jwks").env("NO_PROXY", "keys.test"), "it cannot be");
    assert_eq!(proxy.take(), [""; 0]);
}

#[test]
fn a_proxy_that_refuses_is_an_outage() {
    let refuses = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let proxy = Peer::start(|_| refuses.to_owned());
    let behind = |url: &str, proxy: String| {
        let app = trusting(app(url), "authority.pem").env("AUTH_GUARD_JWKS_INSECURE", "true");
        app.env("ALL_PROXY", proxy)
    };
    without_keys(behind("http://keys.test/", proxy.as_proxy()), "it answers 407");
    without_keys(behind("https://keys.test/", proxy.as_proxy()), "it cannot be reached: ");
    let socks = proxy.as_proxy().replace("http:", "socks5:");
    for url in ["http://keys.test/", "https://keys.test/"] {
        without_keys(behind(url, socks.clone()), "it cannot be reached: ");
    }
    let asked = proxy.take();
    let is_http = |head: &String| {
        head.contains("keys.test")
            && head.contains(
                " HTTP/1.1
",
            )
    };
    assert!(asked.iter().all(is_http), "only http is spoken with a proxy: {asked:?}");
}

#[test]
fn redirects_within_the_origin_are_followed() {
    for (from, to, at) in [
        ("/a/jwks", "/keys", "/keys"),
        ("/a/jwks", "keys?x=/../#fragment", "/a/keys?x=/../"),
        ("/a/b/jwks", "../keys", "/a/keys"),
        ("/a/jwks", "./../../..", "/"),
        ("/a/b/jwks", ".", "/a/b/"),
        ("/jwks", "?again", "/jwks?again"),
        ("/jwks", "//127.0.0.1:PORT/keys", "/keys"),
        ("/jwks", "HTTP://127.0.0.1:PORT", "/"),
    ] {
        let first = format!("GET {from} HTTP/1.1");
        let port = Arc::new(Mutex::new(0));
        let (to, own) = (to.to_owned(), port.clone());
        let server = Peer::start(move |request| match request == first {
            true => redirect(&to.replace("PORT", &own.lock().expect("no panic").to_string())),
            false => keys(),
        });
        *port.lock().expect("no panic") = server.port;
        admitted(app(&server.url(from)));
        let asked = server.take();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked[1].starts_with(&format!("GET {at} HTTP/1.1\n")), "{asked:?}");
    }
}

#[test]
fn five_redirects_are_followed_and_none_to_another_origin() {
    let counting = |last: u32| {
        Peer::start(move |request| {
            let n = request.trim_matches(|c: char| !c.is_ascii_digit());
            let n: u32 = n.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
            if n == last { keys() } else { redirect(&format!("/{}", n + 1)) }
        })
    };
    admitted(app(&counting(5).url("/0")));
    let server = counting(6);
    without_keys(app(&server.url("/0")), "it cannot be reached: it redirects too often");
    assert!(server.take().iter().all(|head| !head.starts_with("GET /6 ")), "a sixth is followed");

    let elsewhere = Peer::start(|_| keys());
    for to in [
        elsewhere.url("/"),
        format!("//127.0.0.1:{}/", elsewhere.port),
        "https://127.0.0.1/".into(),
        "//localhost/".into(),
        "ftp://127.0.0.1/".into(),
        "file:///etc/passwd".into(),
        "http://".into(),
    ] {
        let server = Peer::start(move |_| redirect(&to));
        let why = "it cannot be reached: it redirects to another origin";
        without_keys(app(&server.url("/")), why);
    }
    assert_eq!(elsewhere.take(), [""; 0]);
    let server = Peer::start(|_| "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".into());
    without_keys(app(&server.url("/")), "it answers 302");
}

#[test]
fn an_answer_is_read_as_http_1_1_says_and_not_beyond_its_limit() {
    let body = json!({ "keys": [ISSUER.jwk()] }).to_string();
    let (a, b) = body.split_at(10);
    let chunks =
        format!("{:x}\r\n{a}\r\n{:x};x=y\r\n{b}\r\n0\r\nTrailer: x\r\n\r\n", a.len(), b.len());
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let early = format!("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{}", keys());
    let to_the_end = format!("HTTP/1.0 200 OK\r\n\r\n{body}");
    for answer in [chunked.clone(), early, to_the_end] {
        admitted(app(&Peer::start(move |_| answer.clone()).url("/")));
    }

    let long = format!("HTTP/1.1 200 OK\r\n\r\n{body}{}", " ".repeat(256 * 1024));
    let fields = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(1_000_000));
    for (answer, why) in [
        (long, "its answer is longer than 256 KiB"),
        (fields, "it cannot be reached: "),
        (keys().replace("HTTP/1.1", "HTTP/3"), "it cannot be reached: "),
        (keys().replace("Content-Length: ", "Content-Length: 1"), "it cannot be reached: "),
        (chunked.replace("\r\n0\r\n", "\r\n"), "it cannot be reached: "),
        (String::new(), "it cannot be reached: "),
    ] {
        without_keys(app(&Peer::start(move |_| answer.clone()).url("/")), why);
    }
}

/// The whole of it takes 5 s, however often something arrives.
#[test]
fn an_answer_that_trickles_ends_with_the_timeout() {
    let server = Peer::with(|peer, mut stream| {
        peer.read(&mut stream);
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
        for byte in head.iter().chain(std::iter::repeat(&b' ')) {
            std::thread::sleep(std::time::Duration::from_millis(100));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    without_keys(app(&server.url("/")), "it does not answer within 5 s");
}

#[test]
fn an_address_of_keys_is_taken_in_any_spelling_that_is_a_url() {
    let server = Peer::start(|_| keys());
    let port = server.port;
    // `localhost` may be `::1` first, where nobody listens.
    for url in [
        format!("HTTP://127.0.0.1:{port}/jwks"),
        format!("  http://127.0.0.1:{port}/jwks\n"),
        format!("http://LocalHost:{port}/jwks"),
    ] {
        admitted(app(&url));
        assert!(server.take().concat().starts_with("GET /jwks HTTP/1.1\n"), "{url}");
    }
    admitted(app(&format!("http://127.0.0.1:{port}")));
    assert!(server.take().concat().starts_with("GET / HTTP/1.1\n"));

    let must_be = "must be the http or https URL of a JWK Set";
    for no_url in [
        "",
        "/jwks",
        "//a.example/jwks",
        "https:",
        "https://",
        "https:/a.example",
        "https://:443/",
        "https://a.example:99999/",
        "https://a.example:+1/",
        "https://a.example:x/",
        "https://a@b.example/",
        "https://@b.example/",
        "https://a:b@c.example/",
        "https://a.example/jwks#x",
        "https://[::1/",
        "https://[::g]/",
        "https://::1/",
        "https://a b.example/",
        "https://a.example/a b",
        "https://ä.example/",
        "https://a%2eb/",
        "https://a.example/\u{7f}",
        "ws://a.example/",
    ] {
        let ended = app(no_url).run();
        assert!(!ended.launched, "{no_url:?} launched: {}", ended.output);
        assert!(
            ended.output.contains(must_be) || no_url.is_empty(),
            "{no_url:?}: {}",
            ended.output
        );
    }
    let long = format!("https://a.example/{}", "a".repeat(70_000));
    let ended = app(&long).run();
    assert!(!ended.launched && ended.output.contains(must_be));
    // What is appended to a base URL, or put into it, may be too long only then.
    let base = format!("https://a.example/{}", "a".repeat(65_510));
    let app = App::new().env("BETTER_AUTH_URL", &base).env("AUTH_GUARD_AUDIENCE", "a");
    let ended = app.env("AUTH_GUARD_ISSUER", &base).env("AUTH_GUARD_DISCOVERY", "true").run();
    assert!(!ended.launched && !ended.output.contains("panicked"), "{}", ended.output.len());
}
