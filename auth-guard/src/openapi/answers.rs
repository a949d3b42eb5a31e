//! What the guards answer, in the words of OpenAPI.

use std::collections::BTreeMap;

use rocket::http::Status;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Header, OpenApi, Ref, Response, ResponseBuilder};

use crate::error::AuthError;

/// The name of the security scheme.
pub(super) const SCHEME: &str = "bearer";
/// The name of the schema of the problem bodies, and the prefix of the answers' names.
const PROBLEM: &str = "AuthProblem";

/// The answers that refuse a request, by status.
pub(super) type Refusals = BTreeMap<u16, Vec<AuthError>>;

pub(super) fn answer_name(status: u16) -> String {
    format!("{PROBLEM}{status}")
}

/// Adds the components that the operations refer to.
pub(super) fn describe(document: &mut OpenApi, refusals: &Refusals) {
    if refusals.is_empty() {
        return;
    }
    let components = document.components.get_or_insert_default();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A token from the Better Auth server, without the word `Bearer`."))
        .build();
    let schemes = components.security_schemes.entry(SCHEME.into());
    schemes.or_insert_with(|| SecurityScheme::Http(scheme).into());
    let schemas = components.schemas.entry(PROBLEM.into());
    schemas.or_insert_with(|| problem(refusals).into());
    for (status, errors) in refusals {
        let answers = components.responses.entry(answer_name(*status));
        answers.or_insert_with(|| answer(*status, errors).into());
    }
}

/// Describes the problem body (RFC 9457) that `guard/answer.rs` writes.
fn problem(refusals: &Refusals) -> ObjectBuilder {
    let codes = refusals.values().flatten().map(AuthError::code);
    let text = || Object::with_type(Type::String);
    [
        ("type", text()),
        ("title", text()),
        ("status", Object::with_type(Type::Integer)),
        ("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).build()),
        ("detail", text()),
    ]
    .into_iter()
    .fold(ObjectBuilder::new(), |object, (name, schema)| {
        object.property(name, schema).required(name)
    })
    .description(Some("Why the request was refused. `code` is stable, for programs."))
}

/// Describes an answer, with an example of each body that it may have.
fn answer(status: u16, errors: &[AuthError]) -> Response {
    let examples = errors.iter().filter_map(|error| {
        let body = serde_json::from_slice(&error.body()?).ok()?;
        Some((error.code(), ExampleBuilder::new().value(Some(body))))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(PROBLEM)))
        .examples_from_iter(examples);
    let codes: Vec<_> = errors.iter().map(|error| format!("`{}`", error.code())).collect();
    let title = Status::new(status).reason_lossy();
    let answer = ResponseBuilder::new()
        .description(format!("{title}: {}", codes.join(" or ")))
        .content("application/problem+json", content.build());

    let header = |described: &str, kind: Type| {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(described.into());
        header
    };
    let has_challenge = errors.iter().any(|error| error.challenge("", None, None).is_some());
    match (has_challenge, status) {
        (true, _) => {
            answer.header("WWW-Authenticate", header("The challenge (RFC 6750).", Type::String))
        }
        (false, 503) => answer.header("Retry-After", header("Seconds.", Type::Integer)),
        (false, _) => answer,
    }
    .build()
}
