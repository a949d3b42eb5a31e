//! Counts instructions and allocations with callgrind. The counts are the same on every
//! run, so they have limits, and `counts` fails if one is exceeded.
//!
//! It runs itself under valgrind, twice for each case: `counts CASE NUMBER REPETITIONS`.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime};

use auth_guard::{AuthGuard, Verifier};
use auth_guard_benches::{apps, peers, tokens};
use rocket::figment::Figment;
use rocket::http::Header;
use rocket::local::asynchronous::Client;

/// The number of times a case runs while callgrind counts.
const REPETITIONS: u64 = 50;

/// The instructions of one HS256 verification outside SHA-256, as `performance.md` states.
const MAX_INSTRUCTIONS: u64 = 7_500;

/// The allocations of one HS256 verification: the claims that it returns.
const MAX_ALLOCATIONS: u64 = 1;

/// The allocations that `#[user_scoped]` adds to a request: the claims, too.
const MAX_ADDED_ALLOCATIONS: u64 = 1;

/// The highest cost of a hostile token, relative to a valid one of the same length. It
/// includes SHA-256 in software, which takes a smaller share where the processor has
/// instructions for it.
const MAX_FACTOR: f64 = 3.0;

/// The highest cost of a token whose header is hostile, which takes no key to make.
const MAX_HEADER_FACTOR: f64 = 1.3;

/// The highest cost of a token with an unknown `kid`, relative to the same header with an
/// unknown `alg`: a header is parsed once, and the cooldown permits no fetch.
const MAX_UNKNOWN_FACTOR: f64 = 1.3;

#[derive(Clone, Copy)]
struct Count {
    /// The instructions outside SHA-256.
    instructions: u64,
    all_instructions: u64,
    allocations: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [case, number, repetitions] = &*arguments {
        let counted = |once: &mut dyn FnMut()| counted(number_of(repetitions), once);
        run(case, number_of(number), &counted);
        return ExitCode::SUCCESS;
    }

