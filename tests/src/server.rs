//! An application on a real port, and its answers over a real connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;

use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::{Build, Rocket, Shutdown};
use serde_json::Value;

/// A server on a free port, shut down on drop.
#[derive(Debug)]
pub struct Server(SocketAddr, Shutdown);

/// A keep-alive connection to a server.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

/// An answer, without its date.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The header fields, sorted, with names in lower case.
    pub fields: Vec<String>,
    /// The body.
    pub body: String,
}

impl Server {
    /// Starts an application with the configuration `figment`.
    pub fn start(rocket: Rocket<Build>, figment: Figment) -> Self {
        let (ready, started) = mpsc::channel();
        let rocket = rocket.configure(figment.merge(("port", 0)));
        let rocket = rocket.attach(AdHoc::on_liftoff("ready", |rocket| {
            Box::pin(async move {
                let address = SocketAddr::new(rocket.config().address, rocket.config().port);
                ready.send(Server(address, rocket.shutdown())).expect("the test waits");
            })
        }));
        std::thread::spawn(|| drop(rocket::execute(rocket.launch())));
        started.recv().expect("the server starts")
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.0
    }

    /// Opens a connection.
    pub fn connect(&self) -> Connection {
        Connection::open(self.0)
    }

    /// Sends these bytes on a new connection, and reads this many answers.
    pub fn send(&self, requests: &[u8], answers: usize) -> Vec<Reply> {
        let mut connection = self.connect();
        connection.write(requests);
        (0..answers).map(|_| connection.read("GET")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.1.clone().notify();
    }
}

impl Connection {
    /// Opens a connection.
    pub fn open(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).expect("a connection")))
    }

    /// Sends these bytes.
    pub fn write(&mut self, requests: &[u8]) {
        self.0.get_mut().write_all(requests).expect("the server reads");
    }

    /// Reads the answer to a request with this method. An answer to `HEAD` has no body.
    pub fn read(&mut self, method: &str) -> Reply {
        let mut lines = self.0.by_ref().lines().map(|line| line.expect("a header line"));
        let status = lines.next().expect("a status line")[9..12].parse().expect("a status");
        let mut fields: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        fields.iter_mut().for_each(|field| {
            let (name, value) = field.split_once(": ").expect("a field");
            *field = format!("{}: {value}", name.to_ascii_lowercase());
        });
        fields.retain(|field| !field.starts_with("date: "));
        fields.sort();

        let length = fields.iter().find_map(|field| field.strip_prefix("content-length: "));
        let length =
            length.filter(|_| method != "HEAD").map_or(0, |n| n.parse().expect("a length"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        Reply { status, fields, body: String::from_utf8(body).expect("UTF-8") }
    }
}

impl Reply {
    /// Returns the `code` in a problem body.
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Returns the bytes of a request with these header lines and this body.
pub fn request(method: &str, path: &str, lines: &str, body: &str) -> Vec<u8> {
    let length = match body {
        "" => String::new(),
        body => format!("Content-Length: {}\r\n", body.len()),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{lines}{length}\r\n{body}").into_bytes()
}
