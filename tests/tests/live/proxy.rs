//! Two copies of the release build with one SQLite file, behind the proxy that
//! `docs/operating.md` configures; and the shutdown of a copy.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auth_guard_tests::server::{Connection, request};
use serde_json::{Value, json};

use super::servers::{self, ExampleApp, Process, lasting_port};

const DOCUMENT: &str = include_str!("../../../auth-guard/docs/operating.md");

const LIST: &str = "/api/alice/tasks";

/// The number of concurrent callers.
const CALLERS: usize = 4;

/// The names of the copies, in that configuration and in their answers.
pub(crate) const NAMES: [&str; 2] = ["one", "two"];

pub(crate) struct Proxy {
    port: u16,
    admin: PathBuf,
    _process: Process,
}

impl Proxy {
    /// Starts the proxy with the exact configuration of the document.
    pub(crate) fn start(copies: [u16; 2]) -> Self {
        let blocks = DOCUMENT.split("```");
        let configuration = blocks
            .filter_map(|block| block.strip_prefix("text\n"))
            .find(|b| b.contains("frontend"));
        let port = lasting_port();
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("haproxy-{port}.cfg"));
        std::fs::write(&file, configuration.expect("a configuration")).expect("a file");

        // The path of a socket must be short.
        let admin = std::env::temp_dir().join(format!("auth-guard-{port}"));
        let [one, two] = copies.map(|port| format!("127.0.0.1:{port}"));
        let proxy = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .envs([("LISTEN", format!("127.0.0.1:{port}")), ("ONE", one), ("TWO", two)])
            .env("ADMIN", &admin)
            .stderr(Stdio::null())
            .spawn();
        let process = Process(proxy.expect("haproxy is installed"));
        let proxy = Self { port, admin, _process: process };
        until("the proxy listens", || TcpStream::connect(proxy.address()).is_ok());
        until("its socket is there", || proxy.admin.exists());
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Sends a line to its socket. The document must contain that line for one of the copies.
    fn send(&self, line: &str) -> String {
        let of_one = line.replace("/two", "/one");
        assert!(DOCUMENT.contains(&format!("`{of_one}`")), "{of_one}");
        let mut socket = UnixStream::connect(&self.admin).expect("its socket");
        socket.write_all(format!("{line}\n").as_bytes()).expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// Returns a column of its statistics for a copy.
    pub(crate) fn stat(&self, name: &str, column: &str) -> String {
        let table = self.send("show stat");
        let mut rows = table.trim_start_matches("# ").lines().map(|row| row.split(','));
        let mut head = rows.next().expect("a head");
        let column = head.position(|title| title == column).expect("the column");
        let row = rows.find(|row| row.clone().take(2).eq(["copies", name]));
        row.and_then(|mut row| row.nth(column)).expect("a cell").to_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.admin);
    }
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "still waiting after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The ports and the database of the copies, which survive a restart.
struct Copies {
    ports: [u16; 2],
    database: PathBuf,
}

impl Copies {
    fn new() -> Self {
        let name = format!("proxy-{}.sqlite", std::process::id());
        let database = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        Self { ports: [lasting_port(), lasting_port()], database }
    }

