//! Neither the most verbose log nor `Debug` and `Display` leak anything. These tests need a
//! separate process, because they set its logger before Rocket does.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, Once};
use std::time::Duration;

use auth_guard::testing::{Algorithm, Clock, Issuer};
use auth_guard::{
    AuthError, AuthGuard, Claims, ClaimsError, Owner, Secret, SecretError, UserId, Verified,
    Verifier, user_scoped,
};
use auth_guard_tests::corpus::{self, OTHER, OWNER};
use auth_guard_tests::server::{Connection, request};
use auth_guard_tests::*;
use log::{Level, LevelFilter, Log, Metadata, Record};
use rocket::http::Method;
use rocket::{State, get, post, routes};
use serde_json::{Value, json};

/// Everything that this process has logged.
static RECORDS: Mutex<Vec<Line>> = Mutex::new(Vec::new());

#[derive(Clone)]
struct Line {
    level: Level,
    ours: bool,
    text: String,
}

struct Recorder;

impl Log for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // `auth_guard_tests` does not count: it is the application here.
        let is_ours = |path: &str| path == "auth_guard" || path.starts_with("auth_guard::");
        let ours = is_ours(record.target()) || record.module_path().is_some_and(is_ours);
        let text = format!("{} {:?} {}", record.target(), record.module_path(), record.args());
        RECORDS.lock().expect("no panic").push(Line { level: record.level(), ours, text });
    }

    fn flush(&self) {}
}

/// Installs the recorder. Rocket neither replaces a logger nor changes its level.
fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Recorder).expect("the first logger");
        log::set_max_level(LevelFilter::Trace);
    });
}

fn lines(wanted: impl Fn(&Line) -> bool) -> Vec<String> {
    let records = RECORDS.lock().expect("no panic");
    records.iter().filter(|line| wanted(line)).map(|line| line.text.clone()).collect()
}

/// What `Debug` and `Display` of the guards print.
static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn print(text: String) {
    PRINTED.lock().expect("no panic").push(text);
}

#[user_scoped]
#[get("/<user_id>/printed")]
fn scoped(owner: Owner, verified: Verified, verifier: &State<Verifier>) -> String {
    print(format!("{owner:?} {verified:?} {user_id:?} {:?}", verifier.inner()));
    print(format!("{:#?} {:#?} {:#?}", owner, verified, user_id));
    let error: Result<Vec<u8>, ClaimsError> = verified.claims();
    let error = error.expect_err("claims are no list");
    print(format!("{error:?} {error:#?} {error}"));
    // `UserId` is the only one that may print the id.
    UserId::to_string(&user_id)
}

#[user_scoped]
#[post("/<user_id>/printed", data = "<body>")]
fn with_body(user_id: &str, body: String) -> String {
    format!("{user_id} {body}")
}

#[get("/result")]
fn result(user: Result<Verified, AuthError>) -> String {
    if let Err(error) = &user {
        print(format!("{error:?} {error:#?} {error}"));
    }
    print(format!("{user:?}"));
    String::new()
}

/// Logs an error of ours: no segment names an owner.
#[get("/misused/by/us/<text>")]
fn misused(text: &str, owner: Owner) -> String {
    format!("{text} {}", owner.uid())
}

const BODY: &str = "body-of-the-corpus";

