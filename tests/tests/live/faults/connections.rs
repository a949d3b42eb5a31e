//! Ten thousand connections that send nothing.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Stage, get};
use crate::process::Used;
use crate::proxy::until;
use crate::servers::ExampleApp;

const IDLE: usize = 10_000;
/// What an idle connection may cost.
const BYTES_EACH: u64 = 20 * 1024;

#[test]
#[ignore = "needs `ulimit -Hn 12000`"]
fn ten_thousand_idle_connections_cost_memory_and_delay_nobody() {
    // The application inherits this limit.
    let limit =
        ["--pid", &std::process::id().to_string(), "--nofile=12000:12000"].map(str::to_owned);
    let raised = Command::new("prlimit").args(limit).status();
    assert!(raised.expect("util-linux is installed").success(), "`ulimit -Hn` is below 12000");
    let stage = Stage::set();
    let app = ExampleApp::deploy(&stage.settings(&[]));
    let token = stage.token("alice");
    let slowest = || {
        (0..200)
            .map(|_| {
                let started = Instant::now();
                assert_eq!(get(&app, "/api/alice/tasks", &token).0, 200);
                started.elapsed()
            })
            .max()
            .expect("many")
    };
    let (alone, before) = (slowest(), Used::of(app.id()));
    let started = Instant::now();
    let connect = |_| TcpStream::connect(app.address()).expect("a connection");
    let connections: Vec<_> = (0..IDLE).map(connect).collect();
    until("they are accepted", || Used::of(app.id()).descriptors >= IDLE as u64);
    let opened = started.elapsed();
    let (beside, during) = (slowest(), Used::of(app.id()));
    let each = during.kibibytes.saturating_sub(before.kibibytes) * 1024 / IDLE as u64;
    assert!(each <= BYTES_EACH, "{each} bytes for each connection");

    // Nobody but a proxy closes them.
    std::thread::sleep(Duration::from_secs(12));
    let after = Used::of(app.id());
    assert!(after.descriptors >= IDLE as u64);
    drop(connections);
    until("they are closed", || Used::of(app.id()).descriptors <= before.descriptors + 20);
    println!(
        "idle connections: {} KiB and {} descriptors before, {} KiB and {} with {IDLE} of them, \
         opened in {opened:?}, {each} bytes each; {} KiB after; the slowest of 200 requests took \
         {alone:?} before, {beside:?} beside them; 12 s took {:?} of processor time",
        before.kibibytes,
        before.descriptors,
        during.kibibytes,
        during.descriptors,
        Used::of(app.id()).kibibytes,
        after.processor - during.processor,
    );
}