    fn start(&self, number: usize) -> ExampleApp {
        ExampleApp::deploy(&[
            ("BETTER_AUTH_SECRET", servers::SECRET),
            ("EXAMPLE_APP_DATABASE", self.database.to_str().expect("UTF-8")),
            ("ROCKET_PORT", &self.ports[number].to_string()),
            ("ROCKET_IDENT", NAMES[number]),
        ])
    }
}

/// The answers that the callers have seen.
#[derive(Default)]
struct Seen {
    /// Correct answers, by copy and status.
    right: Mutex<HashMap<(String, u16), usize>>,
    /// `true` while a copy is being killed, which loses its current requests.
    is_dying: AtomicBool,
    lost: AtomicUsize,
    created: Mutex<Vec<String>>,
}

impl Seen {
    /// Returns the number of correct answers of a copy, of each kind.
    fn by(&self, name: &str) -> [usize; 4] {
        let right = self.right.lock().expect("no panic");
        [200, 201, 401, 403]
            .map(|status| right.get(&(name.to_owned(), status)).copied().unwrap_or_default())
    }
}

/// Sends requests until `done`. Panics at the first wrong answer.
fn call(proxy: &Proxy, tokens: &[String; 2], seen: &Seen, caller: usize, done: &AtomicBool) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let url = format!("http://{}{LIST}", proxy.address());
    let [alice, bob] = tokens;
    for number in 0.. {
        if done.load(Ordering::SeqCst) {
            return;
        }

        let title = format!("{caller}-{number}");
        for (token, body, expected) in [
            (Some(alice), None, 200),
            (Some(bob), None, 403),
            (None, None, 401),
            (Some(alice), Some(json!({ "title": title }).to_string()), 201),
        ] {
            let mut head = ureq::http::Request::builder().uri(&url);
            if let Some(token) = token {
                head = head.header("Authorization", format!("Bearer {token}"));
            }
            let answer = match &body {
                None => agent.run(head.body(()).expect("a request")),
                Some(body) => agent.run(head.method("POST").body(body).expect("a request")),
            };
            let answer = answer.map(|answer| {
                let copy = answer.headers().get("Server").and_then(|name| name.to_str().ok());
                (answer.status().as_u16(), copy.unwrap_or_default().to_owned())
            });
            match answer {
                Ok((status, copy)) if status == expected => {
                    *seen.right.lock().expect("no panic").entry((copy, status)).or_default() += 1;
                    if body.is_some() {
                        seen.created.lock().expect("no panic").push(title.clone());
                    }
                }
                // The copy may have carried it out, so the proxy must not repeat it.
                Err(_) if seen.is_dying.load(Ordering::SeqCst) => {
                    seen.lost.fetch_add(1, Ordering::SeqCst);
                }
                Ok((502, _)) if body.is_some() && seen.is_dying.load(Ordering::SeqCst) => {
                    seen.lost.fetch_add(1, Ordering::SeqCst);
                }
                other => panic!("{other:?} instead of {expected}"),
            }
        }
        // A pause, so that the list stays short.
        std::thread::sleep(Duration::from_millis(40));
    }
}

