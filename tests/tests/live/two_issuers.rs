//! One Better Auth server with `jwt()` and one of its plugins for OAuth: session tokens and
//! access tokens open the same users' paths, side by side, and a client that knows only the
//! API finds its way to a token.

use serde_json::{Value, json};

use super::oauth::{ACCESS, Kind, Server, Tokens, get, list, refused, script, wait_until_ready};
use super::servers::{ExampleApp, free_port, lasting_port};

const PUBLIC_KEYS: (&str, &str) = ("ISSUER_MODE", "jwks");

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
    let walk = [&*nowhere, "--kind", "mcp", "--api", &format!("{api}/api/me")];
    let output = script("tokens.mjs").args(walk).output().expect("Node 20 or later is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tokens = Tokens(serde_json::from_slice(&output.stdout).expect("JSON"));
    assert_eq!(tokens.text("/resource"), Some(&*api));
    assert_eq!(tokens.text("/issuer"), Some(&*format!("{}/api/auth", server.url)));
    opens(&app, &tokens, &ACCESS);
    opens(&app, &tokens, &["session"]);
    for (name, token) in tokens.of("alice", &OTHERS) {
        refused(&app, tokens.uid("alice"), name, token, (401, "token_invalid"));
    }
}
