//! The feature `testing`, as the tests of an application use it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use auth_guard::testing::{Answer, Issuer, RequestExt, assert_refused, attack_all};
use auth_guard::{Owner, Requirement, Unavailable, Verified, protect, public, user_scoped};
use auth_guard_tests::*;
use rocket::fairing::AdHoc;
use rocket::http::{Header, Method, Status};
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, catch, catchers, delete, get, post, routes};
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

#[test]
fn a_request_carries_the_claims_and_the_age_that_a_test_wants() {
    let client =
        launch(rocket::custom(figment(&json!({}))).attach(guard()).mount("/api", routes![staff]));
    let get = || client.get("/api/alice/staff").as_user("bob");
    assert_refused!(get().dispatch(), NotOwner);
    assert_eq!(get().with_claims(json!({ "role": "staff" })).dispatch().status(), Status::Ok);
    let expired = get().with_claims(json!({ "role": "staff" })).expired();
    assert_refused!(expired.dispatch(), Expired);
}

/// Whatever the leeway and the longest lifetime are.
#[test]
fn a_good_token_is_good_and_an_expired_one_has_expired_with_any_settings() {
    for table in [
        json!({ "leeway": 0, "max_lifetime": 1 }),
        json!({ "leeway": 300, "max_lifetime": 60 }),
        json!({ "leeway": 300, "max_lifetime": 86_400 }),
    ] {
        let client = launch(app(&table));
        let get = || client.get("/api/alice/tasks").as_user("alice");
        assert_eq!(get().dispatch().status(), Status::Ok, "{table}");
        assert_refused!(get().expired().dispatch(), Expired);
    }
}

#[test]
fn a_tampered_and_an_unsigned_token_are_what_they_say() {
    let client = client();
    let token = issuer().token("alice");
    for (wrong, error) in
        [(token.tampered(), "InvalidSignature"), (token.unsigned(), "AlgorithmNotAllowed")]
    {
        let result = guard().verifier(&figment(&json!({}))).expect("good").verify(&wrong, now());
        assert_eq!(format!("{:?}", result.expect_err("refused")), error);
        assert_eq!(alice_with(&client, wrong), invalid());
    }
}

/// What a panic said.
pub(crate) fn message(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref().cloned()).expect("a message")
}

#[test]
fn a_failing_assertion_says_what_came_back() {
    let client = client();
    let get = || client.get("/api/alice/tasks");
    assert_refused!(get().dispatch(), MissingToken);
    assert_refused!(get().bearer("x").dispatch(), InvalidClaim("aud".into()));
    let said = message(|| assert_refused!(get().as_user("bob").expired().dispatch(), NotOwner));
    assert_eq!(
        said,
        "refused as NotOwner?\n  \
         due:       403, no challenge, code not_owner\n  \
         came back: 401, challenge `Bearer realm=\"api\", error=\"invalid_token\", \
         error_description=\"The token has expired.\"`, code token_expired"
    );
    let said = message(|| assert_refused!(get().as_user("alice").dispatch(), NotOwner));
    assert!(said.ends_with("came back: 200, no challenge, body \"alice\""), "{said}");
}

#[rocket::async_test]
async fn an_assertion_takes_the_answer_of_an_asynchronous_client() {
    let client = rocket::local::asynchronous::Client::untracked(app(&json!({}))).await;
    let client = client.expect("the application launches");
    let response = client.get("/api/alice/tasks").as_user("bob").dispatch().await;
    assert_refused!(Answer::read(response).await, NotOwner);
}

#[user_scoped(or = Staff)]
#[get("/<user_id>/staff")]
pub(crate) fn staff(user_id: &str) -> &str {
    user_id
}

#[user_scoped]
#[delete("/<user_id>/tasks/<id>?sure&<why>")]
fn remove(user_id: &str, id: u64, why: Option<&str>) -> String {
    format!("{user_id} {id} {why:?}")
}

#[user_scoped(param = "account")]
#[post("/accounts/<account>/<rest..>", format = "json", data = "<body>")]
pub(crate) fn accounts(account: &str, rest: std::path::PathBuf, body: String) -> String {
    format!("{account} {rest:?} {body}")
}

#[user_scoped(exempt = "profiles are public")]
#[get("/<user_id>/profile")]
pub(crate) fn profile(user_id: &str) -> &str {
    user_id
}

#[get("/version")]
pub(crate) fn version() -> &'static str {
    "1"
}

#[get("/guest")]
fn guest(user: Option<Verified>) -> String {
    user.map_or("nobody".into(), |user| user.uid().to_owned())
}

#[get("/<user_id>/held")]
fn held(user_id: &str) -> &str {
    user_id
}

