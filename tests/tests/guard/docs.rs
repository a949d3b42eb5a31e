//! The documents agree with the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use auth_guard::AuthError;

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

/// Operators can look up each code, and each cause as the log prints it.
#[test]
fn every_refusal_is_in_the_docs_for_operators() {
    let docs = include_str!("../../../auth-guard/docs/operating.md");
    let claim = |name: &'static str| AuthError::InvalidClaim(name.into());
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
        AuthError::NotYetValid,
        AuthError::Revoked,
        AuthError::Expired,
        AuthError::NotOwner,
        AuthError::NotAllowed,
        AuthError::InsufficientScope,
        AuthError::CheckUnavailable,
        AuthError::Misconfigured,
    ] {
        let (code, cause) = (format!("| `{}` |", error.code()), format!("`{error:?}`"));
        let row = docs.lines().find(|row| row.starts_with(&code) && row.contains(&cause));
        assert!(row.is_some(), "{code} {cause}");
    }
}

/// The code to copy is the code that the live tests run, to the letter.
#[test]
fn the_code_of_the_docs_is_that_of_the_files() {
    let docs = include_str!("../../../auth-guard/docs/better-auth.md");
    let files = [
        include_str!("../../../example-app/issuer/auth.mjs"),
        include_str!("../../../example-app/issuer/page/api.mjs"),
    ];
    let blocks: Vec<_> = docs.split("```js\n").skip(1).collect();
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
    let rows = docs.lines().filter(|line| line.starts_with('|'));
    let rows = rows.filter(|line| !line.starts_with("| ---") && !line.starts_with("| attack"));
    let (mut attacks, mut named) = (0, BTreeSet::new());
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{row}");
        let names: Vec<_> = cells[2].split('`').skip(1).step_by(2).collect();
        let undefended = cells[1].starts_with("nothing: ");
        assert!(undefended || !names.is_empty(), "no test in {row}");
        attacks += 1;
        named.extend(names);
    }
    for name in &named {
        assert!(known.contains(*name), "there is no test `{name}`");
    }
    println!("attacks: {attacks}, shown by {} tests", named.len());
}
