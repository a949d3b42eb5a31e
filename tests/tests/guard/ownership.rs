//! Rules 17 and 18: from the claims to ownership.

use std::sync::atomic::{AtomicUsize, Ordering};

use auth_guard::testing::RequestExt;
use auth_guard::{AuthError, Owner, UserId, Verified, user_scoped};
use auth_guard_tests::*;
use rocket::data::{self, Data, FromData};
use rocket::fairing::AdHoc;
use rocket::http::{ContentType, Method, Status};
use rocket::local::blocking::Client;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{async_trait, delete, get, post, routes};
use serde_json::json;

fn status(client: &Client, path: &str, uid: &str) -> u16 {
    client.get(path.to_owned()).as_user(uid).dispatch().status().code
}

#[test]
fn rule_17_the_segment_is_compared_byte_for_byte() {
    let client = client();
    for (segment, uid) in [
        ("alice", "alice"),
        ("%61lice", "alice"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("a%2Fb", "a/b"),
        ("%25", "%"),
        ("%D0%AF", "Я"),
        ("042", "042"),
        ("%3Cuser_id%3E", "<user_id>"),
    ] {
        let path = format!("/api/{segment}/tasks");
        assert_eq!(status(&client, &path, uid), 200, "{path} for {uid}");
    }
    for (segment, uid) in [
        ("alice", "bob"),
        ("Alice", "alice"),
        ("alice", "ALICE"),
        ("alice%20", "alice"),
        ("%20alice", "alice"),
        ("alice%00", "alice"),
        ("%2561lice", "alice"),
        ("a+b", "a b"),
        ("042", "42"),
        ("42.0", "42"),
        ("+42", "42"),
        ("%C3%A9", "e\u{301}"),
        ("e%CC%81", "\u{e9}"),
        ("alic", "alice"),
        ("alicee", "alice"),
        ("alice%2Ftasks", "alice"),
        ("*", "alice"),
        ("%3Cuser_id%3E", "alice"),
    ] {
        let path = format!("/api/{segment}/tasks");
        assert_eq!(status(&client, &path, uid), 403, "{path} for {uid}");
    }
}

#[test]
fn rule_17_an_integer_uid_is_compared_in_its_decimal_form() {
    let client = client();
    let token = issuer().token("x").without("sub").claim("uid", 42).sign();
    for (segment, expected) in [("42", 200), ("042", 403), ("42.0", 403), ("%34%32", 200)] {
        let path = format!("/api/{segment}/tasks");
        assert_eq!(get_as(&client, &path, token.clone()).status, expected, "{path}");
    }
}

/// A guard that counts how often it runs.
struct Counted;

static ASKED: AtomicUsize = AtomicUsize::new(0);

#[async_trait]
impl<'r> FromRequest<'r> for Counted {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, ()> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        Outcome::Success(Counted)
    }
}

#[async_trait]
impl<'r> FromData<'r> for Counted {
    type Error = ();

    async fn from_data(_: &'r Request<'_>, _: Data<'r>) -> data::Outcome<'r, Self> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        data::Outcome::Success(Counted)
    }
}

#[user_scoped]
#[post("/<user_id>/counted/<id>", data = "<body>")]
fn counted(guard: Counted, id: u8, user_id: &str, body: Counted) -> String {
    let (Counted, Counted) = (guard, body);
    ASKED.fetch_add(1, Ordering::SeqCst);
    format!("{user_id} {id}")
}

#[user_scoped]
#[get("/<user_id>/first", rank = 1)]
fn first(user_id: &str) -> String {
    format!("first {user_id}")
}

#[get("/<anybody>/first", rank = 2)]
fn second(anybody: &str) -> String {
    format!("second {anybody}")
}

#[test]
fn rule_18_the_check_comes_before_guards_parameters_and_the_body() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/api", routes![counted]));
    let bob = format!("Bearer {}", issuer().token("bob").sign());
    for id in ["1", "no-number"] {
        let path = format!("/api/alice/counted/{id}");
        let expected = [(vec![], 401), (vec![&*bob], 403), (vec!["Bearer x"], 401)];
        for (authorization, expected) in expected {
            let answer = send(&client, Method::Post, &path, &authorization);
            assert_eq!(answer.status, expected, "{path}");
        }
    }
    assert_eq!(ASKED.load(Ordering::SeqCst), 0);

    let answer = client.post("/api/alice/counted/1").as_user("alice").dispatch();
    assert_eq!(answer.status(), Status::Ok);
    assert_eq!(ASKED.load(Ordering::SeqCst), 3);
}

