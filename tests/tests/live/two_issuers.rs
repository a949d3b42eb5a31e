//! One Better Auth server with `jwt()` and one of its plugins for OAuth: session tokens and
//! access tokens open the same users' paths, side by side, and a client that knows only the
//! API finds its way to a token.

use auth_guard_tests::server::{Connection, request};
use serde_json::{Value, json};

use super::ROUTES;
use super::oauth::{ACCESS, Kind, Server, Tokens, get, list, refused, wait_until_ready};
use super::servers::{ExampleApp, free_port, lasting_port};

const PUBLIC_KEYS: (&str, &str) = ("ISSUER_MODE", "jwks");

/// The route of the example app that admits machines.
const STATUS: &str = "/api/status";

/// A user's access tokens if no refresh token was asked for.
const SHORT: [&str; 2] = ["access", "device"];

/// The tokens of a user that open nothing.
const OTHERS: [&str; 5] = ["id", "opaque", "refresh_token", "dpop", "access_other_resource"];

/// Returns the table of the server's OAuth provider, as docs/issuers.md has it.
fn agents(server: &Server) -> String {
    format!(
        "{{issuers={{agents={{issuer=\"{}/api/auth\",token_type=\"at+jwt\",discovery=true,\
         users=\"same\"}}}}}}",
        server.url
    )
}

/// Starts the example app with both issuers of a server.
fn app(server: &Server, resource: &str, more: &[(&str, &str)]) -> ExampleApp {
    let table = agents(server);
    let ours = [
        ("BETTER_AUTH_URL", &*server.url),
        ("AUTH_GUARD_RESOURCE", resource),
        ("ROCKET_AUTH_GUARD", &table),
    ];
    ExampleApp::start(&[&ours, more].concat())
}

/// Checks that each of these tokens opens its owner's paths, and nobody else's.
fn opens(app: &ExampleApp, tokens: &Tokens, names: &[&str]) {
    for (user, other) in [("alice", "bob"), ("bob", "alice")] {
        let (uid, other) = (tokens.uid(user), tokens.uid(other));
        let own = tokens.of(user, names);
        assert_eq!(own.len(), names.len(), "{user}");
        for (name, token) in own {
            let (status, me) = app.call("GET", "/api/me", Some(token), Value::Null);
            assert_eq!((status, &me["uid"]), (200, &json!(uid)), "{name}");
            let path = format!("/api/{uid}/tasks");
            let (status, _) = app.call("POST", &path, Some(token), json!({ "title": "milk" }));
            assert_eq!((status, list(app, uid, token)), (201, 200), "{name}");
            let elsewhere = get(app, &format!("/api/{other}/tasks"), token);
            assert_eq!(elsewhere, (403, "not_owner".into()), "{name}");
        }
    }
}

/// Each of these tokens reads what is its owner's, and changes nothing.
fn reads(app: &ExampleApp, tokens: &Tokens, names: &[&str]) {
    for user in ["alice", "bob"] {
        let own = tokens.of(user, names);
        assert_eq!(own.len(), names.len(), "{user}");
        for (name, token) in own {
            let before = app.call("GET", &tasks(tokens, user), Some(token), Value::Null);
            assert_eq!(before.0, 200, "{name}");
            for path in ["/api/me", STATUS] {
                assert_eq!(get(app, path, token).0, 200, "{name}: {path}");
            }
            for (method, path) in ROUTES.iter().filter(|(method, _)| *method != "GET") {
                let path = format!("/api/{}/{path}", tokens.uid(user));
                let (status, body) = app.call(method, &path, Some(token), json!({ "title": "x" }));
                let refusal = (status, body["code"].as_str());
                assert_eq!(refusal, (403, Some("insufficient_scope")), "{name}: {method} {path}");
            }
            let challenge = challenge(app, "POST", &tasks(tokens, user), token);
            assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
            assert_eq!(scope(&challenge), Some("tasks:write"), "{name}");
            let after = app.call("GET", &tasks(tokens, user), Some(token), Value::Null);
            assert_eq!(before, after, "{name}");
        }
    }
}

/// Each of these tokens lacks every scope of the API.
fn opens_nothing(app: &ExampleApp, tokens: &Tokens, names: &[&str]) {
    for user in ["alice", "bob"] {
        let own = tokens.of(user, names);
        assert_eq!(own.len(), names.len(), "{user}");
        for (name, token) in own {
            let refusal = (403, "insufficient_scope");
            refused(app, tokens.uid(user), name, token, refusal);
            assert_eq!(get(app, STATUS, token), (403, refusal.1.into()), "{name}");
        }
    }
}

fn tasks(tokens: &Tokens, user: &str) -> String {
    format!("/api/{}/tasks", tokens.uid(user))
}

/// Returns the challenge of a refusal.
fn challenge(app: &ExampleApp, method: &str, path: &str, token: &str) -> String {
    let mut connection = Connection::open(app.address());
    let line = format!("Authorization: Bearer {token}\r\n");
    connection.write(&request(method, path, &line, ""));
    let reply = connection.read(method);
    let field = reply.fields.iter().find_map(|field| field.strip_prefix("www-authenticate: "));
    field.unwrap_or_else(|| panic!("no challenge: {:?}", reply.fields)).to_owned()
}

