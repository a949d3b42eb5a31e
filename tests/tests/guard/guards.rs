//! What the guards give to a handler, and what they never print.

use std::time::Duration;

use auth_guard::testing::{Clock, Issuer, RequestExt};
use auth_guard::{AuthError, AuthGuard, ClaimsError, Secret, Verified, Verifier};
use auth_guard_tests::*;
use rocket::{State, get, routes};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Profile<'a> {
    role: &'a str,
    #[serde(default)]
    level: Option<u8>,
}

#[get("/role")]
fn role(user: Verified) -> Result<String, String> {
    let Profile { role, level } = user.claims().map_err(|error| error.to_string())?;
    Ok(format!("{role} {level:?} {:?}", user.expires_at() == now() + Duration::from_secs(900)))
}

#[get("/value")]
fn value(user: Verified) -> String {
    user.claims::<Value>().map_or_else(|error| format!("{error:?}"), |claims| claims.to_string())
}

#[get("/twice")]
fn twice(one: Verified, two: Verified) -> String {
    format!("{} {} {one:?}", one.uid(), std::ptr::eq(one.uid(), two.uid()))
}

#[get("/socket?<token>")]
fn socket(token: &str, verifier: &State<Verifier>) -> String {
    verifier.verify(token, now()).map_or_else(|e| e.to_string(), |claims| claims.uid().to_owned())
}

fn client() -> rocket::local::blocking::Client {
    let rocket = rocket::custom(figment(&json!({}))).attach(guard());
    launch(rocket.mount("/", routes![role, value, twice, socket]))
}

#[test]
fn the_claims_are_read_as_the_applications_own_type() {
    let token = issuer().token("alice").claim("role", "staff").claim("level", 3);
    assert_eq!(get_as(&client(), "/role", token).body, "staff Some(3) true");

    let token = issuer().token("alice").claim("role", "staff").claim("level", "top-secret");
    let body = get_as(&client(), "/role", token).body;
    assert!(body.starts_with("the claims do not fit the type asked for"), "{body}");
    assert!(!body.contains("top-secret"), "{body}");
}

#[test]
fn whatever_is_accepted_can_be_read_as_any_json() {
    let nested = format!("{}{}", "[".repeat(126), "]".repeat(126));
    let payload = format!(r#"{{"exp":{},"uid":"alice","x":{nested}}}"#, NOW + 900);
    let answer = get_as(&client(), "/value", issuer().sign(r#"{"alg":"HS256"}"#, payload));
    assert!(answer.body.contains(&nested), "{}", answer.body);
}

#[test]
fn a_request_is_verified_once() {
    assert_eq!(
        get_as(&client(), "/twice", issuer().token("alice")).body,
        "alice true Verified(..)"
    );
}

#[test]
fn a_verifier_is_available_to_other_transports() {
    let token = issuer().token("alice").sign();
    let client = client();
    let answer = get_with(&client, &format!("/socket?token={token}"), &[]);
    assert_eq!(answer.body, "alice");
    assert_eq!(get_with(&client, "/socket?token=x", &[]).body, "the token is malformed");
    assert_eq!(get_with(&client, "/socket?token=", &[]).body, "the token is malformed");
}

#[test]
fn no_cookie_query_or_form_field_is_read_as_a_token() {
    let client = client();
    let token = issuer().token("alice").sign();
    for path in [format!("/role?access_token={token}"), format!("/role?token={token}")] {
        assert_eq!(get_with(&client, &path, &[]).code(), "token_missing");
    }
    for name in ["token", "access_token", "better-auth.session_token", "session_data"] {
        let answer = client.get("/role").cookie((name, token.clone())).dispatch();
        assert_eq!(answer.status().code, 401);
    }
    let form = client.get("/role").header(rocket::http::ContentType::Form);
    assert_eq!(form.body(format!("access_token={token}")).dispatch().status().code, 401);
}

#[test]
fn the_clock_decides_at_each_request() {
    let clock = Clock::fixed(now());
    let guard = AuthGuard::fairing().with_secret(secret()).with_clock(clock.clone());
    let rocket = rocket::custom(figment(&json!({}))).attach(guard).mount("/", routes![twice]);
    let client = launch(rocket);
    let token = issuer().token("alice").sign();
    assert_eq!(get_as(&client, "/twice", token.clone()).status, 200);
    clock.advance(Duration::from_secs(904));
    assert_eq!(get_as(&client, "/twice", token.clone()).status, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(get_as(&client, "/twice", token).code(), "token_expired");
    assert_eq!(client.get("/twice").as_user("alice").dispatch().status().code, 200);
}

#[test]
fn nothing_prints_a_secret_a_token_or_a_claim() {
    let secret = Secret::new("open sesame, open sesame, open sesame").expect("a valid secret");
    let guard = AuthGuard::fairing().with_secret(secret.clone());
    let verifier = guard.verifier(&figment(&json!({}))).expect("a valid configuration");
    let token = Issuer::new(&secret).token("carol").claim("role", "captain");
    let claims = verifier.verify(&token.sign(), std::time::SystemTime::now()).expect("valid");
    let error: ClaimsError = claims.deserialize::<Vec<u8>>().expect_err("not a list");

    let printed = format!(
        "{secret:?} {guard:?} {verifier:?} {token:?} {:?} {claims:?} {error:?} {error}",
        Issuer::new(&secret)
    );
    for hidden in ["sesame", "carol", "captain", token.sign().split_once('.').expect("dots").0] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    for error in [AuthError::InvalidClaim("aud".into()), AuthError::NotOwner] {
        assert!(!format!("{error:?} {error}").is_empty());
    }
    assert_eq!(format!("{:?}", AuthError::InvalidClaim("aud".into())), "InvalidClaim(\"aud\")");
}

#[test]
fn what_is_printed_says_which_type_it_is() {
    let verifier = guard().verifier(&figment(&json!({}))).expect("a valid configuration");
    let claims = verifier.verify(&issuer().token("alice").sign(), now()).expect("valid");
    assert_eq!(format!("{claims:?}"), "Claims(..)");
    assert_eq!(format!("{:?}", secret()), "Secret(..)");
    assert!(format!("{verifier:?}").starts_with("Verifier { profile: "), "{verifier:?}");
    let checked = guard().with_check(|_, _| Box::pin(async { Ok(()) }));
    assert!(format!("{checked:?}").contains("hook: Some(Hook(..))"), "{checked:?}");
}

#[test]
fn random_secrets_differ_and_are_valid() {
    let (one, two) = (Secret::random(), Secret::random());
    assert_ne!(one.expose(), two.expose());
    assert!(Secret::new(one.expose()).is_ok());
}
