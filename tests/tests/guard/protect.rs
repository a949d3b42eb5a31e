//! Deny by default for a whole mount.

use std::sync::atomic::{AtomicUsize, Ordering};

use auth_guard::testing::{Clock, RequestExt};
use auth_guard::{AuthGuard, Owner, Verified, protect, public, user_scoped};
use auth_guard_tests::*;
use rocket::http::{Method, Status};
use rocket::local::blocking::Client;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Route, async_trait, get, post, routes};
use serde_json::json;

static ASKED: AtomicUsize = AtomicUsize::new(0);

struct Counted;

#[async_trait]
impl<'r> FromRequest<'r> for Counted {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, ()> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        Outcome::Success(Counted)
    }
}

#[get("/<user_id>/plain")]
fn plain(user_id: &str) -> &str {
    user_id
}

#[post("/<user_id>/counted/<id>", data = "<body>")]
fn counted(_guard: Counted, user_id: &str, id: u8, body: String) -> String {
    format!("{user_id} {id} {body}")
}

#[get("/version")]
fn version() -> &'static str {
    "1"
}

#[user_scoped(param = "account")]
#[get("/accounts/<account>/all")]
fn layered(owner: Owner, user: Verified) -> String {
    format!("{account} {} {}", owner.uid(), user.uid())
}

#[user_scoped]
#[get("/<user_id>/only/attribute")]
fn only_attribute(user_id: &str) -> &str {
    user_id
}

#[user_scoped(exempt = "profiles are for all who are in")]
#[get("/<user_id>/profile")]
fn profile(user_id: &str) -> &str {
    user_id
}

fn client(clock: &Clock) -> Client {
    let guard = AuthGuard::fairing().with_secret(secret()).with_clock(clock.clone());
    let by_hand = Route::new(Method::Get, "/by/hand", rocket::route::dummy_handler);
    let routes = routes![plain, counted, version, layered, only_attribute, profile];
    launch(
        rocket::custom(figment(&json!({})))
            .attach(guard)
            .mount("/api", protect(routes))
            .mount("/api", protect(vec![by_hand]))
            .mount("/open", public(routes![version])),
    )
}

#[test]
fn every_route_needs_a_token_and_the_owners_where_there_is_one() {
    let client = client(&Clock::fixed(now()));
    for (path, bob) in [
        ("/api/alice/plain", 403),
        ("/api/version", 200),
        ("/api/by/hand", 200),
        ("/api/accounts/alice/all", 403),
        ("/api/alice/only/attribute", 403),
        ("/api/alice/profile", 200),
    ] {
        let status = |uid: &str| client.get(path).as_user(uid).dispatch().status().code;
        assert_eq!((status("alice"), status("bob")), (200, bob), "{path}");
        let answer = get_with(&client, path, &[]);
        assert_eq!((answer.status, &*answer.code()), (401, "token_missing"), "{path}");
        assert_eq!(answer.challenges, [r#"Bearer realm="api""#], "{path}");
        assert_eq!(get_with(&client, path, &["Bearer x", "Bearer x"]).status, 400, "{path}");
        let expired = issuer().token("alice").expired();
        assert_eq!(get_as(&client, path, expired).code(), "token_expired", "{path}");
    }
    assert_eq!(get_with(&client, "/open/version", &["Bearer x"]).body, "1");
}

#[test]
fn it_is_decided_before_guards_parameters_and_the_body() {
    let client = client(&Clock::fixed(now()));
    let bob = format!("Bearer {}", issuer().token("bob").sign());
    for path in ["/api/alice/counted/1", "/api/alice/counted/no-number"] {
        assert_eq!(send(&client, Method::Post, path, &[]).status, 401);
        assert_eq!(send(&client, Method::Post, path, &[&bob]).status, 403);
    }
    assert_eq!(ASKED.load(Ordering::SeqCst), 0);
    let request = client.post("/api/alice/counted/1").body("x").as_user("alice");
    assert_eq!(request.dispatch().status(), Status::Ok);
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
}

#[test]
fn a_token_is_verified_once_however_many_layers_ask() {
    for path in ["/api/accounts/alice/all", "/api/alice/only/attribute", "/api/alice/plain"] {
        let clock = Clock::fixed(now());
        let client = client(&clock);
        let token = issuer().token("alice").sign();
        assert_eq!(get_as(&client, path, token).status, 200);
        assert_eq!(clock.readings(), 1, "{path}");
    }
}

/// The attribute that is exempt asks nothing, so the mount decides.
#[test]
fn rule_21_a_machine_passes_no_exempt_route_in_a_protected_mount() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/api", protect(routes![profile])));
    let status = |token| get_as(&client, "/api/alice/profile", token).status;
    assert_eq!(status(issuer().token("bob")), 200);
    assert_eq!(status(issuer().token("bot").claim("client_id", "bot")), 403);
}

#[test]
fn protected_routes_are_mounted_one_by_one_as_well() {
    let routes: Vec<Route> = protect(routes![plain, version]).into_iter().collect();
    assert_eq!(routes.len(), 2);
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/api", routes));
    for (user, status) in [("alice", Status::Ok), ("bob", Status::Forbidden)] {
        assert_eq!(client.get("/api/alice/plain").as_user(user).dispatch().status(), status);
    }
}

#[test]
fn declared_twice_is_declared_once() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let routes = protect(public(protect(protect(routes![plain]))));
    let client =
        launch(rocket.mount("/api", public(routes)).mount("/v", protect(public(routes![version]))));
    assert_eq!(client.get("/api/alice/plain").as_user("alice").dispatch().status(), Status::Ok);
    assert_eq!(
        client.get("/api/alice/plain").as_user("bob").dispatch().status(),
        Status::Forbidden
    );
    assert_eq!(
        auth_guard::audit(client.rocket()).to_string(),
        "GET /api/<user_id>/plain  owner of <user_id>  plain\n\
         GET /v/version            verified            version\n"
    );
}

