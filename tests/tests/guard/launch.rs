//! Configuration: the environment first, and every refusal to launch.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, Token};
use auth_guard::{AuthGuard, Secret, SecretError};
use auth_guard_tests::*;
use serde_json::{Value, json};

/// A process of the application with nothing in its environment but what a test
/// puts there.
struct App {
    command: Command,
    requests: String,
}

/// How it ended.
struct Ended {
    launched: bool,
    /// What it wrote to the terminal.
    output: String,
    statuses: Vec<u16>,
}

impl App {
    fn new() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_app"));
        command.env_clear().env("ROCKET_CLI_COLORS", "false");
        Self { command, requests: String::new() }
    }

    /// With a good secret.
    fn with_secret() -> Self {
        Self::new().env("BETTER_AUTH_SECRET", SECRET)
    }

    fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    fn arg(mut self, arg: &str) -> Self {
        self.command.arg(arg);
        self
    }

    /// With this `Rocket.toml`.
    fn toml(self, text: &str) -> Self {
        let path = scratch();
        std::fs::write(&path, text).expect("a file");
        self.env("ROCKET_CONFIG", path)
    }

    fn get(mut self, path: &str, token: Token) -> Self {
        self.requests += &format!("{path} {}\n", token.sign());
        self
    }

    fn run(mut self) -> Ended {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the application starts");
        let written = child.stdin.take().expect("piped").write_all(self.requests.as_bytes());
        let output = child.wait_with_output().expect("the application ends");
        assert!(written.is_ok() || !output.status.success());
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let stdout = text(output.stdout);
        Ended {
            launched: output.status.success(),
            statuses: stdout
                .lines()
                .filter_map(|line| line.strip_prefix("status ")?.parse().ok())
                .collect(),
            output: stdout + &text(output.stderr),
        }
    }

    /// It does not launch, and says all of this.
    #[track_caller]
    fn refused(self, words: &[&str]) {
        let ended = self.run();
        assert!(!ended.launched, "it launched:\n{}", ended.output);
        assert!(ended.output.contains("auth-guard refuses to launch"), "{}", ended.output);
        for words in words {
            assert!(ended.output.contains(words), "no {words:?} in:\n{}", ended.output);
        }
    }

    /// It launches, and says all of this.
    #[track_caller]
    fn launches(self, words: &[&str]) -> Vec<u16> {
        let ended = self.run();
        assert!(ended.launched, "{}", ended.output);
        for words in words {
            assert!(ended.output.contains(words), "no {words:?} in:\n{}", ended.output);
        }
        ended.statuses
    }
}

fn scratch() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{count}.toml", std::process::id()))
}

fn alice() -> Token {
    issuer().token("alice")
}

const TASKS: &str = "/api/alice/tasks";

#[test]
fn a_secret_in_the_environment_is_the_whole_set_up() {
    let app = App::with_secret().get(TASKS, alice()).get(TASKS, issuer().token("bob"));
    assert_eq!(app.launches(&["tokens of any issuer or audience", "BETTER_AUTH_URL"]), [200, 403]);
}

#[test]
fn the_launch_prints_what_it_enforces() {
    let app = App::with_secret()
        .env("BETTER_AUTH_URL", "https://auth.example")
        .env("ROCKET_LOG_LEVEL", "critical");
    let ended = app.run();
    for line in [
        "Auth Guard:",
        "HS256",
        "issuer: https://auth.example",
        "audience: https://auth.example",
        "claim `uid`, equal to `sub`",
        "at most 3600 s, leeway 5 s",
        "GET /api/<user_id>/helped   owner of <user_id> or Support  helped (tests/src/bin/app.rs:",
        "GET /api/<user_id>/tasks    owner of <user_id>             list (tests/src/bin/app.rs:",
        "GET /api/<user_id>/profile  exempt: profiles are public    profile (tests/src/bin/app.rs:",
        "GET /api/me                 undeclared                     me",
    ] {
        assert!(ended.output.contains(line), "no {line:?} in:\n{}", ended.output);
    }
    assert!(!ended.output.contains("any issuer"), "{}", ended.output);
    assert!(!ended.output.contains(SECRET), "{}", ended.output);
}

