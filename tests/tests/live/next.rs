//! The Next.js application of `docs/better-auth.md`: its files are those of the document, to
//! the letter. They are built, and used in a browser in front of the example app.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::browser::script;
use super::servers::{ExampleApp, Process, free_port, workspace};

const DOCS: &str = include_str!("../../../auth-guard/docs/better-auth.md");

/// What the command that makes the tables lacks before Node 22: its packages call it.
const GROUP_BY: &str = "data:text/javascript,\
    Object.groupBy%20%3F%3F%3D%20(items,of)%3D%3E%7Bconst%20groups%3D%7B%7D;\
    items.forEach((item,n)%3D%3E(groups%5Bof(item,n)%5D%3F%3F%3D%5B%5D).push(item));\
    return%20groups%7D";

fn application() -> PathBuf {
    let directory = workspace().join("tests/next");
    let packages = directory.join("node_modules");
    assert!(packages.exists(), "Next.js is missing: run `npm ci` in tests/next");
    directory
}

/// Returns the blocks of this language in the section about Next.js.
fn blocks(language: &str) -> Vec<&'static str> {
    let (_, section) = DOCS.split_once("\n## In Next.js\n").expect("a section");
    let section = section.split("\n## ").next().expect("text");
    let fence = format!("```{language}\n");
    let blocks = section.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().expect("an end")).collect()
}

/// Returns the commands of the section, in the one block that contains `part`.
fn commands(part: &str) -> &'static str {
    let mut blocks = blocks("sh").into_iter().filter(|block| block.contains(part));
    let found = blocks.next().unwrap_or_else(|| panic!("no commands with {part}"));
    assert_eq!(blocks.next(), None, "{part}");
    found
}

fn run(command: &mut Command) {
    let output = command.output().expect("a shell, and Node 20 or later");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
}

/// Returns a command that runs `commands` as a reader does, but for the packages of the lock
/// file.
fn shell(directory: &Path, commands: &str) -> Command {
    let installed = commands.replace("npx auth@latest ", "node_modules/.bin/auth ");
    let installed = installed.replace("npx ", "node_modules/.bin/");
    let mut command = Command::new("bash");
    command.args(["-ec", &installed]).current_dir(directory);
    command.env("NEXT_TELEMETRY_DISABLED", "1");
    for variable in ["BETTER_AUTH_URL", "BETTER_AUTH_SECRET", "API_URL"] {
        command.env_remove(variable);
    }
    command
}

/// Writes `.env`, from which everything else has its variables, and makes the tables.
fn prepare(directory: &Path, page: &str, api: &str) {
    let variables = commands("> .env").replace("http://localhost:3000", page);
    run(&mut shell(directory, &variables.replace("http://127.0.0.1:8000", api)));
    let group_by = format!("--import={GROUP_BY}");
    // Both ways make the same tables.
    for (way, options) in [("migrate --yes", &*group_by), ("migrate.ts", "")] {
        for file in ["auth.sqlite", "auth.sqlite-shm", "auth.sqlite-wal"] {
            let _ = std::fs::remove_file(directory.join(file));
        }
        run(shell(directory, commands(way)).env("NODE_OPTIONS", options));
    }
}

#[test]
fn a_next_js_application_signs_in_and_calls_the_api() {
    let directory = application();
    let (page, api) = (free_port().to_string(), free_port().to_string());
    let (page_url, api_url) =
        (format!("http://localhost:{page}"), format!("http://127.0.0.1:{api}"));
    prepare(&directory, &page_url, &api_url);
    run(&mut shell(&directory, "npx next build"));

    let start = format!("exec npx next start --port {page}");
    let mut server =
        shell(&directory, &start).stdout(Stdio::piped()).spawn().expect("Next.js starts");
    let output = BufReader::new(server.stdout.take().expect("piped"));
    let _server = Process(server);
    let mut lines = output.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("Ready")), "Next.js did not start");
    // Reads on, so that the pipe never fills up.
    std::thread::spawn(move || lines.for_each(drop));

    let _app = ExampleApp::start(&[("BETTER_AUTH_URL", &page_url), ("ROCKET_PORT", &api)]);
    let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("next.png");
    run(script("next.mjs").env("PAGE", &page_url).env("SCREENSHOT", &screenshot));
    println!("Next.js: see {}", screenshot.display());
}

/// The packages that a reader installs are those of the lock file.
#[test]
fn the_packages_of_the_docs_are_those_of_the_next_js_application() {
    let packages = std::fs::read_to_string(application().join("package.json")).expect("a file");
    for line in commands("npm install").lines() {
        let words = line.split_whitespace().skip(2);
        let names = words.filter(|word| !word.starts_with('-'));
        names.for_each(|name| assert!(packages.contains(&format!("\"{name}\":")), "{name}"));
    }
}

/// Each file of the document stands under its name. Of the configuration, which
/// `create-next-app` makes, the document has only what to add.
#[test]
fn the_files_of_the_docs_are_those_of_the_next_js_application() {
    let files: Vec<_> = [blocks("ts"), blocks("tsx")].concat();
    assert!(files.len() >= 5, "{} files", files.len());
    for text in files {
        let (name, code) = text.split_once('\n').expect("a name");
        let name = name.strip_prefix("// ").expect("a name").trim();
        let file = std::fs::read_to_string(workspace().join("tests/next").join(name));
        let file = file.expect("a file");
        match name {
            "next.config.ts" => assert!(file.contains(code), "{name}"),
            _ => assert_eq!(file, code, "{name}"),
        }
    }
}