#[test]
fn no_token_secret_or_claim_is_logged_by_us_or_printed_by_any_type() {
    record();
    let rocket = app(&corpus::settings());
    let rocket = rocket.mount("/api", routes![scoped, with_body, result, misused]);
    let client = launch(rocket);

    let mut hidden = vec![SECRET.to_owned(), BODY.to_owned()];
    let mut requests = 0;
    for case in corpus::cases() {
        hidden.extend(case.hidden());
        let printed = case.path.replace("/tasks", "/printed");
        for (method, path) in [
            (Method::Get, &*case.path),
            (Method::Head, &case.path),
            (Method::Get, &printed),
            (Method::Get, "/api/me"),
            (Method::Get, "/api/result"),
            (Method::Get, "/api/misused/by/us/path-of-the-corpus"),
        ] {
            send(&client, method, path, &case.fields());
            requests += 1;
        }
        let mut post = client.post(printed).body(BODY);
        for field in case.fields() {
            post.add_header(rocket::http::Header::new("Authorization", field.to_owned()));
        }
        post.dispatch();
        requests += 1;
    }
    let (client, cases) = corpus::with_public_key(Algorithm::EdDsa);
    for case in cases {
        hidden.extend(case.hidden());
        case.get(&client);
        requests += 1;
    }
    hidden.push("path-of-the-corpus".into());
    // The configuration, which is printed at launch on purpose.
    hidden.retain(|text| !corpus::URL.contains(text.as_str()));
    hidden.sort();
    hidden.dedup();

    let ours = lines(|line| line.ours);
    let printed = PRINTED.lock().expect("no panic").clone();
    assert!(ours.iter().any(|line| line.contains("route=\"/api/misused/by/us/<text>\"")));
    assert!(ours.iter().any(|line| line.contains("key=key-1 (EdDSA)")));
    assert!(printed.iter().any(|line| line.contains("InvalidClaim(\"aud\")")));
    assert!(printed.iter().any(|line| line.contains("Owner(..)")));
    for text in &hidden {
        for line in ours.iter().chain(&printed) {
            assert!(!line.contains(text.as_str()), "{text:?} in {line:?}");
        }
    }

    // Rocket's own lines contain paths, and at `debug` whole header fields. At the other
    // levels they contain no token, no signature and no secret.
    let rockets = lines(|line| !line.ours && line.level <= Level::Info);
    for text in hidden.iter().filter(|text| text.len() > 40) {
        for line in &rockets {
            assert!(!line.contains(text.as_str()), "{text:?} in {line:?}");
        }
    }
    println!(
        "leaks: {requests} requests, {} lines of ours, {} printed, {} of Rocket's; none of {} \
         texts found",
        ours.len(),
        printed.len(),
        rockets.len(),
        hidden.len()
    );
}

#[test]
fn no_launch_prints_a_secret() {
    record();
    let secret = "xyzzy-the-secret-of-a-launch-xyzzy-";
    let guard = || AuthGuard::fairing().with_secret(Secret::new(secret).expect("a valid secret"));
    for table in [json!({}), json!({ "leeway": 301 }), json!({ "secret": secret }), json!(secret)] {
        let launch = rocket::custom(figment(&table)).attach(guard());
        let client = rocket::local::blocking::Client::untracked(launch);
        if let Err(error) = client {
            print(format!("{error:?} {error}"));
        }
    }
    let everything = [lines(|_| true), PRINTED.lock().expect("no panic").clone()].concat();
    assert!(everything.iter().any(|line| line.contains("must be a whole number from 0 to 300")));
    assert!(everything.iter().any(|line| line.contains("only from the environment")));
    for line in everything {
        assert!(!line.contains("xyzzy"), "{line}");
    }
}

/// Covers every public type that implements them, in the order of the crate's list.
#[test]
fn no_public_type_prints_a_token_a_secret_or_a_claim() {
    record();
    let secret = Secret::new("open-sesame-open-sesame-open-sesame").expect("a valid secret");
    let guard = AuthGuard::fairing().with_secret(secret.clone()).with_clock(Clock::fixed(now()));
    let verifier = guard.verifier(&figment(&json!({}))).expect("a valid configuration");
    let issuer = Issuer::new(&secret).with_clock(Clock::fixed(now()));
    let token = issuer.token(OWNER).claim("role", "captain-of-the-corpus");
    let claims: Claims = verifier.verify(&token.sign(), now()).expect("a valid token");
    let claims_error = claims.deserialize::<Vec<Value>>().expect_err("no list");
    let typed =
        claims.deserialize::<std::collections::BTreeMap<String, u8>>().expect_err("no numbers");

    let key_pair = Issuer::with_key_pair(Algorithm::EdDsa, "key-of-the-corpus");
    let signed = key_pair.token(OWNER);

    let mut printed = vec![
        format!("{key_pair:?} {key_pair:#?} {signed:?} {signed:#?}"),
        format!("{guard:?} {guard:#?} {verifier:?} {verifier:#?} {claims:?} {claims:#?}"),
        format!("{claims_error:?} {claims_error} {typed:?} {typed:#?} {typed}"),
        format!("{secret:?} {secret:#?} {issuer:?} {token:?} {token:#?}"),
    ];
    for bad in [&b""[..], b"open-sesame", b"\xFFopen-sesame-open-sesame-open-sesame"] {
        let error: SecretError = Secret::new(bad).expect_err("an invalid secret");
        printed.push(format!("{error:?} {error}"));
    }
    for case in corpus::cases() {
        for field in case.fields() {
            let token = field.split(' ').next_back().unwrap_or_default();
            if let Err(error) = verifier.verify(token, now()) {
                let source = std::error::Error::source(&error).is_some();
                printed.push(format!("{error:?} {error:#?} {error} {source}"));
            }
        }
    }
    let segments = token.sign();
    let segments = segments.split('.');
    for hidden in [OWNER, OTHER, "sesame", "captain", "corpus"].into_iter().chain(segments) {
        for printed in &printed {
            assert!(!printed.contains(hidden), "{printed}");
        }
    }
    println!("leaks: {} texts of Debug and Display", printed.len());
}

