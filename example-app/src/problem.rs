//! Every answer that is not a success, as `application/problem+json` (RFC 9457).

use std::borrow::Cow;
use std::io::ErrorKind;

use auth_guard::AuthError;
use rocket::http::{ContentType, Status};
use rocket::response::{self, Responder};
use rocket::serde::json::{self, Json};
use rocket::{Catcher, Request, catch, catchers};
use serde::Serialize;
use serde::de::IgnoredAny;
use utoipa::{ToResponse, ToSchema};

/// The number of characters kept of serde's messages, which quote the body.
const MAX_QUOTED: usize = 200;

/// An answer that says what went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, ToResponse)]
#[response(content_type = "application/problem+json")]
pub struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
}

impl Problem {
    fn new(status: Status, detail: impl Into<Cow<'static, str>>) -> Self {
        let (title, status) = (status.reason_lossy(), status.code);
        Self { r#type: "about:blank", title, status, detail: detail.into() }
    }

    /// Creates the 404 for a row that does not exist or belongs to somebody else; the answer
    /// does not reveal which.
    pub fn not_found() -> Self {
        Self::new(Status::NotFound, "There is nothing here.")
    }

    /// Creates the 503 of a server that has no keys yet.
    pub fn not_ready() -> Self {
        Self::new(Status::ServiceUnavailable, "There are no keys to verify tokens with.")
    }
}

/// Says what is wrong with a body.
impl From<json::Error<'_>> for Problem {
    fn from(error: json::Error<'_>) -> Self {
        match error {
            json::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Self::new(Status::PayloadTooLarge, "The body is too large.")
            }
            json::Error::Io(_) => Self::new(Status::BadRequest, "The body is not UTF-8 text."),
            // serde stops at the first broken rule, so the rest of the body may still
            // not be JSON.
            json::Error::Parse(body, error) => match serde_json::from_str::<IgnoredAny>(body) {
                Ok(_) => Self::new(
                    Status::UnprocessableEntity,
                    format!("The body is not valid: {}.", shortened(&error)),
                ),
                Err(error) => Self::new(
                    Status::BadRequest,
                    format!("The body is not JSON: {}.", shortened(&error)),
                ),
            },
        }
    }
}

/// Logs the error, which no client needs to know.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        rocket::error!("The database failed: {error}.");
        Self::new(Status::InternalServerError, "The server failed. Try again later.")
    }
}

impl<'r> Responder<'r, 'static> for Problem {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let content_type = ContentType::new("application", "problem+json");
        (Status::new(self.status), (content_type, Json(self))).respond_to(request)
    }
}

pub(crate) fn catchers() -> Vec<Catcher> {
    catchers![not_found, no_such_id, other]
}

#[catch(404)]
fn not_found() -> Problem {
    Problem::not_found()
}

/// Replaces Rocket's 422 for a path segment of the wrong type, here an id. Invalid bodies
/// do not reach it, because the handlers answer them.
#[catch(422)]
fn no_such_id() -> Problem {
    Problem::not_found()
}

/// Answers everything else. The guard's refusals come here, too, and keep the guard's
/// answers, which say more.
#[catch(default)]
fn other(status: Status, request: &Request<'_>) -> Result<AuthError, Problem> {
    AuthError::of(request)
        .filter(|error| error.status() == status.code)
        .ok_or_else(|| Problem::new(status, "The request could not be served."))
}

fn shortened(error: &serde_json::Error) -> String {
    error.to_string().chars().take(MAX_QUOTED).collect()
}
