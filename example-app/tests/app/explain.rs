//! `example-app explain`.

use std::io::Write;
use std::process::Stdio;

use auth_guard::testing::{Algorithm, Issuer, JwksServer};

use crate::binary::{Run, SECRET, command, run};

const ENV: &[(&str, &str)] = &[("BETTER_AUTH_SECRET", SECRET)];

fn token(args: &[&str]) -> String {
    let Run { success, stdout, stderr } = run(&[&["token"], args].concat(), ENV);
    assert!(success, "{stderr}");
    stdout.trim_end().to_owned()
}

fn explain(args: &[&str], variables: &[(&str, &str)]) -> Run {
    run(&[&["explain"], args].concat(), variables)
}

#[test]
fn it_says_check_by_check_why_a_token_is_accepted() {
    let Run { success, stdout, stderr } = explain(&[&token(&["alice"])], ENV);
    assert!(success && stderr.is_empty(), "{stdout}{stderr}");
    assert_eq!(stdout.matches("passed  rule ").count(), 26, "{stdout}");
    assert!(stdout.ends_with("The token is accepted.\n"), "{stdout}");
    // No claims unless requested.
    assert!(!stdout.contains("alice") && !stdout.contains(SECRET), "{stdout}");
}

#[test]
fn it_says_which_routes_of_a_path_are_opened() {
    let token = token(&["alice"]);
    let Run { success, stdout, .. } = explain(&[&token, "--path", "/api/alice/tasks/1"], ENV);
    assert!(success, "{stdout}");
    for (method, verb) in [("DELETE", "write"), ("GET", "read"), ("PUT", "write")] {
        let line = format!(
            "{method} /api/<user_id>/tasks/<id> (owner of <user_id>; scope tasks:{verb}): opens\n"
        );
        assert!(stdout.contains(&line), "{stdout}");
    }
    let Run { success, stdout, .. } = explain(&[&token, "--path", "/api/bob/tasks"], ENV);
    assert!(!success && stdout.contains("403 not_owner, rule 17"), "{stdout}");
    let Run { success, stdout, .. } = explain(&[&token, "--path", "/nowhere"], ENV);
    assert!(!success && stdout.ends_with("accepted.\n"), "{stdout}");
    let Run { success, stderr, .. } = explain(&[&token, "--path", "no path"], ENV);
    assert!(!success && stderr.contains("--path"), "{stderr}");
}

/// Scopes and requirements may look things up for a request, and here there is none.
#[test]
fn it_names_the_scope_or_requirement_that_would_decide() {
    let token = token(&["alice"]);
    for (path, route, name) in [
        ("/api/orgs/one/projects", "/api/orgs/<org_id>/projects", "Organization"),
        ("/api/admin/stats", "/api/admin/stats", "Admin"),
    ] {
        let Run { success, stdout, .. } = explain(&[&token, "--path", path], ENV);
        assert!(!success && stdout.contains(&format!("GET {route} (")), "{stdout}");
        assert!(stdout.ends_with(&format!("opens if met: {name}\n")), "{stdout}");
    }
}

/// Scopes are in the token, so they decide here as well.
#[test]
fn it_says_which_scopes_close_a_route() {
    let enforced = [ENV, &[("AUTH_GUARD_SCOPES", "enforced")]].concat();
    let token = token(&["alice", "--scope", "openid tasks:read"]);
    let explain = |path: &str| explain(&[&token, "--path", path], &enforced);
    let Run { success, stdout, .. } = explain("/api/alice/tasks");
    assert!(success && stdout.contains("Its scopes are enforced"), "{stdout}");
    for line in [
        "GET /api/<user_id>/tasks (owner of <user_id>; scope tasks:read): opens\n",
        "POST /api/<user_id>/tasks (owner of <user_id>; scope tasks:write): 403 insufficient_scope, \
         the token lacks a scope\n",
    ] {
        assert!(stdout.contains(line), "{stdout}");
    }
    let Run { success, stdout, .. } = explain("/api/bob/tasks");
    assert!(!success && stdout.contains("scope tasks:write): 403 not_owner, rule 17"), "{stdout}");
}

