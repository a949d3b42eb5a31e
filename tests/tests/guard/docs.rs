//! The documents agree with the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use auth_guard::{AuthError, Secret};
use auth_guard_tests::{figment, guard, issuer, now};
use serde_json::json;

/// Returns every Rust file in this directory and its subdirectories.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Returns the names of the functions with `#[test]` in a file.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    let behind = source.split("test]\n").skip(1);
    behind.filter_map(|text| {
        let (_, name) = text.split_once("fn ")?;
        name.split('(').next()
    })
}

/// A reader can look up each code, and each cause as the log prints it.
#[test]
fn every_refusal_is_in_the_docs_with_what_to_do() {
    let docs = docs("troubleshooting.md");
    let section = |code: &str| {
        let heading = format!("\n### Code {code}\n");
        let (_, section) = docs.split_once(&heading).unwrap_or_else(|| panic!("no {heading}"));
        section.split("\n#").next().expect("text")
    };
    let claim = |name: &'static str| AuthError::InvalidClaim(name.into());
    let mut unnamed = causes();
    for error in [
        AuthError::MissingToken,
        AuthError::MultipleTokens,
        AuthError::MalformedToken,
        AuthError::AlgorithmNotAllowed,
        AuthError::NoMatchingKey,
        AuthError::KeysUnavailable,
        AuthError::InvalidSignature,
        claim("exp"),
        claim("iss"),
        claim("aud"),
        claim("uid"),
        claim("sub"),
        claim("nbf"),
        claim("iat"),
        claim("cnf"),
        claim("nonce"),
        claim("at_hash"),
        claim("c_hash"),
        claim("s_hash"),
        AuthError::NotYetValid,
        AuthError::Revoked,
        AuthError::Expired,
        AuthError::NotOwner,
        AuthError::NotAllowed,
        AuthError::InsufficientScope,
        AuthError::CheckUnavailable,
        AuthError::Misconfigured,
    ] {
        let (code, cause) = (error.code(), format!("**`{error:?}`**"));
        unnamed.retain(|name| !format!("{error:?}").starts_with(name));
        let mut items = section(code).lines().filter(|line| line.starts_with("- **"));
        assert!(items.any(|item| item.contains(&cause)), "{code} {cause}");
    }
    assert_eq!(unnamed, Vec::<&str>::new(), "name these above");
}

/// Returns the names of all variants of [`AuthError`].
fn causes() -> Vec<&'static str> {
    let source = include_str!("../../../auth-guard/src/error.rs");
    let (_, variants) = source.split_once("pub enum AuthError {\n").expect("the errors");
    let (variants, _) = variants.split_once("\n}").expect("an end");
    let lines = variants.lines().map(str::trim);
    let lines = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    lines.filter_map(|line| line.split(['(', ',']).next()).collect()
}

/// The lines that the document quotes of an explanation are what it prints.
#[rocket::async_test]
async fn the_explanation_of_the_docs_is_a_real_one() {
    let docs = docs("troubleshooting.md");
    let quotes = docs.split("```text\n").skip(1);
    let quotes = quotes.map(|block| block.split("```").next().expect("an end"));
    let quote = quotes.into_iter().find(|block| block.contains("FAILED")).expect("a quote");
    let verifier = guard().verifier(&figment(&json!({}))).expect("valid settings");
    let token = issuer().token("alice").signed_with(&Secret::random()).sign();
    let explanation = verifier.explain(&token, now()).await.to_string();
    for line in quote.lines() {
        assert!(explanation.lines().any(|printed| printed == line), "{line}\n{explanation}");
    }
}

/// The code to copy is the code that the live tests run, to the letter.
#[test]
fn the_code_of_the_docs_is_that_of_the_files() {
    let docs = include_str!("../../../auth-guard/docs/better-auth.md");
    let files = [
        include_str!("../../../example-app/issuer/auth.mjs"),
        include_str!("../../../example-app/issuer/page/api.mjs"),
        include_str!("../../next/lib/auth.ts"),
    ];
    let blocks = docs.split("```js\n").skip(1);
    // `live/readme.rs` runs the server as it is in the document.
    let blocks: Vec<_> = blocks.filter(|block| !block.starts_with("// server.mjs\n")).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let (code, _) = block.split_once("```\n").expect("an end");
        assert!(files.iter().any(|file| file.contains(code)), "in no file:\n{code}");
    }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// Returns the names of all tests.
fn all_tests() -> BTreeSet<String> {
    let files = ["auth-guard/src", "tests/tests", "example-app/tests"];
    let files = files.iter().flat_map(|directory| sources(&workspace().join(directory)));
    let texts = files.map(|file| std::fs::read_to_string(file).expect("UTF-8"));
    texts.flat_map(|text| tests(&text).map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn docs(name: &str) -> String {
    let path = workspace().join("auth-guard/docs").join(name);
    std::fs::read_to_string(path).expect("a document")
}

/// Each rule of the profile names tests, and all of them exist.
#[test]
fn every_test_that_the_profile_names_exists() {
    let (known, docs) = (all_tests(), docs("profile.md"));
    let rules: Vec<_> = docs.split("\n### ").skip(1).collect();
    let mut numbers = Vec::new();
    for rule in &rules {
        let (number, _) = rule.split_once(". ").expect("a number");
        numbers.push(number.parse::<usize>().expect("a number"));
        let (_, tests) = rule.split_once("\n- Tests: ").unwrap_or_else(|| panic!("none in {rule}"));
        let tests = tests.split("\n\n").next().expect("text");
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test in {rule}");
        for name in names {
            assert!(known.contains(name), "there is no test `{name}`");
        }
    }
    // They stand in the order in which they are checked, which is not that of their numbers.
    numbers.sort_unstable();
    assert_eq!(numbers, Vec::from_iter(1..=22));
}

#[test]
fn every_test_that_the_docs_name_exists() {
    let (known, docs) = (all_tests(), docs("attacks.md"));
    let (mut attacks, mut named) = (0, BTreeSet::new());
    for attack in docs.split("\n- **").skip(1) {
        let attack = attack.split("\n\n").next().expect("text");
        let (what, stops) = attack.split_once(".** ").expect("what stops it");
        let (stops, shown) = stops.split_once("\n  Shown by ").unwrap_or((stops, ""));
        let names: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
        let undefended = stops.starts_with("Nothing: ");
        assert!(undefended || !names.is_empty(), "no test for {what}");
        attacks += 1;
        named.extend(names);
    }
    for name in &named {
        assert!(known.contains(*name), "there is no test `{name}`");
    }
    println!("attacks: {attacks}, shown by {} tests", named.len());
}
