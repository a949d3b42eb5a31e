//! The compact form of a JWS: three segments of base64url.

use std::borrow::Cow;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::NO_PAD;
use memchr::{memchr, memrchr};

use super::bearer::BearerToken;

/// The three segments of a token (RFC 7515 section 7.1), not decoded.
#[derive(Clone, Copy)]
pub(crate) struct Segments<'t> {
    pub(crate) header: &'t str,
    pub(crate) payload: &'t str,
    pub(crate) signature: &'t str,
    /// What the signature covers: header, dot and payload.
    pub(crate) signing_input: &'t str,
}

impl<'t> Segments<'t> {
    /// Splits a token. A dot that is left in the payload is refused when that is
    /// decoded.
    pub(crate) fn of(token: BearerToken<'t>) -> Option<Self> {
        // The standard library searches for a character byte by byte in a text this short.
        let token = token.as_str();
        let (first, last) = (memchr(b'.', token.as_bytes())?, memrchr(b'.', token.as_bytes())?);
        Some(Self {
            header: &token[..first],
            payload: token.get(first + 1..last)?,
            signature: &token[last + 1..],
            signing_input: &token[..last],
        })
    }
}

/// Decodes base64url without padding, white space or spare bits (RFC 7515 section 2).
pub(crate) fn decode(segment: &str) -> Option<Vec<u8>> {
    BASE64URL.decode(segment).ok()
}

/// Decodes into `buffer` if the result fits, which saves an allocation.
pub(crate) fn decode_into<'b>(segment: &str, buffer: &'b mut [u8]) -> Option<Cow<'b, [u8]>> {
    if base64::decoded_len_estimate(segment.len()) > buffer.len() {
        return decode(segment).map(Cow::Owned);
    }

    let length = BASE64URL.decode_slice(segment, buffer).ok()?;
    Some(Cow::Borrowed(&buffer[..length]))
}

/// Uses the processor's vector instructions, where there are any.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64URL: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64URL: base64::engine::GeneralPurpose =
    base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD);