#[test]
fn it_explains_a_token_as_of_another_moment() {
    let token = token(&["alice", "--ttl", "1m"]);
    let Run { success, stdout, .. } = explain(&[&token, "--at", "2100-01-01T00:00:00Z"], ENV);
    assert!(!success && stdout.contains("FAILED  rule 11"), "{stdout}");
    assert!(stdout.contains("401 token_expired"), "{stdout}");
    let Run { success, stdout, .. } = explain(&[&token, "--at", "2020-01-01T00:00:00+01:00"], ENV);
    assert!(!success && stdout.contains("FAILED  rule 12"), "{stdout}");
    let Run { success, stderr, .. } = explain(&[&token, "--at", "yesterday"], ENV);
    assert!(!success && stderr.contains("--at"), "{stderr}");
}

/// The token then stays out of the shell's history.
#[test]
fn a_token_comes_from_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), &["explain", "-"], ENV);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", token(&["alice"])).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("The token is accepted.\n"));
}

#[test]
fn claims_are_printed_when_they_are_asked_for() {
    let Run { success, stdout, .. } = explain(&[&token(&["al\u{202e}ice"]), "--claims"], ENV);
    assert!(success, "{stdout}");
    assert!(stdout.contains(r#""alg": "HS256""#), "{stdout}");
    // A token cannot manipulate the terminal.
    assert!(stdout.contains(r#""uid": "al\u{202e}ice""#), "{stdout}");

    let forged = token(&["alice"]) + "A";
    let Run { success, stdout, .. } = explain(&[&forged, "--claims"], ENV);
    assert!(!success && stdout.contains(r#""uid": "alice""#), "{stdout}");
    let Run { success, stdout, .. } = explain(&["x", "--claims"], ENV);
    assert!(!success && stdout.contains("cannot be read"), "{stdout}");
}

#[test]
fn without_a_valid_configuration_there_is_no_explanation() {
    let token = token(&["alice"]);
    for (variables, reason) in [
        (&[][..], "BETTER_AUTH_SECRET is not set"),
        (&[("BETTER_AUTH_SECRET", "short")][..], "BETTER_AUTH_SECRET: the secret is shorter"),
    ] {
        let Run { success, stdout, stderr } = explain(&[&token], variables);
        assert!(!success && stdout.is_empty(), "{stdout}");
        assert!(stderr.contains(reason), "{stderr}");
    }
    // With another secret, the signature does not match.
    let other = [("BETTER_AUTH_SECRET", "another-secret-of-32-bytes-at-least")];
    let Run { success, stdout, .. } = explain(&[&token], &other);
    assert!(!success && stdout.contains("FAILED  rule  8"), "{stdout}");
    assert!(stdout.contains("[BETTER_AUTH_SECRET, "), "{stdout}");
}

/// The command fetches the keys once, and also from a copy on this machine.
#[test]
fn with_public_keys_it_says_where_they_are_and_goes_on_without() {
    let (server, issuer) = (JwksServer::start(), Issuer::with_key_pair(Algorithm::EdDsa, "one"));
    let origin = "https://auth.example.com";
    let issuer = issuer.with_issuer(origin).with_audience(origin);
    let variables = [("BETTER_AUTH_URL", origin), ("AUTH_GUARD_JWKS_URL", server.url())];
    let token = issuer.token("alice").sign();

    let Run { success, stdout, stderr } = explain(&[&token], &variables);
    assert!(!success && stderr.is_empty(), "{stderr}");
    assert!(stdout.contains("NO KEY  rule  7"), "{stdout}");
    let why = format!("could not fetch them from {}", server.url());
    assert!(stdout.contains("503 keys_unavailable") && stdout.contains(&why), "{stdout}");
    assert_eq!(server.fetches(), 1);

    server.publish(&[&issuer]);
    let args = [&*token, "--path", "/api/alice/tasks"];
    let Run { success, stdout, .. } = explain(&args, &variables);
    assert!(success && stdout.contains("The token is accepted.\n"), "{stdout}");
    assert!(stdout.ends_with("opens\n") && !stdout.contains("503"), "{stdout}");
}
