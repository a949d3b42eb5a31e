//! Step 1: header field → token.

use crate::check::{Check, Trace};
use crate::error::AuthError;

/// A token in transit: well-formed as a `b64token`, not verified in any way.
#[derive(Clone, Copy)]
pub(crate) struct BearerToken<'r>(&'r str);

impl<'r> BearerToken<'r> {
    /// The longest token that is looked at, in bytes. Rocket itself lets
    /// hundreds of kilobytes through.
    pub(crate) const MAX_LEN: usize = 8 * 1024;

    /// Takes the token out of the values of the `Authorization` fields of one
    /// request (RFC 9110 section 11.6.2, RFC 6750 section 2.1).
    pub(crate) fn from_fields(
        mut fields: impl Iterator<Item = &'r str>,
        trace: &mut impl Trace,
    ) -> Result<Self, AuthError> {
        trace.reach(Check::Field);
        let field = fields.next().ok_or(AuthError::MissingToken)?;
        if fields.next().is_some() {
            return Err(AuthError::MultipleTokens);
        }

        // `credentials = auth-scheme [ 1*SP ( token68 / … ) ]`
        let (scheme, token) = field.split_once(' ').unwrap_or((field, ""));
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(AuthError::MissingToken);
        }

        Self::new(token.trim_matches(' '), trace)
    }

    /// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
    pub(crate) fn new(token: &'r str, trace: &mut impl Trace) -> Result<Self, AuthError> {
        trace.reach(Check::Token);
        let characters = token.trim_end_matches('=');
        let well_formed = token.len() <= Self::MAX_LEN
            && !characters.is_empty()
            && characters.bytes().all(|byte| IS_B64TOKEN[usize::from(byte)]);

        if well_formed { Ok(Self(token)) } else { Err(AuthError::MalformedToken) }
    }

    pub(crate) fn as_str(self) -> &'r str {
        self.0
    }
}

/// `ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/"`. A table: every byte of
/// every token is looked up.
const IS_B64TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(
            byte as u8,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/'
        );
        byte += 1;
    }
    table
};
