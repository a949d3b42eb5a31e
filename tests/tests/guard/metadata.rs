//! `resource`: protected-resource metadata (RFC 9728), and the challenges that lead to it.

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer};
use auth_guard::{AuthGuard, Policy, Verified, authorized, user_scoped};
use auth_guard_tests::server::{Server, request};
use auth_guard_tests::*;
use rocket::local::blocking::Client;
use rocket::{get, routes};
use serde_json::{Value, json};

use crate::launch::App;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const RESOURCE: &str = "https://api.example/mcp";
const PROVIDER: &str = "https://auth.example/api/auth";

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[authorized(scope = "profile tasks:read")]
#[get("/me")]
fn me(caller: Verified) -> String {
    caller.uid().to_owned()
}

/// An application with this URL, whose second issuer mints access tokens.
fn table(resource: &str) -> Value {
    json!({
        "url": "https://auth.example",
        "resource": resource,
        "undeclared": "deny",
        "issuers": {
            "agents": {
                "issuer": PROVIDER,
                "token_type": "at+jwt",
                "jwks_url": "https://auth.example/jwks",
                "users": "same",
            },
        },
    })
}

fn client(table: &Value) -> Client {
    let rocket = rocket::custom(figment(table)).attach(guard());
    launch(rocket.mount("/api", routes![list, me]))
}

fn metadata(client: &Client, path: &str) -> Option<Value> {
    let answer = get_with(client, path, &[]);
    let is_json = answer.content_type.as_deref() == Some("application/json");
    assert_eq!(is_json, answer.status == 200, "{answer:?}");
    (answer.status == 200).then(|| serde_json::from_str(&answer.body).expect("JSON"))
}

#[test]
fn the_metadata_names_the_issuers_of_access_tokens() {
    let client = client(&table(RESOURCE));
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [PROVIDER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["profile", "tasks:read"],
    });
    assert_eq!(metadata(&client, &format!("{WELL_KNOWN}/mcp")), Some(expected));
    assert_eq!(metadata(&client, WELL_KNOWN), None, "it is that of another resource");
    let head = send(&client, rocket::http::Method::Head, &format!("{WELL_KNOWN}/mcp"), &[]);
    assert_eq!((head.status, &*head.body), (200, ""));
    // Nobody is asked who they are, whatever they send.
    for fields in [&["Bearer x"][..], &["Basic eA=="], &["Bearer x", "Bearer y"]] {
        assert_eq!(get_with(&client, &format!("{WELL_KNOWN}/mcp"), fields).status, 200);
    }
}

#[test]
fn the_metadata_is_where_the_path_of_the_url_says() {
    for (resource, path) in [
        ("https://api.example", ""),
        ("https://api.example/", ""),
        ("https://api.example:8443", ""),
        ("https://api.example/mcp", "/mcp"),
        ("https://api.example/mcp/", "/mcp/"),
        ("https://api.example/v1/mcp", "/v1/mcp"),
        ("https://api.example/~a/b-c_d.e", "/~a/b-c_d.e"),
        ("http://127.0.0.1:8000/mcp", "/mcp"),
        ("http://localhost:8000", ""),
        ("http://[::1]:8000", ""),
    ] {
        let client = client(&table(resource));
        let document = metadata(&client, &format!("{WELL_KNOWN}{path}")).expect(resource);
        assert_eq!(document["resource"], resource);
        let origin = resource.strip_suffix(path).unwrap_or(resource).trim_end_matches('/');
        let challenge =
            format!("Bearer realm=\"api\", resource_metadata=\"{origin}{WELL_KNOWN}{path}\"");
        assert_eq!(get_with(&client, "/api/alice/tasks", &[]).challenges, [challenge]);
        let audited = auth_guard::audit(client.rocket());
        let route = audited.routes().iter().find(|route| route.uri.starts_with("/.well-known"));
        assert_eq!(route.expect("it is mounted").policy, Policy::Public, "{resource}");
    }
}

