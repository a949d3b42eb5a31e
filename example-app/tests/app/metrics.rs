//! `GET /metrics`.

use std::process::Command;
use std::time::{Duration, Instant};

use auth_guard::testing::{Algorithm, Issuer, JwksServer};

use crate::binary::{Run, SECRET, Server, run};

const ON: (&str, &str) = ("EXAMPLE_APP_METRICS", "true");

pub(crate) fn curl(args: &[&str], url: &str) -> String {
    let output = Command::new("curl").args(["-s", "-i"]).args(args).arg(url).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn decisions_and_keys_are_counted() {
    let secret = ("BETTER_AUTH_SECRET", SECRET);
    let server = Server::start(&[secret, ON, ("BETTER_AUTH_SECRET_PREVIOUS", &SECRET.repeat(2))]);
    assert!(server.output.contains("GET /metrics"), "{}", server.output);
    assert!(server.output.contains("public"), "{}", server.output);
    let url = |path: &str| format!("http://{}{path}", server.address);
    let token = |uid: &str| {
        let token = run(&["token", uid], &[secret]).stdout;
        format!("Authorization: Bearer {}", token.trim_end())
    };
    let (alice, bob) = (token("alice"), token("bob"));
    for field in [&*alice, &alice, &bob, "Authorization: Bearer x", "X: none"] {
        curl(&["-H", field], &url("/api/alice/tasks"));
    }
    curl(&["-H", &bob], &url("/api/me"));

    let answer = curl(&[], &url("/metrics"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{answer}");
    for line in [
        "# TYPE auth_guard_decisions_total counter",
        r#"auth_guard_decisions_total{outcome="allowed",reason="owner"} 2"#,
        r#"auth_guard_decisions_total{outcome="allowed",reason="token"} 1"#,
        r#"auth_guard_decisions_total{outcome="refused",reason="not_owner"} 1"#,
        r#"auth_guard_decisions_total{outcome="refused",reason="token_invalid"} 1"#,
        r#"auth_guard_decisions_total{outcome="refused",reason="token_missing"} 1"#,
        "# TYPE auth_guard_keys gauge",
        r#"auth_guard_keys{kind="secret"} 2"#,
    ] {
        assert!(answer.contains(&format!("{line}\n")), "no {line} in\n{answer}");
    }
    assert!(!answer.contains("alice") && !answer.contains("eyJ"), "{answer}");
    assert!(curl(&[], &url("/openapi.json")).contains(r#""/metrics""#));
}

#[test]
fn there_are_no_metrics_by_default() {
    for variables in [vec![], vec![("EXAMPLE_APP_METRICS", "false")]] {
        let server = Server::start(&[vec![("BETTER_AUTH_SECRET", SECRET)], variables].concat());
        let answer = curl(&[], &format!("http://{}/metrics", server.address));
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        let document = curl(&[], &format!("http://{}/openapi.json", server.address));
        assert!(document.starts_with("HTTP/1.1 200") && !document.contains("/metrics"));
    }
    let wrong = [("BETTER_AUTH_SECRET", SECRET), ("EXAMPLE_APP_METRICS", "yes")];
    let Run { success, stderr, .. } = run(&[], &wrong);
    assert!(!success && stderr.contains("EXAMPLE_APP_METRICS must be"), "{stderr}");
}

/// An application that trusts `issuer`, a key server that may not have keys yet.
struct WithPublicKeys {
    issuer: JwksServer,
    server: Server,
}

impl WithPublicKeys {
    const ORIGIN: &str = "https://auth.example.com";

    fn start(variables: &[(&str, &str)]) -> Self {
        Self::with(JwksServer::start(), variables)
    }

    fn with(issuer: JwksServer, variables: &[(&str, &str)]) -> Self {
        let ours = [
            ("BETTER_AUTH_URL", Self::ORIGIN),
            ("AUTH_GUARD_JWKS_URL", issuer.url()),
            ("AUTH_GUARD_JWKS_COOLDOWN", "1"),
            ("ROCKET_LOG_LEVEL", "critical"),
            ON,
        ];
        let server = Server::start(&[&ours, variables].concat());
        Self { issuer, server }
    }

    /// Sends a request with a new token signed with this key. Returns the status.
    fn status(&self, key: &Issuer) -> String {
        let key = key.clone().with_issuer(Self::ORIGIN).with_audience(Self::ORIGIN);
        let field = format!("Authorization: Bearer {}", key.token("alice").sign());
        let answer = curl(&["-H", &field], &format!("http://{}/api/me", self.server.address));
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    fn wait_for(&self, status: &str, key: &Issuer) {
        let started = Instant::now();
        while self.status(key) != status {
            assert!(started.elapsed() < Duration::from_secs(30), "no {status} within 30 s");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn numbers(&self) -> String {
        curl(&[], &format!("http://{}/metrics", self.server.address))
    }

    #[track_caller]
    fn counts(&self, keys: u8) {
        let numbers = self.numbers();
        let line = format!("auth_guard_keys{{kind=\"public\"}} {keys}\n");
        assert!(numbers.contains(&line), "no {line} in\n{numbers}");
        // No label comes from a token or from the issuer.
        assert!(!numbers.contains("of-the-issuer") && !numbers.contains("127.0.0.1"), "{numbers}");
    }
}

#[test]
fn public_keys_are_counted_before_the_issuer_has_answered() {
    let issuer = JwksServer::start();
    issuer.delay(Duration::from_secs(4));
    WithPublicKeys::with(issuer, &[]).counts(0);
}

#[test]
fn public_keys_are_counted_through_a_cold_start_a_rotation_and_an_outage() {
    let key = |kid: &str| Issuer::with_key_pair(Algorithm::EdDsa, kid);
    let (one, two) = (key("one-of-the-issuer"), key("two-of-the-issuer"));
    let app = WithPublicKeys::start(&[]);
    app.wait_for("503", &one);
    app.counts(0);
    let numbers = app.numbers();
    let refused = r#"auth_guard_decisions_total{outcome="refused",reason="keys_unavailable"} 1"#;
    assert!(numbers.contains(refused), "{numbers}");
    assert!(!numbers.contains(r#"kind="secret""#), "{numbers}");

    app.issuer.publish(&[&one]);
    app.wait_for("200", &one);
    app.counts(1);
    app.issuer.publish(&[&one, &two]);
    app.wait_for("200", &two);
    app.counts(2);

    // The known keys stay in use.
    app.issuer.fail();
    app.wait_for("503", &key("three-of-the-issuer"));
    assert_eq!((&*app.status(&one), &*app.status(&two)), ("200", "200"));
    app.counts(2);
    app.issuer.publish(&[&two]);
    app.wait_for("401", &key("three-of-the-issuer"));
    app.counts(1);
}

/// The label is the name of a table, never anything that a token or an issuer says.
#[test]
fn the_public_keys_of_each_issuer_are_counted() {
    let keys = JwksServer::start();
    let table = format!(
        "{{issuers={{agents={{issuer=\"https://auth.example.com/api/auth\",audience=\"api\",\
         token_type=\"at+jwt\",jwks_url=\"{}\",users=\"same\"}}}}}}",
        keys.url()
    );
    let one = Issuer::with_key_pair(Algorithm::EdDsa, "one-of-the-issuer");
    let two = Issuer::with_key_pair(Algorithm::EdDsa, "two-of-the-issuer");
    keys.publish(&[&one, &two]);
    let app = WithPublicKeys::start(&[("ROCKET_AUTH_GUARD", &table)]);
    app.issuer.publish(&[&one]);
    app.wait_for("200", &one);
    app.counts(1);
    let line = "auth_guard_keys{kind=\"public\",issuer=\"agents\"} 2\n";
    let started = Instant::now();
    while !app.numbers().contains(line) {
        assert!(started.elapsed() < Duration::from_secs(30), "no {line} in\n{}", app.numbers());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn public_keys_that_are_too_old_are_no_longer_counted() {
    let one = Issuer::with_key_pair(Algorithm::EdDsa, "one-of-the-issuer");
    let stale = [("AUTH_GUARD_JWKS_MAX_AGE", "1"), ("AUTH_GUARD_JWKS_MAX_STALE", "1")];
    let app = WithPublicKeys::start(&stale);
    app.issuer.publish(&[&one]);
    app.wait_for("200", &one);
    app.issuer.fail();
    app.wait_for("503", &one);
    app.counts(0);
}
