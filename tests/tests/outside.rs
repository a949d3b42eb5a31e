//! A crate as a user would write it, outside the workspace: with one attribute
//! forgotten among twenty routes it does not launch; with it, it does, and the
//! strictest lints find nothing in what the attribute emits.

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

[workspace]
"#;

/// Lints that a user may have switched on; Rocket's own code passes them too.
const LINTS: &str = "#![forbid(unsafe_code)]\n\
                     #![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]\n\
                     #![deny(clippy::all, clippy::pedantic)]\n";

struct Outside(PathBuf);

impl Outside {
    fn create() -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside");
        std::fs::create_dir_all(directory.join("src")).expect("a directory");
        let guard = workspace.join("auth-guard");
        let manifest = MANIFEST.replace("AUTH_GUARD", guard.to_str().expect("UTF-8"));
        std::fs::write(directory.join("Cargo.toml"), manifest).expect("a manifest");
        // The same versions, so that nothing is fetched.
        std::fs::copy(workspace.join("Cargo.lock"), directory.join("Cargo.lock")).expect("a lock");
        Self(directory)
    }

    /// Twenty handlers in two modules, the attribute missing above one of them.
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

    fn cargo(&self, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).current_dir(&self.0);
        cargo.env("CARGO_TARGET_DIR", self.0.join("target"));
        cargo.env("BETTER_AUTH_SECRET", "a secret of a user, 32 bytes and more");
        cargo.env("ROCKET_PORT", "0").output().expect("cargo runs")
    }
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[test]
fn one_forgotten_among_twenty_stops_the_launch() {
    let outside = Outside::create();
    outside.write(Some(13));
    let output = outside.cargo(&["run", "--offline", "--quiet"]);
    let said = text(&output);
    assert!(!output.status.success(), "it launched: {said}");
    assert!(said.contains("POST /api/<user_id>/route13/<id> (handler `route13`)"), "{said}");
    let named = said.lines().filter(|line| line.contains("has a user in its pattern"));
    assert_eq!(named.count(), 1, "{said}");

    outside.write(None);
    let output = outside.cargo(&["run", "--offline", "--quiet"]);
    assert!(output.status.success(), "{}", text(&output));
    let output = outside.cargo(&["clippy", "--offline", "--quiet"]);
    assert!(output.status.success(), "{}", text(&output));
}
