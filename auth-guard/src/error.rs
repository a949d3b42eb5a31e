//! What can be wrong with a request, in the order of its way.

use std::borrow::Cow;
use std::fmt;

/// Why a request was refused, in the order of the request's way.
///
/// It is a [`Responder`](rocket::response::Responder) that gives the documented
/// answer, and [`AuthError::of`] is the one that ended a request, so that an
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
/// Neither its `Debug` nor its `Display` has anything of the token, the secret
/// or a claim's value in it: Rocket logs the `Debug` of a guard's error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// 401 `token_missing`: no `Authorization` header field, or another scheme.
    MissingToken,
    /// 400 `request_malformed`: more than one `Authorization` header field.
    MultipleTokens,
    /// 401 `token_invalid`: not a token that can be read, or one whose header
    /// asks for something that is not supported (`crit`, `b64`, a foreign `typ`).
    MalformedToken,
    /// 401 `token_invalid`: signed with another algorithm than a key is for.
    AlgorithmNotAllowed,
    /// 401 `token_invalid`: the issuer has no key of the token's key id, or the
    /// token has none and several keys are for its algorithm.
    NoMatchingKey,
    /// 503 `keys_unavailable`: the keys to check tokens with cannot be had.
    KeysUnavailable,
    /// 401 `token_invalid`: the signature is not the key's.
    InvalidSignature,
    /// 401 `token_invalid`: a claim is missing, has the wrong type, or does not
    /// say what it must. The name is the claim's, as configured, never from a token.
    InvalidClaim(Cow<'static, str>),
    /// 401 `token_invalid`: `nbf` or `iat` lies in the future.
    NotYetValid,
    /// 401 `token_expired`: all is well but the time.
    Expired,
    /// 403 `not_owner`: a valid token, but somebody else's path.
    NotOwner,
    /// 500 `guard_misconfigured`: a guard ran without the fairing, or
    /// [`Owner`](crate::Owner) ran on a route that is not scoped by a segment.
    Misconfigured,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingToken => f.write_str("there is no bearer token"),
            Self::MultipleTokens => f.write_str("there is more than one Authorization field"),
            Self::MalformedToken => f.write_str("the token is malformed"),
            Self::AlgorithmNotAllowed => f.write_str("there is no key for the token's algorithm"),
            Self::NoMatchingKey => f.write_str("the issuer has no such key"),
            Self::KeysUnavailable => f.write_str("the keys cannot be had"),
            Self::InvalidSignature => f.write_str("the signature is wrong"),
            Self::InvalidClaim(name) => write!(f, "the claim `{name}` is not as it must be"),
            Self::NotYetValid => f.write_str("the token is not valid yet"),
            Self::Expired => f.write_str("the token has expired"),
            Self::NotOwner => f.write_str("the path belongs to somebody else"),
            Self::Misconfigured => f.write_str("the guard is not set up for this route"),
        }
    }
}

impl std::error::Error for AuthError {}
