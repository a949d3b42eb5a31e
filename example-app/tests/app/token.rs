//! `example-app token`.

use std::time::SystemTime;

use auth_guard::testing::RequestExt;
use auth_guard::{AuthGuard, Secret};
use rocket::http::{Method, Status};
use rocket::local::blocking::Client;
use rocket::serde::json::Value;

use crate::binary::{Run, SECRET, run};

#[track_caller]
fn minted(args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut with_secret = vec![("BETTER_AUTH_SECRET", SECRET)];
    with_secret.extend(variables);
    let Run { success, stdout, stderr } = run(&[&["token"], args].concat(), &with_secret);
    assert!(success && stderr.is_empty(), "{stderr}");
    stdout.strip_suffix('\n').unwrap().to_owned()
}

#[track_caller]
fn refused(args: &[&str], variables: &[(&str, &str)], reason: &str) {
    let Run { success, stdout, stderr } = run(&[&["token"], args].concat(), variables);
    assert!(!success && stdout.is_empty(), "{stdout}");
    assert!(stderr.contains(reason), "{stderr}");
}

/// Returns the claims without checking the signature.
fn claims(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims
}

fn lifetime(token: &str) -> u64 {
    let claims = claims(token);
    claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap()
}

#[test]
fn it_opens_the_path_of_its_user() {
    let token = minted(&["alice"], &[]);
    let claims = claims(&token);
    assert_eq!((&claims["uid"], &claims["sub"]), (&"alice".into(), &"alice".into()));
    assert_eq!(claims.as_object().unwrap().len(), 4, "{claims}");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(now - claims["iat"].as_u64().unwrap() < 60);

    let directory = tempfile::tempdir().unwrap();
    let guard = AuthGuard::fairing().with_secret(Secret::new(SECRET).unwrap());
    let app = example_app::rocket(guard, directory.path().join("tasks.sqlite"));
    let client = Client::untracked(app).unwrap();
    let status = |path| client.get(path).bearer(token.clone()).dispatch().status();
    assert_eq!(status("/api/alice/tasks"), Status::Ok);
    assert_eq!(status("/api/bob/tasks"), Status::Forbidden);
}

#[test]
fn it_has_the_scopes_that_are_given() {
    let status = |args: &[&str], method: Method| {
        let directory = tempfile::tempdir().unwrap();
        let guard = AuthGuard::fairing().with_secret(Secret::new(SECRET).unwrap());
        let app = example_app::rocket(guard, directory.path().join("tasks.sqlite"));
        let figment = app.figment().clone().merge(("auth_guard.scopes", "enforced"));
        let client = Client::untracked(app.configure(figment)).unwrap();
        let request = client.req(method, "/api/alice/tasks").body(r#"{"title":"tea"}"#);
        request.bearer(minted(args, &[])).dispatch().status().code
    };
    assert_eq!(status(&["alice", "--scope", "tasks:read"], Method::Get), 200);
    assert_eq!(status(&["alice", "--scope", "tasks:read"], Method::Post), 403);
    assert_eq!(status(&["alice", "--scope", "openid tasks:write"], Method::Post), 201);
    assert_eq!(status(&["alice"], Method::Get), 403);
    assert_eq!(claims(&minted(&["alice"], &[])).get("scope"), None);
}

#[test]
fn it_says_what_the_server_asks_for() {
    let token = minted(
        &["alice"],
        &[
            ("BETTER_AUTH_URL", "https://auth.example.com/base"),
            ("AUTH_GUARD_AUDIENCE", "https://one.example.com,https://two.example.com"),
            ("AUTH_GUARD_UID_CLAIM", "account"),
        ],
    );
    let claims = claims(&token);
    assert_eq!(claims["iss"], "https://auth.example.com");
    assert_eq!(claims["aud"], "https://one.example.com");
    assert_eq!((&claims["account"], &claims["sub"]), (&"alice".into(), &"alice".into()));
    assert_eq!(claims.get("uid"), None);
}

#[test]
fn its_lifetime_is_bounded() {
    let secret = ("BETTER_AUTH_SECRET", SECRET);
    assert_eq!(lifetime(&minted(&["alice"], &[])), 900);
    assert_eq!(lifetime(&minted(&["alice", "--ttl", "1s"], &[])), 1);
    assert_eq!(lifetime(&minted(&["alice", "--ttl", "1h"], &[])), 3600);

    for ttl in ["0s", "500ms", "3601s", "1h 1ms", "5y"] {
        refused(&["alice", "--ttl", ttl], &[secret], "1s to 3600s");
    }
    let short = [secret, ("AUTH_GUARD_MAX_LIFETIME", "60")];
    refused(&["alice"], &short, "1s to 60s");
    refused(&["alice", "--ttl", "soon"], &[secret], "--ttl");
}

#[test]
fn a_uid_that_the_guard_refuses_gets_no_token() {
    for uid in ["", "a\nb", "\u{7f}", "\u{85}"] {
        refused(&[uid], &[("BETTER_AUTH_SECRET", SECRET)], "uid");
    }
}

#[test]
fn without_a_valid_configuration_there_is_no_token() {
    refused(&["alice"], &[], "BETTER_AUTH_SECRET is not set");
    refused(&["alice"], &[("BETTER_AUTH_SECRET", "")], "BETTER_AUTH_SECRET: the secret is empty");
    refused(
        &["alice"],
        &[("BETTER_AUTH_SECRET", "short")],
        "BETTER_AUTH_SECRET: the secret is shorter",
    );
    let leeway = [("BETTER_AUTH_SECRET", SECRET), ("AUTH_GUARD_LEEWAY", "301")];
    refused(&["alice"], &leeway, "AUTH_GUARD_LEEWAY");
}

/// Quotes and white space are part of the secret, as in Better Auth.
#[test]
fn the_secret_is_its_exact_bytes() {
    let secret = format!(" \"{SECRET}\"\n");
    let run = run(&["token", "alice"], &[("BETTER_AUTH_SECRET", &secret)]);
    let guard = AuthGuard::fairing().with_secret(Secret::new(secret).unwrap());
    let verifier = guard.verifier(&rocket::Config::figment()).unwrap();
    assert!(verifier.verify(run.stdout.trim_end(), SystemTime::now()).is_ok(), "{}", run.stderr);
}
