//! A flood of invalid tokens changes nothing. The test needs a separate process to measure
//! its memory and threads.

use auth_guard_tests::corpus::{self, Case};
use auth_guard_tests::server::{Connection, Reply, Server, request};
use auth_guard_tests::*;

const CONNECTIONS: usize = 20;
const TOKENS: usize = 2_000;

/// Returns the invalid tokens that a connection carries unchanged: without white space
/// that HTTP would trim, and not too long for a field.
fn bad_tokens() -> Vec<Case> {
    let mut cases = corpus::cases();
    cases.retain(|case| {
        let [field] = &*case.authorization else { return false };
        case.status == 401 && field.trim() == field && field.len() < 16 * 1024
    });
    cases
}

fn ask(connection: &mut Connection, case: &Case) -> Reply {
    let line = format!("Authorization: {}\r\n", case.authorization[0]);
    connection.write(&request("GET", &case.path, &line, ""));
    connection.read("GET")
}

/// Returns the answers that must be the same before and after.
fn answers(server: &Server, bad: &[Case]) -> Vec<Reply> {
    let good = |uid: &str| format!("Authorization: Bearer {}\r\n", corpus::token(uid).sign());
    let mut connection = server.connect();
    let mut replies: Vec<_> = [good(corpus::OWNER), good(corpus::OTHER), String::new()]
        .iter()
        .map(|line| {
            connection.write(&request("GET", &corpus::path(), line, ""));
            connection.read("GET")
        })
        .collect();
    assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200, 403, 401]);
    replies.extend(bad.iter().map(|case| ask(&mut connection, case)));
    replies
}

/// Returns a number from `/proc/self/status`, or `None` if the file does not exist.
fn status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
}

fn flood(server: &Server, bad: &[Case], tokens: usize) {
    std::thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            scope.spawn(move || {
                let mut connection = server.connect();
                let own = bad.iter().cycle().skip(number * 13).take(tokens / CONNECTIONS);
                for case in own {
                    let reply = ask(&mut connection, case);
                    assert_eq!((reply.status, &*reply.code()), (401, case.code), "{}", case.name);
                }
            });
        }
    });
}

#[test]
fn two_thousand_bad_tokens_leave_the_server_as_it_was() {
    let table = corpus::settings();
    let server = Server::start(app(&table), figment(&table));
    let bad = bad_tokens();

    // The first round fills pools and buffers, and starts worker threads.
    flood(&server, &bad, TOKENS);
    let before = answers(&server, &bad);
    let (threads, memory) = (status("Threads"), status("VmRSS"));

    flood(&server, &bad, TOKENS);
    assert_eq!(answers(&server, &bad), before);
    let (threads_after, memory_after) = (status("Threads"), status("VmRSS"));
    println!(
        "{TOKENS} bad tokens over {CONNECTIONS} connections: threads {threads:?} to \
         {threads_after:?}, memory {memory:?} to {memory_after:?} KiB"
    );
    assert!(threads_after <= threads);
    let grown = memory_after.unwrap_or_default().saturating_sub(memory.unwrap_or_default());
    assert!(grown < 4 * 1024, "the memory grew by {grown} KiB");
}
