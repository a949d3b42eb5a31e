//! Measures servers under load on real ports and prints a table.
//!
//! Each server is a separate process, `http serve NAME`, pinned to one core. The load
//! comes from another core over eight keep-alive connections. The servers take turns, and
//! the measure is the processor time that a server spends on a request.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auth_guard_benches::interleave::median;
use auth_guard_benches::{apps, tokens};

const CONNECTIONS: usize = 8;
const ROUNDS: usize = 31;

/// The time that each server is under load in one round.
const TURN: Duration = Duration::from_millis(300);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [serve, name] = &*arguments
        && serve == "serve"
    {
        return apps::serve(name);
    }

    pin(std::process::id(), 1);
    let mut servers: Vec<_> = apps::SERVERS.iter().map(|name| Server::start(name)).collect();
    let mut turns = vec![Vec::new(); servers.len()];
    for round in 0..ROUNDS {
        for turn in 0..servers.len() {
            let number = (round + turn) % servers.len();
            turns[number].push(servers[number].load());
        }
    }
    print(&turns);
}

/// The result of one turn.
#[derive(Clone, Copy)]
struct Turn {
    /// Microseconds of processor time per request.
    cpu: f64,
    per_second: f64,
}

fn print(turns: &[Vec<Turn>]) {
    let of = |name: &str| {
        let number = apps::SERVERS.iter().position(|server| *server == name);
        &turns[number.expect("a server")]
    };
    let over = |value: &dyn Fn(usize) -> f64| median((0..ROUNDS).map(value).collect());

    println!("| over HTTP, one core | requests/s | CPU, µs | added, µs | guarded ÷ plain |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, plain) in [
        ("rocket-plain", "rocket-plain"),
        ("rocket-scoped", "rocket-plain"),
        ("rocket-by-hand", "rocket-plain"),
        ("rocket-plain-logging", "rocket-plain"),
        ("axum-plain", "axum-plain"),
        ("axum-jwt-auth", "axum-plain"),
    ] {
        let (guarded, plain) = (of(name), of(plain));
        println!(
            "| {name} | {:.0} | {:.1} | {:.2} | {:.2} |",
            over(&|round| guarded[round].per_second),
            over(&|round| guarded[round].cpu),
            over(&|round| guarded[round].cpu - plain[round].cpu),
            over(&|round| guarded[round].per_second / plain[round].per_second),
        );
    }

    let added =
        |guarded: &str, plain: &str, round: usize| of(guarded)[round].cpu - of(plain)[round].cpu;
    let ratio = |guarded: &str, plain: &str| {
        over(&|round| added("rocket-scoped", "rocket-plain", round) / added(guarded, plain, round))
    };
    println!();
    println!(
        "`#[user_scoped]`, added CPU ÷ by hand on jsonwebtoken: {:.2}",
        ratio("rocket-by-hand", "rocket-plain")
    );
    println!(
        "`#[user_scoped]`, added CPU ÷ axum-jwt-auth: {:.2}",
        ratio("axum-jwt-auth", "axum-plain")
    );
}

struct Server {
    process: Child,
    connections: Vec<TcpStream>,
    /// One request for each of the tokens, which take turns.
    requests: Vec<Vec<u8>>,
    /// A buffer for the answers, which all have the same length.
    answer: Vec<u8>,
}

impl Server {
    fn start(name: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["serve", name])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        pin(process.id(), 0);

        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut lines = output.by_ref().lines().map(|line| line.expect("a line"));
        let port = lines.find_map(|line| line.strip_prefix("port ")?.parse::<u16>().ok());
        let port = port.expect("its port");
        // Reads its log, so that the pipe never fills up.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let connect = || {
            let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
            connection.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
            connection.set_nodelay(true).expect("a socket");
            connection
        };
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| connect()).collect();
        let requests = tokens::different(1000).iter().map(|token| request(token)).collect();
        let mut server = Self { process, connections, requests, answer: Vec::new() };
        server.answer = server.first_answer();
        server
    }

    fn first_answer(&mut self) -> Vec<u8> {
        let connection = &mut self.connections[0];
        connection.write_all(&self.requests[0]).expect("the server reads");
        let mut answer = Vec::new();
        while !answer.ends_with(tokens::UID.as_bytes()) {
            let mut byte = [0];
            connection.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
            assert!(answer.len() < 4096, "{}", String::from_utf8_lossy(&answer));
        }
        answer
    }

    /// Keeps the server busy for one turn.
    fn load(&mut self) -> Turn {
        let (cpu, start) = (cpu_time(self.process.id()), Instant::now());
        let mut count = 0;
        while start.elapsed() < TURN {
            for connection in &mut self.connections {
                let request = &self.requests[count % self.requests.len()];
                connection.write_all(request).expect("the server reads");
                count += 1;
            }
            for connection in &mut self.connections {
                connection.read_exact(&mut self.answer).expect("an answer");
                assert!(self.answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
                assert!(self.answer.ends_with(tokens::UID.as_bytes()));
            }
        }
        let (elapsed, cpu) = (start.elapsed(), cpu_time(self.process.id()) - cpu);
        Turn {
            cpu: cpu.as_secs_f64() * 1e6 / count as f64,
            per_second: count as f64 / elapsed.as_secs_f64(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("the server ends");
        self.process.wait().expect("the server ends");
    }
}

fn request(token: &str) -> Vec<u8> {
    let path = apps::path();
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
        .into()
}

/// Returns the processor time of all threads of a process, as Linux counts it.
fn cpu_time(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("Linux");
    let nanoseconds = threads.map(|thread| {
        let schedstat = thread.expect("a thread").path().join("schedstat");
        let schedstat = fs::read_to_string(schedstat).expect("Linux with schedstat");
        schedstat.split(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("nanoseconds")
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Pins a process to one core, if `taskset` is available.
fn pin(process: u32, core: usize) {
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", &core.to_string(), &process.to_string()])
        .stdout(Stdio::null())
        .status();
    if !pinned.is_ok_and(|status| status.success()) {
        eprintln!("could not pin process {process} to core {core}; is `taskset` installed?");
    }
}