pub(crate) fn sound() -> Rocket<Build> {
    app(&json!({}))
        .mount("/api", routes![staff, remove, profile, guest])
        .mount("/", routes![accounts])
        .mount("/held", protect(routes![held]))
        .mount("/", public(routes![version]))
}

#[test]
fn a_sound_application_is_attacked_on_every_guarded_route() {
    let report = attack_all(&launch(sound()));
    println!("attack: {} requests", report.requests());
    assert!(report.requests() > 3_000, "{report}");
    let table = report.to_string();
    let row = |start: &str| {
        let row = table.lines().find(|line| line.starts_with(start));
        row.unwrap_or_else(|| panic!("no {start} in\n{table}")).to_owned()
    };
    let cells = |start: &str| {
        let row = row(start);
        let mut cells: Vec<_> = row.rsplit(' ').filter(|cell| !cell.is_empty()).collect();
        cells.truncate(8);
        cells.into_iter().rev().map(|cell| cell.parse().expect("a number")).collect::<Vec<u32>>()
    };
    for (start, owner) in [
        ("GET /api/<user_id>/tasks ", 200),
        ("GET /api/<user_id>/staff ", 200),
        ("DELETE /api/<user_id>/tasks/<id>?sure&<why> ", 200),
        ("POST /accounts/<account>/<rest..> ", 200),
        ("GET /held/<user_id>/held ", 200),
    ] {
        let cells = cells(start);
        // No scope is enforced.
        let [others @ .., insufficient_scope, theirs] = &*cells else { panic!("{table}") };
        assert!(others.iter().all(|count| *count > 0), "{start} {cells:?}");
        assert_eq!((*insufficient_scope, *theirs), (0, owner), "{start}");
    }
    // No owner: any valid token of a person is accepted.
    let [.., 0, machines, 0, 200] = *cells("GET /api/me ") else { panic!("{table}") };
    assert!(machines > 0, "{table}");
    assert!(row("GET /api/<user_id>/profile ").ends_with("not attacked"));
    assert!(row("GET /version ").ends_with("not attacked"));
    assert!(row("GET /api/guest ").ends_with("open: 200 without a token"));
}

/// `protect` asks for a token whatever the attribute says.
#[test]
fn an_exempt_route_below_protect_is_attacked_as_one_that_needs_a_token() {
    let rocket = app(&json!({})).mount("/protected", protect(routes![profile]));
    let report = attack_all(&launch(rocket)).to_string();
    let row = report.lines().find(|line| line.starts_with("GET /protected/<user_id>/profile "));
    let row = row.unwrap_or_else(|| panic!("no row in\n{report}"));
    let mut cells = row.split_whitespace().rev();
    assert_eq!(cells.next(), Some("200"), "{row}");
    let counts: Vec<u32> = cells.take(7).map(|cell| cell.parse().expect("a number")).collect();
    // No scope is enforced, and nobody owns it.
    assert!(
        counts.iter().enumerate().all(|(at, count)| (*count == 0) == [0, 2].contains(&at)),
        "{row}"
    );
}

#[test]
fn an_application_is_attacked_whatever_its_settings_are() {
    for table in [
        json!({ "url": "https://auth.example.com", "leeway": 0, "max_lifetime": 1 }),
        json!({ "audience": ["a", "é"], "uid_claim": "sub", "leeway": 300 }),
        json!({ "issuer": "x", "uid_claim": "account", "max_lifetime": 86_400 }),
        json!({ "uid_claim": "email", "match_subject": false, "realm": "my, 'tasks'" }),
        json!({ "token_type": "at+jwt", "issuer": "x", "audience": "api", "leeway": 0 }),
        json!({ "token_type": "at+jwt", "audience": "app", "audience_claim": "client_id" }),
        json!({ "token_type": "at+jwt", "uid_claim": "uid", "required_claims": ["sid", "nbf"] }),
        json!({ "audience": "app", "audience_claim": "client_id", "uid_claim": "sub" }),
        json!({
            "audience": ["app", "web"],
            "audience_claim": "azp",
            "require": { "token_use": "access", "ver": [1, 2], "idtyp": "user" },
        }),
        json!({ "require": { "is_anonymous": false }, "required_claims": ["jti", "sub", "iat"] }),
        json!({ "id_tokens": "accepted", "uid_claim": "sub", "required_claims": "nonce" }),
        json!({ "algorithms": "HS256", "require": { "client_id": "app" } }),
    ] {
        attack_all(&launch(app(&table)));
    }
}

