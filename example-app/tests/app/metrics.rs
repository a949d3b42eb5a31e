//! `GET /metrics`.

use std::process::Command;

use crate::binary::{Run, SECRET, Server, run};

const ON: (&str, &str) = ("EXAMPLE_APP_METRICS", "true");

fn curl(args: &[&str], url: &str) -> String {
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
fn there_are_no_numbers_unless_they_are_wanted() {
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