#[test]
fn rule_18_a_refusal_is_never_forwarded_to_another_route() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/api", routes![first, second]));
    let bob = issuer().token("bob").sign();
    assert_eq!(get_with(&client, "/api/alice/first", &[]).status, 401);
    assert_eq!(get_as(&client, "/api/alice/first", bob.clone()).status, 403);
    assert_eq!(get_as(&client, "/api/alice/first", "x").status, 401);
    assert_eq!(get_as(&client, "/api/bob/first", bob).body, "first bob");
}

/// A guard that always forwards, so that the request reaches the next route.
struct Forwards;

#[async_trait]
impl<'r> FromRequest<'r> for Forwards {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, ()> {
        Outcome::Forward(Status::NotFound)
    }
}

#[user_scoped(param = "account")]
#[get("/<account>/<_other>", rank = 1)]
fn by_account(_other: &str, _forwards: Forwards) -> String {
    account.to_string()
}

#[user_scoped(param = "user")]
#[get("/<_other>/<user>", rank = 2)]
fn by_user(_other: &str, owner: Owner) -> String {
    format!("{} {user}", owner.uid())
}

#[test]
fn the_owner_is_the_owner_of_the_route_that_answers() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/api", routes![by_account, by_user]));
    let get = |path: &str| {
        let answer = client.get(path.to_owned()).as_user("alice").dispatch();
        (answer.status().code, answer.into_string().unwrap_or_default())
    };
    assert_eq!(get("/api/alice/alice"), (200, "alice alice".into()));
    // Alice passes the first route, which forwards; the second is not hers.
    assert_eq!(get("/api/alice/bob").0, 403);
    assert_eq!(get("/api/bob/alice").0, 403);
}

#[get("/<_other>/<user_id>", rank = 3)]
fn by_user_id(_other: &str, user_id: &str, owner: Owner) -> String {
    format!("{} {user_id}", owner.uid())
}

/// The attribute's decision about one route does not apply to the next.
#[test]
fn the_owner_of_a_forwarding_route_is_not_believed_to_be_that_of_another() {
    let figment = figment(&json!({ "unscoped": "allow" }));
    let rocket = rocket::custom(figment).attach(guard());
    let client = launch(rocket.mount("/api", routes![by_account, by_user_id]));
    assert_eq!(status(&client, "/api/alice/alice", "alice"), 200);
    assert_eq!(status(&client, "/api/alice/bob", "alice"), 403);
}

#[user_scoped]
#[delete("/<user_id>/tunnelled")]
fn tunnelled(user_id: &str) -> &str {
    user_id
}

/// Rocket uses a form's `_method` as the method of a `POST`.
#[test]
fn a_tunnelled_method_is_checked_as_well() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/api", routes![tunnelled]));
    let send = |uid: Option<&str>| {
        let request = client.post("/api/alice/tunnelled").header(ContentType::Form);
        let request = request.body("_method=delete");
        let request = match uid {
            Some(uid) => request.as_user(uid),
            None => request,
        };
        request.dispatch().status().code
    };
    assert_eq!((send(Some("alice")), send(Some("bob")), send(None)), (200, 403, 401));
}

#[get("/<user_id>/bare")]
fn bare(user_id: &str, owner: Owner) -> String {
    format!("{} {user_id}", owner.uid())
}

#[get("/bare/nobody/<id>")]
fn nobody(id: &str, owner: Owner) -> String {
    format!("{} {id}", owner.uid())
}

#[user_scoped(exempt = "the guard does it")]
#[get("/shared/with/<user_id>")]
fn shared(user_id: UserId, owner: Option<Owner>) -> String {
    format!("{user_id} {}", owner.is_some())
}