#[test]
fn copies_behind_a_proxy_die_and_restart_without_one_wrong_answer() {
    let copies = Copies::new();
    // Both start at once, as under an orchestrator.
    let [one, two] = std::thread::scope(|scope| {
        [0, 1]
            .map(|number| {
                let copies = &copies;
                scope.spawn(move || copies.start(number))
            })
            .map(|copy| copy.join())
    })
    .map(|copy| copy.expect("it launches"));
    let proxy = Proxy::start(copies.ports);
    for name in NAMES {
        until("a copy is up", || proxy.stat(name, "status") == "UP");
    }
    let tokens = ["alice", "bob"]
        .map(|uid| ExampleApp::mint(&[("BETTER_AUTH_SECRET", servers::SECRET)], uid, "10m"));
    let (seen, done) = (Seen::default(), AtomicBool::new(false));
    // Waits for at least two more answers of each kind.
    let serves = |name: &str| {
        let before = seen.by(name);
        until(&format!("`{name}` serves"), || {
            assert!(!done.load(Ordering::SeqCst), "a wrong answer: see above");
            seen.by(name).iter().zip(before).all(|(now, before)| *now >= before + 2)
        });
    };

    // These run until the last caller has its answer.
    let mut running = [Some(one), Some(two)];
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (proxy, tokens, seen, done) = (&proxy, &tokens, &seen, &done);
            scope.spawn(move || {
                let _guard = OnPanic(done);
                call(proxy, tokens, seen, caller, done);
            });
        }
        let _guard = OnPanic(&done);

        NAMES.iter().for_each(|name| serves(name));

        // Kill one copy, and start it again.
        seen.is_dying.store(true, Ordering::SeqCst);
        running[0] = None;
        until("the dead one is noticed", || proxy.stat("one", "status") == "DOWN");
        serves("two");
        seen.is_dying.store(false, Ordering::SeqCst);
        running[0] = Some(copies.start(0));
        serves("one");

        // Restart each copy.
        for (number, name) in NAMES.into_iter().enumerate() {
            proxy.send(&format!("set server copies/{name} state drain"));
            until("its requests are over", || proxy.stat(name, "scur") == "0");
            let ended = running[number].take().expect("it runs").terminate(10);
            assert_eq!(ended, Some(0));
            serves(NAMES[1 - number]);
            running[number] = Some(copies.start(number));
            proxy.send(&format!("set server copies/{name} state ready"));
            serves(name);
        }

        // The proxy passes both `Authorization` fields on to the guards.
        let line = format!("Authorization: Bearer {0}\r\n", tokens[0]).repeat(2);
        let mut connection = Connection::open(proxy.address());
        connection.write(&request("GET", LIST, &line, ""));
        let reply = connection.read("GET");
        assert_eq!((reply.status, &*reply.code()), (400, "request_malformed"));

        done.store(true, Ordering::SeqCst);
    });
    let lost = seen.lost.into_inner();
    assert!(lost <= CALLERS, "{lost} requests lost");

    // Every task that was answered with 201 exists exactly once.
    let copy = running[0].as_ref().expect("it runs");
    let (status, tasks) = copy.call("GET", LIST, Some(&tokens[0]), Value::Null);
    assert_eq!(status, 200);
    let titles: Vec<_> = tasks.as_array().expect("a list").iter().map(|t| &t["title"]).collect();
    let created = seen.created.into_inner().expect("no panic");
    for title in &created {
        assert_eq!(titles.iter().filter(|there| **there == title).count(), 1, "{title}");
    }
    assert!(titles.len() <= created.len() + lost);

    let right: usize = seen.right.into_inner().expect("no panic").values().sum();
    println!(
        "proxy: {right} correct answers, none wrong; {} tasks exist, {} were confirmed; {lost} \
         requests lost with the copy that was killed",
        titles.len(),
        created.len(),
    );
}

/// Stops the other threads if this one panics.
pub(crate) struct OnPanic<'a>(pub(crate) &'a AtomicBool);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let settings = [("BETTER_AUTH_SECRET", servers::SECRET)];
    let mut app = ExampleApp::deploy(&settings);
    let token = ExampleApp::mint(&settings, "alice", "5m");
    let (body, address) = (json!({ "title": "milk" }).to_string(), app.address());
    let line = format!("Authorization: Bearer {token}\r\n");
    let bytes = request("POST", LIST, &line, &body);
    let (first, rest) = bytes.split_at(bytes.len() - 4);

    let mut connection = Connection::open(address);
    connection.write(first);
    app.signal();
    until("it takes no new connection", || TcpStream::connect(address).is_err());
    connection.write(rest);
    assert_eq!(connection.read("POST").status, 201);
    assert_eq!(app.end(10), Some(0));
}

#[test]
fn a_body_is_limited_and_never_read_without_a_token() {
    let settings = [("BETTER_AUTH_SECRET", servers::SECRET), ("ROCKET_LIMITS", "{json=\"16KiB\"}")];
    let app = ExampleApp::start(&settings);
    let token = ExampleApp::mint(&settings, "alice", "5m");
    let post = |description: String| {
        let task = json!({ "title": "milk", "description": description });
        app.call("POST", LIST, Some(&token), task)
    };
    assert_eq!(post("x".repeat(2_000)).0, 201);
    let (status, problem) = post("x".repeat(20_000));
    assert_eq!((status, &problem["title"]), (413, &json!("Payload Too Large")));

    // Rocket itself waits for the first bytes of the body. The rest never arrives.
    let mut connection = Connection::open(app.address());
    connection.write(&request("POST", LIST, "Content-Length: 1000000000\r\n", ""));
    connection.write(&[b' '; 64]);
    let reply = connection.read("POST");
    assert_eq!((reply.status, &*reply.code()), (401, "token_missing"));
}
