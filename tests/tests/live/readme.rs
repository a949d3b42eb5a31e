//! Follows the README: its application, its lines for Better Auth and its commands, pasted,
//! lead to the answers and print the lines that it shows. So does the server that it links to.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::servers::{ExampleApp, Process, SECRET, free_port, workspace};

const README: &str = include_str!("../../../README.md");
const GUIDE: &str = include_str!("../../../auth-guard/docs/better-auth.md");

/// The contents of the blocks in a language, in order.
fn blocks<'t>(language: &str, text: &'t str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    let blocks = text.match_indices(&fence).map(|(at, fence)| &text[at + fence.len()..]);
    blocks.map(|block| block.split_once("```\n").expect("an end").0).collect()
}

/// Returns the only block in a language that contains this text.
fn block(language: &str, part: &str, text: &str) -> String {
    let mut blocks = blocks(language, text).into_iter().filter(|block| block.contains(part));
    let block = blocks.next().unwrap_or_else(|| panic!("no block with {part}")).to_owned();
    assert_eq!(blocks.next(), None, "two blocks with {part}");
    block
}

/// Builds the README's application. A test compares its code with the README.
fn application() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--locked", "-p", "auth-guard", "--example", "minimal"]);
    let built = build.args(["--features", "jwks"]).current_dir(workspace()).status();
    assert!(built.expect("cargo runs").success(), "the application does not build");
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("debug/examples/minimal")
}

/// Starts the guide's server in an empty folder, as its reader does. The packages are those of
/// the application in Next.js, which has the same database.
fn server_of_the_guide(directory: &Path, url: &str) -> Process {
    let _ = std::fs::remove_dir_all(directory);
    std::fs::create_dir_all(directory).expect("a directory");
    let (_, section) = GUIDE.split_once("\n### A server of your own\n").expect("a section");
    let section = section.split("\n#").next().expect("text");
    let next = workspace().join("tests/next");
    let packages = std::fs::read_to_string(next.join("package.json")).expect("a file");
    let install = block("sh", "npm install ", section);
    for package in install.split_whitespace().skip(2) {
        assert!(packages.contains(&format!("\"{package}\":")), "{package}");
    }
    std::os::unix::fs::symlink(next.join("node_modules"), directory.join("node_modules"))
        .expect("a link");
    let server = block("js", "", section);
    let name = server.lines().next().and_then(|line| line.strip_prefix("// ")).expect("a name");
    std::fs::write(directory.join(name), &server).expect("a file");

    let commands = block("sh", "node ", section).replace("http://localhost:3000", url);
    let mut shell = Command::new("bash");
    // `exec`, so that the server is the process that is stopped.
    shell.args(["-c", &commands.replace("\nnode ", "\nexec node ")]).current_dir(directory);
    let mut child = shell.stdout(Stdio::piped()).spawn().expect("a shell");
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let process = Process(child);
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, format!("ready on {url}\n"));
    process
}

/// Better Auth and the application, with the ports of this run in place of the README's.
struct Stage {
    readme: String,
    url: String,
    _issuer: Process,
    _application: Process,
    printed: Receiver<String>,
}

impl Stage {
    /// Starts a Better Auth server with these lines and this secret, and the application.
    fn set(plugins: &str, secret: &str, settings: &[(&str, &str)]) -> Self {
        let url = format!("http://localhost:{}", free_port());
        let script = include_str!("readme.mjs");
        let filled = script.replace("readme = {}", &format!("readme = {{\n{plugins}}}"));
        assert_ne!(filled, script);
        let mut server = Command::new("node");
        server
            .args(["--input-type=module", "--eval", &filled])
            .current_dir(workspace().join("example-app/issuer"))
            .env("BETTER_AUTH_SECRET", secret)
            .env("BETTER_AUTH_URL", &url);
        Self::beside(Process::ready(&mut server), url, settings)
    }

