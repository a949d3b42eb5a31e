//! Step 1: header field → token.

use crate::error::AuthError;
use crate::token::check::{Check, Trace};

/// A token in transit: not too long, and not verified in any way.
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
        match field.split_at_checked("Bearer".len()) {
            Some((scheme, rest))
                if scheme.eq_ignore_ascii_case("Bearer")
                    && (rest.is_empty() || rest.starts_with(' ')) =>
            {
                Self::new(rest.trim_matches(' '), trace)
            }
            _ => Err(AuthError::MissingToken),
        }
    }

    /// What it is made of is not looked at here: the signature is over all of it,
    /// and each of its segments must be base64url.
    pub(crate) fn new(token: &'r str, trace: &mut impl Trace) -> Result<Self, AuthError> {
        trace.reach(Check::Token);
        if token.len() <= Self::MAX_LEN { Ok(Self(token)) } else { Err(AuthError::MalformedToken) }
    }

    pub(crate) fn as_str(self) -> &'r str {
        self.0
    }
}
