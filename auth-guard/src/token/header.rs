//! Step 2, first half: token → what its JOSE header asks for.

use std::borrow::Cow;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::NO_PAD;

use crate::error::AuthError;
use crate::token::check::{Check, Trace};
use crate::token::json::{self, Members, Value};

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
    pub(crate) fn read(segment: &str, trace: &mut impl Trace) -> Result<Self, AuthError> {
        if Header::is_usual(segment) {
            return Ok(Header { alg: Cow::Borrowed("HS256"), kid: None });
        }

        let mut buffer = [0; 128];
        let json = decode_into(segment, &mut buffer)?;
        let Header { alg, kid } = Header::parse(&json, trace)?;
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
    fn parse(json: &'a [u8], trace: &mut impl Trace) -> Result<Self, AuthError> {
        trace.reach(Check::HeaderObject);
        let mut header = Parameters::default();
        let json = std::str::from_utf8(json).map_err(|_| AuthError::MalformedToken)?;
        json::read(json, &mut header).ok_or(AuthError::MalformedToken)?;

        // Both change what is signed or how it is to be read, and a verifier
        // that does not know the extension must refuse (RFC 7515 section
        // 4.1.11, RFC 7797 section 6).
        trace.reach(Check::Extensions);
        if header.crit.is_some() || header.b64.is_some() {
            return Err(AuthError::MalformedToken);
        }

        // Separates access tokens from the other JWTs an issuer signs, such as
        // `better-auth.session-cache+jwt` (RFC 8725 section 3.11).
        trace.reach(Check::Type);
        let is_access_token = header.typ.is_none_or(|typ| {
            typ.as_str().is_some_and(|typ| {
                typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("application/jwt")
            })
        });
        if !is_access_token {
            return Err(AuthError::MalformedToken);
        }

        trace.reach(Check::KeyId);
        let kid = header.kid.map(|kid| kid.as_str().ok_or(AuthError::MalformedToken));
        let kid = kid.transpose()?;

        trace.reach(Check::Algorithm);
        let alg = header.alg.and_then(Value::as_str).ok_or(AuthError::MalformedToken)?;
        Ok(Header { alg, kid })
    }
}

/// The header parameters that decide anything, as they are written.
#[derive(Default)]
struct Parameters<'a> {
    alg: Option<Value<'a>>,
    kid: Option<Value<'a>>,
    typ: Option<Value<'a>>,
    crit: Option<Value<'a>>,
    b64: Option<Value<'a>>,
}

impl<'a> Members<'a> for Parameters<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<Value<'a>>> {
        match name {
            "alg" => Some(&mut self.alg),
            "kid" => Some(&mut self.kid),
            "typ" => Some(&mut self.typ),
            "crit" => Some(&mut self.crit),
            "b64" => Some(&mut self.b64),
            _ => None,
        }
    }
}

/// base64url without padding, white space or spare bits (RFC 7515 section 2).
pub(crate) fn decode(segment: &str) -> Result<Vec<u8>, AuthError> {
    BASE64URL.decode(segment).map_err(|_| AuthError::MalformedToken)
}

/// The same, into `buffer` where it fits, which saves an allocation.
pub(crate) fn decode_into<'b>(
    segment: &str,
    buffer: &'b mut [u8],
) -> Result<Cow<'b, [u8]>, AuthError> {
    if base64::decoded_len_estimate(segment.len()) > buffer.len() {
        return decode(segment).map(Cow::Owned);
    }

    let length = BASE64URL.decode_slice(segment, buffer).map_err(|_| AuthError::MalformedToken)?;
    Ok(Cow::Borrowed(&buffer[..length]))
}

/// With the processor's vector instructions, where there are any.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64URL: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64URL: base64::engine::GeneralPurpose =
    base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD);
