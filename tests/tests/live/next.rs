//! The Next.js application of `docs/better-auth.md`: its files are those of the document, to
//! the letter. They are built, and used in a browser in front of the example app.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::browser::script;
use super::servers::{ExampleApp, Process, SECRET, free_port, workspace};

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

#[test]
fn a_next_js_application_signs_in_and_calls_the_api() {
    let directory = application();
    let (page, api) = (free_port(), free_port());
    let (page_url, api_url) =
        (format!("http://127.0.0.1:{page}"), format!("http://127.0.0.1:{api}"));
    let next = |arguments: &[&str]| {
        let mut command = Command::new(directory.join("node_modules/.bin").join(arguments[0]));
        command.args(&arguments[1..]).current_dir(&directory);
        command.env("BETTER_AUTH_URL", &page_url).env("API_URL", &api_url);
        command.env("BETTER_AUTH_SECRET", SECRET).env("NEXT_TELEMETRY_DISABLED", "1");
        command
    };
    let run = |command: &mut Command| {
        let output = command.output().expect("Node 20 or later is installed");
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
    };

    for file in ["auth.sqlite", "auth.sqlite-shm", "auth.sqlite-wal"] {
        let _ = std::fs::remove_file(directory.join(file));
    }
    // The document names the newest version; here it is the one of the lock file.
    let commands = blocks("sh").concat();
    let migrate = commands.lines().find_map(|line| line.strip_prefix("npx auth@latest "));
    let migrate = migrate.expect("a command that makes the tables").split_whitespace();
    let migrate: Vec<_> = ["auth"].into_iter().chain(migrate).collect();
    let packages = std::fs::read_to_string(directory.join("package.json")).expect("a file");
    for package in commands.lines().filter_map(|line| line.strip_prefix("npm install ")) {
        let names = package.split_whitespace().filter(|name| !name.starts_with('-'));
        names.for_each(|name| assert!(packages.contains(&format!("\"{name}\":")), "{name}"));
    }
    run(next(&migrate).env("NODE_OPTIONS", format!("--import={GROUP_BY}")));
    run(&mut next(&["next", "build"]));

    let start = ["next", "start", "--hostname", "127.0.0.1", "--port", &page.to_string()];
    let mut server = next(&start).stdout(Stdio::piped()).spawn().expect("Next.js starts");
    let output = BufReader::new(server.stdout.take().expect("piped"));
    let _server = Process(server);
    let mut lines = output.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("Ready")), "Next.js did not start");
    // Reads on, so that the pipe never fills up.
    std::thread::spawn(move || lines.for_each(drop));

    let port = api.to_string();
    let _app = ExampleApp::start(&[("BETTER_AUTH_URL", &page_url), ("ROCKET_PORT", &port)]);
    let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("next.png");
    run(script("next.mjs").env("PAGE", &page_url).env("SCREENSHOT", &screenshot));
    println!("Next.js: see {}", screenshot.display());
}

/// Each file of the document stands under its name.
#[test]
fn the_files_of_the_docs_are_those_of_the_next_js_application() {
    let files: Vec<_> = [blocks("ts"), blocks("tsx")].concat();
    assert!(files.len() >= 5, "{} files", files.len());
    for text in files {
        let (name, code) = text.split_once('\n').expect("a name");
        let name = name.strip_prefix("// ").expect("a name").trim();
        let file = std::fs::read_to_string(workspace().join("tests/next").join(name));
        assert_eq!(file.expect("a file"), code, "{name}");
    }
}
