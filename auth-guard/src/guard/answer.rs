//! Step 7, second half: error → answer.

use std::fmt::Write;
use std::io::Cursor;

use rocket::Request;
use rocket::http::{ContentType, Header, Status};
use rocket::response::{self, Responder, Response};
use rocket::serde::Serialize;

use super::context::Context;
use super::scopes::RouteScopes;
use crate::error::{Answer, AuthError, Challenge};
use crate::keys::public::PublicKeys;
use crate::verifier::TrustedIssuer;

/// A problem body (RFC 9457).
#[derive(Serialize)]
#[serde(crate = "rocket::serde")]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'static str,
}

/// What `Retry-After` says if no cooldown decides it: about as long as a request waits for
/// the application's own check.
const RETRY_AFTER: u64 = 5;

impl AuthError {
    /// Returns the `WWW-Authenticate` field that is due on a route that names these OAuth
    /// scopes.
    ///
    /// `metadata` is the URL of the protected-resource metadata (RFC 9728 section 5.1).
    pub(crate) fn challenge(
        &self,
        realm: &str,
        scopes: Option<&str>,
        metadata: Option<&str>,
    ) -> Option<String> {
        let Answer { status, challenge, detail, .. } = self.answer();
        let mut field = match challenge {
            Challenge::None => return None,
            Challenge::Bare => format!("Bearer realm=\"{realm}\""),
            Challenge::Error(error) => format!(
                "Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{detail}\""
            ),
        };
        // No other token makes a request well-formed.
        if let Some(scopes) = scopes.filter(|_| status != 400) {
            let _ = write!(field, ", scope=\"{scopes}\"");
        }
        if let Some(url) = metadata {
            let _ = write!(field, ", resource_metadata=\"{url}\"");
        }
        Some(field)
    }

    /// Returns the problem body that is due.
    pub(crate) fn body(&self) -> Option<Vec<u8>> {
        let Answer { status, code, detail, .. } = self.answer();
        let title = Status::new(status).reason_lossy();
        let problem = Problem { r#type: "about:blank", title, status, code, detail };
        serde_json::to_vec(&problem).ok()
    }

    /// Adds the header fields that are due, unless the response has them.
    pub(crate) fn add_headers(&self, request: &Request<'_>, response: &mut Response<'_>) {
        let context = Context::of(request.rocket());
        let realm = context.map_or("api", |context| &context.realm);
        let is_bearer = |value: &str| {
            value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer"))
        };
        let metadata = context.and_then(|context| context.metadata_url.as_deref());
        if let Some(challenge) = self.challenge(realm, RouteScopes::of(request), metadata)
            && !response.headers().get("WWW-Authenticate").any(is_bearer)
        {
            response.adjoin_header(Header::new("WWW-Authenticate", challenge));
        }

        if let Some(seconds) = self.retry_after(request)
            && !response.headers().contains("Retry-After")
        {
            response.set_header(Header::new("Retry-After", seconds.to_string()));
        }
    }

    /// Returns when it is worth trying again, in seconds from now.
    fn retry_after(&self, request: &Request<'_>) -> Option<u64> {
        let Context { verifier, .. } = Context::of(request.rocket())?;
        match self {
            Self::KeysUnavailable => {
                let public = verifier.issuers().all().filter_map(TrustedIssuer::public_keys);
                // After the longest wait, each issuer may be asked for its keys again.
                Some(public.map(PublicKeys::retry_after).max().unwrap_or(RETRY_AFTER))
            }
            Self::CheckUnavailable => Some(RETRY_AFTER),
            _ => None,
        }
    }
}

/// Gives the documented answer: status, challenge and an `application/problem+json`
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
