//! The feature `testing`, as the tests of an application use it.

use std::time::Duration;

use auth_guard::testing::{Issuer, RequestExt};
use auth_guard_tests::*;
use serde_json::json;

#[test]
fn as_user_mints_what_the_application_accepts() {
    let table =
        json!({ "issuer": "https://a.example", "audience": ["x", "y"], "uid_claim": "who" });
    let client = launch(app(&table));
    let status = |uid: &str| client.get("/api/alice/tasks").as_user(uid).dispatch().status().code;
    assert_eq!((status("alice"), status("bob")), (200, 403));
}

#[test]
fn an_issuer_makes_tokens_wrong_on_purpose() {
    let client = client();
    let issuer = Issuer::of(client.rocket()).expect("the guard is attached");
    let token = || issuer.token("alice");
    assert_eq!(alice_with(&client, token()), accepted());
    assert_eq!(alice_with(&client, token().lifetime(Duration::from_secs(60))), accepted());
    for wrong in [
        token().lifetime(Duration::from_secs(3601)),
        token().without("uid"),
        token().claim("sub", "bob"),
        token().header("alg", "none"),
        token().signed_with(&auth_guard::Secret::random()),
    ] {
        assert_eq!(alice_with(&client, wrong), invalid());
    }
    assert_eq!(alice_with(&client, token().expired()), (401, "token_expired".into()));
}

#[rocket::async_test]
async fn asynchronous_clients_send_tokens_too() {
    let client = rocket::local::asynchronous::Client::untracked(app(&json!({}))).await;
    let client = client.expect("the application launches");
    let answer = client.get("/api/alice/tasks").as_user("alice").dispatch().await;
    assert_eq!(answer.status().code, 200);
}
