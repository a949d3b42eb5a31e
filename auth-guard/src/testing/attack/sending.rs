//! Sending an attempt, and judging its answer.

use rocket::http::{ContentType, Cookie, Header, Method};
use rocket::local::blocking::Client;
use rocket::{Orbit, Rocket, Route};

use super::requests::Attempt;
use crate::testing::answer::Answer;

pub(super) fn send(client: &Client, route: &Route, attempt: &Attempt) -> Answer {
    let mut request = client.req(attempt.method, attempt.path.clone());
    for field in &attempt.authorization {
        request.add_header(Header::new("Authorization", field.clone()));
    }
    if let Some(token) = &attempt.cookie {
        request = request.cookie(Cookie::new("token", token.clone()));
    }
    match (&attempt.form, &route.format) {
        (Some(form), _) => request = request.header(ContentType::Form).body(form),
        (None, Some(format)) if route.method.supports_payload() => {
            request.add_header(ContentType(format.clone()));
        }
        (None, Some(format)) => {
            request.add_header(Header::new("Accept", format.to_string()));
        }
        (None, None) => {}
    }
    request.dispatch().into()
}

/// Returns `true` if the answer is the documented one. Its body counts too, unless the
/// application catches the status itself.
pub(super) fn is_due(rocket: &Rocket<Orbit>, attempt: &Attempt, answer: &Answer) -> bool {
    let has_body = attempt.method != Method::Head && !is_caught(rocket, attempt);
    let body = attempt.due.body().unwrap_or_default();
    let scopes = attempt.scopes.as_deref();
    let is_challenged = match attempt.due.challenge("", scopes, None) {
        Some(challenge) => challenge.contains(", scope=") == answer.scopes().is_some(),
        None => true,
    };
    let has_scopes = answer.scopes().is_none_or(|named| Some(named) == scopes);
    answer.is_refusal(&attempt.due)
        && is_challenged
        && has_scopes
        && (!has_body || answer.body.as_bytes() == body)
}

/// Returns `true` if the application's own catcher answers this status there.
fn is_caught(rocket: &Rocket<Orbit>, attempt: &Attempt) -> bool {
    rocket.catchers().any(|catcher| {
        let base = catcher.base.path().as_str().trim_end_matches('/');
        catcher.name.as_deref() != Some(crate::launch::CATCHER)
            && catcher.code.is_none_or(|code| code == attempt.due.status())
            && attempt.path.replace("//", "/").starts_with(base)
    })
}