/// A host is never taken from a request.
#[test]
fn the_host_of_a_request_changes_nothing() {
    let table = table(RESOURCE);
    let rocket = rocket::custom(figment(&table)).attach(guard()).mount("/api", routes![list]);
    let server = Server::start(rocket, figment(&table));
    let evil = "Forwarded: host=evil.example\r\nX-Forwarded-Host: evil.example\r\n";
    for host in ["Host: evil.example\r\n", ""] {
        for path in ["/.well-known/oauth-protected-resource/mcp", "/api/alice/tasks"] {
            let bytes = request("GET", path, evil, "");
            let text = String::from_utf8(bytes).expect("UTF-8").replace("Host: x\r\n", host);
            let reply = server.send(text.as_bytes(), 1).remove(0);
            let text = format!("{:?} {}", reply.fields, reply.body);
            assert!(!text.contains("evil") && text.contains("https://api.example"), "{text}");
        }
    }
}

#[test]
fn every_challenge_leads_to_the_metadata() {
    let client = client(&table(RESOURCE));
    let url = format!("resource_metadata=\"https://api.example{WELL_KNOWN}/mcp\"");
    let token = |uid: &str| {
        let issuer = issuer().with_issuer("https://auth.example");
        issuer.with_audience("https://auth.example").token(uid)
    };
    let bearer = |token: String| format!("Bearer {token}");
    for (fields, status, has_challenge) in [
        (vec![], 401, true),
        (vec![bearer("x".into())], 401, true),
        (vec![bearer(token("alice").expired().sign())], 401, true),
        (vec![bearer("x".into()), bearer("y".into())], 400, true),
        (vec![bearer(token("bob").sign())], 403, false),
        (vec![bearer(token("alice").sign())], 200, false),
    ] {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let answer = get_with(&client, "/api/alice/tasks", &fields);
        assert_eq!(answer.status, status, "{fields:?}");
        assert_eq!(answer.challenges.len(), usize::from(has_challenge), "{answer:?}");
        assert!(answer.challenges.iter().all(|challenge| challenge.ends_with(&url)), "{answer:?}");
        if let Some(error) = (status == 401).then_some(auth_guard::AuthError::MissingToken) {
            assert_eq!(answer.is_refusal(&error), fields.is_empty(), "{answer:?}");
        }
    }
    // Without `resource`, a challenge is as it was, and nothing is mounted.
    let client = crate::metadata::client(&json!({}));
    assert_eq!(get_with(&client, "/api/alice/tasks", &[]).challenges, [r#"Bearer realm="api""#]);
    assert_eq!(metadata(&client, WELL_KNOWN), None);
}

#[test]
fn only_issuers_of_access_tokens_are_authorization_servers() {
    let first = json!({
        "issuer": "https://one.example", "token_type": "at+jwt", "resource": "https://api.example",
    });
    let document = metadata(&client(&first), WELL_KNOWN).expect("metadata");
    assert_eq!(document["authorization_servers"], json!(["https://one.example"]));
    // A list without members is left out (RFC 9728 section 3.2), and the launch says so.
    let none = json!({ "url": "https://auth.example", "resource": "https://api.example" });
    let document = metadata(&client(&none), WELL_KNOWN).expect("metadata");
    assert_eq!(document.get("authorization_servers"), None);
    let unscoped = rocket::custom(figment(&none)).attach(guard()).mount("/api", routes![list]);
    let document = metadata(&launch(unscoped), WELL_KNOWN).expect("metadata");
    assert_eq!(document.get("scopes_supported"), None);
    let app = App::new().env("BETTER_AUTH_SECRET", SECRET);
    let ended = app.env("AUTH_GUARD_RESOURCE", "https://api.example").run();
    assert!(ended.launched, "{}", ended.output);
    for line in [
        "no issuer of `at+jwt` tokens is configured",
        "resource: https://api.example, described at /.well-known/oauth-protected-resource",
        "GET /.well-known/oauth-protected-resource",
    ] {
        assert!(ended.output.contains(line), "no {line:?} in:\n{}", ended.output);
    }
}

#[test]
fn a_resource_that_clients_cannot_name_stops_the_launch() {
    for resource in [
        "",
        "api.example",
        "/mcp",
        "http://api.example",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "https://",
        "https:///mcp",
        "https://api.example?tenant=1",
        "https://api.example/mcp?",
        "https://api.example/mcp#here",
        "https://api.example/#",
        "https://user@api.example",
        "https://user:password@api.example/mcp",
        "https://api.example/a//b",
        "https://api.example//",
        "https://api.example/../mcp",
        "https://api.example/./mcp",
        "https://api.example/a%20b",
        "https://api.example/a b",
        "https://api.example/\"",
        "https://api.example/<id>",
        "https://api.example/é",
        "https://*.example",
        "ftp://api.example",
        "urn:example:api",
    ] {
        let verifier = guard().verifier(&figment(&json!({ "resource": resource })));
        let errors: Vec<_> = verifier.expect_err(resource).into_iter().collect();
        assert_eq!(errors.len(), 1, "{resource}: {errors:?}");
        assert_eq!(errors[0].key(), Some("resource"), "{resource}");
        assert!(errors[0].reason().contains("without a query"), "{errors:?}");
    }
    let app = || App::new().env("BETTER_AUTH_SECRET", SECRET);
    let ended = app().env("AUTH_GUARD_RESOURCE", "http://api.example").run();
    let line = "`resource` in the variable AUTH_GUARD_RESOURCE must be the public https URL";
    assert!(!ended.launched && ended.output.contains(line), "{}", ended.output);
}

/// A client that knows the API alone: challenge, metadata, issuer, token, call.
#[test]
fn the_metadata_leads_from_a_challenge_to_a_token_that_opens() {
    let clock = Clock::fixed(now());
    let agents = Issuer::with_key_pair(Algorithm::EdDsa, "agents").with_clock(clock.clone());
    let keys = JwksServer::start();
    keys.publish(&[&agents]);
    let mut table = table(RESOURCE);
    table["issuers"]["agents"]["jwks_url"] = json!(keys.url());
    let client = client(&table);

    let challenge = get_with(&client, "/api/me", &[]).challenges.remove(0);
    let parameter = |name: &str| {
        let (_, rest) = challenge.split_once(&format!(", {name}=\"")).expect(name);
        rest.split_once('"').expect("a quote").0
    };
    let (scopes, url) = (parameter("scope"), parameter("resource_metadata"));
    let path = url.strip_prefix("https://api.example").expect("the same origin");
    let document = metadata(&client, path).expect("metadata");
    let server = document["authorization_servers"][0].as_str().expect("a server");
    let resource = document["resource"].as_str().expect("a resource");
    assert_eq!(document["scopes_supported"], json!(scopes.split(' ').collect::<Vec<_>>()));
    let token = agents.with_issuer(server).with_audience(resource).access_token("alice");
    let answer = get_as(&client, "/api/me", token.clone());
    assert_eq!(answer.code(), "insufficient_scope");
    let token = token.scope(scopes);
    let answer = get_as(&client, "/api/me", token.clone());
    assert_eq!((answer.status, &*answer.body), (200, "alice"));

    // It opens no route without scopes; a session token of the first issuer needs none.
    assert_eq!(get_as(&client, "/api/alice/tasks", token).code(), "not_allowed");
    let session =
        issuer().with_issuer("https://auth.example").with_audience("https://auth.example");
    for path in ["/api/alice/tasks", "/api/me"] {
        assert_eq!(get_as(&client, path, session.token("alice")).status, 200, "{path}");
    }
}

/// Only the application's own resource is an accepted audience.
#[test]
fn a_token_for_another_resource_is_refused() {
    let keys = JwksServer::start();
    let agents = Issuer::with_key_pair(Algorithm::EdDsa, "agents");
    let agents = agents.with_clock(Clock::fixed(now())).with_issuer(PROVIDER);
    keys.publish(&[&agents]);
    let mut table = table(RESOURCE);
    table["issuers"]["agents"]["jwks_url"] = json!(keys.url());
    table["issuers"]["agents"]["scopes"] = json!("ignored");
    let guard = AuthGuard::fairing().with_secret(secret()).with_clock(Clock::fixed(now()));
    let rocket = rocket::custom(figment(&table)).attach(guard).mount("/api", routes![list, me]);
    let client = launch(rocket);
    let of =
        |aud: &str| alice_with(&client, agents.clone().with_audience(aud).access_token("alice"));
    assert_eq!(of(RESOURCE), accepted());
    for aud in
        ["https://api.example", "https://api.example/mcp/", "https://api.example/mcp2", "mcp"]
    {
        assert_eq!(of(aud), invalid(), "{aud}");
    }
}