#[test]
fn owner_is_always_the_owner_with_or_without_the_attribute() {
    let figment = figment(&json!({ "unscoped": "allow" }));
    let rocket = rocket::custom(figment).attach(guard());
    let client = launch(rocket.mount("/api", routes![bare, nobody, shared]));
    assert_eq!(get_with(&client, "/api/alice/bare", &[]).status, 401);
    assert_eq!(status(&client, "/api/alice/bare", "alice"), 200);
    assert_eq!(status(&client, "/api/alice/bare", "bob"), 403);

    let token = issuer().token("alice").sign();
    assert_eq!(get_with(&client, "/api/shared/with/alice", &[]).body, "alice false");
    assert_eq!(get_as(&client, "/api/shared/with/alice", token.clone()).body, "alice true");
    assert_eq!(get_as(&client, "/api/shared/with/bob", token.clone()).body, "bob false");

    // Without a segment there is no owner.
    assert_eq!(get_with(&client, "/api/bare/nobody/alice", &[]).status, 401);
    let answer = get_as(&client, "/api/bare/nobody/alice", token);
    assert_eq!((answer.status, &*answer.code()), (500, "guard_misconfigured"));
}

#[get("/maybe")]
fn maybe(user: Result<Verified, AuthError>) -> Result<String, AuthError> {
    match user {
        Ok(user) => Ok(user.uid().to_owned()),
        Err(AuthError::MissingToken) => Ok("nobody".into()),
        Err(error) => Err(error),
    }
}

#[get("/lax")]
fn lax(user: Option<Verified>) -> String {
    user.map_or("nobody".into(), |user| user.uid().to_owned())
}

#[test]
fn authentication_may_be_optional() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/", routes![maybe, lax]));
    let alice = issuer().token("alice");
    assert_eq!(get_with(&client, "/maybe", &[]).body, "nobody");
    assert_eq!(get_as(&client, "/maybe", alice.clone()).body, "alice");
    let answer = get_as(&client, "/maybe", alice.clone().expired());
    assert_eq!((answer.status, &*answer.code()), (401, "token_expired"));
    assert_eq!(answer.challenges.len(), 1);

    assert_eq!(get_with(&client, "/lax", &[]).body, "nobody");
    assert_eq!(get_as(&client, "/lax", alice.clone()).body, "alice");
    let answer = get_as(&client, "/lax", alice.expired());
    assert_eq!((answer.status, &*answer.body, answer.challenges.len()), (200, "nobody", 0));
}

#[user_scoped(param = "account")]
#[get("/accounts/<account>/of/<user_id>")]
fn of_account(account: &str, user_id: &str) -> String {
    format!("{account} {user_id}")
}

#[user_scoped(param = "account", exempt = "anybody may look")]
#[get("/accounts/<account>/look")]
fn look(account: &str) -> &str {
    account
}

/// A fairing can request `Owner` after the handler has run.
#[test]
fn a_fairing_learns_the_owner_by_the_segment_of_the_attribute() {
    let ask = AdHoc::on_response("ask", |request, response| {
        Box::pin(async move {
            let owner = match request.guard::<Owner>().await {
                Outcome::Success(owner) => owner.uid().to_owned(),
                Outcome::Error((_, error)) => format!("{error:?}"),
                Outcome::Forward(_) => "a forward".into(),
            };
            response.set_raw_header("X-Owner", owner);
        })
    });
    let rocket = rocket::custom(figment(&json!({}))).attach(guard()).attach(ask);
    let client = launch(rocket.mount("/api", routes![of_account, look]));
    let owner = |path: &'static str, uid: &str| {
        let response = client.get(path).as_user(uid).dispatch();
        let owner = response.headers().get_one("X-Owner").expect("the fairing asks").to_owned();
        (response.status().code, owner)
    };
    assert_eq!(owner("/api/accounts/alice/of/bob", "alice"), (200, "alice".into()));
    assert_eq!(owner("/api/accounts/alice/of/bob", "bob"), (403, "NotOwner".into()));
    assert_eq!(owner("/api/accounts/alice/look", "alice"), (200, "alice".into()));
    assert_eq!(owner("/api/accounts/alice/look", "bob"), (200, "NotOwner".into()));
    assert_eq!(owner("/nowhere", "alice"), (404, "Misconfigured".into()));
}