    /// Starts the application beside the server at this URL.
    fn beside(_issuer: Process, url: String, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let readme = README
            .replace("http://localhost:3000", &url)
            .replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"))
            .replace("src/main.rs:", "auth-guard/examples/minimal.rs:");

        let mut application = Command::new(application());
        application
            .env("BETTER_AUTH_URL", &url)
            .env("ROCKET_PORT", port.to_string())
            .env("ROCKET_CLI_COLORS", "false")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped());
        let mut child = application.spawn().expect("the application starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { readme, url, _issuer, _application: Process(child), printed }
    }

    /// Waits until the application has printed these lines, in this order, among others.
    fn prints(&self, lines: &str) {
        let mut printed = Vec::new();
        for line in lines.lines() {
            loop {
                let next = self.printed.recv_timeout(Duration::from_secs(20));
                printed.push(next.unwrap_or_else(|_| panic!("no {line}\n{}", printed.join("\n"))));
                if printed.last().is_some_and(|printed| printed.starts_with(line)) {
                    break;
                }
            }
        }
    }

    /// Pastes the README's commands into a shell, and then this one. Returns what they print.
    fn call(&self, then: &str) -> String {
        let commands = block("sh", "TOKEN=", &self.readme);
        let directory = format!("readme-{}", self.url.rsplit_once(':').expect("a port").1);
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(directory);
        std::fs::create_dir_all(&directory).expect("a directory");
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{commands}\n{then}")]).current_dir(&directory);
        let output = shell.output().expect("a shell");
        std::fs::remove_dir_all(&directory).expect("it is there");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Checks that the README's commands get the answers that it names.
    fn answers_as_the_readme_says(&self) {
        let printed = self.call("");
        let statuses: Vec<_> = printed.split("HTTP/1.1 ").skip(1).map(|head| &head[..3]).collect();
        assert_eq!(statuses, ["200", "403", "401"], "{printed}");
        for said in ["the tasks of ", r#""code":"not_owner""#, r#""code":"token_missing""#] {
            assert!(printed.contains(said), "{printed}");
        }
    }
}

#[test]
fn the_readme_leads_to_a_guarded_application() {
    let stage = Stage::set(blocks("js", README)[0], SECRET, &[]);
    stage.prints(&block("text", "Rocket has launched", &stage.readme));
    stage.answers_as_the_readme_says();
}

#[test]
fn the_guides_own_server_leads_to_a_guarded_application() {
    let url = format!("http://localhost:{}", free_port());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("server-of-the-guide");
    let mut stage = Stage::beside(server_of_the_guide(&directory, &url), url, &[]);
    stage.prints(&block("text", "Rocket has launched", &stage.readme));
    stage.answers_as_the_readme_says();
    // The second time.
    assert!(README.contains("write `sign-in` for `sign-up`"));
    stage.readme = stage.readme.replace("/sign-up/", "/sign-in/");
    stage.answers_as_the_readme_says();
}

#[test]
fn the_readme_leads_to_a_guarded_application_with_a_shared_secret() {
    let exports = block("sh", "export BETTER_AUTH_SECRET", README);
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{exports}printf %s \"$BETTER_AUTH_SECRET\"")]);
    let secret = String::from_utf8(shell.output().expect("a shell").stdout).expect("UTF-8");
    let stage = Stage::set(blocks("js", README)[1], &secret, &[("BETTER_AUTH_SECRET", &secret)]);
    stage.prints("Rocket has launched");
    stage.answers_as_the_readme_says();
}

/// What a newcomer sees who has left out `definePayload`.
#[test]
fn the_readme_shows_what_the_log_and_the_explanation_say() {
    let stage = Stage::set("plugins: [jwt()],", SECRET, &[]);
    stage.prints("Rocket has launched");
    let explain = block("sh", "explain", &stage.readme);
    let binary = ExampleApp::build().display().to_string();
    let explained = stage.call(&explain.replace("cargo run -q -p example-app --", &binary));
    for line in block("text", "FAILED", &stage.readme).lines() {
        assert!(explained.lines().any(|printed| printed == line), "no {line} in\n{explained}");
    }
    stage.prints(&block("text", "Request guard", &stage.readme));
}
