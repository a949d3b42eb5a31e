//! The certificate of the issuer expires.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Stage, folder, get, issuer, recovery};
use crate::proxy::until;
use crate::servers::{ExampleApp, Process, lasting_port};

/// Makes an authority, and a certificate of each number of days for `localhost`.
const MAKE: &str = "
    set -e
    new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \"$@\"; }
    new -x509 -days 2 -subj /CN=authority -keyout authority.key -out authority.pem
    new -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr
    for days in 1 -1; do
        openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \\
            -copy_extensions copy -days $days -out server.pem
        cat server.pem server.key > days$days.pem
    done";

/// A proxy that speaks TLS for the key server.
struct Tls<'f> {
    folder: &'f Path,
    port: u16,
    keys: &'f str,
}

impl Tls<'_> {
    /// Starts with the certificate of this many days.
    fn start(&self, days: i8) -> Process {
        let Self { folder, port, keys } = self;
        let file = folder.join("haproxy.cfg");
        let server = keys.trim_start_matches("http://").trim_end_matches("/jwks");
        let configuration = format!(
            "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n\
             frontend tls\n bind 127.0.0.1:{port} ssl crt {}\n default_backend keys\n\
             backend keys\n server keys {server}\n",
            folder.join(format!("days{days}.pem")).display()
        );
        std::fs::write(&file, configuration).expect("a file");
        let mut proxy = Command::new("haproxy");
        proxy.args(["-db", "-f"]).arg(&file).stderr(Stdio::null());
        let process = Process(proxy.spawn().expect("haproxy is installed"));
        until("the proxy listens", || TcpStream::connect(("127.0.0.1", *port)).is_ok());
        process
    }
}

#[test]
fn a_certificate_that_expires_costs_new_keys_only_until_it_is_renewed() {
    let (stage, folder) = (Stage::set(), folder("certificate"));
    let made = Command::new("sh").args(["-c", MAKE]).current_dir(&folder).output();
    let made = made.expect("a shell");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let tls = Tls { folder: &folder, port: lasting_port(), keys: stage.keys.url() };
    let (url, authority) =
        (format!("https://localhost:{}/jwks", tls.port), folder.join("authority.pem"));
    let settings = [
        ("BETTER_AUTH_URL", super::URL),
        ("AUTH_GUARD_JWKS_URL", &*url),
        ("AUTH_GUARD_JWKS_COOLDOWN", "1"),
        ("AUTH_GUARD_JWKS_MAX_AGE", "4"),
        ("SSL_CERT_FILE", authority.to_str().expect("UTF-8")),
    ];
    let token = stage.token("alice");
    let valid = tls.start(1);
    let app = ExampleApp::deploy(&settings);
    assert_eq!(get(&app, "/api/me", &token).0, 200);

    drop(valid);
    let expired = tls.start(-1);
    // The known keys are to be fetched again after three quarters of 4 s.
    std::thread::sleep(Duration::from_secs(4));
    let why = || app.last_line("could not fetch public keys");
    until("it says why", || {
        assert_eq!(get(&app, "/api/me", &token).0, 200);
        why().is_some()
    });
    println!("certificate: {}", why().expect("a line"));
    assert!(why().expect("a line").contains("invalid peer certificate: Expired"));
    let second = issuer("second");
    stage.keys.publish(&[&stage.issuer, &second]);
    let new = second.token("alice").sign();
    let unavailable = (503, "keys_unavailable".to_owned());
    assert_eq!(get(&app, "/api/me", &new), unavailable);
    assert_eq!(get(&app, "/api/me", &token).0, 200);
    let fresh = ExampleApp::deploy(&settings);
    assert_eq!(get(&fresh, "/api/me", &token), unavailable);
    assert_eq!(get(&fresh, "/health/ready", "").0, 503);

    drop(expired);
    let _renewed = tls.start(1);
    let took = [recovery(&app, "/api/me", &new), recovery(&fresh, "/api/me", &token)];
    println!("certificate: renewed, and {took:?} later the keys were there");
}
