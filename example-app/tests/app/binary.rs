//! Runs the binary in a temporary directory, without this process's settings.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const SECRET: &str = "kQ5xW0p3vT8mZ2rB7nJ4cH6yL9dS1fGa";

/// A run that has exited.
pub(crate) struct Run {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A listening server, killed on drop.
pub(crate) struct Server {
    /// The output until the server was ready.
    pub(crate) output: String,
    pub(crate) address: SocketAddr,
    pub(crate) directory: TempDir,
    child: Child,
    // Kept open, because the server goes on printing.
    _stdout: BufReader<ChildStdout>,
}

pub(crate) fn command(directory: &Path, args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-app"));
    let ours = ["ROCKET_", "BETTER_AUTH_", "AUTH_", "EXAMPLE_APP_"];
    for (name, _) in std::env::vars_os() {
        if ours.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.current_dir(directory).env("ROCKET_CLI_COLORS", "false").env("ROCKET_PORT", "0");
    command.args(args).envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

/// Runs the binary until it exits: a subcommand, or a launch that fails.
pub(crate) fn run(args: &[&str], variables: &[(&str, &str)]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let Output { status, stdout, stderr } =
        command(directory.path(), args, variables).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { success: status.success(), stdout: text(stdout), stderr: text(stderr) }
}

impl Server {
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut child =
            command(directory.path(), &[], variables).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());

        let mut output = String::new();
        let address = loop {
            let start = output.len();
            assert_ne!(stdout.read_line(&mut output).unwrap(), 0, "did not launch: {output}");
            if let Some((_, url)) = output[start..].split_once("launched from http://") {
                break url.trim().parse().unwrap();
            }
        };
        Self { output, address, directory, child, _stdout: stdout }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
