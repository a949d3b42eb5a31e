//! What can be wrong with a request, and how it is answered.

use std::borrow::Cow;
use std::fmt;

/// Why a request was refused, in the order in which a request is checked.
///
/// It is a [`Responder`](rocket::response::Responder) that gives the documented
/// answer, and [`AuthError::of`] returns the error that ended a request, so an
/// application's own catcher delegates in one line:
///
/// ```rust
/// # use rocket::{catch, catchers, Request};
/// use auth_guard::AuthError;
///
/// #[catch(401)]
/// fn unauthorized(request: &Request<'_>) -> Result<AuthError, &'static str> {
///     AuthError::of(request).ok_or("This 401 came from somewhere else.")
/// }
/// # fn main() { let _ = catchers![unauthorized]; }
/// ```
///
/// Neither its `Debug` nor its `Display` contains anything of the token, the secret
/// or a claim's value: Rocket logs the `Debug` of a guard's error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// 401 `token_missing`: no `Authorization` header field, or another scheme.
    MissingToken,
    /// 400 `request_malformed`: more than one `Authorization` header field.
    MultipleTokens,
    /// 401 `token_invalid`: the token cannot be read, or its header asks for
    /// something that is not supported (`crit`, `b64`, an unknown `typ`).
    MalformedToken,
    /// 401 `token_invalid`: no key is for the token's algorithm.
    AlgorithmNotAllowed,
    /// 401 `token_invalid`: the issuer has no key with the token's key id, or the
    /// token has no key id and several keys are for its algorithm.
    NoMatchingKey,
    /// 503 `keys_unavailable`: the issuer's public keys cannot be fetched.
    KeysUnavailable,
    /// 401 `token_invalid`: the signature does not match.
    InvalidSignature,
    /// 401 `token_invalid`: a claim is missing, has the wrong type, or does not
    /// have the value it must have. The name is the configured one; it never comes
    /// from a token.
    InvalidClaim(Cow<'static, str>),
    /// 401 `token_invalid`: `nbf` or `iat` lies in the future.
    NotYetValid,
    /// 401 `token_expired`: expired, otherwise valid.
    Expired,
    /// 401 `token_invalid`: the application's own check refused the token, for
    /// example because it was revoked; see
    /// [`AuthGuard::with_check`](crate::AuthGuard::with_check).
    Revoked,
    /// 503 `check_unavailable`: the application's own check, a
    /// [`Requirement`](crate::Requirement) or a [`Scope`](crate::Scope) gave no answer.
    CheckUnavailable,
    /// 403 `not_owner`: a valid token, but another user's path.
    NotOwner,
    /// 403 `not_allowed`: a valid token, but the caller does not meet a
    /// [`Requirement`](crate::Requirement), or is not admitted by a [`Scope`](crate::Scope);
    /// or the token is a machine's, or its OAuth scopes are enforced and the route names none.
    NotAllowed,
    /// 403 `insufficient_scope`: a valid token, but it lacks an OAuth scope that the route
    /// names. The challenge names all of them.
    InsufficientScope,
    /// 500 `guard_misconfigured`: a guard ran without the fairing, or
    /// [`Owner`](crate::Owner) ran on a route without the segment it compares, or
    /// the application's own check asked for the guard that was asking it.
    Misconfigured,
}

/// One row of the table of answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) challenge: Challenge,
    /// The `detail` of the body, and the `error_description` of the challenge.
    pub(crate) detail: &'static str,
}

/// What follows `Bearer realm="…"` in `WWW-Authenticate` (RFC 6750 section 3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// There is no challenge: no other token would help.
    None,
    /// Nothing follows: the request had no token.
    Bare,
    /// This `error`, with its description.
    Error(&'static str),
}

impl AuthError {
    /// The statuses that an error can be answered with.
    pub(crate) const STATUSES: [u16; 5] = [400, 401, 403, 500, 503];

    /// Returns the status that this error is answered with.
    pub fn status(&self) -> u16 {
        self.answer().status
    }

    /// Returns the `code` of the problem body. It is stable, and meant for programs.
    pub fn code(&self) -> &'static str {
        self.answer().code
    }

    /// Returns the row of the table of answers. Causes go to the log and not to the
    /// caller, so every refused token but an expired one is answered alike.
    pub(crate) fn answer(&self) -> Answer {
        use Challenge::{Bare, Error, None};
        let (status, code, challenge, detail) = match self {
            Self::MissingToken => (401, "token_missing", Bare, "A bearer token is required."),
            Self::MultipleTokens => (
                400,
                "request_malformed",
                Error("invalid_request"),
                "The request has more than one Authorization header field.",
            ),
            Self::MalformedToken
            | Self::AlgorithmNotAllowed
            | Self::NoMatchingKey
            | Self::InvalidSignature
            | Self::InvalidClaim(_)
            | Self::NotYetValid
            | Self::Revoked => {
                (401, "token_invalid", Error("invalid_token"), "The token is not valid.")
            }
            Self::Expired => {
                (401, "token_expired", Error("invalid_token"), "The token has expired.")
            }
            Self::NotOwner => {
                (403, "not_owner", None, "The token does not give access to this resource.")
            }
            Self::NotAllowed => {
                (403, "not_allowed", None, "The token does not allow this request.")
            }
            Self::InsufficientScope => (
                403,
                "insufficient_scope",
                Error("insufficient_scope"),
                "The token lacks a scope that this request needs.",
            ),
            Self::KeysUnavailable => (
                503,
                "keys_unavailable",
                None,
                "The keys to check tokens with cannot be fetched right now.",
            ),
            Self::CheckUnavailable => {
                (503, "check_unavailable", None, "The request cannot be checked right now.")
            }
            Self::Misconfigured => (
                500,
                "guard_misconfigured",
                None,
                "The server is not set up to check this request.",
            ),
        };

        Answer { status, code, challenge, detail }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingToken => f.write_str("there is no bearer token"),
            Self::MultipleTokens => f.write_str("there is more than one Authorization field"),
            Self::MalformedToken => f.write_str("the token is malformed"),
            Self::AlgorithmNotAllowed => f.write_str("no key is for the token's algorithm"),
            Self::NoMatchingKey => f.write_str("the issuer has no such key"),
            Self::KeysUnavailable => f.write_str("the issuer's public keys cannot be fetched"),
            Self::InvalidSignature => f.write_str("the signature does not match"),
            Self::InvalidClaim(name) => {
                write!(f, "the claim `{name}` is missing or does not have the value it must have")
            }
            Self::NotYetValid => f.write_str("the token is not valid yet"),
            Self::Expired => f.write_str("the token has expired"),
            Self::Revoked => f.write_str("the application no longer accepts the token"),
            Self::CheckUnavailable => f.write_str("the application's own check gave no answer"),
            Self::NotOwner => f.write_str("the path belongs to another user"),
            Self::NotAllowed => f.write_str("the token does not allow the request"),
            Self::InsufficientScope => f.write_str("the token lacks a scope that is needed"),
            Self::Misconfigured => f.write_str("the guard is not set up for this route"),
        }
    }
}

impl std::error::Error for AuthError {}
