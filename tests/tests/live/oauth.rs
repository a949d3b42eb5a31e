//! Access tokens of OAuth servers: Better Auth with its OAuth provider and its MCP plugin,
//! and npm's oidc-provider. The example app finds the keys by discovery.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use auth_guard_tests::server::{Connection, request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::ROUTES;
use super::servers::{ExampleApp, Issuer, Process, SECRET, lasting_port, workspace};

const AT_JWT: (&str, &str) = ("AUTH_GUARD_TOKEN_TYPE", "at+jwt");

/// The access tokens of a user, as `tests/issuers/tokens.mjs` names them.
pub(super) const ACCESS: [&str; 3] = ["access", "refreshed", "device"];
/// A user's other tokens.
const OTHERS: [&str; 6] =
    ["id", "opaque", "refresh_token", "dpop", "session", "access_other_resource"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    OauthProvider,
    Mcp,
    OidcProvider,
}

/// A running OAuth server, on a port that it has again after a restart.
pub(super) struct Server {
    kind: Kind,
    pub(super) url: String,
    _process: Process,
}

impl Server {
    pub(super) fn start(kind: Kind, port: u16, settings: &[(&str, &str)]) -> Self {
        let plugin = match kind {
            Kind::OauthProvider => "oauth-provider",
            Kind::Mcp => "mcp",
            Kind::OidcProvider => return Self::start_oidc_provider(port, settings),
        };
        let settings = [settings, &[("ISSUER_PLUGIN", plugin)]].concat();
        let Issuer { url, process } = Issuer::start_at(port, &settings);
        Self { kind, url, _process: process }
    }

    fn start_oidc_provider(port: u16, settings: &[(&str, &str)]) -> Self {
        let mut command = script("oidc-provider.mjs");
        command.env("OIDC_PORT", port.to_string()).envs(settings.iter().copied());
        // It warns there that it would rather have another version of Node.
        let process = Process::ready(command.stderr(Stdio::null()));
        Self {
            kind: Kind::OidcProvider,
            url: format!("http://127.0.0.1:{port}"),
            _process: process,
        }
    }

    /// Gets every kind of token, as a program and its users do.
    pub(super) fn tokens(&self) -> Tokens {
        self.tokens_with(&[])
    }

    /// Gets them with these options of the script.
    pub(super) fn tokens_with(&self, options: &[&str]) -> Tokens {
        let kind = match self.kind {
            Kind::OauthProvider => "better-auth",
            Kind::Mcp => "mcp",
            Kind::OidcProvider => "oidc-provider",
        };
        Tokens::get(&[&[&*self.url, "--kind", kind], options].concat())
    }
}

/// Returns a command that runs a script of `tests/issuers`.
fn script(name: &str) -> Command {
    let directory = workspace().join("tests/issuers");
    let packages = directory.join("node_modules");
    assert!(packages.exists(), "the issuers' packages are missing: run `npm ci` in tests/issuers");
    let mut command = Command::new("node");
    command.arg(name).current_dir(directory);
    command
}

/// What `tokens.mjs` prints.
pub(super) struct Tokens(Value);

