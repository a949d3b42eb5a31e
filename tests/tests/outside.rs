//! Crates outside the workspace, as a user would write them. One has twenty routes: it
//! launches only if no attribute is missing, and the strictest lints accept the code that the
//! attribute emits. The other has the handlers of `docs/authorization.md`, to the letter.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROUTES: usize = 20;

const MANIFEST: &str = r#"
[package]
name = "outside"
version = "0.1.0"
edition = "2024"

[dependencies]
auth-guard = { path = "AUTH_GUARD" }
rocket = { version = "0.5.2", default-features = false }

[dev-dependencies]
auth-guard = { path = "AUTH_GUARD", features = ["testing"] }
rocket = { version = "0.5.2", default-features = false, features = ["json"] }

[workspace]
"#;

/// The document whose handlers everybody writes.
const AUTHORIZATION: &str = include_str!("../../auth-guard/docs/authorization.md");

/// The modules of its numbered examples, in order.
const EXAMPLES: [&str; 8] =
    ["group", "admin", "members", "both", "row", "caller", "current_user", "editor"];

/// Lints that a user may enable. The code that Rocket's macros emit passes them, too.
const LINTS: &str = "#![forbid(unsafe_code)]\n\
                     #![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]\n\
                     #![deny(clippy::all, clippy::pedantic)]\n";

struct Outside(PathBuf);

