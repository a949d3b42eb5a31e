//! Starts the two servers: Better Auth in Node, and the built example app.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The secret that the two share.
pub(crate) const SECRET: &str = "the live secret: 32 bytes or more of it";

/// How many lines are kept of what the example app prints.
const LINES: usize = 5_000;

/// A process, killed on drop.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts an issuer, and waits for its first line.
    pub(crate) fn ready(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.expect("Node 20 or later is installed");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let process = Self(child);
        output.read_line(&mut line).expect("a line");
        assert!(line.starts_with("issuer ready on http://127.0.0.1:"), "no issuer: {line:?}");
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real Better Auth server.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) process: Process,
}

/// A user who has signed up and in.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
    /// Better Auth's session token, which is not a JWT.
    pub(crate) session: String,
    /// The cookies that the sign-in set, as `name=value`.
    pub(crate) cookies: Vec<String>,
}

/// The example app, with its own database.
pub(crate) struct ExampleApp {
    url: String,
    /// The lines that it printed until it was ready.
    first_lines: Vec<String>,
    /// The last lines that it printed since.
    lines: Arc<Mutex<VecDeque<String>>>,
    process: Process,
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Returns a free port for a server that restarts. It is below the range of outgoing
/// connections, which could otherwise take it meanwhile.
pub(crate) fn lasting_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    let mut ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed));
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).expect("a free port")
}

/// Sends one HTTP request. No status counts as an error.
pub(crate) fn exchange(method: &str, url: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let (status, _, answer) = exchange_with_cookies(method, url, token, body);
    (status, answer)
}

/// Sends one HTTP request. Also returns the cookies that were set, as `name=value`.
fn exchange_with_cookies(
    method: &str,
    url: &str,
    token: Option<&str>,
    body: &Value,
) -> (u16, Vec<String>, Value) {
    let answer = try_exchange(method, url, token, body);
    answer.unwrap_or_else(|error| panic!("{method} {url}: {error}"))
}

/// Does the same for a server that may be away.
pub(crate) fn try_exchange(
    method: &str,
    url: &str,
    token: Option<&str>,
    body: &Value,
) -> Result<(u16, Vec<String>, Value), ureq::Error> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }

    let response = match body {
        Value::Null => agent.run(request.body(()).expect("a request")),
        body => {
            let request = request.header("Content-Type", "application/json");
            agent.run(request.body(body.to_string()).expect("a request"))
        }
    };
    let mut response = response?;
    let text = response.body_mut().read_to_string()?;
    let cookies = response.headers().get_all("set-cookie").iter();
    let cookies = cookies.map(|field| field.to_str().expect("ASCII"));
    let cookies = cookies.map(|field| field.split(';').next().unwrap_or_default().to_owned());
    let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok((response.status().as_u16(), cookies.collect(), answer))
}

