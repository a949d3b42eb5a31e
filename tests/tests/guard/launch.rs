//! Configuration: the environment first, and every refusal to launch.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, Token};
use auth_guard::{AuthError, AuthGuard, ConfigError, Secret, SecretError};
use auth_guard_tests::*;
use rocket::error::ErrorKind;
use rocket::fairing::AdHoc;
use rocket::local::blocking::Client;
use rocket::routes;
use serde_json::{Value, json};

/// A process of the application with nothing in its environment but what a test
/// puts there.
pub(crate) struct App {
    command: Command,
    requests: String,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) launched: bool,
    /// What it wrote to the terminal.
    pub(crate) output: String,
    pub(crate) statuses: Vec<u16>,
}

impl App {
    pub(crate) fn new() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_app"));
        command.env_clear().env("ROCKET_CLI_COLORS", "false");
        Self { command, requests: String::new() }
    }

    /// With a good secret.
    pub(crate) fn with_secret() -> Self {
        Self::new().env("BETTER_AUTH_SECRET", SECRET)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    fn arg(mut self, arg: &str) -> Self {
        self.command.arg(arg);
        self
    }

    /// With this `Rocket.toml`.
    pub(crate) fn toml(self, text: &str) -> Self {
        let path = scratch();
        std::fs::write(&path, text).expect("a file");
        self.env("ROCKET_CONFIG", path)
    }

    pub(crate) fn get(mut self, path: &str, token: Token) -> Self {
        self.requests += &format!("{path} {}\n", token.sign());
        self
    }

    /// Serves on a port until the end of the test.
    pub(crate) fn serve(mut self) -> Served {
        let path = scratch().with_extension("log");
        let log = std::fs::File::create(&path).expect("a file");
        self.command.arg("serve").env("ROCKET_PORT", "0");
        self.command.stderr(log.try_clone().expect("a file")).stdout(log);
        Served { child: self.command.spawn().expect("the application starts"), path }
    }

    pub(crate) fn run(mut self) -> Ended {
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
    pub(crate) fn launches(self, words: &[&str]) -> Vec<u16> {
        let ended = self.run();
        assert!(ended.launched, "{}", ended.output);
        for words in words {
            assert!(ended.output.contains(words), "no {words:?} in:\n{}", ended.output);
        }
        ended.statuses
    }
}

/// An application that listens on a port, and what it writes.
pub(crate) struct Served {
    child: Child,
    path: PathBuf,
}

impl Served {
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(&self.path).expect("UTF-8")
    }

    /// Waits until it has written this.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) {
        let is_written = || {
            std::thread::sleep(Duration::from_millis(10));
            self.output().contains(words)
        };
        assert!((0..3_000).any(|_| is_written()), "no {words:?} in:\n{}", self.output());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
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

pub(crate) const TASKS: &str = "/api/alice/tasks";

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
        "expiry: `exp` at most 3600 s after `iat`, and at most 3600 s from now; leeway 5 s",
        "scopes: ignored",
        "GET /api/<user_id>/helped   owner of <user_id> or Support         helped (tests/src/bin",
        "GET /api/<user_id>/tasks    owner of <user_id>; scope tasks:read  list (tests/src/bin/",
        "GET /api/<user_id>/profile  exempt: profiles are public           profile (tests/src/",
        "GET /api/me                 undeclared                            me",
    ] {
        assert!(ended.output.contains(line), "no {line:?} in:\n{}", ended.output);
    }
    assert!(!ended.output.contains("any issuer"), "{}", ended.output);
    assert!(!ended.output.contains(SECRET), "{}", ended.output);
}

