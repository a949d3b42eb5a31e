//! The example app's document and page, in a third-party validator and browser.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::servers::{ExampleApp, workspace};

/// Returns a command that runs a script of `tests/browser`.
pub(crate) fn script(name: &str) -> Command {
    let directory = workspace().join("tests/browser");
    let packages = directory.join("node_modules");
    assert!(packages.exists(), "the browser's packages are missing: run `npm ci` in tests/browser");
    let mut command = Command::new("node");
    command.arg(name).current_dir(directory);
    command
}

/// A newcomer gets a 200 with nothing but what the demo prints.
#[test]
fn the_page_shows_what_a_token_opens() {
    let app = ExampleApp::start(&[]);
    let (page, token) = app.page_and_token();
    let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs.png");
    let visit = script("docs.mjs")
        .envs([("PAGE", page), ("TOKEN", token)])
        .env("SCREENSHOT", &screenshot)
        .output()
        .expect("Node 20 or later is installed");
    let [output, errors] =
        [visit.stdout, visit.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert!(visit.status.success(), "{output}{errors}");
    println!("{output}see {}", screenshot.display());
}

/// Returns what is wrong with a document, or an empty text if it is valid.
fn faults(document: &Value) -> String {
    let mut validator = script("validate.mjs")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Node 20 or later is installed");
    let mut input = validator.stdin.take().expect("piped");
    input.write_all(document.to_string().as_bytes()).expect("it reads");
    drop(input);
    let output = validator.wait_with_output().expect("it ends");
    let faults = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.success(), faults.is_empty(), "{faults}");
    faults
}

#[test]
fn the_document_is_valid_and_a_broken_one_is_not() {
    // Public keys bring every possible answer into the document.
    let app = ExampleApp::start(&[("BETTER_AUTH_URL", "http://127.0.0.1:1")]);
    let (status, document) = app.call("GET", "/openapi.json", None, Value::Null);
    assert_eq!(status, 200);
    assert!(document["components"]["responses"]["AuthProblem503"].is_object(), "{document}");
    assert_eq!(faults(&document), "");

    let parameter = "/paths/~1api~1{user_id}~1tasks/get/parameters/0";
    for (pointer, wrong) in [
        ("/openapi", json!("3.0.3")),
        ("/info", Value::Null),
        ("/components/securitySchemes/bearer/type", json!("bearer")),
        ("/components/responses/AuthProblem401/description", Value::Null),
        ("/components/schemas/AuthProblem/type", json!("problem")),
        ("/paths/~1health/get/responses/200/$ref", json!("#/components/responses/Nothing")),
        (&*format!("{parameter}/in"), json!("route")),
        (&*format!("{parameter}/required"), json!(false)),
    ] {
        let mut broken = document.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        broken.pointer_mut(parent).expect("it is there")[name] = wrong;
        assert_ne!(faults(&broken), "", "{pointer}");
    }
}
