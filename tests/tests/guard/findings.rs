//! Findings of a review, each by its number. Those about keys, the launch and the audit
//! stand with the tests of those.

use auth_guard::testing::{RequestExt, assert_refused};
use auth_guard::{Access, AuthError, Owner, Verified, user_scoped};
use auth_guard_tests::*;
use rocket::fairing::AdHoc;
use rocket::local::blocking::Client;
use rocket::outcome::Outcome;
use rocket::request::FromRequest;
use rocket::{Build, Request, Rocket, async_trait, get, routes};
use serde_json::json;

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[get("/me")]
fn me(user: Verified) -> String {
    user.uid().to_owned()
}

fn with_check(guard: auth_guard::AuthGuard) -> Client {
    launch(rocket::custom(figment(&json!({}))).attach(guard).mount("/api", routes![list, me]))
}

/// A guard of the application's own, which a check may want to ask.
struct Role(String);

#[async_trait]
impl<'r> FromRequest<'r> for Role {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> rocket::request::Outcome<Self, AuthError> {
        request.guard::<Verified>().await.map(|caller| Self(caller.uid().to_owned()))
    }
}

#[test]
fn f05_a_check_that_asks_a_guard_which_asks_it_is_misconfigured() {
    // It ignores what the guard says; the answer must not.
    let guard = guard().with_check(|_, request| {
        Box::pin(async move {
            match request.guard::<Role>().await {
                Outcome::Success(role) if role.0 == "nobody" => Err(AuthError::Revoked),
                _ => Ok(()),
            }
        })
    });
    let client = with_check(guard);
    for path in ["/api/alice/tasks", "/api/me"] {
        assert_refused!(client.get(path).as_user("alice").dispatch(), Misconfigured);
    }
    // Without a valid token it is not asked.
    assert_refused!(client.get("/api/me").dispatch(), MissingToken);
}

#[test]
fn f05_a_check_may_ask_guards_that_do_not_ask_it() {
    let guard = guard().with_check(|caller, request| {
        Box::pin(async move {
            match request.guard::<&rocket::Config>().await {
                Outcome::Success(_) if caller.uid() == "alice" => Ok(()),
                _ => Err(AuthError::Revoked),
            }
        })
    });
    let client = with_check(guard);
    assert_eq!(client.get("/api/me").as_user("alice").dispatch().status().code, 200);
    assert_refused!(client.get("/api/me").as_user("bob").dispatch(), Revoked);
}

#[test]
fn f14_a_cloned_request_with_another_token_is_another_caller() {
    let client = client();
    let alice = client.get("/api/me").as_user("alice");
    let mut bob = alice.clone();
    bob.replace_header(rocket::http::Header::new(
        "Authorization",
        format!("Bearer {}", issuer().token("bob").sign()),
    ));
    let mut nobody = alice.clone();
    nobody.replace_header(rocket::http::Header::new("Authorization", "Bearer x"));

    assert_eq!(alice.dispatch().into_string().as_deref(), Some("alice"));
    assert_eq!(bob.dispatch().into_string().as_deref(), Some("bob"));
    assert_refused!(nobody.dispatch(), MalformedToken);
}

#[user_scoped]
#[get("/<user_id>/profile")]
fn profile(user_id: &str, owner: Owner) -> String {
    format!("{user_id} {}", owner.uid())
}

/// A clone shares what the guards of the first request found out, and may stand at its address.
#[test]
fn a_grant_of_a_cloned_request_is_not_its_clones() {
    let says_who = AdHoc::on_response("says who", |request, response| {
        Box::pin(async move {
            if let Outcome::Success(caller) = request.guard::<Verified>().await {
                response.set_raw_header("X-Caller", caller.uid().to_owned());
            }
        })
    });
    let rocket = rocket::custom(figment(&json!({}))).attach(guard()).attach(says_who);
    let client = launch(rocket.mount("/api", routes![profile]));
    let alice = client.get("/api/alice/profile").as_user("alice");
    let mut clones: Vec<_> = (0..8).map(|_| alice.clone()).collect();
    for clone in clones.iter_mut().skip(1).step_by(2) {
        clone.replace_header(rocket::http::Header::new("Authorization", "Bearer x"));
    }
    for (n, clone) in clones.into_iter().enumerate() {
        let response = clone.dispatch();
        let (status, caller) = if n % 2 == 0 { (200, Some("alice")) } else { (401, None) };
        assert_eq!(response.status().code, status);
        assert_eq!(response.headers().get_one("X-Caller"), caller);
    }
}

/// Asks for `Access` before the handler's guards run, and says what came of it.
fn asks_for_access() -> AdHoc {
    AdHoc::on_response("asks for Access", |request, response| {
        Box::pin(async move {
            if request.route().is_some() {
                let access = request.guard::<Access>().await;
                let said = match access {
                    Outcome::Success(access) => format!("path of {}", access.path_user()),
                    Outcome::Error((status, _)) => status.code.to_string(),
                    Outcome::Forward(_) => "forwarded".into(),
                };
                response.set_raw_header("X-Access", said);
            }
        })
    })
}

#[user_scoped(or = Staff)]
#[get("/<user_id>/notes")]
fn notes(user_id: &str) -> &str {
    user_id
}

fn asked_by_a_fairing() -> Rocket<Build> {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard()).attach(asks_for_access());
    rocket.mount("/api", routes![list, notes])
}

#[test]
fn a_fairing_that_asks_for_access_gets_the_owner_of_the_attribute() {
    let client = launch(asked_by_a_fairing());
    let said = |path: &'static str, uid: &str| {
        let response = client.get(path).as_user(uid).dispatch();
        response.headers().get_one("X-Access").map(str::to_owned).expect("asked")
    };
    assert_eq!(said("/api/alice/tasks", "alice"), "path of alice");
    assert_eq!(said("/api/alice/tasks", "bob"), "403");
    assert_eq!(said("/api/alice/notes", "alice"), "path of alice");
    // Whether an exception applies is the attribute's to say, and it left nothing.
    assert_eq!(said("/api/alice/notes", "bob"), "500");
}

#[get("/<user_id>/own")]
fn own(user_id: &str, owner: Owner) -> String {
    format!("{user_id} {}", owner.uid())
}

#[test]
fn f14_owner_too_belongs_to_the_token_of_its_own_request() {
    let table = json!({ "unscoped": "allow" });
    let rocket = rocket::custom(figment(&table)).attach(guard()).mount("/api", routes![own]);
    let client = launch(rocket);
    let alice = client.get("/api/alice/own").as_user("alice");
    let mut bob = alice.clone();
    bob.replace_header(rocket::http::Header::new(
        "Authorization",
        format!("Bearer {}", issuer().token("bob").sign()),
    ));
    assert_eq!(alice.dispatch().status().code, 200);
    assert_refused!(bob.dispatch(), NotOwner);
}
