//! Step 1: header field → token.

use super::check::{Check, Failed};
use crate::error::AuthError;

/// A token in transit: bounded in length, and not verified in any way.
#[derive(Clone, Copy)]
pub(crate) struct BearerToken<'r>(&'r str);

impl<'r> BearerToken<'r> {
    /// The length of the longest token that is looked at, in bytes. Rocket itself
    /// accepts hundreds of kilobytes.
    pub(crate) const MAX_LEN: usize = 8 * 1024;

    /// Takes the token out of the values of the `Authorization` fields of one
    /// request (RFC 9110 section 11.6.2, RFC 6750 section 2.1).
    pub(crate) fn from_fields(mut fields: impl Iterator<Item = &'r str>) -> Result<Self, Failed> {
        let missing = || Check::Field.failed(AuthError::MissingToken);
        let field = fields.next().ok_or_else(missing)?;
        if fields.next().is_some() {
            return Err(Check::Field.failed(AuthError::MultipleTokens));
        }

        // `credentials = auth-scheme [ 1*SP ( token68 / … ) ]`
        match field.split_at_checked("Bearer".len()) {
            Some((scheme, rest))
                if scheme.eq_ignore_ascii_case("Bearer")
                    && (rest.is_empty() || rest.starts_with(' ')) =>
            {
                Self::new(rest.trim_matches(' '))
            }
            _ => Err(missing()),
        }
    }

    /// Accepts any text of a bounded length. Its characters are checked later: the
    /// signature covers all of them, and each segment must be base64url.
    pub(crate) fn new(token: &'r str) -> Result<Self, Failed> {
        match token.len() {
            0 => Err(Check::Credentials.malformed()),
            length if length > Self::MAX_LEN => Err(Check::Length.malformed()),
            _ => Ok(Self(token)),
        }
    }

    pub(crate) fn as_str(self) -> &'r str {
        self.0
    }
}