/// The first line of each wrong answer, and what came back.
#[track_caller]
fn leaks(rocket: Rocket<Build>, expected: &[(&str, &str)]) {
    let client = launch(rocket);
    let said = message(|| drop(attack_all(&client)));
    assert!(said.contains("WRONG: "), "{said}");
    for (request, answer) in expected {
        let told = said.split_once(request).unwrap_or_else(|| panic!("no {request} in\n{said}"));
        let came_back = told.1.split("came back: ").nth(1).expect("what came back");
        assert!(came_back.starts_with(answer), "{request}: {came_back}");
    }
}

#[get("/<user_id>/forgotten")]
fn forgotten(user_id: &str) -> &str {
    user_id
}

#[test]
fn a_forgotten_attribute_that_only_warns_is_a_leak() {
    let rocket = app(&json!({ "unscoped": "warn" })).mount("/api", routes![forgotten]);
    leaks(rocket, &[("GET /api/alice/forgotten, no field", "200, no challenge, body \"alice\"")]);
}

/// Where it is only warned of, a guard in the handler is seen at work.
#[test]
fn a_route_that_is_guarded_by_hand_is_no_leak() {
    #[get("/<user_id>/by/hand")]
    fn by_hand(user_id: &str, owner: Owner) -> String {
        format!("{user_id} {}", owner.uid())
    }

    let rocket = app(&json!({ "unscoped": "warn" })).mount("/api", routes![by_hand]);
    assert!(attack_all(&launch(rocket)).to_string().contains("UNSCOPED"));
}

#[catch(403)]
fn friendly() -> (Status, &'static str) {
    (Status::Ok, "Ask your administrator.")
}

#[test]
fn a_catcher_that_makes_a_success_of_a_refusal_is_found() {
    let rocket = app(&json!({})).register("/", catchers![friendly]);
    leaks(
        rocket,
        &[(
            "GET /api/alice/tasks, another user's token",
            "200, no challenge, body \"Ask your administrator.\"",
        )],
    );
}

struct Everybody;

#[rocket::async_trait]
impl Requirement for Everybody {
    async fn is_met_by(caller: &Verified, _: &rocket::Request<'_>) -> Result<bool, Unavailable> {
        Ok(!caller.uid().is_empty())
    }
}

#[user_scoped(or = Everybody)]
#[get("/<user_id>/wide")]
fn wide(user_id: &str) -> &str {
    user_id
}

#[test]
fn an_exception_that_applies_to_anybody_is_a_leak() {
    let rocket = app(&json!({})).mount("/api", routes![wide]);
    leaks(
        rocket,
        &[("GET /api/alice/wide, another user's token", "200, no challenge, body \"alice\"")],
    );
}

#[test]
fn a_token_that_is_also_taken_from_the_query_is_found() {
    let convenience = AdHoc::on_request("a token in the query", |request, _| {
        Box::pin(async move {
            if let Some(Ok(token)) = request.query_value::<String>("access_token") {
                request.add_header(Header::new("Authorization", format!("Bearer {token}")));
            }
        })
    });
    let rocket = app(&json!({})).attach(convenience);
    leaks(rocket, &[("token=", "200, no challenge, body \"alice\"")]);
}

#[test]
fn a_response_fairing_that_covers_a_refusal_is_found() {
    let cover = AdHoc::on_response("cover", |_, response| {
        Box::pin(async move {
            if response.status() == Status::Unauthorized {
                response.set_status(Status::NotFound);
            }
        })
    });
    leaks(app(&json!({})).attach(cover), &[("GET /api/me, no field", "404, challenge")]);
}

/// Where all are refused, nothing is shown.
#[test]
fn a_route_that_refuses_its_owner_is_found() {
    #[user_scoped]
    #[get("/<user_id>/closed")]
    fn closed(user_id: &str) -> Status {
        let _ = user_id;
        Status::Forbidden
    }

    leaks(
        app(&json!({})).mount("/api", routes![closed]),
        &[("GET /api/alice/closed, a valid token", "403, no challenge")],
    );
}

#[test]
fn an_application_without_a_guarded_route_is_not_passed() {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(rocket.mount("/", public(routes![version])));
    assert!(message(|| drop(attack_all(&client))).starts_with("no route is guarded"));
}

/// A token is not printed, whatever goes wrong.
#[test]
fn no_message_of_the_kit_has_a_token_in_it() {
    let rocket = app(&json!({ "unscoped": "warn" })).mount("/api", routes![forgotten]);
    let client: Client = launch(rocket.register("/", catchers![friendly]));
    let said = message(|| drop(attack_all(&client)));
    assert!(!said.contains("eyJ"), "{said}");
    assert_eq!(send(&client, Method::Get, "/api/alice/tasks", &[]).status, 401);
}
