//! Step 2, first half: token → JOSE header.

use std::borrow::Cow;

use super::check::{Check, Failed};
use super::compact::decode_into;
use super::json::{self, Members, Others, Value};

/// The header parameters that decide anything. `jku`, `jwk`, `x5u` and `x5c` are
/// not among them: a token never brings its own key (RFC 8725 section 3.5).
pub(crate) struct Header<'a> {
    pub(crate) alg: Cow<'a, str>,
    /// Any string (RFC 7515 section 4.1.4). It selects among the known keys, and
    /// serves no other purpose.
    pub(crate) kid: Option<Cow<'a, str>>,
}

/// The headers that issuers write for HS256, encoded. Nothing is left to find out
/// about a token that begins with one of them.
const USUAL: [&str; 3] = [
    // {"alg":"HS256","typ":"JWT"}
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    // {"typ":"JWT","alg":"HS256"}
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
    // {"alg":"HS256"}
    "eyJhbGciOiJIUzI1NiJ9",
];

/// What `typ` says of a token, if it is an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TokenType {
    /// Absent or `JWT` (RFC 7519 section 5.1).
    #[default]
    Jwt,
    /// `at+jwt` (RFC 9068 section 2.1).
    AccessToken,
}

impl TokenType {
    /// Tells access tokens from the other JWTs that an issuer signs, such as
    /// `better-auth.session-cache+jwt` or ID tokens (RFC 8725 section 3.11).
    fn is(self, typ: Option<Value<'_>>) -> bool {
        match typ {
            None => self == Self::Jwt,
            Some(typ) => typ.as_str().is_some_and(|typ| self.is_named(&typ)),
        }
    }

    /// Returns `true` if a `typ` names this type, in any case.
    pub(super) fn is_named(self, typ: &str) -> bool {
        let prefix = typ.split_at_checked("application/".len());
        let bare = prefix
            .filter(|(prefix, _)| prefix.eq_ignore_ascii_case("application/"))
            .map_or(typ, |(_, bare)| bare);
        bare.eq_ignore_ascii_case(self.name())
    }

    /// Returns the name, as settings and headers write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AccessToken => "at+jwt",
        }
    }
}

impl Header<'static> {
    /// The most members of a header. Anybody can send one: nothing is signed yet.
    pub(super) const MAX_MEMBERS: usize = 64;

    /// The most backslashes, opening brackets and commas of a header.
    pub(super) const MAX_MARKS: usize = 256;

    /// Reads the first segment of a token.
    pub(crate) fn read(segment: &str, token_type: TokenType) -> Result<Self, Failed> {
        if token_type == TokenType::Jwt && Header::is_usual(segment) {
            return Ok(Header { alg: Cow::Borrowed("HS256"), kid: None });
        }

        let mut buffer = [0; 128];
        let json = decode_into(segment, &mut buffer).ok_or(Check::Segments.malformed())?;
        let Header { alg, kid } = Header::parse(&json, token_type)?;
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Ok(Header { alg: owned(alg), kid: kid.map(owned) })
    }

    /// Returns `true` if this first segment is, byte for byte, a header for HS256.
    pub(crate) fn is_usual(segment: &str) -> bool {
        USUAL.contains(&segment)
    }
}

impl<'a> Header<'a> {
    /// Reads a decoded JOSE header (RFC 7515 section 4, RFC 7519 section 5).
    fn parse(json: &'a [u8], token_type: TokenType) -> Result<Self, Failed> {
        let mut header = Parameters::default();
        let json = std::str::from_utf8(json).map_err(|_| Check::HeaderObject.malformed())?;
        json::read(json, &mut header).ok_or(Check::HeaderObject.malformed())?;

        // Both change what is signed or how it is read, and a verifier that does not
        // know the extension must refuse (RFC 7515 section 4.1.11, RFC 7797 section 6).
        if header.crit.is_some() || header.b64.is_some() {
            return Err(Check::Extensions.malformed());
        }

        if !token_type.is(header.typ) {
            return Err(Check::Type.malformed());
        }

        let kid = header.kid.map(|kid| kid.as_str().ok_or(Check::KeyId.malformed()));
        let kid = kid.transpose()?;
        let alg = header.alg.and_then(Value::as_str).ok_or(Check::Algorithm.malformed())?;
        Ok(Header { alg, kid })
    }
}

/// The header parameters that decide anything, uninterpreted.
#[derive(Default)]
struct Parameters<'a> {
    alg: Option<Value<'a>>,
    kid: Option<Value<'a>>,
    typ: Option<Value<'a>>,
    crit: Option<Value<'a>>,
    b64: Option<Value<'a>>,
    others: Others<'a>,
}

impl<'a> Members<'a> for Parameters<'a> {
    const MAX: usize = Header::MAX_MEMBERS;
    const MAX_MARKS: usize = Header::MAX_MARKS;

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

    fn others(&mut self) -> &mut Others<'a> {
        &mut self.others
    }
}
