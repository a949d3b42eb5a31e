//! Launching with a secret, with the demo's secret, and launches that fail.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use crate::binary::{Run, SECRET, Server, command, run};

/// Runs a line in a shell. Returns the whole output, head and body of the answer.
fn paste(line: &str) -> String {
    let Output { stdout, stderr, .. } = Command::new("sh").args(["-c", line]).output().unwrap();
    String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap()
}

/// The live tests open the page in a browser.
#[test]
fn the_demo_prints_a_page_to_open_and_a_token_to_paste_there() {
    let server = Server::start(&[]);
    let page = format!("http://{}/docs", server.address);
    assert!(server.output.contains(&format!("# Or open {page} in a browser")), "{}", server.output);
    assert!(paste(&format!("curl -sL {page}")).contains("<title>Swagger UI</title>"));
    let token = server.output.lines().find_map(|line| line.strip_prefix("ALICE=")).unwrap();
    let list = format!("-H 'Authorization: Bearer {token}' http://{}/api", server.address);
    assert!(paste(&format!("curl -i {list}/alice/tasks")).contains("HTTP/1.1 200"), "{token}");
    assert!(paste(&format!("curl -i {list}/bob/tasks")).contains("HTTP/1.1 403"));
}

/// Returns the commands that the demo prints, each after the assignments of its variables.
fn commands(server: &Server) -> Vec<String> {
    let is_assignment =
        |line: &&str| ["ALICE=", "BOB=", "TASKS="].iter().any(|name| line.starts_with(name));
    let (assignments, others): (Vec<_>, Vec<_>) = server.output.lines().partition(is_assignment);
    let commands = others.into_iter().filter(|line| line.starts_with("curl -i"));
    commands.map(|command| format!("{}\n{command}", assignments.join("\n"))).collect()
}

/// Returns what the demo prints, which is the last thing on the screen.
fn screen(server: &Server) -> &str {
    let start = server.output.find("# BETTER_AUTH_SECRET").unwrap();
    &server.output[start..]
}

/// A secret that code gives signs no tokens of OAuth clients.
#[test]
fn scopes_that_are_not_needed_are_a_warning_with_a_server_and_not_in_the_demo() {
    let warning = "routes name OAuth scopes, which the tokens of this issuer do not need";
    let demo = Server::start(&[]);
    assert!(demo.output.contains("scopes: ignored"), "{}", demo.output);
    assert!(!demo.output.contains(warning), "{}", demo.output);
    let server = Server::start(&[("BETTER_AUTH_SECRET", SECRET)]);
    assert!(server.output.contains(warning), "{}", server.output);
}