/// Returns the scopes that a challenge names.
fn scope(challenge: &str) -> Option<&str> {
    Some(challenge.split_once(" scope=\"")?.1.split_once('"')?.0)
}

#[test]
fn session_and_access_tokens_of_one_server_open_the_same_paths() {
    let port = lasting_port();
    let server = Server::start(Kind::OauthProvider, port, &[PUBLIC_KEYS]);
    let tokens = server.tokens();
    let app = app(&server, tokens.text("/resource").expect("an API"), &[]);
    wait_until_ready(&app);
    opens(&app, &tokens, &["session"]);
    opens(&app, &tokens, &ACCESS);
    for user in ["alice", "bob"] {
        let others = tokens.of(user, &OTHERS);
        assert_eq!(others.len(), OTHERS.len());
        for (name, token) in others {
            refused(&app, tokens.uid(user), name, token, (401, "token_invalid"));
        }
    }
    let machine = tokens.access("machine");
    refused(&app, tokens.uid("machine"), "machine", machine, (403, "not_allowed"));

    // Known keys stay in use while the server is away, and both issuers find the next ones.
    drop(server);
    opens(&app, &tokens, &["session", "access"]);
    let server = Server::start(Kind::OauthProvider, port, &[PUBLIC_KEYS]);
    let renewed = server.tokens();
    for name in ["session", "access"] {
        opens(&app, &renewed, &[name]);
        let old = tokens.of("alice", &[name])[0].1;
        refused(&app, tokens.uid("alice"), name, old, (401, "token_invalid"));
    }
}

#[test]
fn a_programs_token_opens_what_its_scopes_name_and_a_session_token_everything() {
    let server = Server::start(Kind::OauthProvider, lasting_port(), &[PUBLIC_KEYS]);
    let of = |scope| server.tokens_with(&["--scope", scope]);
    let (reading, writing, identity) = (of("tasks:read"), of("tasks:write"), of("openid"));
    let app = app(&server, reading.text("/resource").expect("an API"), &[]);
    wait_until_ready(&app);
    // The user's own, whatever a program may do meanwhile.
    for tokens in [&reading, &writing, &identity] {
        opens(&app, tokens, &["session"]);
        for user in ["alice", "bob"] {
            let session = tokens.of(user, &["session"])[0].1;
            assert_eq!(get(&app, STATUS, session).0, 200, "{user}");
        }
    }
    reads(&app, &reading, &SHORT);
    opens_nothing(&app, &identity, &SHORT);
    for (name, token) in writing.of("alice", &SHORT) {
        let path = tasks(&writing, "alice");
        let (status, _) = app.call("POST", &path, Some(token), json!({ "title": "tea" }));
        assert_eq!((status, list(&app, writing.uid("alice"), token)), (201, 403), "{name}");
        assert_eq!(scope(&challenge(&app, "GET", &path, token)), Some("tasks:read"), "{name}");
    }

    for (tokens, expected) in [(&reading, (200, "")), (&writing, (403, "insufficient_scope"))] {
        let machine = tokens.access("machine");
        assert_eq!(get(&app, STATUS, machine), (expected.0, expected.1.into()));
        for uid in ["machine", "alice"].map(|name| tokens.uid(name)) {
            refused(&app, uid, "machine", machine, (403, "not_allowed"));
        }
    }
}

/// MCP's authorization: a refusal, the metadata of the API, those of its issuer, a token, and
/// the call. The script is told the URL of the API and nothing else.
#[test]
fn a_client_that_knows_only_the_api_finds_its_way_to_a_token() {
    let api_port = free_port().to_string();
    let api = format!("http://127.0.0.1:{api_port}");
    let settings = [PUBLIC_KEYS, ("ISSUER_RESOURCE", &*api)];
    let server = Server::start(Kind::Mcp, lasting_port(), &settings);
    let app = app(&server, &api, &[("ROCKET_PORT", &api_port)]);
    wait_until_ready(&app);

    // There is no server at the address of the first argument.
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let me = format!("{api}/api/me");
    let walk = |more: &[&str]| {
        let tokens = Tokens::get(&[&[&*nowhere, "--kind", "mcp", "--api", &me], more].concat());
        assert_eq!(tokens.text("/resource"), Some(&*api));
        assert_eq!(tokens.text("/issuer"), Some(&*format!("{}/api/auth", server.url)));
        tokens
    };
    // It asks for what the refusal names, and calls.
    let tokens = walk(&[]);
    assert_eq!(tokens.text("/scope"), Some("tasks:read"));
    reads(&app, &tokens, &SHORT);
    opens(&app, &tokens, &["session"]);

    // A further refusal names what is missing, and the client asks for both.
    let path = tasks(&tokens, "alice");
    let challenge = challenge(&app, "POST", &path, tokens.access("alice"));
    let missing = scope(&challenge).expect("a scope");
    let tokens = walk(&["--scope", &format!("openid offline_access tasks:read {missing}")]);
    opens(&app, &tokens, &ACCESS);
    for (name, token) in tokens.of("alice", &OTHERS) {
        refused(&app, tokens.uid("alice"), name, token, (401, "token_invalid"));
    }
    opens_nothing(&app, &walk(&["--scope", "openid"]), &SHORT);
}