    let mut failures = Vec::new();
    verifications(&mut failures);
    requests(&mut failures);
    growth(&mut failures);
    unknown_keys(&mut failures);
    failures.iter().for_each(|failure| eprintln!("FAILED: {failure}"));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn verifications(failures: &mut Vec<String>) {
    println!("| counted, for one token | instructions outside SHA-256 | allocations |");
    println!("| --- | --- | --- |");
    for (case, name) in [
        ("accepted", "`verify`, accepted"),
        ("bad-signature", "`verify`, a bad signature"),
        ("expired", "`verify`, expired"),
        ("jsonwebtoken", "`jsonwebtoken::decode`, accepted"),
    ] {
        let Count { instructions, allocations, .. } = count(case, 0);
        println!("| {name} | {instructions} | {allocations} |");
        if case != "jsonwebtoken" {
            if instructions > MAX_INSTRUCTIONS {
                failures.push(format!("{name}: more than {MAX_INSTRUCTIONS} instructions"));
            }
            if allocations > MAX_ALLOCATIONS {
                failures.push(format!("{name}: more than {MAX_ALLOCATIONS} allocations"));
            }
        }
    }
}

fn requests(failures: &mut Vec<String>) {
    println!("\n| counted, added to a request | instructions outside SHA-256 | allocations |");
    println!("| --- | --- | --- |");
    let plain = count("request", 0);
    for (number, name) in APPS.iter().enumerate().skip(1) {
        let guarded = count("request", number);
        let allocations = guarded.allocations - plain.allocations;
        println!("| {name} | {} | {allocations} |", guarded.instructions - plain.instructions);
        if number == 1 && allocations > MAX_ADDED_ALLOCATIONS {
            failures.push(format!("{name}: more than {MAX_ADDED_ALLOCATIONS} allocations"));
        }
    }
}

fn growth(failures: &mut Vec<String>) {
    println!("\n| counted, by length | instructions outside SHA-256 | all, ÷ a good one as long |");
    println!("| --- | --- | --- |");
    let good: Vec<_> = (0..tokens::LENGTHS.len()).map(|number| count("length", number)).collect();
    for (length, Count { instructions, .. }) in tokens::LENGTHS.iter().zip(&good) {
        println!("| {length} bytes, accepted | {instructions} | 1 |");
    }
    let slope = |from: usize, to: usize| {
        (good[to].instructions - good[from].instructions) as f64
            / (tokens::LENGTHS[to] - tokens::LENGTHS[from]) as f64
    };
    if slope(2, 3) > 1.2 * slope(1, 2) {
        failures.push("the cost grows faster than the length".into());
    }

    let good = good[good.len() - 1].all_instructions as f64;
    for (number, (name, token)) in tokens::hostile(longest()).iter().enumerate() {
        let Count { instructions, all_instructions, .. } = count("hostile", number);
        let factor = all_instructions as f64 / good;
        println!("| {} bytes, {name} | {instructions} | {factor:.2} |", token.len());
        let is_header = name.starts_with("header");
        let limit = if is_header { MAX_HEADER_FACTOR } else { MAX_FACTOR };
        if factor > limit {
            failures
                .push(format!("{name}: costs more than {limit} times as much as a valid token"));
        }
    }
}

fn unknown_keys(failures: &mut Vec<String>) {
    println!("\n| counted, with public keys | all instructions | all, ÷ an unknown `alg` |");
    println!("| --- | --- | --- |");
    let plain = count("request", 0).all_instructions;
    for (case, name, less) in [
        ("unknown", "`verify`, an unknown `kid`", 0),
        ("unknown-request", "added to a request, an unknown `kid`", plain),
    ] {
        let [kid, alg] = [0, 1].map(|number| count(case, number).all_instructions - less);
        let factor = kid as f64 / alg as f64;
        println!("| {} bytes, {name} | {kid} | {factor:.2} |", longest());
        if factor > MAX_UNKNOWN_FACTOR {
            failures.push(format!(
                "{name}: costs more than {MAX_UNKNOWN_FACTOR} times as much as an unknown `alg`"
            ));
        }
    }
}

fn longest() -> usize {
    tokens::LENGTHS[tokens::LENGTHS.len() - 1]
}

const APPS: [&str; 5] = [
    "nothing",
    "`#[user_scoped]`",
    "`#[user_scoped]`, `Owner`, `Verified`",
    "`#[authorized(Admin)]`",
    "a guard by hand on `jsonwebtoken`",
];

/// A function that runs its argument once for each repetition.
type Counted<'c> = &'c dyn Fn(&mut dyn FnMut());

/// Runs a case while callgrind counts.
fn run(case: &str, number: usize, counted: Counted<'_>) {
    let usual = tokens::valid(tokens::USUAL);
    match case {
        "accepted" => verify(&usual, Some(true), counted),
        "bad-signature" => verify(&tokens::badly_signed(&usual), Some(false), counted),
        "expired" => verify(&tokens::expired(), Some(false), counted),
        "length" => verify(&tokens::valid(tokens::LENGTHS[number]), Some(true), counted),
        "hostile" => verify(&tokens::hostile(longest())[number].1, None, counted),
        "jsonwebtoken" => {
            let decoder = peers::Decoder::hs256();
            counted(&mut || drop(black_box(decoder.decode(black_box(&usual))).expect("accepted")));
        }
        "request" => request(number, &usual, counted),
        "unknown" => unknown(&tokens::unknown(longest())[number], counted),
        "unknown-request" => unknown_request(&tokens::unknown(longest())[number], counted),
        other => panic!("there is no case {other}"),
    }
}

fn verify(token: &str, accepted: Option<bool>, counted: Counted<'_>) {
    let (verifier, now) = (tokens::verifier(), SystemTime::now());
    let result = verifier.verify(token, now);
    assert!(accepted.is_none_or(|accepted| result.is_ok() == accepted), "{result:?}");
    counted(&mut || drop(black_box(verifier.verify(black_box(token), now))));
}

fn request(app: usize, token: &str, counted: Counted<'_>) {
    let apps = [
        apps::rocket_plain,
        apps::rocket_scoped,
        apps::rocket_scoped_and_asked,
        apps::rocket_authorized,
        apps::rocket_by_hand,
    ];
    let runtime = rocket::tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = runtime.block_on(Client::untracked(apps[app](tokens::figment())));
    let (client, path) = (client.expect("it launches"), apps::path());
    counted(&mut || {
        let field = Header::new("Authorization", format!("Bearer {token}"));
        let request = client.get(path.as_str()).header(field);
        let status = runtime.block_on(async { request.dispatch().await.status() });
        assert_eq!(status.code, 200);
    });
}

/// Verifies a token after the fetch that its key may have asked for, within the cooldown.
fn unknown(token: &str, counted: Counted<'_>) {
    let (verifier, now) = (AuthGuard::fairing().verifier(&public_keys()), SystemTime::now());
    let verifier = verifier.expect("a valid configuration");
    let other = &tokens::unknown(tokens::USUAL)[0];
    while !verifier.is_ready() {
        assert!(verifier.verify(other, now).is_err());
        std::thread::sleep(Duration::from_millis(10));
    }
    counted(&mut || assert!(black_box(verifier.verify(black_box(token), now)).is_err()));
}

/// Sends a token after the fetch that an unknown key has asked for, within the cooldown.
fn unknown_request(token: &str, counted: Counted<'_>) {
    let runtime = rocket::tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = runtime.block_on(Client::untracked(apps::rocket_configured(public_keys())));
    let (client, path) = (client.expect("it launches"), apps::path());
    let status = |token: &str| {
        let field = Header::new("Authorization", format!("Bearer {token}"));
        let request = client.get(path.as_str()).header(field);
        runtime.block_on(async { request.dispatch().await.status().code })
    };
    let other = &tokens::unknown(tokens::USUAL)[0];
    while status(other) != 503
        || !client.rocket().state::<Verifier>().is_some_and(Verifier::is_ready)
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    counted(&mut || assert!([401, 503].contains(&status(token))));
}

/// Returns a configuration with one public key, of RFC 8037, and the longest cooldown.
fn public_keys() -> Figment {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"one","x":"{x}"}}"#);
        let set = format!(r#"{{"keys":[{jwk}]}}"#);
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:";
            let _ = stream.write_all(format!("{head} {}\r\n\r\n{set}", set.len()).as_bytes());
        }
    });
    tokens::figment()
        .merge(("auth_guard.jwks_url", url))
        .merge(("auth_guard.jwks_cooldown", 3600))
        .merge(("auth_guard.required_claims", ["iat"]))
}