#[test]
fn each_time_an_exception_applies_is_logged() {
    let token = |uid: &str| issuer().token(uid);
    let path = "/api/alice/helped";
    let app = App::with_secret().get(path, token("support"));
    assert_eq!(app.launches(&[r#"by="exception" exception="Support""#]), [200]);
    let ended = App::with_secret().get(path, token("alice")).get(path, token("bob")).run();
    assert_eq!(ended.statuses, [200, 403]);
    assert!(!ended.output.contains("exception="), "{}", ended.output);
}

#[test]
fn a_guard_that_cannot_check_its_route_says_so() {
    let app = App::with_secret().get("/api/nobody", alice());
    assert_eq!(app.launches(&["guard_misconfigured", r#"route="/api/nobody""#, "`Owner`"]), [500]);
    let ended = App::with_secret().get(TASKS, issuer().token("bob")).run();
    assert!(!ended.output.contains("guard_misconfigured"), "{}", ended.output);
}

#[test]
fn without_a_secret_it_is_said_what_to_set() {
    App::new().refused(&["BETTER_AUTH_SECRET is not set", "Set it"]);
    App::new()
        .env("AUTH_SECRET", SECRET)
        .refused(&["BETTER_AUTH_SECRET is not set", "AUTH_SECRET is set, which Better Auth reads"]);
    App::new()
        .env("BETTER_AUTH_SECRETS", format!("1:{SECRET}"))
        .refused(&["BETTER_AUTH_SECRET is not set", "BETTER_AUTH_SECRETS is set"]);
}

#[test]
fn the_launch_and_the_log_say_which_keys_there_are() {
    let key = Issuer::with_key_pair(Algorithm::EdDsa, "the key").with_clock(Clock::fixed(now()));
    let key = key.with_issuer("a").with_audience("a");
    let server = JwksServer::start();
    let app = || {
        let app = App::new().env("AUTH_GUARD_JWKS_URL", server.url());
        app.env("AUTH_GUARD_ISSUER", "a").env("AUTH_GUARD_AUDIENCE", "a")
    };

    let ended = app().get(TASKS, key.token("alice")).get(TASKS, key.token("alice")).run();
    assert_eq!(ended.statuses, [503, 503], "{}", ended.output);
    let outage = "there are no public keys, so tokens that need one are answered 503";
    assert_eq!(ended.output.matches(outage).count(), 1, "once an outage: {}", ended.output);

    let twin = key.jwk().expect("a key");
    let unused = serde_json::json!({ "kty": "EC", "alg": "ES512", "kid": "other\nline" });
    let set = serde_json::json!({ "keys": [twin, unused] });
    server.answer("200 OK", set.to_string());
    let loaded = format!("1 public keys from {}: the key (EdDSA).", server.url());
    let skipped = r"other\nline: the algorithm ES512 is not supported";
    let statuses = app().get(TASKS, key.token("alice")).launches(&[
        "EdDSA, ES256, RS256, PS256 with public keys",
        "public keys: ",
        &loaded,
        skipped,
    ]);
    assert_eq!(statuses, [200]);
}

#[test]
fn an_address_of_keys_that_is_not_safe_stops_the_launch() {
    let with = |url: &str| App::new().env("AUTH_GUARD_JWKS_URL", url);
    let keys = "https://a.example/api/auth/jwks";
    with(keys).refused(&["an issuer and an audience", "BETTER_AUTH_URL"]);
    with(keys).env("AUTH_GUARD_ISSUER", "a").refused(&["an issuer and an audience"]);

    let named = |url: &str| with(url).env("BETTER_AUTH_URL", "https://a.example");
    for plain in ["http://a.example/jwks", "http://127.0.0.1.a.example/", "http://10.0.0.1/jwks"] {
        named(plain).refused(&["AUTH_GUARD_JWKS_URL must begin with https", "jwks_insecure"]);
    }
    App::new()
        .env("BETTER_AUTH_URL", "http://a.example")
        .refused(&["BETTER_AUTH_URL must begin with https"]);
    for no_url in ["jwks", "ftp://a.example/jwks", "https://user:pass@a.example/jwks"] {
        named(no_url).refused(&["`jwks_url`", "the http or https URL of a JWK Set"]);
    }
    App::new()
        .env("BETTER_AUTH_URL", "https://a.example")
        .env("BETTER_AUTH_SECRET_PREVIOUS", SECRET)
        .refused(&["BETTER_AUTH_SECRET_PREVIOUS is set, and BETTER_AUTH_SECRET is not"]);
    for (variable, value) in [
        ("AUTH_GUARD_JWKS_COOLDOWN", "0"),
        ("AUTH_GUARD_JWKS_MAX_AGE", "86401"),
        ("AUTH_GUARD_JWKS_MAX_STALE", "599"),
        ("AUTH_GUARD_MEMO_CAPACITY", "1000001"),
        ("AUTH_GUARD_JWKS_INSECURE", "yes"),
    ] {
        named(keys).env(variable, value).refused(&[variable]);
    }
}

#[test]
fn a_launch_with_the_log_switched_off_says_so_all_the_same() {
    App::new().env("ROCKET_LOG_LEVEL", "off").refused(&["BETTER_AUTH_SECRET is not set"]);
}

#[test]
fn a_weak_secret_stops_the_launch() {
    let default = "better-auth-secret-12345678901234567890";
    for name in ["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_PREVIOUS"] {
        let app = || App::with_secret();
        app().env(name, "").refused(&[name, "is empty"]);
        app().env(name, "x".repeat(31)).refused(&[name, "shorter than 32 bytes"]);
        app().env(name, default).refused(&[name, "public default"]);
        let bytes = [0xFF; 40];
        app().env(name, OsStr::from_bytes(&bytes)).refused(&[name, "is not UTF-8"]);
        // 31 characters, but 32 bytes.
        app().env(name, format!("{}é", "x".repeat(30))).launches(&[]);
    }
    let refused = |bytes: &[u8]| Secret::new(bytes).map(drop);
    assert_eq!(refused(b""), Err(SecretError::Empty));
    assert_eq!(refused(&[b'x'; 31]), Err(SecretError::TooShort));
    assert_eq!(refused(&[b'x'; 32]), Ok(()));
    assert_eq!(refused(default.as_bytes()), Err(SecretError::PublicDefault));
    assert_eq!(refused(&[0xFF; 40]), Err(SecretError::NotUtf8));
}

#[test]
fn a_secret_is_its_exact_bytes() {
    for secret in [
        "\"0123456789-0123456789-0123456789\"",
        " 0123456789-0123456789-0123456789 ",
        "0123456789-0123456789-0123456789\n",
        "[0123456789,0123456789,0123456789]",
        "01234567890123456789012345678901",
        "YWxpY2VhbGljZWFsaWNlYWxpY2VhbGljZWFsaWNlYWxpY2U=",
    ] {
        let issuer = Issuer::new(&Secret::new(secret).expect("a good secret"));
        let token = issuer.with_clock(Clock::fixed(now())).token("alice");
        let app =
            App::new().env("BETTER_AUTH_SECRET", secret).get(TASKS, token).get(TASKS, alice());
        let ended = app.run();
        assert_eq!(ended.statuses, [200, 401], "{secret}");
        let is_wrapped = secret.starts_with(['"', ' ']) || secret.ends_with('\n');
        assert_eq!(ended.output.contains("a quote or white space"), is_wrapped, "{secret}");
    }
}

#[test]
fn a_previous_secret_is_accepted_alongside() {
    let (current, previous) = ("c".repeat(40), SECRET);
    let app = App::new()
        .env("BETTER_AUTH_SECRET", &current)
        .env("BETTER_AUTH_SECRET_PREVIOUS", previous)
        .get(TASKS, alice())
        .get(TASKS, alice().signed_with(&Secret::new(current).expect("a good secret")))
        .get(TASKS, alice().signed_with(&Secret::random()))
        .get(TASKS, alice().expired());
    assert_eq!(app.launches(&[]), [200, 200, 401, 401]);
    App::new()
        .env("BETTER_AUTH_SECRET_PREVIOUS", previous)
        .refused(&["BETTER_AUTH_SECRET is not set"]);
}

/// The previous secret is asked about a signature and nothing else: whichever of
/// the two signs the corpus, every answer is that of an application with one.
#[test]
fn a_previous_secret_changes_no_other_answer() {
    let mut cases = corpus::cases();
    cases.retain(|case| case.fields().iter().all(|field| is_one_bearer_token(field)));
    cases.retain(|case| case.authorization.len() == 1);
    let other = "c".repeat(40);
    let expected: Vec<_> = cases.iter().map(|case| case.status).collect();
    let alone = [("BETTER_AUTH_SECRET", SECRET)];
    let as_current = [("BETTER_AUTH_SECRET", SECRET), ("BETTER_AUTH_SECRET_PREVIOUS", &*other)];
    let as_previous = [("BETTER_AUTH_SECRET", &*other), ("BETTER_AUTH_SECRET_PREVIOUS", SECRET)];
    for secrets in [&alone[..], &as_current, &as_previous] {
        let mut app = App::new().env("BETTER_AUTH_URL", corpus::URL).env("ROCKET_LOG_LEVEL", "off");
        for (name, value) in secrets {
            app = app.env(name, value);
        }
        for case in &cases {
            let token = &case.authorization[0]["Bearer ".len()..];
            app.requests += &format!("{} {token}\n", case.path);
        }
        assert_eq!(app.launches(&[]), expected);
    }
    assert!(cases.len() > 300, "{}", cases.len());
}

fn is_one_bearer_token(field: &str) -> bool {
    let token = field.strip_prefix("Bearer ");
    token.is_some_and(|token| !token.is_empty() && !token.contains(char::is_whitespace))
}

#[test]
fn a_secret_given_in_code_is_the_only_one() {
    let given = Secret::random();
    let table = json!({});
    let guard = AuthGuard::fairing().with_secret(given.clone());
    let verifier = guard.verifier(&figment(&table)).expect("a good configuration");
    let token = |secret: &Secret| Issuer::new(secret).token("alice").sign();
    let now = std::time::SystemTime::now();
    assert!(verifier.verify(&token(&given), now).is_ok());
    assert!(verifier.verify(&token(&secret()), now).is_err());
}

#[test]
fn a_secret_in_a_file_stops_the_launch() {
    for toml in [
        format!("[default.auth_guard]\nsecret = \"{SECRET}\""),
        format!("[release.auth_guard]\nsecret = \"{SECRET}\""),
        format!("[staging.auth_guard]\nsecret_previous = \"{SECRET}\""),
        format!("[global.auth_guard]\nBETTER_AUTH_SECRET = \"{SECRET}\""),
        format!("[debug]\nbetter_auth_secret = \"{SECRET}\""),
    ] {
        let ended = App::with_secret().toml(&toml).run();
        assert!(!ended.launched, "{toml}\n{}", ended.output);
        assert!(
            ended.output.contains("secrets come only from the environment"),
            "{}",
            ended.output
        );
        assert!(ended.output.contains(".toml"), "{}", ended.output);
        assert!(!ended.output.contains(SECRET), "{}", ended.output);
    }
    App::with_secret()
        .env("ROCKET_AUTH_GUARD", "{secret=\"x\"}")
        .refused(&["only from the environment"]);
    App::with_secret()
        .env("ROCKET_BETTER_AUTH_SECRET", SECRET)
        .refused(&["only from the environment"]);
}

#[test]
fn an_unknown_key_is_an_error_that_names_its_place() {
    App::with_secret()
        .toml("[default.auth_guard]\nleewya = 9")
        .refused(&["leewya", "leeway", ".toml"]);
    App::with_secret().env("ROCKET_AUTH_GUARD", "{isuer=\"x\"}").refused(&["isuer", "issuer"]);
}

#[test]
fn what_figment_would_pass_over_in_silence_is_an_error() {
    App::with_secret()
        .env("ROCKET_AUTH_GUARD", "leeway=9")
        .refused(&["`auth_guard`", "is not a table"]);
    App::with_secret().env("ROCKET_AUTH_GUARD_LEEWAY", "11").refused(&[
        "auth_guard_leeway",
        "is not read",
        "AUTH_GUARD_LEEWAY",
    ]);
    App::with_secret().toml("[debug]\nauth_guard_issuer = \"x\"").refused(&["auth_guard_issuer"]);
    App::with_secret().toml("[debug]\nauth_guard = 5").refused(&["is not a table"]);
}

/// A good configuration with a leeway, as this token can tell.
fn accepts_a_token_that_expired_ago(app: App, seconds: u64) -> bool {
    let token = || issuer().token("alice").without("iat");
    app.get(TASKS, token().claim("exp", NOW - seconds)).launches(&[]) == [200]
}

#[test]
fn the_environment_wins_in_every_profile() {
    let toml = "[default.auth_guard]\nleeway = 50\n[debug.auth_guard]\nleeway = 100\n\
                [staging.auth_guard]\nleeway = 150";
    let app = || App::with_secret().toml(toml);
    assert!(accepts_a_token_that_expired_ago(app(), 99));
    assert!(!accepts_a_token_that_expired_ago(app(), 100));
    assert!(accepts_a_token_that_expired_ago(app().env("ROCKET_AUTH_GUARD", "{leeway=110}"), 109));
    assert!(!accepts_a_token_that_expired_ago(app().env("AUTH_GUARD_LEEWAY", "20"), 20));
    assert!(accepts_a_token_that_expired_ago(app().env("AUTH_GUARD_LEEWAY", "20"), 19));
    let both = app().env("ROCKET_AUTH_GUARD", "{leeway=110}").env("AUTH_GUARD_LEEWAY", "20");
    assert!(!accepts_a_token_that_expired_ago(both, 20));
    let default = App::with_secret().toml("[default.auth_guard]\nleeway = 50");
    assert!(accepts_a_token_that_expired_ago(default, 49));
}

#[test]
fn every_variable_and_every_key_takes_effect() {
    let url = "https://auth.example";
    let full = || issuer().with_issuer(url).with_audience(url).token("alice");
    let cases: [(&str, &str, &str, Value, Token, Token); 6] = [
        (
            "BETTER_AUTH_URL",
            "url",
            "https://auth.example/base",
            json!("https://auth.example/base"),
            full(),
            alice(),
        ),
        ("AUTH_GUARD_ISSUER", "issuer", url, json!(url), full(), full().claim("iss", "x")),
        (
            "AUTH_GUARD_AUDIENCE",
            "audience",
            "x , https://auth.example",
            json!(["x", url]),
            full(),
            full().claim("aud", "y"),
        ),
        (
            "AUTH_GUARD_UID_CLAIM",
            "uid_claim",
            "who",
            json!("who"),
            alice().claim("who", "alice"),
            alice(),
        ),
        (
            "AUTH_GUARD_MATCH_SUBJECT",
            "match_subject",
            "false",
            json!(false),
            alice().claim("sub", "x"),
            alice().without("uid"),
        ),
        (
            "AUTH_GUARD_MAX_LIFETIME",
            "max_lifetime",
            "60",
            json!(60),
            alice().claim("exp", NOW + 60),
            alice(),
        ),
    ];
    for (variable, key, text, value, good, bad) in cases {
        let app = App::with_secret().env(variable, text);
        assert_eq!(
            app.get(TASKS, good.clone()).get(TASKS, bad.clone()).launches(&[]),
            [200, 401],
            "{variable}"
        );
        let app = App::with_secret().toml(&format!("[default.auth_guard]\n{key} = {value}"));
        assert_eq!(app.get(TASKS, good).get(TASKS, bad).launches(&[]), [200, 401], "{key}");
    }
    let app = App::with_secret().env("AUTH_GUARD_UNSCOPED", "warn").arg("forgotten");
    app.launches(&["/api/<user_id>/forgotten", "is not `#[user_scoped]`"]);
    App::with_secret()
        .toml("[debug.auth_guard]\nunscoped = \"allow\"")
        .arg("forgotten")
        .launches(&[]);
}

#[test]
fn one_audience_of_several_will_do() {
    let app = App::with_secret().env("AUTH_GUARD_AUDIENCE", "one,two");
    let aud = |aud: &str| alice().claim("aud", aud);
    let app = app.get(TASKS, aud("one")).get(TASKS, aud("two")).get(TASKS, aud("one,two"));
    assert_eq!(app.launches(&[]), [200, 200, 401]);
    // In the table a comma is a comma.
    let app = App::with_secret().toml("[default.auth_guard]\naudience = \"one,two\"");
    assert_eq!(app.get(TASKS, aud("one")).get(TASKS, aud("one,two")).launches(&[]), [401, 200]);
}

#[test]
fn a_value_out_of_range_stops_the_launch() {
    let cases: [(&str, &str, &[Value], &[&str]); 9] = [
        (
            "leeway",
            "AUTH_GUARD_LEEWAY",
            &[json!(301), json!(-1), json!("5"), json!(1.5)],
            &["301", "-1", "5s", "1.5", " 5"],
        ),
        (
            "max_lifetime",
            "AUTH_GUARD_MAX_LIFETIME",
            &[json!(0), json!(86401), json!("1h")],
            &["0", "86401", "1h"],
        ),
        (
            "realm",
            "AUTH_GUARD_REALM",
            &[json!(""), json!("a\"b"), json!("a\\b"), json!("é"), json!(5)],
            &["a\"b", "a\\b", "é", "a\tb"],
        ),
        (
            "uid_claim",
            "AUTH_GUARD_UID_CLAIM",
            &[json!(""), json!("exp"), json!("iss"), json!(5)],
            &["exp", "aud"],
        ),
        ("issuer", "AUTH_GUARD_ISSUER", &[json!(""), json!(5)], &[]),
        (
            "audience",
            "AUTH_GUARD_AUDIENCE",
            &[json!(""), json!([]), json!(["a", ""]), json!(5)],
            &["a,", ",", "a,,b"],
        ),
        (
            "match_subject",
            "AUTH_GUARD_MATCH_SUBJECT",
            &[json!("false"), json!(0)],
            &["0", "no", "False"],
        ),
        ("unscoped", "AUTH_GUARD_UNSCOPED", &[json!("off"), json!(true)], &["off", "Deny"]),
        (
            "url",
            "BETTER_AUTH_URL",
            &[json!(""), json!("auth.example"), json!("ftp://a"), json!(5)],
            &["auth.example", "https://", "//a", "/auth"],
        ),
    ];
    for (key, variable, in_table, as_text) in cases {
        for value in in_table {
            let toml = format!("[default.auth_guard]\n{key} = {value}");
            App::with_secret().toml(&toml).refused(&[key, ".toml"]);
        }
        for text in as_text {
            App::with_secret().env(variable, text).refused(&[variable]);
        }
        App::with_secret().env(variable, "").refused(&[variable, "empty"]);
        App::with_secret().env(variable, OsStr::from_bytes(b"\xFF")).refused(&[variable]);
    }
    for (variable, right) in [
        ("AUTH_GUARD_LEEWAY", "0"),
        ("AUTH_GUARD_LEEWAY", "300"),
        ("AUTH_GUARD_MAX_LIFETIME", "1"),
        ("AUTH_GUARD_MAX_LIFETIME", "86400"),
    ] {
        App::with_secret().env(variable, right).launches(&[]);
    }
}

#[test]
fn all_faults_are_told_at_once() {
    App::new().env("AUTH_GUARD_LEEWAY", "x").env("AUTH_GUARD_REALM", "\"").refused(&[
        "AUTH_GUARD_LEEWAY",
        "AUTH_GUARD_REALM",
        "BETTER_AUTH_SECRET",
    ]);
}

#[test]
fn an_unknown_variable_is_a_warning_that_names_the_nearest() {
    App::with_secret()
        .env("AUTH_GUARD_LEWAY", "9")
        .env("AUTH_GUARD_PORT", "tcp://10.0.0.1:80")
        .launches(&[
            "AUTH_GUARD_LEWAY is unknown",
            "Did you mean AUTH_GUARD_LEEWAY",
            "AUTH_GUARD_PORT",
        ]);
}

#[test]
fn outside_debug_nothing_may_be_loose() {
    let app = || App::with_secret().env("ROCKET_PROFILE", "release");
    app().refused(&["feature `testing`"]);
    app()
        .env("AUTH_GUARD_UNSCOPED", "allow")
        .refused(&["`unscoped` in the variable AUTH_GUARD_UNSCOPED", "only in a debug build"]);
}

#[test]
fn the_feature_testing_launches_outside_debug_where_the_code_asks_for_it_by_name() {
    let app = || App::with_secret().env("ROCKET_PROFILE", "release").arg("testing-in-release");
    let warning = "the feature `testing` of auth-guard is on outside a debug build and profile";
    let statuses = app().get(TASKS, alice()).launches(&["Warning:", warning]);
    assert_eq!(statuses, [200]);
    // It loosens nothing else.
    app().env("AUTH_GUARD_UNSCOPED", "allow").refused(&["only in a debug build"]);
}

#[test]
fn a_forgotten_route_is_named() {
    App::with_secret().arg("forgotten").refused(&[
        "GET /api/<user_id>/forgotten",
        "handler `forgotten`",
        "Write `#[user_scoped]` above",
    ]);
}

#[test]
fn a_forgotten_fairing_is_named() {
    App::with_secret().arg("unattached").refused(&["AuthGuard::fairing()", "not attached"]);
}

#[test]
fn origins_are_those_of_new_url() {
    for (url, origin) in [
        ("https://auth.example", "https://auth.example"),
        ("https://auth.example/", "https://auth.example"),
        ("HTTPS://Auth.Example/api/auth", "https://auth.example"),
        ("https://auth.example:443", "https://auth.example"),
        ("http://auth.example:443", "http://auth.example:443"),
        ("http://localhost:80/x?y", "http://localhost"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[0:0:0:0:0:0:0:1]:3000/x", "http://[::1]:3000"),
    ] {
        let verifier = guard().verifier(&figment(&json!({ "url": url }))).expect(url);
        assert_eq!(
            (verifier.issuer(), verifier.audience()),
            (Some(origin), &[origin.to_owned()][..])
        );
    }
    for url in
        ["https://user:pw@auth.example", "https://auth_ü.example", "https://[::1", "http:", "x"]
    {
        let error = guard().verifier(&figment(&json!({ "url": url }))).expect_err(url);
        assert!(error[0].starts_with("`url`") && !error[0].contains("pw"), "{error:?}");
    }
    let table =
        json!({ "url": "https://a.example", "issuer": "x", "audience": "y", "max_lifetime": 60 });
    let verifier = guard().verifier(&figment(&table)).expect("a good configuration");
    assert_eq!((verifier.issuer(), verifier.audience()), (Some("x"), &["y".to_owned()][..]));
    assert_eq!((verifier.max_lifetime(), verifier.uid_claim()), (60, "uid"));
}
