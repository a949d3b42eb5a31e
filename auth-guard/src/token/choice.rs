//! What a token says of its issuer before anything in it is verified (rule 22). It chooses
//! whose keys and rules the token must pass, and is trusted for nothing else.

use std::borrow::Cow;

use super::compact::{Segments, decode_into};
use super::header::{Header, TokenType};
use super::json::{self, Members, Others, Value};

/// Returns the `iss` of a payload. Returns `None` unless the payload is one JSON object, and
/// its `iss` is there once and a string.
pub(crate) fn claimed_issuer(segments: &Segments<'_>) -> Option<String> {
    text_of::<false>(segments.payload, "iss")
}

/// Returns the type that a header says. A header that cannot be read is refused later,
/// whichever issuer is chosen.
pub(crate) fn claimed_type(segments: &Segments<'_>) -> TokenType {
    match text_of::<true>(segments.header, "typ") {
        Some(typ) if TokenType::AccessToken.is_named(&typ) => TokenType::AccessToken,
        Some(_) | None => TokenType::Jwt,
    }
}

fn text_of<const IS_HEADER: bool>(segment: &str, name: &'static str) -> Option<String> {
    let mut buffer = [0; 512];
    let json = decode_into(segment, &mut buffer)?;
    let mut member = Member::<IS_HEADER> { name, value: None, others: Others::default() };
    json::read(std::str::from_utf8(&json).ok()?, &mut member)?;
    member.value.and_then(Value::as_str).map(Cow::into_owned)
}

/// One member of an object. Of the others, only the names matter.
struct Member<'a, const IS_HEADER: bool> {
    name: &'static str,
    value: Option<Value<'a>>,
    others: Others<'a>,
}

impl<'a, const IS_HEADER: bool> Members<'a> for Member<'a, IS_HEADER> {
    const MAX: usize = if IS_HEADER { Header::MAX_MEMBERS } else { usize::MAX };
    const MAX_MARKS: usize = if IS_HEADER { Header::MAX_MARKS } else { usize::MAX };

    fn slot(&mut self, name: &str) -> Option<&mut Option<Value<'a>>> {
        (name == self.name).then_some(&mut self.value)
    }

    fn others(&mut self) -> &mut Others<'a> {
        &mut self.others
    }
}
