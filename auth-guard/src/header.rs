//! Step 2, first half: token → what its JOSE header asks for.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::AuthError;
use crate::json::Object;

/// The header members that decide anything. `jku`, `jwk`, `x5u` and `x5c` are
/// not among them: a token never brings its own key (RFC 8725 section 3.5).
pub(crate) struct Header<'a> {
    pub(crate) alg: Cow<'a, str>,
    /// Any string (RFC 7515 section 4.1.4). It selects among the keys that are
    /// already held and is used for nothing else.
    pub(crate) kid: Option<Cow<'a, str>>,
}

/// The headers that issuers really write for HS256, encoded: nothing is left to
/// find out about a token that begins so.
const USUAL: [&str; 3] = [
    // {"alg":"HS256","typ":"JWT"}
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    // {"typ":"JWT","alg":"HS256"}
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
    // {"alg":"HS256"}
    "eyJhbGciOiJIUzI1NiJ9",
];

impl Header<'static> {
    /// Reads the first segment of a token.
    pub(crate) fn read(segment: &str) -> Result<Self, AuthError> {
        if Header::is_usual(segment) {
            return Ok(Header { alg: Cow::Borrowed("HS256"), kid: None });
        }

        let json = decode(segment)?;
        let Header { alg, kid } = Header::parse(&json)?;
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Ok(Header { alg: owned(alg), kid: kid.map(owned) })
    }

    /// Whether it is known byte for byte what this first segment asks for: HS256.
    pub(crate) fn is_usual(segment: &str) -> bool {
        USUAL.contains(&segment)
    }
}

impl<'a> Header<'a> {
    /// Reads a decoded JOSE header (RFC 7515 section 4, RFC 7519 section 5).
    fn parse(json: &'a [u8]) -> Result<Self, AuthError> {
        let header = Object::parse(json).ok_or(AuthError::MalformedToken)?;

        // Both change what is signed or how it is to be read, and a verifier
        // that does not know the extension must refuse (RFC 7515 section
        // 4.1.11, RFC 7797 section 6).
        let extended = header.get("crit").is_some() || header.get("b64").is_some();

        // Separates access tokens from the other JWTs an issuer signs, such as
        // `better-auth.session-cache+jwt` (RFC 8725 section 3.11).
        let access_token = header.get("typ").is_none_or(|typ| {
            typ.as_str().is_some_and(|typ| {
                typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("application/jwt")
            })
        });

        let text = |name| match header.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(AuthError::MalformedToken),
        };
        let (alg, kid) = (text("alg")?, text("kid")?);
        match alg {
            Some(alg) if access_token && !extended => Ok(Header { alg, kid }),
            _ => Err(AuthError::MalformedToken),
        }
    }
}

/// base64url without padding, white space or spare bits (RFC 7515 section 2).
pub(crate) fn decode(segment: &str) -> Result<Vec<u8>, AuthError> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| AuthError::MalformedToken)
}