/// Returns what an application's process writes at this level while it answers these
/// requests.
fn written(name: &str, level: &str, path: &str, requests: &[(&str, u16)]) -> String {
    // A file, because the output at `debug` would fill up a pipe.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("leaks-{name}-{level}.log"));
    let log = File::create(&file).expect("a file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_app"))
        .arg("serve")
        .env_clear()
        .env("BETTER_AUTH_SECRET", SECRET)
        .env("ROCKET_CLI_COLORS", "false")
        .env("ROCKET_LOG_LEVEL", level)
        .env("ROCKET_PORT", "0")
        .stderr(log.try_clone().expect("a file"))
        .stdout(log)
        .spawn()
        .expect("the application starts");

    let output = || std::fs::read_to_string(&file).expect("UTF-8");
    let port = || {
        let port = |line: &str| line.strip_prefix("port ")?.strip_suffix('.')?.parse::<u16>().ok();
        output().lines().find_map(port)
    };
    let port = (0..3_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        port()
    });
    let address = SocketAddr::from(([127, 0, 0, 1], port.expect("the application starts")));
    let launched = output();
    let mut connection = Connection::open(address);
    for (token, status) in requests {
        let line = format!("Authorization: Bearer {token}\r\n");
        connection.write(&request("GET", path, &line, ""));
        assert_eq!(connection.read("GET").status, *status);
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let output = output();
    assert!(!output.contains(SECRET), "{output}");
    output.strip_prefix(&*launched).expect("it goes on").to_owned()
}

/// Sends one request that is accepted and one that is refused. Returns whether the log
/// contains tokens, paths, and the cause of the refusal.
fn written_of(level: &str, path: &str) -> [bool; 3] {
    let good = issuer().token(OWNER).sign();
    let bad = issuer().token(OWNER).claim("nbf", "x").sign();
    let output = written("two", level, path, &[(&good, 200), (&bad, 401)]);
    let signature = |token: &str| token.rsplit('.').next().map(str::to_owned).expect("one");
    let tokens = [good, bad].iter().any(|token| output.contains(&signature(token)));
    [tokens, output.contains(path), output.contains("InvalidClaim(\"nbf\")")]
}

/// Checks the table of `operating.md`. Rocket names the cause for the guard of a handler, and
/// `protect` does it at the same levels.
#[test]
fn what_rocket_logs_at_which_level_is_as_operators_are_told() {
    for (level, expected) in [
        ("off", [false, false, false]),
        ("critical", [false, false, true]),
        ("normal", [false, true, true]),
        ("debug", [true, true, true]),
    ] {
        assert_eq!(written_of(level, &corpus::path()), expected, "{level}");
    }
    for (level, cause) in [("off", false), ("critical", true), ("normal", true), ("debug", true)] {
        assert_eq!(written_of(level, "/protected/me")[2], cause, "{level}");
    }
}

/// Checks the table in `operating.md`: the lines per refused request, Rocket's and ours.
#[test]
fn what_a_flood_of_bad_tokens_writes_is_as_operators_are_told() {
    const FLOOD: usize = 500;
    let bad = issuer().token(OWNER).claim("nbf", "x").sign();
    let requests = vec![(&*bad, 401); FLOOD];
    for (level, rockets, ours) in
        [("off", 0, 0), ("critical", 2, 0), ("normal", 6, 0), ("debug", 60, 1)]
    {
        let output = written("flood", level, &corpus::path(), &requests);
        let is_ours = |line: &&str| line.contains("auth-guard: refused");
        let (all, own) = (output.lines().count(), output.lines().filter(is_ours).count());
        println!(
            "flood: {level}: {:.1} lines of Rocket's, {:.1} of ours, {} bytes a request",
            (all - own) as f64 / FLOOD as f64,
            own as f64 / FLOOD as f64,
            output.len() / FLOOD
        );
        assert_eq!(own, ours * FLOOD, "{level}");
        match level {
            // Rocket also prints its own state there, which varies.
            "debug" => assert!(all - own >= rockets * FLOOD, "{level}: {all}"),
            level => assert_eq!(all - own, rockets * FLOOD, "{level}"),
        }
        // A route of `protect` has as many lines: ours in place of Rocket's on the guard.
        if level == "critical" {
            let output = written("protected-flood", level, "/protected/me", &requests);
            assert_eq!(output.lines().count(), rockets * FLOOD);
            assert_eq!(output.matches("`protect` failed: InvalidClaim").count(), FLOOD);
        }
    }
}
