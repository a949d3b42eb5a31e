//! A route that somebody forgot stops the launch.

use auth_guard::{AuthGuard, Owner, UserId, Verified, user_scoped};
use auth_guard_tests::*;
use rocket::fairing::AdHoc;
use rocket::http::Method;
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, Route, get, routes};
use serde_json::json;

#[user_scoped]
#[get("/<user_id>/notes")]
fn notes(user_id: &str) -> &str {
    user_id
}

/// The same name, method and path, forgotten.
mod twin {
    #[rocket::get("/<user_id>/notes")]
    pub(crate) fn notes(user_id: &str) -> &str {
        user_id
    }
}

mod keyword {
    #[rocket::get("/<user_id>/notes")]
    pub(crate) fn r#type(user_id: &str) -> &str {
        user_id
    }
}

#[get("/<user_id>/forgotten")]
fn forgotten(user_id: &str) -> &str {
    user_id
}

#[get("/<user_id>/forgotten")]
fn half(user_id: &str, owner: Owner) -> String {
    format!("{user_id} {}", owner.uid())
}

#[user_scoped(exempt = "a public profile")]
#[get("/<user_id>/profile")]
fn profile() -> String {
    user_id.to_string()
}

#[get("/open")]
fn open() -> &'static str {
    "open"
}

fn rocket(routes: Vec<Route>) -> Rocket<Build> {
    rocket::custom(figment(&json!({}))).attach(guard()).mount("/api", routes)
}

fn launches(rocket: Rocket<Build>) -> bool {
    // Rocket's error panics when it is dropped without being looked at.
    Client::untracked(rocket).map_err(|error| error.kind().to_string()).is_ok()
}

#[test]
fn a_forgotten_attribute_stops_the_launch() {
    assert!(launches(rocket(routes![notes, open])));
    assert!(!launches(rocket(routes![notes, forgotten])));
    assert!(!launches(rocket(routes![forgotten])));
    assert!(!launches(rocket(routes![half])));
    assert!(!launches(
        rocket::custom(figment(&json!({}))).mount("/api", routes![forgotten]).attach(guard())
    ));
}

#[test]
fn a_twin_does_not_pass_for_the_scoped_handler() {
    assert!(!launches(rocket(routes![twin::notes])));
    assert!(!launches(rocket(routes![notes]).mount("/v2", routes![twin::notes])));
}

#[test]
fn a_keyword_does_not_pass_for_the_mark() {
    assert!(!launches(rocket(routes![keyword::r#type])));
}

#[test]
fn routes_by_hand_and_trailing_users_are_seen() {
    for path in ["/<user_id>/x", "/x/<user_id>", "/<user_id..>"] {
        let route = Route::new(Method::Get, path, rocket::route::dummy_handler);
        assert!(!launches(rocket(vec![route])), "{path}");
    }
}

#[test]
fn routes_that_other_fairings_mount_are_seen() {
    let late =
        || AdHoc::on_ignite("late", |rocket| async { rocket.mount("/api", routes![forgotten]) });
    let guarded = |rocket: Rocket<Build>| rocket.attach(guard());
    assert!(!launches(guarded(rocket::custom(figment(&json!({}))).attach(late()))));
    assert!(!launches(rocket(routes![notes]).attach(late())));
    assert!(!launches(rocket(routes![]).attach(late())));

    let later = || AdHoc::on_ignite("later", move |rocket| async move { rocket.attach(late()) });
    assert!(!launches(rocket(routes![notes]).attach(later())));
}

/// Without any guard nothing is asked after ignition, so the launch panics.
#[test]
#[should_panic(expected = "auth-guard refuses to launch")]
fn the_last_moment_is_liftoff() {
    let late =
        || AdHoc::on_ignite("late", |rocket| async { rocket.mount("/api", routes![forgotten]) });
    let later = AdHoc::on_ignite("later", move |rocket| async move { rocket.attach(late()) });
    let _ = launches(rocket(routes![open]).attach(later));
}

#[test]
fn an_exception_is_one_and_needs_no_token() {
    let client = launch(rocket(routes![profile, notes]));
    assert_eq!(get_with(&client, "/api/alice/profile", &[]).body, "alice");
    assert_eq!(get_with(&client, "/api/alice/profile", &["Bearer x", "y"]).status, 200);
    assert_eq!(get_with(&client, "/api/alice/notes", &[]).status, 401);
}

#[test]
fn the_audit_may_be_loosened() {
    for unscoped in ["warn", "allow"] {
        let rocket = rocket::custom(figment(&json!({ "unscoped": unscoped }))).attach(guard());
        let client = launch(rocket.mount("/api", routes![forgotten]));
        assert_eq!(get_with(&client, "/api/alice/forgotten", &[]).status, 200);
    }
}

type Me = Result<Verified, auth_guard::AuthError>;

#[get("/verified")]
fn verified(user: Verified) -> String {
    user.uid().to_owned()
}

#[get("/optional")]
fn optional(user: Option<Verified>) -> String {
    user.is_some().to_string()
}

#[get("/alias")]
fn alias(user: Me) -> String {
    user.is_ok().to_string()
}

#[user_scoped]
#[get("/<user_id>/bound")]
fn bound() -> String {
    let user_id: UserId = user_id;
    user_id.into()
}

#[test]
fn a_guard_without_the_fairing_stops_the_launch() {
    for routes in
        [routes![verified], routes![optional], routes![alias], routes![bound], routes![half]]
    {
        let rocket = |figment| rocket::custom(figment).mount("/", routes.clone());
        assert!(!launches(rocket(figment(&json!({})))), "{routes:?}");
        let attached = rocket(figment(&json!({ "unscoped": "allow" }))).attach(guard());
        assert!(launches(attached), "{routes:?}");
    }
}

/// What no sentinel sees: a guard that asks ours by itself.
#[get("/hidden")]
fn hidden(user: Hidden) -> String {
    user.0
}

struct Hidden(String);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Hidden {
    type Error = auth_guard::AuthError;

    async fn from_request(
        request: &'r rocket::Request<'_>,
    ) -> rocket::request::Outcome<Self, Self::Error> {
        request.guard::<Verified>().await.map(|user| Hidden(user.uid().to_owned()))
    }
}

#[test]
fn a_guard_that_runs_without_the_fairing_is_a_500() {
    let client = launch(rocket::custom(figment(&json!({}))).mount("/", routes![hidden]));
    let answer = get_as(&client, "/hidden", issuer().token("alice"));
    assert_eq!((answer.status, answer.challenges), (500, vec![]));

    let client = launch(rocket(routes![hidden]));
    assert_eq!(get_as(&client, "/api/hidden", issuer().token("alice")).body, "alice");
    assert_eq!(get_with(&client, "/api/hidden", &[]).code(), "token_missing");
}

#[test]
fn the_fairing_attached_twice_is_attached_once() {
    let rocket = rocket(routes![notes])
        .attach(AuthGuard::fairing().with_secret(auth_guard::Secret::random()));
    let rocket = rocket.attach(guard());
    let client = launch(rocket);
    assert_eq!(get_as(&client, "/api/alice/notes", issuer().token("alice")).status, 200);
}