impl Issuer {
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_at(free_port(), settings)
    }

    pub(crate) fn start_at(port: u16, settings: &[(&str, &str)]) -> Self {
        let directory = workspace().join("example-app/issuer");
        assert!(
            directory.join("node_modules").exists(),
            "the issuer's packages are missing: run `npm ci` in example-app/issuer"
        );

        let url = format!("http://127.0.0.1:{port}");
        let mut command = Command::new("node");
        command
            .arg("server.mjs")
            .current_dir(directory)
            .env("BETTER_AUTH_SECRET", SECRET)
            .env("BETTER_AUTH_URL", &url)
            .envs(settings.iter().copied());
        Self { url, process: Process::ready(&mut command) }
    }

    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> (u16, Value) {
        exchange(method, &format!("{}/api/auth/{path}", self.url), token, body)
    }

    /// Signs up and in.
    pub(crate) fn sign_up(&self, name: &str) -> User {
        let email = format!("{name}@example.com");
        let password = "correct horse battery staple";
        let user = json!({ "name": name, "email": email, "password": password });
        let (status, answer) = self.call("POST", "sign-up/email", None, &user);
        assert_eq!(status, 200, "{answer}");
        let id = answer["user"]["id"].as_str().expect("an id").to_owned();

        let credentials = json!({ "email": email, "password": password });
        let url = format!("{}/api/auth/sign-in/email", self.url);
        let (status, cookies, answer) = exchange_with_cookies("POST", &url, None, &credentials);
        assert_eq!(status, 200, "{answer}");
        let session = answer["token"].as_str().expect("a session").to_owned();
        User { id, email, session, cookies }
    }

    /// Returns what a server with the variant `mail` would have mailed: purpose and token.
    pub(crate) fn outbox(&self) -> Vec<(String, String)> {
        let (_, mails) = exchange("GET", &format!("{}/outbox", self.url), None, &Value::Null);
        let text = |mail: &Value, name: &str| mail[name].as_str().expect("text").to_owned();
        let mails = mails.as_array().expect("a list").iter();
        mails.map(|mail| (text(mail, "purpose"), text(mail, "token"))).collect()
    }

    pub(crate) fn sign_out(&self, user: &User) {
        let (status, _) = self.call("POST", "sign-out", Some(&user.session), &json!({}));
        assert_eq!(status, 200);
    }

    /// Fetches a JWT for the API.
    pub(crate) fn token(&self, user: &User) -> String {
        self.try_token(user).expect("a token")
    }

    pub(crate) fn try_token(&self, user: &User) -> Result<String, u16> {
        let (status, answer) = self.call("GET", "token", Some(&user.session), &Value::Null);
        answer["token"].as_str().map(str::to_owned).ok_or(status)
    }
}