#[test]
fn each_time_a_requirement_lets_another_than_the_owner_in_is_logged() {
    let token = |uid: &str| issuer().token(uid);
    let path = "/api/alice/helped";
    let app = App::with_secret().get(path, token("support"));
    assert_eq!(app.launches(&[r#"by="requirement" requirement="Support""#]), [200]);
    let ended = App::with_secret().get(path, token("alice")).get(path, token("bob")).run();
    assert_eq!(ended.statuses, [200, 403]);
    assert!(!ended.output.contains("requirement="), "{}", ended.output);
}

#[test]
fn a_guard_that_cannot_check_its_route_says_so() {
    let app = App::with_secret().get("/api/nobody", alice());
    assert_eq!(app.launches(&["guard_misconfigured", r#"route="/api/nobody""#, "`Owner`"]), [500]);
    let ended = App::with_secret().get(TASKS, issuer().token("bob")).run();
    assert!(!ended.output.contains("guard_misconfigured"), "{}", ended.output);
}

#[test]
fn without_a_key_it_is_said_what_to_set() {
    let ended = App::new().run();
    let place = |words: &str| ended.output.find(words).expect(words);
    let [url, hs256, secret] =
        ["set BETTER_AUTH_URL", "HS256", "BETTER_AUTH_SECRET is not set"].map(place);
    assert!(url < hs256 && hs256 < secret, "{}", ended.output);
    // It is compiled in; `outside.rs` has an application without it.
    assert!(!ended.output.contains("feature"), "{}", ended.output);
    App::new().refused(&["BETTER_AUTH_SECRET is not set", "Set it"]);
    App::new()
        .env("AUTH_SECRET", SECRET)
        .refused(&["BETTER_AUTH_SECRET is not set", "AUTH_SECRET is set, which Better Auth reads"]);
    App::new()
        .env("BETTER_AUTH_SECRETS", format!("1:{SECRET}"))
        .refused(&["BETTER_AUTH_SECRET is not set", "BETTER_AUTH_SECRETS is set"]);
}

/// With a URL there may be public keys, so it is no error.
#[test]
fn a_secret_that_only_better_auth_reads_is_warned_about() {
    let app = |url: &str| App::new().env("AUTH_SECRET", SECRET).env("BETTER_AUTH_URL", url);
    let said = "AUTH_SECRET is set, which Better Auth reads and auth-guard does not";
    app("http://127.0.0.1:9").launches(&[said, "set BETTER_AUTH_SECRET to the secret"]);
    for output in [
        app("http://127.0.0.1:9").env("BETTER_AUTH_SECRET", SECRET).run().output,
        App::new().env("BETTER_AUTH_URL", "http://127.0.0.1:9").run().output,
    ] {
        assert!(!output.contains("which Better Auth reads"), "{output}");
    }
}

#[test]
fn without_a_key_of_a_named_issuer_it_is_said_where_its_keys_are() {
    let another =
        "For another issuer, set `issuer`, `audience` and `jwks_url`: see docs/issuers.md";
    App::new().refused(&[another]);
    let issuer = App::new().env("AUTH_GUARD_ISSUER", "https://tenant.eu.auth0.com/");
    let output = issuer.run().output;
    let place = |words: &str| output.find(words).unwrap_or_else(|| panic!("{words}: {output}"));
    let [none, url, discovery, secret] = [
        "auth-guard refuses to launch",
        "`jwks_url` (AUTH_GUARD_JWKS_URL)",
        "`discovery` (AUTH_GUARD_DISCOVERY) to `true`",
        "BETTER_AUTH_SECRET",
    ]
    .map(place);
    assert!(none < url && url < discovery && discovery < secret, "{output}");
    assert!(!output.contains("BETTER_AUTH_URL") && !output.contains(another), "{output}");
}

#[test]
fn an_address_that_is_refused_is_the_only_error() {
    for variable in ["BETTER_AUTH_URL", "AUTH_GUARD_JWKS_URL"] {
        let ended = App::new().env(variable, "").run();
        assert!(!ended.launched && ended.output.contains(variable), "{}", ended.output);
        assert!(!ended.output.contains("there is no key"), "{}", ended.output);
    }
}

#[test]
fn with_a_secret_and_a_url_one_line_says_which_tokens_are_accepted() {
    let app = || App::with_secret().env("BETTER_AUTH_URL", "https://auth.example");
    app().launches(&["tokens: only HS256 with the shared secret", "public keys are not used"]);
    let both = app().env("AUTH_GUARD_JWKS_URL", "http://127.0.0.1:9/jwks");
    both.launches(&["tokens: HS256 with the shared secret; EdDSA"]);
    let alone = App::with_secret().run();
    assert!(alone.output.contains("tokens: HS256 with the shared secret"), "{}", alone.output);
    assert!(!alone.output.contains("public keys are not used"), "{}", alone.output);
}

#[test]
fn what_is_not_compared_is_said_precisely() {
    let named = |name: &str| App::with_secret().env(name, "https://a.example").run().output;
    let issuer = named("AUTH_GUARD_ISSUER");
    assert!(issuer.contains("tokens of any audience are accepted"), "{issuer}");
    let audience = named("AUTH_GUARD_AUDIENCE");
    assert!(audience.contains("tokens of any issuer are accepted"), "{audience}");
}

#[test]
fn an_error_of_the_configuration_says_its_key_origin_and_reason() {
    let table = json!({ "leeway": 301, "isuer": "a" });
    let errors = guard().verifier(&figment(&table)).expect_err("two faults");
    let [isuer, leeway] = &errors.iter().collect::<Vec<_>>()[..] else { panic!("{errors}") };
    assert_eq!((isuer.key(), leeway.key()), (Some("isuer"), Some("leeway")));
    assert_eq!(isuer.reason(), "is unknown. Did you mean `issuer`?");
    assert!(leeway.reason().starts_with("must be a whole number from 0 to 300, such as 5"));
    let origin = leeway.origin().expect("it is set");
    assert_eq!(leeway.to_string(), format!("`leeway` in {origin} {}", leeway.reason()));
    assert_eq!(errors.to_string(), format!("{isuer}\n{leeway}"));
    let error: Box<dyn std::error::Error> = Box::new(errors);
    assert!(error.source().is_none());

    let app = App::with_secret().env("AUTH_GUARD_LEEWAY", "x");
    app.refused(&["AUTH_GUARD_LEEWAY must be a whole number from 0 to 300, such as 5"]);
    App::with_secret()
        .env("AUTH_GUARD_UID_CLAIM", "iss")
        .refused(&["must not be `iss`, `aud`, `exp`, `nbf` or `iat`; use `uid` or `sub`"]);
}

#[test]
fn the_launch_and_the_log_say_which_keys_there_are() {
    let key = Issuer::with_key_pair(Algorithm::EdDsa, "the key").with_clock(Clock::fixed(now()));
    let key = key.with_issuer("a").with_audience("a");
    let server = JwksServer::start();
    let app = || {
        let app = App::new().env("AUTH_GUARD_JWKS_URL", server.url());
        let app = app.env("AUTH_GUARD_ISSUER", "a").env("AUTH_GUARD_AUDIENCE", "a");
        app.env("AUTH_GUARD_REQUIRED_CLAIMS", "iat")
    };

    let ended = app().get(TASKS, key.token("alice")).get(TASKS, key.token("alice")).run();
    assert_eq!(ended.statuses, [503, 503], "{}", ended.output);
    let outage = "There are none, so tokens that need one are answered 503";
    assert_eq!(ended.output.matches(outage).count(), 1, "once an outage: {}", ended.output);

    // As of a Better Auth server that signs with HS256: the log says what to set.
    server.answer("404 Not Found", "");
    let hs256 = || issuer().token("alice");
    let statuses = app().get(TASKS, hs256()).get(TASKS, key.token("alice")).launches(&[
        "404 Not Found (if Better Auth signs with a shared secret, its tokens get 401 unless \
         BETTER_AUTH_SECRET is set to that secret; if it has another `basePath`, set \
         AUTH_GUARD_JWKS_URL)",
    ]);
    assert_eq!(statuses, [401, 503]);

    let twin = key.jwk().expect("a key");
    let unused = serde_json::json!({ "kty": "EC", "alg": "ES256K", "kid": "other\nline" });
    let set = serde_json::json!({ "keys": [twin, unused] });
    server.answer("200 OK", set.to_string());
    let loaded = format!("fetched 1 public key from {}: the key (EdDSA).", server.url());
    let skipped = r"other\nline: the algorithm ES256K is not accepted";
    let statuses = app().get(TASKS, key.token("alice")).launches(&[
        "EdDSA, ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512 with public keys",
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
    for no_url in [
        "jwks",
        "ftp://a.example/jwks",
        "https://user:pass@a.example/jwks",
        "https://user@a.example/jwks",
        "https://:pass@a.example/jwks",
        "https://a.example/jwks#keys",
    ] {
        named(no_url).refused(&["`jwks_url`", "the http or https URL of a JWK Set"]);
    }
    App::new()
        .env("BETTER_AUTH_URL", "https://a.example")
        .env("BETTER_AUTH_SECRET_PREVIOUS", SECRET)
        .refused(&["BETTER_AUTH_SECRET_PREVIOUS is set, and BETTER_AUTH_SECRET is not"]);
    for (variable, value) in [
        ("AUTH_GUARD_JWKS_COOLDOWN", "3601"),
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
    let cases: [(&str, &str, &str, Value, Token, Token); 9] = [
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
        (
            "AUTH_GUARD_TOKEN_TYPE",
            "token_type",
            "at+jwt",
            json!("at+jwt"),
            alice()
                .header("typ", "at+jwt")
                .claim("jti", "a")
                .claim("azp", "web")
                .without("uid")
                .scope("tasks:read"),
            alice().claim("jti", "a").claim("azp", "web"),
        ),
        (
            "AUTH_GUARD_REQUIRED_CLAIMS",
            "required_claims",
            "iat, jti",
            json!(["iat", "jti"]),
            alice().claim("jti", "a"),
            alice(),
        ),
        (
            "AUTH_GUARD_ID_TOKENS",
            "id_tokens",
            "accepted",
            json!("accepted"),
            alice().claim("nonce", "a"),
            alice().claim("cnf", "a"),
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
    let app = App::with_secret().env("AUTH_GUARD_AUDIENCE", "web");
    let app = app.env("AUTH_GUARD_AUDIENCE_CLAIM", "client_id");
    let app = app.get(TASKS, alice().claim("client_id", "web"));
    assert_eq!(app.get(TASKS, alice().claim("aud", "web")).launches(&[]), [200, 401]);
    let enforced = App::with_secret().env("AUTH_GUARD_SCOPES", "enforced");
    let table = App::with_secret().toml("[default.auth_guard]\nscopes = \"enforced\"");
    for app in [enforced, table] {
        let app = app.get(TASKS, alice().scope("openid tasks:read")).get(TASKS, alice());
        let app = app.get("/api/me", alice().scope("tasks:read"));
        assert_eq!(app.launches(&["scopes: enforced"]), [200, 403, 403]);
    }
    let app = App::with_secret().env("AUTH_GUARD_UNSCOPED", "warn").arg("forgotten");
    app.launches(&["/api/<user_id>/forgotten", "nothing declares who may call it"]);
    App::with_secret()
        .toml("[debug.auth_guard]\nunscoped = \"allow\"")
        .arg("forgotten")
        .launches(&[]);
}

#[test]
fn scopes_that_are_enforced_and_never_named_are_a_warning() {
    let warning = "every token whose scopes are enforced is refused. Write `scope = \"…\"` in the";
    let enforced = || App::with_secret().env("AUTH_GUARD_SCOPES", "enforced");
    enforced().arg("scopeless").launches(&[warning]);
    for app in [enforced(), App::with_secret().arg("scopeless")] {
        let ended = app.run();
        assert!(ended.launched && !ended.output.contains(warning), "{}", ended.output);
    }
}

#[test]
fn scopes_that_are_named_and_never_needed_are_a_warning_unless_that_is_said() {
    let warning = "1 route names OAuth scopes, which the tokens of this issuer do not need. Set \
                   `scopes` to \"enforced\", or to \"ignored\" if that is meant";
    let app = || App::with_secret();
    let ended = app().run();
    assert_eq!(ended.output.matches(warning).count(), 1, "{}", ended.output);
    // The route opens without the scope, which is why there is a warning.
    assert_eq!(app().get(TASKS, alice()).launches(&[]), [200]);
    app().env("AUTH_GUARD_UID_CLAIM", "sub").launches(&[warning]);
    for app in [
        app().env("AUTH_GUARD_SCOPES", "ignored"),
        app().env("AUTH_GUARD_SCOPES", "enforced"),
        app().env("AUTH_GUARD_TOKEN_TYPE", "at+jwt"),
        // These are Better Auth's session tokens.
        app().env("BETTER_AUTH_URL", "https://auth.example"),
        app().arg("scopeless"),
    ] {
        let ended = app.run();
        assert!(ended.launched && !ended.output.contains("do not need"), "{}", ended.output);
    }

    let agents = |app: App, scopes: &str| {
        app.toml(&format!(
            "[default.auth_guard.issuers.agents]\nissuer = \"https://a.example\"\n\
             audience = \"api\"\nrequired_claims = [\"azp\"]\nusers = \"same\"\n\
             jwks_url = \"http://127.0.0.1:9/jwks\"\n{scopes}"
        ))
    };
    let further =
        |scopes: &str| agents(app().env("BETTER_AUTH_URL", "https://auth.example"), scopes);
    let named = "the tokens of `agents` do not need. Set `issuers.agents.scopes` to \"enforced\"";
    further("").launches(&[named]);
    let ended = further("scopes = \"enforced\"").run();
    assert!(ended.launched && !ended.output.contains("do not need"), "{}", ended.output);
    let first = app().env("AUTH_GUARD_ISSUER", "https://b.example");
    let first = agents(first.env("AUTH_GUARD_AUDIENCE", "api"), "scopes = \"enforced\"");
    first.launches(&["the tokens of the first issuer do not need. Set `scopes` to \"enforced\""]);
    assert!(ended.output.contains("owner of <user_id> or Support; no scope: closed to `agents`"));
}

#[test]
fn the_table_says_which_routes_enforced_scopes_close() {
    let app = App::with_secret().env("AUTH_GUARD_SCOPES", "enforced");
    let ended = app.get("/api/alice/helped", alice().scope("tasks:read")).run();
    assert_eq!(ended.statuses, [403]);
    for line in [
        "GET /api/<user_id>/helped   owner of <user_id> or Support; no scope: closed  helped",
        "GET /api/<user_id>/tasks    owner of <user_id>; scope tasks:read             list",
        "GET /api/<user_id>/profile  exempt: profiles are public                      profile",
    ] {
        assert!(ended.output.contains(line), "no {line:?} in:\n{}", ended.output);
    }
    let ignored = App::with_secret().run().output;
    assert!(!ignored.contains("no scope"), "{ignored}");
}

#[test]
fn a_mount_with_malformed_scopes_stops_the_launch_and_says_what_to_write() {
    let loose = App::with_secret().env("AUTH_GUARD_UNSCOPED", "warn");
    for app in [App::with_secret(), loose] {
        app.arg("malformed-scope").refused(&[
            "auth-guard refuses to launch:",
            r#"GET /ops/me: `require_scope("ops, \"all\"")` names no OAuth scopes. Write visible"#,
            r#"`require_scope("tasks:read tasks:write")`"#,
        ]);
    }
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
        App::with_secret().env(variable, "").refused(&[variable, "is empty. Unset", "it must"]);
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
fn outside_debug_nothing_may_be_loose() {
    let app = || App::with_secret().env("ROCKET_PROFILE", "release");
    app().refused(&["feature `testing`"]);
    app()
        .env("AUTH_GUARD_UNSCOPED", "allow")
        .refused(&["`unscoped` in the variable AUTH_GUARD_UNSCOPED", "Set it to \"deny\" or"]);
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
        "nothing declares who may call it. Write `#[user_scoped]` above",
    ]);
    // An attribute that does not look at the user does declare something.
    App::with_secret().arg("unowned").refused(&[
        "GET /api/<user_id>/unowned (handler `unowned`) has a user in its pattern, and nothing \
         asks whether the caller may use it. Write `#[user_scoped]` above",
    ]);
}

#[test]
fn each_forgotten_route_is_a_warning_once_also_one_that_is_mounted_late() {
    let app = App::with_secret().env("AUTH_GUARD_UNSCOPED", "warn").arg("forgotten").arg("late");
    let ended = app.run();
    assert!(ended.launched, "{}", ended.output);
    for route in ["GET /api/<user_id>/forgotten", "GET /late/<user_id>/forgotten"] {
        let warning = format!("{route} (handler `forgotten`) has a user in its pattern");
        assert_eq!(ended.output.matches(&warning).count(), 1, "{warning}: {}", ended.output);
    }
    let exempt = "If anybody may call a route on purpose";
    assert_eq!(ended.output.matches(exempt).count(), 1, "{}", ended.output);
}

#[test]
fn routes_that_nothing_declares_are_one_warning_with_their_number_and_the_first_three() {
    let warning = "nothing declares who may call ";
    for (count, said) in [
        (1, "1 route (GET /1/me). Write `#[user_scoped]`"),
        (3, "3 routes (GET /1/me, GET /2/me, GET /3/me). Write"),
        (4, "4 routes (GET /1/me, GET /2/me, GET /3/me, …). Write"),
    ] {
        let app = || App::with_secret().arg("scopeless").arg(&format!("undeclared={count}"));
        app().launches(&[&format!("{warning}{said}"), "and then set `undeclared` to \"deny\""]);
        let allowed = app().env("AUTH_GUARD_UNDECLARED", "allow").run();
        assert!(allowed.launched && !allowed.output.contains(warning), "{}", allowed.output);
        app().env("AUTH_GUARD_UNDECLARED", "deny").refused(&[
            "GET /1/me: nothing declares who may call it.",
            ">> Write `#[user_scoped]`, `#[scoped]` or `#[authorized]` above a handler, or mount",
        ]);
    }
    let declared = App::with_secret().arg("scopeless").run();
    assert!(declared.launched && !declared.output.contains(warning), "{}", declared.output);
}

#[test]
fn a_forgotten_segment_is_named_with_what_it_is_scoped_by_elsewhere() {
    let query = " (a query may be left out: put the user into the path)";
    let team = "has `<team_id>` where handlers are scoped by `<team_id>`, and nothing declares who \
                may call it. Write `#[scoped(team_id: …)]` above the route attribute";
    let account = "has a user in its pattern, and nothing declares who may call it. Write \
                   `#[user_scoped(param = \"account_id\")]` above the route attribute";
    App::with_secret().arg("reserved-team").refused(&[
        &format!("GET /r/teams/<team_id>/forgotten (handler `team_forgotten`) {team}."),
        &format!("GET /r/search?<team_id> (handler `team_in_the_query`) {team}{query}."),
    ]);
    App::with_secret().arg("reserved-account").refused(&[&format!(
        "GET /r/accounts/<account_id>/forgotten (handler `account_forgotten`) {account}."
    )]);
}

/// Then the attribute lets in whom it says, and nothing compares the user.
#[test]
fn where_an_unscoped_route_is_only_a_warning_it_is_open() {
    let app = App::with_secret().env("AUTH_GUARD_UNSCOPED", "warn").arg("unowned");
    let app = app.get("/api/alice/unowned", issuer().token("bob"));
    assert_eq!(app.launches(&["nothing asks whether the caller may use it"]), [200]);
}

#[test]
fn a_refusal_by_protect_is_a_line_of_the_log_as_that_of_a_guard_is() {
    let app = App::with_secret().arg("protected");
    let app = app.get("/protected/me", alice().expired());
    assert_eq!(app.launches(&["`protect` failed: Expired."]), [401]);
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
        let errors = guard().verifier(&figment(&json!({ "url": url }))).expect_err(url);
        assert_eq!(errors.iter().next().and_then(ConfigError::key), Some("url"));
        assert!(!format!("{errors} {errors:?}").contains("pw"), "{errors}");
    }
    let table =
        json!({ "url": "https://a.example", "issuer": "x", "audience": "y", "max_lifetime": 60 });
    let verifier = guard().verifier(&figment(&table)).expect("a good configuration");
    assert_eq!((verifier.issuer(), verifier.audience()), (Some("x"), &["y".to_owned()][..]));
    assert_eq!((verifier.max_lifetime(), verifier.uid_claim()), (60, "uid"));
}

/// Rocket replaces the first of two singletons of one type in silence, and with it
/// the secret and the check that it was given.
#[test]
fn f04_a_second_fairing_stops_the_launch() {
    let strict = || guard().with_check(|_, _| Box::pin(async { Err(AuthError::Revoked) }));
    let table = json!({});
    let during_ignition = AdHoc::on_ignite("attaches a second one", |rocket| async {
        rocket.attach(AuthGuard::fairing().with_secret(Secret::random()))
    });
    for twice in [
        app_with(strict(), &table).attach(guard()),
        app(&table).attach(strict()),
        app(&table).attach(during_ignition),
    ] {
        let error = Client::untracked(twice).expect_err("two fairings");
        assert!(matches!(error.kind(), ErrorKind::FailedFairings(_)), "{error:?}");
    }
    App::with_secret().arg("twice").refused(&["attached twice", "Attach it once"]);
}

#[test]
fn f04_the_launch_prints_whether_there_is_a_check_of_the_applications_own() {
    App::with_secret().launches(&["your own check: none"]);
    App::with_secret().arg("with-check").launches(&["your own check: by `with_check`"]);
}

/// Our fairing stays attached, but what it left in managed state is gone with the
/// `Rocket` that it was left in.
#[test]
fn f07_a_fairing_that_returns_another_rocket_stops_the_launch() {
    #[rocket::get("/<user_id>/secrets")]
    fn secrets(user_id: &str) -> &str {
        user_id
    }

    let replaced = AdHoc::on_ignite("another Rocket", |rocket| async move {
        rocket::custom(rocket.figment()).mount("/", routes![secrets])
    });
    let with_another_guard = AdHoc::on_ignite("another Rocket", |rocket| async move {
        rocket::custom(rocket.figment()).attach(guard())
    });
    for fairing in [replaced, with_another_guard] {
        let launch = || Client::untracked(app(&json!({})).attach(fairing)).is_ok();
        assert!(!matches!(catch_unwind(AssertUnwindSafe(launch)), Ok(true)), "it launched");
    }
    App::with_secret().arg("replaced").refused(&["returned another `Rocket`", "attach"]);
}

#[test]
fn f18_a_misspelt_variable_stops_the_launch() {
    for (wrong, right) in [
        ("AUTH_GUARD_AUDIENC", "AUTH_GUARD_AUDIENCE"),
        ("AUTH_GUARD_LEWAY", "AUTH_GUARD_LEEWAY"),
        ("AUTH_GAURD_ISSUER", "AUTH_GUARD_ISSUER"),
        ("BETTER_AUTH_ULR", "BETTER_AUTH_URL"),
        ("BETTER_AUTH_SECRET_PREVIUOS", "BETTER_AUTH_SECRET_PREVIOUS"),
    ] {
        let did_you_mean = format!("Did you mean {right}?");
        let app = App::with_secret().env(wrong, "https://a.example");
        app.refused(&[&format!("variable {wrong} is unknown"), &did_you_mean]);
    }
}

/// What Kubernetes sets for a service `auth-guard`, and Better Auth reads.
#[test]
fn f18_a_variable_that_is_none_of_ours_is_a_warning_at_most() {
    let mut app = App::with_secret().env("BETTER_AUTH_SECRETS", format!("1:{SECRET}"));
    let kubernetes = [
        "AUTH_GUARD_SERVICE_HOST",
        "AUTH_GUARD_SERVICE_PORT",
        "AUTH_GUARD_SERVICE_PORT_HTTP",
        "AUTH_GUARD_PORT",
        "AUTH_GUARD_PORT_80_TCP",
        "AUTH_GUARD_PORT_80_TCP_PROTO",
        "AUTH_GUARD_PORT_80_TCP_PORT",
        "AUTH_GUARD_PORT_80_TCP_ADDR",
        "AUTH_GUARD_JWKS_PORT",
    ];
    for name in kubernetes {
        app = app.env(name, "tcp://10.0.0.1:80");
    }
    app.launches(&kubernetes.map(|name| name));
}

#[test]
fn f18_a_misspelt_key_names_the_nearest() {
    let toml = "[default.auth_guard]\nleewya = 9\nnothing_like_it = 1";
    App::with_secret().toml(toml).refused(&[
        "`leewya` in TOML file",
        "Did you mean `leeway`?\n",
        "`nothing_like_it` in TOML file",
    ]);
}

/// An application whose issuer is discovered, with more in its table.
fn discovering(more: &str) -> App {
    let table = "[default.auth_guard]\nissuer = \"https://a.example\"\naudience = \"api\"\n\
                 discovery = true\n";
    App::new().toml(&format!("{table}{more}"))
}

#[test]
fn discovery_stands_alone() {
    let typed = "token_type = \"at+jwt\"";
    discovering(typed).launches(&["https://a.example/.well-known/openid-configuration"]);
    let words =
        ["`discovery` in TOML file", "cannot be used with `jwks_url`. Remove one of the two"];
    discovering(&format!("{typed}\njwks_url = \"https://a.example/jwks\"")).refused(&words);
    discovering(typed).env("AUTH_GUARD_JWKS_URL", "https://a.example/jwks").refused(&words);
    let words = ["`discovery` in TOML file", "cannot be used with a shared secret. Set it to"];
    discovering(typed).env("BETTER_AUTH_SECRET", SECRET).refused(&words);
    let table = json!({ "discovery": true, "issuer": "https://a.example", "audience": "api" });
    let errors = guard().verifier(&figment(&table)).expect_err("a secret in code");
    assert_eq!(errors.iter().next().and_then(ConfigError::key), Some("discovery"));

    let alone = App::new().env("AUTH_GUARD_DISCOVERY", "true");
    alone.refused(&["AUTH_GUARD_DISCOVERY", "the issuer, which is not set. Set `issuer`"]);
    for issuer in ["http://a.example", "a.example", "https://a.example/?tenant=1"] {
        let app = discovering(typed).env("AUTH_GUARD_ISSUER", issuer);
        app.refused(&["`issuer` in the variable AUTH_GUARD_ISSUER must"]);
    }
    discovering(typed)
        .env("AUTH_GUARD_ISSUER", "http://a.example")
        .env("AUTH_GUARD_JWKS_INSECURE", "true")
        .launches(&["http://a.example/.well-known/openid-configuration"]);
    // The setting at fault is the one that is set.
    App::new()
        .env("AUTH_GUARD_DISCOVERY", "true")
        .env("BETTER_AUTH_URL", "http://a.example")
        .refused(&["`url` in the variable BETTER_AUTH_URL must begin with https"]);
    discovering(typed)
        .env("AUTH_GUARD_DISCOVERY", "false")
        .env("AUTH_GUARD_JWKS_URL", "https://a.example/jwks")
        .launches(&["from https://a.example/jwks"]);
    App::new().env("AUTH_GUARD_DISCOVERY", "yes").refused(&["AUTH_GUARD_DISCOVERY must be `true`"]);
}

#[test]
fn a_required_claim_has_no_rule_of_its_own_and_a_value_that_can_be_compared() {
    for name in [
        "iss", "aud", "exp", "nbf", "iat", "sub", "uid", "cnf", "nonce", "at_hash", "c_hash",
        "s_hash",
    ] {
        let key = format!("`require.{name}` in TOML file");
        let app = discovering(&format!("require = {{ {name} = \"a\" }}"));
        app.refused(&[&key, "names a claim that has a rule of its own. Remove it"]);
    }
    for (more, name) in [
        ("uid_claim = \"oid\"\nmatch_subject = false", "oid"),
        ("audience_claim = \"client_id\"", "client_id"),
    ] {
        let app = discovering(&format!("{more}\nrequire = {{ {name} = \"a\" }}"));
        app.refused(&[&format!("`require.{name}` in TOML file"), "a rule of its own"]);
    }

    let must = ["`require` in TOML file", "must be a table of claims, each with a string"];
    for value in ["1.5", "{ a = 1 }", "[]", "[1.5]", "[[\"a\"]]", "2024-01-01", "nan"] {
        discovering(&format!("require = {{ level = {value} }}")).refused(&must);
    }
    for value in ["\"access\"", "[]", "true", "5"] {
        discovering(&format!("require = {value}")).refused(&must);
    }
    // It has no variable: a text could not say which value is an integer.
    App::with_secret().env("AUTH_GUARD_REQUIRE", "a").launches(&["AUTH_GUARD_REQUIRE is unknown"]);
    for value in ["\"a\"", "true", "5", "-5", "[\"a\", 5, false]"] {
        discovering(&format!("require = {{ level = {value} }}")).launches(&["required: `level`"]);
    }
}

#[test]
fn algorithms_are_known_and_leave_a_key() {
    let words = "must be one or several of HS256, EdDSA, ES256";
    for (value, text) in [
        ("\"none\"", "none"),
        ("\"rs256\"", "rs256"),
        ("\"ES256K\"", "ES256K"),
        ("[\"RS256\", \"HS512\"]", "RS256,HS512"),
        ("[]", ","),
        ("5", "5"),
    ] {
        let toml = format!("[default.auth_guard]\nalgorithms = {value}");
        App::with_secret().toml(&toml).refused(&["`algorithms` in TOML file", words]);
        let app = App::with_secret().env("AUTH_GUARD_ALGORITHMS", text);
        app.refused(&["`algorithms` in the variable AUTH_GUARD_ALGORITHMS", words]);
    }
    let of = |app: App, algorithms: &str| app.env("AUTH_GUARD_ALGORITHMS", algorithms);
    of(App::with_secret(), "RS256,EdDSA").refused(&[
        "AUTH_GUARD_ALGORITHMS leaves no key, as the shared secret is for HS256. Add HS256",
    ]);
    let typed = || discovering("token_type = \"at+jwt\"");
    of(typed(), "HS256").refused(&["AUTH_GUARD_ALGORITHMS names none that public keys are for"]);
    of(App::with_secret(), "HS256").launches(&["tokens: HS256 with the shared secret"]);
    of(typed(), "RS256, ES512").launches(&["tokens: RS256, ES512 with public keys"]);
}

#[test]
fn an_issuer_says_for_whom_its_tokens_are_and_how_its_access_tokens_differ() {
    let at = |more: &str| {
        let toml = format!("[default.auth_guard]\njwks_url = \"https://a.example/jwks\"\n{more}");
        App::new().toml(&toml)
    };
    let names = "tokens must name an issuer and an audience";
    let typed = "token_type = \"at+jwt\"";
    for more in ["", "issuer = \"a\"", "audience = \"a\""] {
        at(&format!("{more}\n{typed}")).refused(&[names]);
    }

    let named = |more: &str| at(&format!("issuer = \"a\"\naudience = \"a\"\n{more}"));
    let nothing_differs = [
        "nothing says how the issuer's access tokens differ",
        "AUTH_GUARD_TOKEN_TYPE",
        "`require`",
        "AUTH_GUARD_REQUIRED_CLAIMS",
        "AUTH_GUARD_ID_TOKENS",
        "BETTER_AUTH_URL",
    ];
    for more in ["", "token_type = \"JWT\"", "id_tokens = \"refused\"", "require = {}"] {
        named(more).refused(&nothing_differs);
    }
    for more in [
        typed,
        "require = { token_use = \"access\" }",
        "required_claims = [\"jti\"]",
        "id_tokens = \"accepted\"",
        "url = \"https://a.example\"",
    ] {
        named(more).launches(&[]);
    }

    let azp = "audience_claim = \"azp\"";
    for more in ["", "required_claims = [\"jti\"]", "id_tokens = \"accepted\""] {
        let app = named(&format!("{azp}\n{more}"));
        app.refused(&["`audience_claim` in TOML file", "is `azp`", "`token_type`", "`require`"]);
    }
    named(&format!("{azp}\n{typed}")).launches(&["audience: a, in `azp`"]);
    named(&format!("{azp}\nrequire = {{ a = true }}")).launches(&["audience: a, in `azp`"]);

    for (key, variable, words) in [
        ("token_type", "AUTH_GUARD_TOKEN_TYPE", "must be one of `JWT`, `at+jwt`"),
        ("audience_claim", "AUTH_GUARD_AUDIENCE_CLAIM", "must be one of `aud`, `client_id`, `azp`"),
        ("id_tokens", "AUTH_GUARD_ID_TOKENS", "must be one of `refused`, `accepted`"),
        ("scopes", "AUTH_GUARD_SCOPES", "must be one of `ignored`, `enforced`"),
    ] {
        named(&format!("{key} = \"other\"")).refused(&[&format!("`{key}` in TOML file"), words]);
        App::with_secret().env(variable, "other").refused(&[variable, words]);
    }
    let claims = App::with_secret().env("AUTH_GUARD_REQUIRED_CLAIMS", "jti,,iat");
    claims.refused(&["AUTH_GUARD_REQUIRED_CLAIMS must be the name of a claim"]);
}

#[test]
fn the_launch_and_an_explanation_say_what_is_enforced_of_an_issuers_tokens() {
    let toml = "token_type = \"at+jwt\"\naudience_claim = \"client_id\"\n\
                algorithms = [\"RS256\"]\nrequired_claims = [\"sid\"]\n\
                require = { kind = [\"a\", 5], live = true }";
    discovering(toml).launches(&[
        "tokens: RS256 with public keys",
        "type: `at+jwt`; ID tokens: refused",
        "issuer: https://a.example",
        "audience: api, in `client_id`",
        "scopes: enforced",
        "owner: claim `sub`",
        "required: `sub`, `iat`, `jti`, and `client_id` or `azp`; `sid`; `kind` equal to, or a \
         list with, `a` or `5`; `live` equal to, or a list with, `true`",
        "https://a.example/.well-known/openid-configuration",
    ]);
    let launched = App::with_secret().env("BETTER_AUTH_URL", "https://a.example");
    launched.launches(&["type: absent or `JWT`; ID tokens: refused", "scopes: ignored"]);
    let accepted = App::with_secret().env("AUTH_GUARD_ID_TOKENS", "accepted");
    accepted.launches(&["ID tokens: accepted"]);

    let table = json!({
        "token_type": "at+jwt", "issuer": "https://a.example", "audience": "api",
        "audience_claim": "client_id", "require": { "kind": ["a", 5] },
    });
    let verifier = guard().verifier(&figment(&table)).expect("a valid configuration");
    let explain = |header: Value, claims: Value| {
        let token = issuer().sign(header.to_string(), claims.to_string());
        rocket::async_test(verifier.explain(&token, now())).to_string()
    };
    let header = json!({ "alg": "HS256", "typ": "at+jwt" });
    let claims = json!({
        "iss": "https://a.example", "client_id": "api", "sub": "alice", "jti": "a", "kind": ["a"],
        "iat": NOW, "exp": NOW + 60,
    });
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    assert!(explain(header.clone(), claims.clone()).contains("The token is accepted."));
    for (header, claims, line) in [
        (
            json!({ "alg": "HS256", "typ": "JWT" }),
            claims.clone(),
            "FAILED  rule  5  `typ` equal to `at+jwt`  [`token_type` (AUTH_GUARD_TOKEN_TYPE)]",
        ),
        (
            header.clone(),
            with("client_id", json!("other")),
            "FAILED  rule 14  `client_id` equal to, or a list with, `api`  [`audience` (AUTH_GUARD_AUDIENCE), \
             `audience_claim` (AUTH_GUARD_AUDIENCE_CLAIM), `url` (BETTER_AUTH_URL)]",
        ),
        (
            header.clone(),
            with("cnf", json!({})),
            "FAILED  rule 19  no `cnf`: a token bound to a key is not for a bearer",
        ),
        (
            header.clone(),
            with("nonce", json!("n")),
            "FAILED  rule 20  no `nonce`, `at_hash`, `c_hash`, `s_hash`: no ID token  \
             [`id_tokens` (AUTH_GUARD_ID_TOKENS)]",
        ),
        (
            header.clone(),
            with("kind", json!("5")),
            "FAILED  rule 14  `sub`, `iat`, `jti`, and `client_id` or `azp`; `kind` equal to, or \
             a list with, `a` or `5`  [`require`, `required_claims` (AUTH_GUARD_REQUIRED_CLAIMS), \
             `token_type` (AUTH_GUARD_TOKEN_TYPE)]",
        ),
    ] {
        let explanation = explain(header, claims);
        assert!(explanation.contains(line), "no {line:?} in:\n{explanation}");
    }
}
