//! Step 7, first half: error → answer. The only file that knows a status code.

use std::io::Cursor;

use rocket::Request;
use rocket::http::{ContentType, Header, Status};
use rocket::response::{self, Responder, Response};
use rocket::serde::Serialize;

use crate::error::AuthError;
use crate::launch::Installed;

/// The statuses that an [`AuthError`] can be answered with.
pub(crate) const STATUSES: [u16; 5] = [400, 401, 403, 500, 503];

/// One row of the table of answers.
struct Answer {
    status: Status,
    code: &'static str,
    challenge: Challenge,
    detail: &'static str,
}

/// What follows `Bearer realm="…"` (RFC 6750 section 3).
enum Challenge {
    None,
    Bare,
    Error(&'static str),
}

/// RFC 9457.
#[derive(Serialize)]
#[serde(crate = "rocket::serde")]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'static str,
}

impl AuthError {
    /// The status that this error is answered with.
    pub fn status(&self) -> u16 {
        self.answer().status.code
    }

    /// The `code` of the problem body: for programs, and stable.
    pub fn code(&self) -> &'static str {
        self.answer().code
    }

    /// The table of answers. Causes go to the log and not to the caller, so
    /// every refused token but an expired one has the same.
    fn answer(&self) -> Answer {
        let (status, code, challenge, detail) = match self {
            Self::MissingToken => (
                Status::Unauthorized,
                "token_missing",
                Challenge::Bare,
                "A bearer token is required.",
            ),
            Self::MultipleTokens => (
                Status::BadRequest,
                "request_malformed",
                Challenge::Error("invalid_request"),
                "The request has more than one Authorization header field.",
            ),
            Self::MalformedToken
            | Self::AlgorithmNotAllowed
            | Self::NoMatchingKey
            | Self::InvalidSignature
            | Self::InvalidClaim(_)
            | Self::NotYetValid
            | Self::Revoked => (
                Status::Unauthorized,
                "token_invalid",
                Challenge::Error("invalid_token"),
                "The token is not valid.",
            ),
            Self::Expired => (
                Status::Unauthorized,
                "token_expired",
                Challenge::Error("invalid_token"),
                "The token has expired.",
            ),
            Self::NotOwner => (
                Status::Forbidden,
                "not_owner",
                Challenge::Error("insufficient_scope"),
                "The token does not give access to this resource.",
            ),
            Self::KeysUnavailable => (
                Status::ServiceUnavailable,
                "keys_unavailable",
                Challenge::None,
                "The keys to check tokens with cannot be had right now.",
            ),
            Self::CheckUnavailable => (
                Status::ServiceUnavailable,
                "check_unavailable",
                Challenge::None,
                "The request cannot be checked right now.",
            ),
            Self::Misconfigured => (
                Status::InternalServerError,
                "guard_misconfigured",
                Challenge::None,
                "The server is not set up to check this request.",
            ),
        };

        Answer { status, code, challenge, detail }
    }

    /// The `WWW-Authenticate` field that is due.
    pub(crate) fn challenge(&self, realm: &str) -> Option<String> {
        let answer = self.answer();
        match answer.challenge {
            Challenge::None => None,
            Challenge::Bare => Some(format!("Bearer realm=\"{realm}\"")),
            Challenge::Error(error) => Some(format!(
                "Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{}\"",
                answer.detail
            )),
        }
    }

    /// The problem body that is due.
    pub(crate) fn body(&self) -> Option<Vec<u8>> {
        let Answer { status, code, detail, .. } = self.answer();
        let title = status.reason_lossy();
        let problem = Problem { r#type: "about:blank", title, status: status.code, code, detail };
        serde_json::to_vec(&problem).ok()
    }

    /// Adds `WWW-Authenticate` or `Retry-After`, unless the response has it.
    pub(crate) fn add_headers(&self, request: &Request<'_>, response: &mut Response<'_>) {
        let installed = Installed::of(request.rocket());
        let realm = installed.map_or("api", |installed| &installed.realm);
        let is_bearer = |value: &str| {
            value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer"))
        };
        if let Some(challenge) = self.challenge(realm)
            && !response.headers().get("WWW-Authenticate").any(is_bearer)
        {
            response.adjoin_header(Header::new("WWW-Authenticate", challenge));
        }

        if self.answer().status == Status::ServiceUnavailable
            && let Some(installed) = installed
            && !response.headers().contains("Retry-After")
        {
            response.set_header(Header::new("Retry-After", installed.retry_after.to_string()));
        }
    }
}

/// The documented answer: status, challenge and an `application/problem+json`
/// body (RFC 9457), without anything of the token, the claims or the path.
impl<'r> Responder<'r, 'static> for AuthError {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let status = Status::new(self.status());
        let body = self.body().ok_or(Status::InternalServerError)?;

        let mut response = Response::build()
            .status(status)
            .header(ContentType::new("application", "problem+json"))
            .sized_body(body.len(), Cursor::new(body))
            .finalize();
        self.add_headers(request, &mut response);
        Ok(response)
    }
}
