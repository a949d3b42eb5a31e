//! The README and the documents beside it agree with the code. The live tests run the README's
//! commands.

use std::path::{Path, PathBuf};

const README: &str = include_str!("../../../README.md");
const MANIFEST: &str = include_str!("../../../auth-guard/Cargo.toml");

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// Returns the only block of code in this language.
fn block(language: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let mut blocks = README.split(&fence).skip(1);
    let (block, _) = blocks.next().expect("a block").split_once("```\n").expect("an end");
    assert_eq!(blocks.next(), None, "two blocks in {language}");
    block
}

/// Returns the cells of the rows of tables.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").collect())
}

/// Returns what follows a heading, until the next one.
fn section(heading: &str) -> &'static str {
    let (_, section) = README.split_once(&format!("\n## {heading}\n")).expect("the heading");
    section.split("\n## ").next().expect("text")
}

#[test]
fn the_readmes_application_is_the_example() {
    let code = block("rust,no_run");
    assert_eq!(code, include_str!("../../../auth-guard/examples/minimal.rs"));
    assert!(code.lines().count() <= 30);
}

/// The dependencies work in a folder beside a checkout.
#[test]
fn the_readmes_dependencies_are_those_of_a_checkout() {
    let dependencies = block("toml");
    let (_, path) = dependencies.split_once("path = \"../auth-guard/").expect("a path");
    let (path, rest) = path.split_once("\", features = [\"").expect("features");
    let (feature, _) = rest.split_once("\"] }").expect("an end");
    let manifest = workspace().join(path).join("Cargo.toml");
    assert_eq!(std::fs::read_to_string(manifest).expect("a crate"), MANIFEST);
    assert!(MANIFEST.contains(&format!("\n{feature} = [")), "{feature}");
    let rocket = dependencies.lines().find(|line| line.starts_with("rocket = ")).expect("rocket");
    let version = rocket.split('"').nth(1).expect("a version");
    assert_eq!(version, locked(include_str!("../../../Cargo.lock"), "rocket"));
}

/// Returns the version of a package in `Cargo.lock`.
fn locked<'l>(lock: &'l str, name: &str) -> &'l str {
    let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).expect(name);
    package.split('"').next().expect("a version")
}

#[test]
fn the_readme_names_every_feature_and_the_versions_of_the_tests() {
    let (_, features) = MANIFEST.split_once("\n[features]\n").expect("features");
    let features = features.split("\n[").next().expect("text").lines();
    let features: Vec<_> = features.filter_map(|line| line.split_once(" = [")).collect();
    let mut of_manifest: Vec<_> = features.iter().map(|(name, _)| format!("`{name}`")).collect();
    let section = section("Features");
    let mut of_readme: Vec<_> = rows(section).map(|row| row[0].to_owned()).skip(2).collect();
    of_manifest.sort_unstable();
    of_readme.sort_unstable();
    assert_eq!(of_readme, of_manifest);

    let words = section.split_whitespace().collect::<Vec<_>>().join(" ");
    let better_auth = include_str!("../../../example-app/issuer/package-lock.json");
    let (_, better_auth) = better_auth.split_once("\"better-auth\": \"").expect("a dependency");
    let compiler = include_str!("../../README.md").split_once("are those of Rust ").expect("one").1;
    let after = |text: &str, before: &str| {
        let (_, version) = text.split_once(before).expect(before);
        version.split('"').next().expect("a version").to_owned()
    };
    for version in [
        format!("Rocket {}", locked(include_str!("../../../Cargo.lock"), "rocket")),
        format!("Rust {}", &compiler[..4]),
        format!("needs {}", after(include_str!("../../../Cargo.toml"), "rust-version = \"")),
        format!(
            "example {}",
            after(include_str!("../../../example-app/Cargo.toml"), "rust-version = \"")
        ),
        format!("Better Auth {}", better_auth.split('"').next().expect("a version")),
        format!(
            "Node {}",
            after(include_str!("../../../example-app/issuer/package.json"), "\"node\": \">=")
        ),
    ] {
        assert!(words.contains(&version), "no {version:?} in {words}");
    }
}

/// The short table is part of the whole one.
#[test]
fn the_readmes_answers_are_documented() {
    let documented: Vec<_> = rows(include_str!("../../../auth-guard/docs/answers.md")).collect();
    let answers: Vec<_> = rows(section("Answers")).skip(2).collect();
    assert!(answers.len() >= 5);
    for answer in answers {
        let (status, code) = (answer[1], answer[2]);
        let row = documented.iter().find(|row| row[2] == code).unwrap_or_else(|| panic!("{code}"));
        assert_eq!(row[1].split(',').next(), Some(status), "{code}");
    }
}

/// Returns the anchors of the headings, as repository pages make them.
fn anchors(document: &str) -> Vec<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let anchor = |line: &str| {
        let text: String = line.trim_start_matches('#').trim().chars().filter(kept).collect();
        text.to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_of_the_documents_beside_the_readme_leads_somewhere() {
    for name in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "benches/README.md",
        "example-app/README.md",
        "example-app/issuer/README.md",
        "fuzz/README.md",
        "tests/README.md",
        "tests/issuers/README.md",
    ] {
        let path = workspace().join(name);
        let document = std::fs::read_to_string(&path).expect(name);
        let links = document.split("](").skip(1).filter_map(|link| link.split(')').next());
        let pictures = document.split(" src=\"").skip(1).filter_map(|src| src.split('"').next());
        for target in links.chain(pictures).filter(|target| !target.starts_with("https://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file: PathBuf = match file {
                "" => path.clone(),
                file => path.parent().expect("a folder").join(file),
            };
            assert!(file.exists(), "{name}: there is no {target}");
            let is_heading = || {
                let text = std::fs::read_to_string(&file).expect("text");
                anchors(&text).iter().any(|known| known == anchor)
            };
            assert!(anchor.is_empty() || is_heading(), "{name}: no heading {target}");
        }
    }
}