#[test]
fn the_demo_works_as_it_is_pasted() {
    let server = Server::start(&[]);
    assert!(server.output.contains("THIS RUN USES A RANDOM SECRET"), "{}", server.output);

    let commands = commands(&server);
    assert_eq!(commands.len(), 4, "{}", server.output);
    for (command, status) in commands.iter().zip([201, 200, 403, 401]) {
        let answer = paste(command);
        assert!(answer.contains(&format!("HTTP/1.1 {status}")), "{command}\n{answer}");
    }
    assert!(paste(&commands[1]).contains(r#""title":"milk""#));

    // Everything at once, including the lines between the commands.
    let (pasted, _) = screen(&server).rsplit_once("Rocket has launched").unwrap();
    assert_eq!(paste(pasted).matches("HTTP/1.1 ").count(), 4);
    assert!(server.directory.path().join("tasks.sqlite").exists());
}

/// What a newcomer sees in the end is all there is to do.
#[test]
fn the_demo_fits_a_terminal() {
    const COLUMNS: usize = 80;
    let server = Server::start(&[]);
    let rows = screen(&server).lines().map(|line| line.len().div_ceil(COLUMNS).max(1));
    // The cursor is in the last of 24.
    assert!(rows.sum::<usize>() < 24, "{}", screen(&server));
    for line in screen(&server).lines() {
        let is_token = line.starts_with("ALICE=") || line.starts_with("BOB=");
        assert!(is_token || line.len() <= COLUMNS, "{line}");
        let is_plain =
            !line.contains(['\'', '"', '`', '$', '(', ')', '<', '>', '|', '&', ';', '!']);
        assert!(is_plain || !line.starts_with('#'), "a shell without comments: {line}");
    }
}

#[test]
fn the_demos_tokens_say_what_the_server_asks_for() {
    let server = Server::start(&[
        ("AUTH_GUARD_ISSUER", "https://auth.example.com"),
        ("AUTH_GUARD_AUDIENCE", "https://api.example.com"),
        ("AUTH_GUARD_UID_CLAIM", "account"),
        ("AUTH_GUARD_MAX_LIFETIME", "60"),
        ("ROCKET_ADDRESS", "0.0.0.0"),
    ]);
    for (command, status) in commands(&server).iter().zip([201, 200, 403, 401]) {
        assert!(paste(command).contains(&format!("HTTP/1.1 {status}")), "{command}");
    }
}

#[test]
fn the_demo_does_not_depend_on_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = command(directory.path(), &[], &[("ROCKET_LOG_LEVEL", "off")]);
    let mut server = server.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let commands = lines.filter(|line| line.starts_with("curl -i")).take(4).count();
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(commands, 4);
}

#[test]
fn with_a_secret_there_is_no_demo() {
    let server = Server::start(&[("BETTER_AUTH_SECRET", SECRET)]);
    assert!(commands(&server).is_empty(), "{}", server.output);
    let health = paste(&format!("curl -s http://{}/health", server.address));
    assert_eq!(health, r#"{"status":"ok"}"#);

    let token = run(&["token", "alice"], &[("BETTER_AUTH_SECRET", SECRET)]).stdout;
    let bearer = format!("Authorization: Bearer {}", token.trim_end());
    let me = paste(&format!("curl -s -H '{bearer}' http://{}/api/me", server.address));
    assert!(me.starts_with(r#"{"uid":"alice","expires_at":"#), "{me}");
}

#[test]
fn outside_debug_no_secret_is_made() {
    let Run { success, stdout, stderr } = run(&[], &[("ROCKET_PROFILE", "release")]);
    let output = stdout + &stderr;
    assert!(!success && output.contains("BETTER_AUTH_SECRET is not set"), "{output}");
    assert!(!output.contains("curl"), "{output}");
}

#[test]
fn no_secret_is_made_where_a_key_source_is_named() {
    for variable in [
        ("BETTER_AUTH_SECRET", "short"),
        ("BETTER_AUTH_SECRET", ""),
        ("AUTH_SECRET", SECRET),
        ("BETTER_AUTH_SECRETS", SECRET),
    ] {
        let Run { success, stdout, stderr } = run(&[], &[variable]);
        let output = stdout + &stderr;
        assert!(!success && output.contains("BETTER_AUTH_SECRET"), "{output}");
        assert!(!output.contains("RANDOM SECRET"), "{output}");
    }
}

#[test]
fn a_database_that_cannot_be_opened_stops_the_launch() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = directory.path().join("garbage.sqlite");
    std::fs::write(
        &garbage,
        "this is not a database, and long enough to be read as one".repeat(40),
    )
    .unwrap();
    let missing = directory.path().join("missing/tasks.sqlite");

    for (path, reason) in [
        (missing.to_str().unwrap(), "unable to open database file"),
        (directory.path().to_str().unwrap(), "unable to open database file"),
        (garbage.to_str().unwrap(), "file is not a database"),
        ("", "empty path"),
    ] {
        let variables = [("BETTER_AUTH_SECRET", SECRET), ("EXAMPLE_APP_DATABASE", path)];
        let Run { success, stdout, stderr } = run(&[], &variables);
        let output = stdout + &stderr;
        assert!(!success, "{output}");
        assert!(output.contains(&format!("Cannot open the database `{path}`")), "{output}");
        assert!(output.contains(reason) && output.contains("EXAMPLE_APP_DATABASE"), "{output}");
    }
}

/// SQLite gives these names a special meaning.
#[test]
fn a_database_is_always_a_file() {
    for name in [":memory:", "file:tasks?mode=memory"] {
        let server = Server::start(&[("EXAMPLE_APP_DATABASE", name)]);
        assert!(server.directory.path().join(name).exists());
        assert!(paste(&commands(&server)[0]).contains("HTTP/1.1 201"));
        assert!(paste(&commands(&server)[1]).contains("milk"));
    }
}

#[test]
fn tasks_outlive_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.sqlite");
    let variables = [("EXAMPLE_APP_DATABASE", path.to_str().unwrap())];
    let server = Server::start(&variables);
    paste(&commands(&server)[0]);
    drop(server);

    let server = Server::start(&variables);
    assert!(paste(&commands(&server)[1]).contains("milk"));
}