impl Tokens {
    /// Runs the script.
    pub(super) fn get(arguments: &[&str]) -> Self {
        let output = script("tokens.mjs").args(arguments).output();
        let output = output.expect("Node 20 or later is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    fn issuer(&self) -> &str {
        self.text("/issuer").expect("an issuer")
    }

    pub(super) fn uid(&self, user: &str) -> &str {
        self.text(&format!("/{user}/uid")).expect("a uid")
    }

    pub(super) fn access(&self, user: &str) -> &str {
        self.text(&format!("/{user}/access")).expect("an access token")
    }

    /// Returns the tokens of these kinds that the issuer has, with their names.
    pub(super) fn of<'t>(&'t self, user: &str, names: &[&'t str]) -> Vec<(&'t str, &'t str)> {
        let token = |name: &&'t str| Some((*name, self.text(&format!("/{user}/{name}"))?));
        names.iter().filter_map(token).collect()
    }

    /// Starts the example app, which asks the issuer where its keys are.
    fn app(&self, settings: &[(&str, &str)]) -> ExampleApp {
        self.app_with(&[&[("AUTH_GUARD_DISCOVERY", "true")], settings].concat())
    }

    fn app_with(&self, settings: &[(&str, &str)]) -> ExampleApp {
        let audience = ("AUTH_GUARD_AUDIENCE", self.text("/resource").expect("an API"));
        let ours = [("AUTH_GUARD_ISSUER", self.issuer()), audience, AT_JWT];
        ExampleApp::start(&[&ours, settings].concat())
    }
}

pub(super) fn get(app: &ExampleApp, path: &str, token: &str) -> (u16, String) {
    let (status, body) = app.call("GET", path, Some(token), Value::Null);
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

pub(super) fn list(app: &ExampleApp, owner: &str, token: &str) -> u16 {
    get(app, &format!("/api/{owner}/tasks"), token).0
}

fn is_ready(app: &ExampleApp) -> bool {
    match app.call("GET", "/health/ready", None, Value::Null) {
        (200, _) => true,
        (503, problem) => {
            assert_eq!(problem["title"], json!("Service Unavailable"));
            false
        }
        other => panic!("{other:?}"),
    }
}

/// Waits until the application is ready, and sends nothing else.
pub(super) fn wait_until_ready(app: &ExampleApp) {
    let started = Instant::now();
    while !is_ready(app) {
        assert!(started.elapsed() < Duration::from_secs(30), "not ready within 30 s");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Sends a token to every guarded route of a path, and returns the number of requests.
#[track_caller]
pub(super) fn refused(
    app: &ExampleApp,
    uid: &str,
    name: &str,
    token: &str,
    expected: (u16, &str),
) -> usize {
    let own = ROUTES.map(|(method, path)| (method, format!("/api/{uid}/{path}")));
    for (method, path) in own.iter().chain(&[("GET", "/api/me".to_owned())]) {
        let (status, body) = app.call(method, path, Some(token), json!({ "title": "milk" }));
        let got = (status, body["code"].as_str().unwrap_or_default());
        assert_eq!(got, expected, "{name}: {method} {path}");
    }
    ROUTES.len() + 1
}

/// Sends every token to the application, each in turn to its owner's path and another's.
fn each_token_gets_its_answer(tokens: &Tokens, app: &ExampleApp, kind: Kind) {
    let (mut accepted, mut refusals) = (0, 0);
    for (user, other) in [("alice", "bob"), ("bob", "alice")] {
        let (uid, other) = (tokens.uid(user), tokens.uid(other));
        let access = tokens.of(user, &ACCESS);
        assert_eq!(access.len(), if kind == Kind::OidcProvider { 2 } else { 3 }, "{kind:?}");
        for (name, token) in access {
            let (status, me) = app.call("GET", "/api/me", Some(token), Value::Null);
            assert_eq!((status, &me["uid"]), (200, &json!(uid)), "{name}");
            let path = format!("/api/{uid}/tasks");
            let (status, _) = app.call("POST", &path, Some(token), json!({ "title": "milk" }));
            assert_eq!((status, list(app, uid, token)), (201, 200), "{name}");
            let elsewhere = get(app, &format!("/api/{other}/tasks"), token);
            assert_eq!(elsewhere, (403, "not_owner".into()), "{name}");
            accepted += 3;
        }

        let others = tokens.of(user, &OTHERS);
        assert_eq!(others.len(), if kind == Kind::OidcProvider { 5 } else { 6 }, "{kind:?}");
        for (name, token) in others {
            refusals += refused(app, uid, name, token, (401, "token_invalid"));
        }
    }

    let machine = tokens.access("machine");
    for uid in ["machine", "alice"].map(|name| tokens.uid(name)) {
        refusals += refused(app, uid, "machine", machine, (403, "not_allowed"));
    }
    println!("{kind:?}: {accepted} requests accepted, {refusals} refused");
}

/// The life of an application and its issuer: both start, the issuer is away, and returns
/// with another key.
fn an_issuer_comes_and_goes(kind: Kind, settings: &[(&str, &str)]) {
    let port = lasting_port();
    let server = Server::start(kind, port, settings);
    let tokens = server.tokens();
    let app = tokens.app(&[]);
    wait_until_ready(&app);
    each_token_gets_its_answer(&tokens, &app, kind);

    drop(server);
    // One that was verified before, and one that was not: `sub` is then another's.
    let (alice, bob) = (tokens.uid("alice").to_owned(), tokens.uid("bob"));
    let access = tokens.access("alice");
    assert_eq!((list(&app, &alice, access), list(&app, bob, access)), (200, 403));
    assert!(is_ready(&app));
    let cold = tokens.app(&[]);
    assert!(!is_ready(&cold));
    let mut connection = Connection::open(cold.address());
    let line = format!("Authorization: Bearer {access}\r\n");
    connection.write(&request("GET", "/api/me", &line, ""));
    let reply = connection.read("GET");
    assert_eq!((reply.status, &*reply.code()), (503, "keys_unavailable"));
    let has_retry = reply.fields.iter().any(|field| field.starts_with("retry-after: "));
    assert!(has_retry, "{:?}", reply.fields);

    // It has forgotten everything, its keys too.
    let server = Server::start(kind, port, settings);
    wait_until_ready(&cold);
    let renewed = server.tokens();
    for app in [&app, &cold] {
        let uid = renewed.uid("alice");
        assert_eq!(list(app, uid, renewed.access("alice")), 200);
        assert_eq!(list(app, uid, renewed.access("bob")), 403);
        assert_eq!(get(app, "/api/me", access), (401, "token_invalid".into()));
    }
}

#[test]
fn better_auths_oauth_provider_comes_and_goes() {
    an_issuer_comes_and_goes(Kind::OauthProvider, &[("ISSUER_MODE", "jwks")]);
}

#[test]
fn better_auths_mcp_plugin_comes_and_goes() {
    let settings = [("ISSUER_MODE", "jwks"), ("ISSUER_JWKS_ALG", "ES512")];
    an_issuer_comes_and_goes(Kind::Mcp, &settings);
}

#[test]
fn oidc_provider_comes_and_goes() {
    an_issuer_comes_and_goes(Kind::OidcProvider, &[("OIDC_ALG", "ES512")]);
}

/// The set does not name the algorithm, as Entra's does not, so a setting must.
#[test]
fn oidc_provider_with_keys_that_do_not_name_their_algorithm() {
    let server = Server::start(Kind::OidcProvider, lasting_port(), &[("OIDC_NO_ALG", "1")]);
    let tokens = server.tokens();
    let app = tokens.app(&[("AUTH_GUARD_ALGORITHMS", "RS256")]);
    wait_until_ready(&app);
    each_token_gets_its_answer(&tokens, &app, Kind::OidcProvider);
    assert!(!is_ready(&tokens.app(&[])));
}

#[test]
fn an_access_token_of_the_shared_secret_is_told_from_an_id_token() {
    for kind in [Kind::OauthProvider, Kind::Mcp] {
        let server = Server::start(kind, lasting_port(), &[]);
        let tokens = server.tokens();
        let app = tokens.app_with(&[("BETTER_AUTH_SECRET", SECRET)]);
        assert!(is_ready(&app));
        each_token_gets_its_answer(&tokens, &app, kind);
    }
}

/// The application of Better Auth's own page, beside its OAuth provider.
#[test]
fn where_session_tokens_are_asked_for_no_other_will_do() {
    for settings in [&[("ISSUER_MODE", "jwks")][..], &[]] {
        let server = Server::start(Kind::OauthProvider, lasting_port(), settings);
        let tokens = server.tokens();
        let mut ours = vec![("BETTER_AUTH_URL", &*server.url)];
        if settings.is_empty() {
            ours.push(("BETTER_AUTH_SECRET", SECRET));
        }
        let app = ExampleApp::start(&ours);
        let alice = tokens.uid("alice");
        let session = tokens.of("alice", &["session"])[0].1;
        assert_eq!(
            (list(&app, alice, session), list(&app, tokens.uid("bob"), session)),
            (200, 403)
        );
        let others = OTHERS.into_iter().filter(|name| *name != "session");
        let others: Vec<_> = others.chain(ACCESS).collect();
        let others = tokens.of("alice", &others);
        assert_eq!(others.len(), 8);
        for (name, token) in others {
            refused(&app, alice, name, token, (401, "token_invalid"));
        }
        let machine = tokens.access("machine");
        refused(&app, tokens.uid("machine"), "machine", machine, (401, "token_invalid"));
    }
}

/// Better Auth makes a key for the first token after the rotation, so nobody can know the
/// key before.
#[test]
fn a_program_refreshes_its_token_while_keys_rotate() {
    let settings = [("ISSUER_MODE", "jwks"), ("ISSUER_VARIANT", "rotating")];
    let server = Server::start(Kind::OauthProvider, lasting_port(), &settings);
    let tokens = server.tokens();
    let app = tokens.app(&[]);
    let (alice, first) = (tokens.uid("alice"), tokens.access("alice"));

    let mut refresh_token = tokens.of("alice", &["refresh_token"])[0].1.to_owned();
    let mut keys = vec![key_id(first)];
    while keys.len() < 4 {
        std::thread::sleep(Duration::from_millis(1_100));
        let (access, next) = refresh(&tokens, &refresh_token);
        assert_eq!((list(&app, alice, &access), list(&app, alice, first)), (200, 200));
        assert_eq!(list(&app, tokens.uid("bob"), &access), 403);
        keys.push(key_id(&access));
        keys.dedup();
        refresh_token = next;
    }
}

fn key_id(token: &str) -> String {
    let header = token.split('.').next().expect("a header");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a key id").to_owned()
}

/// Returns a new access token and the next refresh token.
fn refresh(tokens: &Tokens, refresh_token: &str) -> (String, String) {
    let text = |pointer| tokens.text(pointer).expect("text");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", text("/client_id")),
        ("refresh_token", refresh_token),
        ("resource", text("/resource")),
    ];
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let answer = agent.post(text("/token_endpoint")).send_form(fields).expect("an answer");
    let answer: Value = answer.into_body().read_json().expect("JSON");
    let field = |name| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (field("access_token"), field("refresh_token"))
}
