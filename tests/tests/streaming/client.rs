//! Clients of a stream and of a WebSocket, written against the RFCs and not with the crate
//! that serves them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest that a test waits for anything.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A response whose body arrives in chunks.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
    /// What was read and belongs to the next event.
    text: String,
    pub(crate) status: u16,
    pub(crate) fields: Vec<String>,
}

/// What a server sends on a WebSocket.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    Text(String),
    Close(u16, String),
}

pub(crate) struct Socket {
    reader: BufReader<TcpStream>,
    opened: Instant,
}

/// Sends a request. Returns the status and the fields of its answer, and what reads the rest.
fn ask(address: SocketAddr, path: &str, lines: &str) -> (u16, Vec<String>, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(MAX_WAIT)).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines().map(|line| line.expect("a line"));
    let status = lines.next().expect("a status line")[9..12].parse().expect("a status");
    let fields = lines.take_while(|line| !line.is_empty());
    let fields = fields.map(|line| line.to_ascii_lowercase()).collect();
    (status, fields, reader)
}

impl Events {
    pub(crate) fn open(address: SocketAddr, path: &str, token: &str) -> Self {
        let line = format!("Authorization: Bearer {token}\r\n");
        let (status, fields, reader) = ask(address, path, &line);
        Self { reader, text: String::new(), status, fields }
    }

    /// Reads the next chunk; `None` is the end that HTTP has for a body that is complete.
    fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.reader.read_line(&mut size).expect("a size");
        let size = usize::from_str_radix(size.trim_end(), 16).expect("a hexadecimal number");
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).expect("a chunk");
        chunk.truncate(size);
        (size > 0).then(|| String::from_utf8(chunk).expect("UTF-8"))
    }

    /// Reads the data of the next event.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                // A heartbeat is a comment.
                let data = event.lines().filter(|line| *line != ":");
                let data = data.map(|line| line.strip_prefix("data:").expect("data"));
                let data = data.collect::<Vec<_>>().join("\n");
                self.text = rest.to_owned();
                return Some(data);
            }
            match self.chunk() {
                Some(chunk) => self.text += &chunk,
                None => {
                    assert!(["", ":\n"].contains(&&*self.text), "an event broken off");
                    return None;
                }
            }
        }
    }
}

impl Socket {
    pub(crate) fn open(address: SocketAddr, path: &str) -> Self {
        // The key, and what it must be answered with, are those of RFC 6455, section 1.3.
        let lines = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let (status, fields, reader) = ask(address, path, lines);
        let accept = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=";
        assert_eq!(status, 101);
        assert!(fields.iter().any(|field| field == accept), "{fields:?}");
        Self { reader, opened: Instant::now() }
    }

    /// Opens a socket, and sends a token.
    pub(crate) fn with(address: SocketAddr, path: &str, token: &str) -> Self {
        let mut socket = Self::open(address, path);
        socket.send(token);
        socket
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.send_frame(0x1, text.as_bytes());
    }

    /// Sends a frame. A client masks what it sends, here with zeros.
    pub(crate) fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).expect("a short message");
        let mut frame = vec![0x80 | opcode];
        match length {
            0..126 => frame.push(0x80 | length.to_be_bytes()[1]),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        // A server that has closed the connection reads nothing, which the next frame shows.
        let _ = self.reader.get_mut().write_all(&frame);
    }

    /// Reads the next frame; `None` is the end of the connection.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        // A server that only pings would keep a test waiting.
        const EMPTY_PING: [u8; 2] = [0x89, 0];
        let mut head = EMPTY_PING;
        while head == EMPTY_PING {
            assert!(self.opened.elapsed() < MAX_WAIT, "nothing but pings");
            self.reader.read_exact(&mut head).ok()?;
        }
        let mut length = usize::from(head[1]);
        if length == 126 {
            let mut long = [0; 2];
            self.reader.read_exact(&mut long).expect("a length");
            length = u16::from_be_bytes(long).into();
        }
        let mut payload = vec![0; length];
        self.reader.read_exact(&mut payload).expect("a payload");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Some(match head[0] {
            0x81 => Frame::Text(text(&payload)),
            0x88 => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                Frame::Close(code, text(&payload[2..]))
            }
            other => panic!("an unexpected frame: {other:#x}"),
        })
    }

    /// Reads how the server closes, and closes as well. Returns the code and the reason.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> (u16, String) {
        match self.next() {
            Some(Frame::Close(code, reason)) => {
                self.send_frame(0x8, &code.to_be_bytes());
                assert_eq!(self.next(), None, "the connection goes on");
                (code, reason)
            }
            other => panic!("not closed: {other:?}"),
        }
    }
}
