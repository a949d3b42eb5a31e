//! Instructions and allocations, as callgrind counts them: the same on every run, so
//! they have limits, and `counts` fails where one is passed.
//!
//! It runs itself below valgrind, twice for each case: `counts CASE NUMBER REPETITIONS`.

use std::collections::HashMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use auth_guard_benches::{apps, peers, tokens};
use rocket::http::Header;
use rocket::local::asynchronous::Client;

/// How often a case runs while it is counted.
const REPETITIONS: u64 = 50;

/// `performance.md`: instructions outside SHA-256 of one HS256 verification.
const MAX_INSTRUCTIONS: u64 = 10_000;

/// Allocations of one HS256 verification: the claims that are handed out.
const MAX_ALLOCATIONS: u64 = 1;

/// Allocations that `#[user_scoped]` adds to a request: the same.
const MAX_ADDED_ALLOCATIONS: u64 = 1;

/// How much dearer a hostile token may be than a good one of its length. SHA-256 is
/// counted, in software, and so is a smaller part of it where a processor computes it.
const MAX_FACTOR: f64 = 3.0;

#[derive(Clone, Copy)]
struct Count {
    /// Outside SHA-256.
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
        if factor > MAX_FACTOR {
            failures.push(format!("{name}: more than {MAX_FACTOR} times as dear as a good token"));
        }
    }
}

fn longest() -> usize {
    tokens::LENGTHS[tokens::LENGTHS.len() - 1]
}

const APPS: [&str; 4] = [
    "nothing",
    "`#[user_scoped]`",
    "`#[user_scoped]`, `Owner`, `Verified`",
    "a guard by hand on `jsonwebtoken`",
];

/// Runs it as often as is counted.
type Counted<'c> = &'c dyn Fn(&mut dyn FnMut());

/// Runs a case, to be counted.
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

/// After a warm-up.
fn counted(repetitions: u64, once: &mut dyn FnMut()) {
    once();
    counted_by_callgrind(repetitions, once);
}

/// What callgrind counts, by this function's name.
#[inline(never)]
fn counted_by_callgrind(repetitions: u64, once: &mut dyn FnMut()) {
    for _ in 0..repetitions {
        once();
    }
}

/// The count of one repetition: the difference that fifty more of them make.
fn count(case: &str, number: usize) -> Count {
    let few = below_callgrind(case, number, REPETITIONS);
    let many = below_callgrind(case, number, 2 * REPETITIONS);
    Count {
        instructions: (many.instructions - few.instructions) / REPETITIONS,
        all_instructions: (many.all_instructions - few.all_instructions) / REPETITIONS,
        allocations: (many.allocations - few.allocations) / REPETITIONS,
    }
}

fn below_callgrind(case: &str, number: usize, repetitions: u64) -> Count {
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

/// Adds up a profile in callgrind's format: below each `fn=`, lines with their own
/// cost, and after each `calls=` one with the cost of what was called, to be left out.
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

/// A name is written once as `(id) name`, and then as `(id)`.
fn name<'p>(names: &mut HashMap<&'p str, &'p str>, text: &'p str) -> &'p str {
    match text.split_once(' ') {
        Some((id, name)) => names.entry(id).or_insert(name),
        None => names.get(text).copied().unwrap_or_default(),
    }
}

fn number_of<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a number")
}
