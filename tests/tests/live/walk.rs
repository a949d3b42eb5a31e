//! Follows `docs/better-auth.md`: its commands, pasted as a reader would, print what the
//! text after them shows, and Better Auth behaves as the text says.

use std::path::Path;
use std::process::{Command, Output};

use super::servers::{ExampleApp, free_port, workspace};

const DOCS: &str = include_str!("../../../auth-guard/docs/better-auth.md");

/// A block of commands.
#[derive(Default)]
struct Step {
    /// The heading of its section.
    heading: String,
    commands: String,
    /// The output that the document shows.
    output: String,
}

/// Returns all blocks of commands, in order.
fn steps(docs: &str) -> Vec<Step> {
    let (mut steps, mut heading, mut fence) = (Vec::<Step>::new(), "", None);
    for line in docs.lines() {
        match (fence, line.strip_prefix("```")) {
            (None, Some("sh")) => {
                steps.push(Step { heading: heading.to_owned(), ..Step::default() });
                fence = Some("sh");
            }
            (None, Some(language)) => fence = Some(language),
            (Some(_), Some("")) => fence = None,
            (Some("sh"), _) => steps.last_mut().expect("a step").commands += &format!("{line}\n"),
            (Some("text"), _) => steps.last_mut().expect("a step").output += &format!("{line}\n"),
            (None, None) if line.starts_with('#') => heading = line.trim_start_matches(['#', ' ']),
            _ => {}
        }
    }
    steps
}

/// Runs all steps in one shell, except for the sections in `passed_over`.
fn walk(name: &str, passed_over: &[&str]) {
    ExampleApp::build();
    let (issuer, app) = (free_port(), free_port());
    let docs = DOCS
        .replace("127.0.0.1:3000", &format!("127.0.0.1:{issuer}"))
        .replace("127.0.0.1:8000", &format!("127.0.0.1:{app}"));
    let mut steps = steps(&docs);
    for heading in passed_over {
        assert!(steps.iter().any(|step| step.heading == *heading), "there is no {heading}");
    }
    // `next.rs` and `readme.rs` run these.
    let elsewhere = ["In Next.js", "A server of your own"];
    let is_run = |heading: &str| !elsewhere.contains(&heading) && !passed_over.contains(&heading);
    steps.retain(|step| is_run(&step.heading));

    // The packages are already installed here, and other tests are using them.
    let packages = steps.remove(0).commands;
    let ci = include_str!("../../../.ci/run");
    assert!(ci.contains(packages.trim_end()), "{packages}");

    let mut script = "trap 'kill $(jobs -p) 2> /dev/null' EXIT\n".to_owned();
    steps.iter().for_each(|step| script += &format!("printf '\\036'\n{}", step.commands));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let database = directory.join(format!("walk-{issuer}-{}.sqlite", std::process::id()));
    let Output { stdout, stderr, .. } = Command::new("bash")
        .args(["-c", &script])
        .current_dir(workspace())
        .env("ROCKET_PORT", app.to_string())
        .env("EXAMPLE_APP_DATABASE", database)
        .env("TMPDIR", directory)
        .output()
        .expect("a shell");

    let stdout = String::from_utf8(stdout).expect("UTF-8");
    let stderr = String::from_utf8_lossy(&stderr);
    let printed: Vec<_> = stdout.split('\u{1e}').skip(1).collect();
    assert_eq!(printed.len(), steps.len(), "{stdout}\n{stderr}");
    for (step, printed) in steps.iter().zip(printed) {
        assert_eq!(printed, step.output, "{}\n{stderr}", step.commands);
    }
    println!("better-auth.md, {name}: {} blocks of commands print what they should", steps.len());
}

#[test]
fn the_docs_lead_to_a_guarded_api_with_public_keys() {
    walk("public keys", &["With a shared secret", "From a shared secret to public keys"]);
}

#[test]
fn the_docs_lead_to_a_guarded_api_with_a_shared_secret_and_on_to_public_keys() {
    walk("shared secret", &["With public keys"]);
}

/// Checks the pitfalls, and what happens to sessions and keys when secrets change.
#[test]
fn better_auth_is_as_the_docs_say() {
    let output = Command::new("node")
        .args(["--input-type=module", "--eval", include_str!("traps.mjs")])
        .current_dir(workspace().join("example-app/issuer"))
        .output()
        .expect("Node 20 or later is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