impl Outside {
    fn create(name: &str) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(directory.join("src")).expect("a directory");
        let guard = workspace.join("auth-guard");
        let manifest = MANIFEST.replace("AUTH_GUARD", guard.to_str().expect("UTF-8"));
        std::fs::write(directory.join("Cargo.toml"), manifest).expect("a manifest");
        // The same versions, so that cargo downloads nothing.
        std::fs::copy(workspace.join("Cargo.lock"), directory.join("Cargo.lock")).expect("a lock");
        Self(directory)
    }

    /// Writes twenty handlers in two modules, one of them without the attribute if
    /// `forgotten` says so.
    fn write(&self, forgotten: Option<usize>) {
        let handler = |n: usize| {
            let attribute = if forgotten == Some(n) { "" } else { "#[auth_guard::user_scoped]" };
            let (method, asyncness, wait) = match n % 2 {
                0 => ("get", "", ""),
                _ => ("post", "async ", "    std::future::ready(()).await;\n"),
            };
            let named = if n % 4 == 2 { "" } else { "user_id: &str, " };
            format!(
                "/// One of many.\n{attribute}\n#[rocket::{method}(\"/<user_id>/route{n}/<id>\")]\n\
                 pub(super) {asyncness}fn route{n}({named}id: u8) -> String {{\n{wait}    \
                 format!(\"{{user_id}} {{id}}\")\n}}\n"
            )
        };
        let module = |range: std::ops::Range<usize>| range.map(handler).collect::<String>();
        let names = |name: &str, range: std::ops::Range<usize>| {
            range.map(|n| format!("{name}::route{n}, ")).collect::<String>()
        };
        let half = ROUTES / 2;
        let main = format!(
            "//! A user's application.\n{LINTS}\n\
             mod one {{\n{}}}\n\nmod two {{\n{}}}\n\n\
             #[rocket::launch]\nfn rocket() -> _ {{\n    \
             let stop = rocket::fairing::AdHoc::on_liftoff(\"stop\", |rocket| {{\n        \
             Box::pin(async move {{ rocket.shutdown().notify() }})\n    }});\n    \
             rocket::build()\n        .attach(auth_guard::AuthGuard::fairing())\n        \
             .attach(stop)\n        .mount(\"/api\", rocket::routes![{}{}])\n}}\n",
            module(0..half),
            module(half..ROUTES),
            names("one", 0..half),
            names("two", half..ROUTES),
        );
        std::fs::write(self.0.join("src/main.rs"), main).expect("a source");
    }

    /// Writes the numbered examples of the document, each as a module, and their tests.
    fn write_examples(&self) {
        let mut library = "//! The handlers that everybody writes.\n".to_owned();
        let examples = AUTHORIZATION.split("\n### ").skip(1);
        assert_eq!(examples.clone().count(), EXAMPLES.len(), "another number of examples");
        for ((number, module), example) in (1..).zip(EXAMPLES).zip(examples) {
            assert!(example.starts_with(&format!("{number}. ")), "out of order: {example}");
            let (_, code) = example.split_once("```rust").expect("code");
            let (_, code) = code.split_once('\n').expect("lines");
            let (code, _) = code.split_once("```\n").expect("an end");
            std::fs::write(self.0.join(format!("src/{module}.rs")), code).expect("a source");
            library += &format!("#[allow(missing_docs)]\npub mod {module};\n");
        }
        std::fs::write(self.0.join("src/lib.rs"), library).expect("a source");
        std::fs::create_dir_all(self.0.join("tests")).expect("a directory");
        let tests = include_str!("outside/handlers.rs");
        std::fs::write(self.0.join("tests/handlers.rs"), tests).expect("a source");
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("cargo runs")
    }

    /// Runs the application with this table of settings.
    fn launch(&self, table: &str) -> Output {
        let mut cargo = self.command(&["run", "--offline", "--quiet"]);
        cargo.env("ROCKET_AUTH_GUARD", table).output().expect("cargo runs")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).current_dir(&self.0);
        // Both crates have the same dependencies.
        cargo.env("CARGO_TARGET_DIR", self.0.with_file_name("outside-target"));
        cargo.env("BETTER_AUTH_SECRET", "a secret of a user, 32 bytes and more");
        cargo.env("ROCKET_PORT", "0");
        cargo
    }
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[test]
fn one_forgotten_among_twenty_stops_the_launch() {
    let outside = Outside::create("outside");
    outside.write(Some(13));
    let output = outside.cargo(&["run", "--offline", "--quiet"]);
    let said = text(&output);
    assert!(!output.status.success(), "the crate launched: {said}");
    assert!(said.contains("POST /api/<user_id>/route13/<id> (handler `route13`)"), "{said}");
    let named = said.lines().filter(|line| line.contains("has a user in its pattern"));
    assert_eq!(named.count(), 1, "{said}");

    outside.write(None);
    let output = outside.cargo(&["run", "--offline", "--quiet"]);
    assert!(output.status.success(), "{}", text(&output));
    // This crate has no public keys, and so no further issuers.
    let output =
        outside.launch("{issuers={agents={issuer=\"https://auth.example\",users=\"same\"}}}");
    let said = text(&output);
    assert!(!output.status.success(), "the crate launched: {said}");
    let refused = said.lines().filter(|line| line.contains("needs the feature `jwks`"));
    assert!(refused.clone().all(|line| line.contains("`issuers` in ")), "{said}");
    assert_eq!(refused.count(), 1, "{said}");
    // Nor can it check tokens as Better Auth signs them by default, and says what to write.
    let line = "add `features = [\"jwks\"]` to auth-guard in Cargo.toml";
    for url in [None, Some("https://auth.example")] {
        let mut cargo = outside.command(&["run", "--offline", "--quiet"]);
        cargo.env_remove("BETTER_AUTH_SECRET").envs(url.map(|url| ("BETTER_AUTH_URL", url)));
        let output = cargo.output().expect("cargo runs");
        let said = text(&output);
        assert!(!output.status.success(), "the crate launched: {said}");
        let place = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words}: {said}"));
        let places = ["BETTER_AUTH_URL", line, "HS256", "BETTER_AUTH_SECRET"].map(place);
        assert!(places.is_sorted(), "{said}");
    }
    let output = outside.cargo(&["clippy", "--offline", "--quiet"]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn the_handlers_of_the_docs_admit_and_refuse_whom_they_say() {
    let outside = Outside::create("handlers");
    outside.write_examples();
    let output = outside.cargo(&["test", "--offline", "--quiet", "--test", "handlers"]);
    assert!(output.status.success(), "{}", text(&output));
}

/// The code to copy is the code that the live tests run.
#[test]
fn the_claims_of_the_docs_are_those_of_the_issuer() {
    let issuer = include_str!("../../example-app/issuer/organizations.mjs");
    let (_, code) = AUTHORIZATION.split_once("```js\n").expect("code");
    let (code, _) = code.split_once("```\n").expect("an end");
    assert!(issuer.contains(code), "not in the file:\n{code}");
}