/// Runs `once` as a warm-up, and then `repetitions` times while callgrind counts.
fn counted(repetitions: u64, once: &mut dyn FnMut()) {
    once();
    counted_by_callgrind(repetitions, once);
}

/// Runs `once` the given number of times. Callgrind recognizes it by its name.
#[inline(never)]
fn counted_by_callgrind(repetitions: u64, once: &mut dyn FnMut()) {
    for _ in 0..repetitions {
        once();
    }
}

/// Returns the count of one repetition, from the difference that fifty more make.
fn count(case: &str, number: usize) -> Count {
    let few = under_callgrind(case, number, REPETITIONS);
    let many = under_callgrind(case, number, 2 * REPETITIONS);
    Count {
        instructions: (many.instructions - few.instructions) / REPETITIONS,
        all_instructions: (many.all_instructions - few.all_instructions) / REPETITIONS,
        allocations: (many.allocations - few.allocations) / REPETITIONS,
    }
}

fn under_callgrind(case: &str, number: usize, repetitions: u64) -> Count {
    let output = std::env::temp_dir().join(format!("auth-guard-counts-{}", std::process::id()));
    let result = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_by_callgrind*"])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(std::env::current_exe().expect("this program"))
        .args([case, &number.to_string(), &repetitions.to_string()])
        .output()
        .expect("valgrind is installed");
    assert!(result.status.success(), "{case}: {}", String::from_utf8_lossy(&result.stderr));
    let profile = std::fs::read_to_string(&output).expect("callgrind's output");
    std::fs::remove_file(&output).expect("callgrind's output");
    read(&profile)
}

/// Sums a profile in callgrind's format. The lines after each `fn=` give its own cost;
/// the line after each `calls=` gives the callee's cost and is skipped.
fn read(profile: &str) -> Count {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let (mut function, mut called) = ("", "");
    let (mut instructions, mut all_instructions, mut allocations) = (0, 0, 0);
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if let Some(id) = line.strip_prefix("fn=") {
            function = name(&mut names, id);
        } else if let Some(id) = line.strip_prefix("cfn=") {
            called = name(&mut names, id);
        } else if let Some(calls) = line.strip_prefix("calls=") {
            let times: u64 = number_of(calls.split(' ').next().unwrap_or_default());
            if ["malloc", "calloc", "realloc", "posix_memalign"].contains(&called) {
                allocations += times;
            }
            lines.next();
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost: u64 = number_of(line.split(' ').nth(1).unwrap_or_default());
            all_instructions += cost;
            if !function.contains("sha2::") || !function.contains("compress") {
                instructions += cost;
            }
        }
    }

    Count { instructions, all_instructions, allocations }
}

/// Resolves a name, which is written once as `(id) name` and then as `(id)`.
fn name<'p>(names: &mut HashMap<&'p str, &'p str>, text: &'p str) -> &'p str {
    match text.split_once(' ') {
        Some((id, name)) => names.entry(id).or_insert(name),
        None => names.get(text).copied().unwrap_or_default(),
    }
}

fn number_of<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a number")
}
