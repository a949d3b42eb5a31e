//! `AuthGuard::check`: what an application checks besides the token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth_guard::testing::{Issuer, RequestExt, assert_refused, attack_all};
use auth_guard::{AuthError, AuthGuard, Verified, protect, user_scoped};
use auth_guard_tests::*;
use rocket::futures::future::BoxFuture;
use rocket::local::asynchronous;
use rocket::local::blocking::Client;
use rocket::{Build, Request, Rocket, get, routes};
use serde_json::{Value, json};
use tokio::time::Instant;

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[user_scoped]
#[get("/<user_id>/many")]
fn many(user_id: &str, first: Verified, second: Verified) -> String {
    format!("{user_id} {} {}", first.uid(), second.uid())
}

#[get("/<user_id>/held")]
fn held(user_id: &str) -> &str {
    user_id
}

fn app(guard: AuthGuard) -> Rocket<Build> {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard);
    rocket.mount("/api", routes![list, many]).mount("/held", protect(routes![held]))
}

fn with(guard: AuthGuard) -> Client {
    launch(app(guard))
}

/// By what the token says of itself; each of these is a claim of a test.
fn by_claim<'r>(
    caller: &'r Verified,
    request: &'r Request<'_>,
) -> BoxFuture<'r, Result<(), AuthError>> {
    Box::pin(async move {
        let claims: Value = caller.claims().map_err(|_| AuthError::CheckUnavailable)?;
        match claims["standing"].as_str() {
            Some("revoked") => Err(AuthError::Revoked),
            Some("another tenant") => Err(AuthError::NotOwner),
            Some("unknown") => Err(AuthError::CheckUnavailable),
            Some("panic") => panic!("a check may be wrong"),
            Some("never") => std::future::pending().await,
            Some("host") if request.host().is_none() => Err(AuthError::Revoked),
            _ => Ok(()),
        }
    })
}

#[test]
fn a_caller_is_refused_by_the_applications_own_check() {
    let client = with(guard().with_check(by_claim));
    for path in ["/api/alice/tasks", "/api/alice/many", "/held/alice/held"] {
        let get = |standing: &str| {
            let request = client.get(path).as_user("alice");
            request.with_claims(json!({ "standing": standing })).dispatch()
        };
        assert_eq!(get("good").status().code, 200);
        assert_refused!(get("revoked"), Revoked);
        assert_refused!(get("another tenant"), NotOwner);
        assert_refused!(get("host"), Revoked);
        assert_refused!(get("unknown"), CheckUnavailable);
    }
}

/// Fails closed, and tells nothing of what went wrong. Time stands still, and where
/// nothing but a timeout is waited for, it jumps there.
#[test]
fn a_check_that_panics_or_hangs_lets_nobody_in() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let client = asynchronous::Client::untracked(app(guard().with_check(by_claim))).await;
        let client = &client.expect("the application launches");
        let get = |standing: &'static str| async move {
            let request = client.get("/api/alice/tasks").as_user("alice");
            let asked = Instant::now();
            let response = request.with_claims(json!({ "standing": standing })).dispatch().await;
            (Answer::read(response).await, asked.elapsed())
        };
        for (standing, waited) in [("panic", Duration::ZERO), ("never", Duration::from_secs(5))] {
            let (answer, elapsed) = get(standing).await;
            assert_refused!(answer.clone(), CheckUnavailable);
            assert_eq!(
                serde_json::from_str::<Value>(&answer.body).expect("JSON"),
                json!({
                    "type": "about:blank",
                    "title": "Service Unavailable",
                    "status": 503,
                    "code": "check_unavailable",
                    "detail": "The request cannot be checked right now.",
                })
            );
            assert_eq!(answer.retry_after.as_deref(), Some("5"));
            // The timer counts whole milliseconds.
            assert_eq!(elapsed.as_secs(), waited.as_secs(), "{standing}");
            assert_eq!(get("good").await.0.status, 200);
        }
    });

    let panicking = with(guard().with_check(|_, _| panic!("before there is a future")));
    assert_refused!(
        panicking.get("/held/alice/held").as_user("alice").dispatch(),
        CheckUnavailable
    );
}

#[test]
fn a_valid_token_is_checked_once_a_request_and_no_other_is() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let client = with(guard().with_check(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }));
    let asked = || asked.swap(0, Ordering::Relaxed);
    for path in ["/api/alice/tasks", "/api/alice/many", "/held/alice/held"] {
        assert_eq!(client.get(path).as_user("alice").dispatch().status().code, 200);
        assert_eq!(asked(), 1, "{path}");
        assert_refused!(client.get(path).as_user("bob").dispatch(), NotOwner);
        assert_eq!(asked(), 1, "{path}");
        assert_refused!(client.get(path).as_user("alice").expired().dispatch(), Expired);
        assert_refused!(client.get(path).dispatch(), MissingToken);
        assert_eq!(asked(), 0, "{path}");
    }
}

/// 401 comes before 403: whose path it is, a revoked token does not learn.
#[test]
fn a_revoked_token_is_refused_before_the_owner_is_looked_at() {
    let client = with(guard().with_check(|_, _| Box::pin(async { Err(AuthError::Revoked) })));
    for user in ["alice", "bob"] {
        assert_refused!(client.get("/api/alice/tasks").as_user(user).dispatch(), Revoked);
    }
}

#[test]
fn an_application_with_a_check_withstands_the_attack() {
    attack_all(&with(guard().with_check(by_claim)));
    let token = Issuer::of(client().rocket()).expect("an issuer").token("alice");
    assert_eq!(alice_with(&client(), token.claim("standing", "revoked")), accepted());
}