impl ExampleApp {
    /// Builds the binary as a user would, without the features that the tests enable.
    pub(crate) fn build() -> &'static Path {
        static BINARY: OnceLock<PathBuf> = OnceLock::new();
        BINARY.get_or_init(|| Self::built(&[], "debug"))
    }

    /// Builds the binary as an operator would, in release mode.
    fn build_for_release() -> &'static Path {
        static BINARY: OnceLock<PathBuf> = OnceLock::new();
        BINARY.get_or_init(|| Self::built(&["--release"], "release"))
    }

    fn built(options: &[&str], directory: &str) -> PathBuf {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "-p", "example-app"]).args(options);
        let built = build.current_dir(workspace()).status().expect("cargo runs");
        assert!(built.success(), "the example app does not build");
        Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(directory).join("example-app")
    }

    fn command(binary: &Path, settings: &[(&str, &str)]) -> Command {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("live-{}-{count}.sqlite", std::process::id());
        let database = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);

        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("EXAMPLE_APP_DATABASE", database)
            .env("ROCKET_PORT", free_port().to_string())
            .env("ROCKET_CLI_COLORS", "false")
            .envs(settings.iter().copied());
        command
    }

    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::run(Self::command(Self::build(), settings))
    }

    /// Starts the release build.
    pub(crate) fn deploy(settings: &[(&str, &str)]) -> Self {
        Self::run(Self::command(Self::build_for_release(), settings))
    }

    /// Starts the release build by another command, such as `prlimit --nofile=64`.
    pub(crate) fn deploy_by(command: &[&str], settings: &[(&str, &str)]) -> Self {
        let (program, arguments) = command.split_first().expect("a command");
        let mut command = Self::command(Path::new(program), settings);
        command.args(arguments).arg(Self::build_for_release());
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the example app starts");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let process = Process(child);
        let mut first_lines = Vec::new();
        let url = loop {
            let mut line = String::new();
            output.read_line(&mut line).expect("a line");
            assert!(!line.is_empty(), "the example app did not launch:\n{}", first_lines.concat());
            let launched = line.split_once("Rocket has launched from ");
            let url = launched.map(|(_, url)| url.trim().to_owned());
            first_lines.push(line);
            if let Some(url) = url {
                break url;
            }
        };

        // Reads on, so that the pipe never fills up and blocks the application.
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let mut kept = kept.lock().expect("no panic");
                kept.push_back(line);
                if kept.len() > LINES {
                    kept.pop_front();
                }
            }
        });
        Self { url, first_lines, lines, process }
    }

    /// Returns the output of a launch that must fail.
    pub(crate) fn refused(settings: &[(&str, &str)]) -> String {
        let output =
            Self::command(Self::build(), settings).output().expect("the example app starts");
        assert!(!output.status.success(), "the example app launched");
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8")).concat()
    }

    /// Runs `example-app token <uid> --ttl <ttl>`.
    pub(crate) fn mint(settings: &[(&str, &str)], uid: &str, ttl: &str) -> String {
        let output =
            Self::command(Self::build(), settings).args(["token", uid, "--ttl", ttl]).output();
        let output = output.expect("the example app starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// Returns the id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Returns the address it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().expect("an address")
    }

    /// Sends it one request.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Value,
    ) -> (u16, Value) {
        let body = if ["GET", "DELETE"].contains(&method) { Value::Null } else { body };
        exchange(method, &format!("{}{path}", self.url), token, &body)
    }

    /// Asks it to shut down, as an operator would. Returns its exit code, and panics if it is
    /// still running after this many seconds.
    pub(crate) fn terminate(mut self, seconds: u64) -> Option<i32> {
        self.signal();
        self.end(seconds)
    }

    /// Sends it SIGTERM.
    pub(crate) fn signal(&self) {
        let id = self.process.0.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -TERM $0", &id]).status();
        assert!(sent.expect("a shell").success());
    }

    pub(crate) fn end(&mut self, seconds: u64) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(seconds) {
            if let Some(status) = self.process.0.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the example app is still running after {seconds} s");
    }

    /// Returns the lines it printed until it was ready.
    pub(crate) fn first_lines(&self) -> &[String] {
        &self.first_lines
    }

    /// Returns the last of the lines that it printed since, that contains this.
    pub(crate) fn last_line(&self, with: &str) -> Option<String> {
        let lines = self.lines.lock().expect("no panic");
        lines.iter().rev().find(|line| line.contains(with)).cloned()
    }

    /// Returns the first line with `with` after the last one with `after`.
    pub(crate) fn line_after(&self, after: &str, with: &str) -> Option<String> {
        let lines = self.lines.lock().expect("no panic");
        let start = lines.iter().rposition(|line| line.contains(after))?;
        lines.iter().skip(start).find(|line| line.contains(with)).cloned()
    }

    /// Returns the lines that it printed, until it was ready, behind this prefix.
    fn printed_behind(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.first_lines.iter().filter_map(move |line| line.trim_end().strip_prefix(prefix))
    }

    /// Returns the page to open, and the token to paste there, from the demo's output.
    pub(crate) fn page_and_token(&self) -> (String, String) {
        let page = self.printed_behind("# Or open ").next();
        let page = page.and_then(|line| line.split_once(" in a browser"));
        let (page, _) = page.expect("a page");
        let token = self.printed_behind("ALICE=").next().expect("a token");
        (page.to_owned(), token.to_owned())
    }

    /// Returns the `curl` commands from the demo's output, each after the variables it names.
    pub(crate) fn curl_lines(&self) -> Vec<String> {
        let variables = ["ALICE", "BOB", "TASKS"].map(|name| {
            let value = self.printed_behind(&format!("{name}=")).next().map(str::to_owned);
            format!("{name}={}\n", value.unwrap_or_else(|| panic!("no {name}")))
        });
        let commands = self.printed_behind("curl ");
        commands.map(|command| format!("{}curl {command}", variables.concat())).collect()
    }
}

/// Runs commands in a shell. Returns the status of the answer.
pub(crate) fn run_curl(line: &str) -> u16 {
    let output = Command::new("sh").args(["-c", line]).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let status = text.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status from {line}: {text}"))
}
