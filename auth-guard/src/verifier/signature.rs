//! Step 3: key → signature.

use std::borrow::Cow;

use crate::error::AuthError;
use crate::keys::Key;
#[cfg(feature = "testing")]
use crate::token::bearer::BearerToken;
use crate::token::check::{Check, Failed};
use crate::token::compact::{Segments, decode_into};
#[cfg(feature = "testing")]
use crate::token::header::{Header, TokenType};

/// Verifies no more than the signature of a token, and returns its payload: third-party
/// vectors have payloads that are no claims.
#[cfg(feature = "testing")]
pub(crate) fn verify_jws<'k>(
    token: &str,
    select: impl FnOnce(&Header<'_>) -> Result<Key<'k>, AuthError>,
) -> Result<Vec<u8>, AuthError> {
    let verify = || {
        let token = BearerToken::new(token)?;
        let segments = Segments::of(token).ok_or(Check::Segments.malformed())?;
        let header = Header::read(segments.header, TokenType::Jwt)?;
        let key = select(&header).map_err(|error| Check::Key.failed(error))?;
        verify_signature(&segments, &key, &mut []).map(Cow::into_owned)
    };
    verify().map_err(|failed: Failed| failed.error)
}

/// Verifies the signature, and only then decodes what it covers.
pub(super) fn verify_signature<'b>(
    segments: &Segments<'_>,
    key: &Key<'_>,
    buffer: &'b mut [u8],
) -> Result<Cow<'b, [u8]>, Failed> {
    // 64 bytes, as base64 estimates them.
    let mut short = [0; 66];
    let signature =
        decode_into(segments.signature, &mut short).ok_or(Check::SignatureEncoding.malformed())?;
    if !key.verifies(segments.signing_input.as_bytes(), &signature) {
        return Err(Check::Signature.failed(AuthError::InvalidSignature));
    }
    decode_into(segments.payload, buffer).ok_or(Check::PayloadEncoding.malformed())
}