#[test]
fn public_opens_nothing() {
    let rocket =
        |routes| rocket::custom(figment(&json!({}))).attach(guard()).mount("/", public(routes));
    let launches = |routes: Vec<Route>| {
        Client::untracked(rocket(routes)).map_err(|error| error.kind().to_string()).is_ok()
    };
    assert!(!launches(routes![plain]));
    let client = launch(rocket(routes![only_attribute]));
    assert_eq!(get_with(&client, "/alice/only/attribute", &[]).status, 401);
}

#[test]
fn without_the_fairing_nothing_gets_through() {
    let client = launch(rocket::custom(figment(&json!({}))).mount("/", protect(routes![version])));
    assert_eq!(get_as(&client, "/version", issuer().token("alice")).status, 500);
}

/// A route's `uri` is public: between [`protect`] and the mount it may get a user.
#[test]
fn f06_the_user_is_found_in_the_route_that_is_asked() {
    let moved = |path: &str| {
        let mut routes = Vec::from(protect(routes![version]));
        routes[0].uri = Route::new(Method::Get, path, rocket::route::dummy_handler).uri;
        routes
    };
    let rocket = rocket::custom(figment(&json!({})))
        .attach(guard())
        .mount("/api/v1", moved("/of/<user_id>/version"))
        .mount("/plain", moved("/version"));
    let client = launch(rocket);
    assert_eq!(
        auth_guard::audit(client.rocket()).to_string(),
        "GET /api/v1/of/<user_id>/version  owner of <user_id>  version\n\
         GET /plain/version                verified            version\n"
    );
    for (path, uid, status) in [
        ("/api/v1/of/alice/version", "alice", 200),
        ("/api/v1/of/alice/version", "bob", 403),
        ("/plain/version", "bob", 200),
    ] {
        let answer = client.get(path).as_user(uid).dispatch();
        assert_eq!(answer.status().code, status, "{uid} at {path}");
    }
}

/// It needs a token, and the table must not read as if it did not.
#[test]
fn an_exempt_route_of_a_protected_mount_is_shown_to_need_a_token() {
    let client = client(&Clock::fixed(now()));
    assert_eq!(get_with(&client, "/api/alice/profile", &[]).status, 401);
    let audit = auth_guard::audit(client.rocket()).to_string();
    let line = audit.lines().find(|line| line.contains("/profile")).expect("a row");
    assert!(line.contains("  exempt: profiles are for all who are in; verified  "), "{line}");
}
