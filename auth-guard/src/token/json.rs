//! Strict JSON (RFC 8725): one object, no duplicate names, bounded nesting.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

/// The members that are kept of a JSON object. Of the others, only the names matter.
pub(crate) trait Members<'a> {
    /// The most members that an object may have.
    const MAX: usize = usize::MAX;

    /// The most escapes, nested values and commas that it may have together.
    const MAX_MARKS: usize = usize::MAX;

    /// Returns the place for the member with this name, if it is kept.
    fn slot(&mut self, name: &str) -> Option<&mut Option<Value<'a>>>;

    /// Returns the place for the members without one of their own.
    fn others(&mut self) -> &mut Others<'a>;
}

/// The members that have no slot, sorted by name.
#[derive(Default)]
pub(crate) struct Others<'a>(SmallVec<[Other<'a>; 8]>);

/// The beginning of a name, the name and the value: numbers sort faster than text.
type Other<'a> = (u64, Cow<'a, str>, Value<'a>);

impl<'a> Others<'a> {
    /// Returns the value of the member with this name.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        let key = (beginning(name), name);
        let index = self.0.binary_search_by(|(first, name, _)| (*first, &**name).cmp(&key)).ok()?;
        Some(self.0[index].2)
    }

    /// Iterates over the members.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Value<'a>)> {
        self.0.iter().map(|(_, name, value)| (&**name, *value))
    }
}

/// Reads `text` into `members`. Returns `None` unless it is exactly one
/// object, without duplicate names, with at most [`Members::MAX`] members and
/// [`Members::MAX_MARKS`], and without a value nested deeper than [`Value::MAX_DEPTH`].
pub(crate) fn read<'a, M: Members<'a>>(text: &'a str, members: &mut M) -> Option<()> {
    if M::MAX_MARKS < usize::MAX && marks(text) > M::MAX_MARKS {
        return None;
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(Reader(members)).ok()?;
    deserializer.end().ok()
}

/// A well-formed JSON value, uninterpreted: the rules distinguish an integer from a
/// fraction, and a string from everything else.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a>(&'a str);

/// A string, borrowed if there is no escape in it (`Cow` alone always owns).
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Value<'a> {
    /// The limit of `serde_json` itself, so that everything that passes here can be
    /// read into the application's own type as well.
    const MAX_DEPTH: usize = 126;

    /// Wraps well-formed JSON.
    pub(crate) fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the member of an object with this name. Returns `None` if there is none, or
    /// more than one: nested objects are not checked for duplicates before.
    pub(crate) fn member(self, name: &str) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(self.0);
        deserializer.deserialize_map(Member(name)).ok()?
    }

    /// Returns the text of a string.
    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        let quoted = self.0.strip_prefix('"')?.strip_suffix('"')?;
        // A loop without an early exit compiles to vector instructions.
        let has_escape = quoted.bytes().fold(false, |found, byte| found | (byte == b'\\'));
        match has_escape {
            false => Some(Cow::Borrowed(quoted)),
            true => serde_json::from_str(self.0).ok().map(|Text(text)| text),
        }
    }

    /// Returns the text of a string if it is of printable ASCII characters, not empty, and
    /// written without an escape. Most ids are, and one pass over the text tells.
    pub(crate) fn as_plain_str(self) -> Option<&'a str> {
        let quoted = self.0.strip_prefix('"')?.strip_suffix('"')?;
        let is_plain = |byte| (b' '..=b'~').contains(&byte) && byte != b'\\';
        let is_plain = quoted.bytes().fold(!quoted.is_empty(), |all, byte| all & is_plain(byte));
        is_plain.then_some(quoted)
    }

    /// Returns `true` if both are strings, written alike.
    pub(crate) fn is_same_str(self, other: Self) -> bool {
        self.0 == other.0 && self.0.starts_with('"')
    }

    /// Returns `true` if this is a string that `is_such`, or an array of strings with one.
    pub(crate) fn has_str(self, is_such: impl Fn(&str) -> bool) -> bool {
        match self.0.starts_with('[') {
            true => serde_json::from_str::<Vec<Text<'a>>>(self.0)
                .is_ok_and(|texts| texts.iter().any(|Text(text)| is_such(text))),
            false => self.as_str().is_some_and(|text| is_such(&text)),
        }
    }

    /// Returns `true` if this `is_such`, or if this is an array with a value that is.
    pub(crate) fn any(self, is_such: impl Fn(Value<'_>) -> bool) -> bool {
        match self.0.starts_with('[') {
            true => serde_json::from_str::<Vec<&RawValue>>(self.0)
                .is_ok_and(|values| values.iter().any(|value| is_such(Value(value.get())))),
            false => is_such(self),
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        self.0.parse().ok()
    }

    /// Returns a finite number, integer or fraction.
    pub(crate) fn as_number(self) -> Option<f64> {
        // Both parsers round correctly, which serde_json does not promise, and of all
        // JSON values they accept only numbers. Integers are usual, and cheaper.
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
        let integer = match self.0.len() {
            // Without a check for overflow, as times are written; and exact in `f64`.
            1..=15 => self.0.bytes().try_fold(0, |number, byte| Some(10 * number + digit(byte)?)),
            _ => None,
        };
        let integer = integer.map(|number| number as f64);
        integer.or_else(|| self.0.parse().ok()).filter(|number: &f64| number.is_finite())
    }

    /// Returns the canonical decimal form of an integer that fits `i64` or `u64` and
    /// is written without fraction and exponent.
    pub(crate) fn as_integer(self) -> Option<String> {
        let signed = self.0.parse::<i64>().ok().map(|n| n.to_string());
        signed.or_else(|| self.0.parse::<u64>().ok().map(|n| n.to_string()))
    }

    fn is_bounded(self) -> bool {
        // Each level takes two brackets.
        if !self.0.starts_with(['[', '{']) || self.0.len() <= 2 * Self::MAX_DEPTH {
            return true;
        }

        let (mut depth, mut in_string, mut escaped) = (0, false, false);
        self.0.bytes().all(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'[' | b'{' if !in_string => depth += 1,
                b']' | b'}' if !in_string => depth -= 1,
                _ => {}
            }
            depth <= Self::MAX_DEPTH
        })
    }
}

/// Finds one member of an object.
struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<Value<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Text(name)) = map.next_key()? {
            if name != self.0 {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(Value(map.next_value::<&RawValue>()?.get())).is_some() {
                return Err(de::Error::custom("a duplicate name"));
            }
        }
        Ok(found)
    }
}

struct Reader<'m, M>(&'m mut M);

impl<'de, M: Members<'de>> Visitor<'de> for Reader<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(members) = self;
        let mut count = 0;
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &RawValue>()? {
            let value = Value(value.get());
            let is_new = match members.slot(&name) {
                Some(slot) => slot.replace(value).is_none(),
                None => {
                    members.others().0.push((beginning(&name), name, value));
                    true
                }
            };
            count += 1;
            if !is_new || !value.is_bounded() || count > M::MAX {
                return Err(de::Error::custom("a duplicate name, too many or nested too deeply"));
            }
        }

        // Sorted, so that a thousand hostile names cost n log n and not n².
        let Others(others) = members.others();
        others.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        match others.windows(2).all(|pair| pair[0].1 != pair[1].1) {
            true => Ok(()),
            false => Err(de::Error::custom("a duplicate name")),
        }
    }
}

/// Returns how many bytes of `text` may begin an escape, a nested value or another element.
/// What follows such a byte costs several times what other text costs.
fn marks(text: &str) -> usize {
    let is_mark = |byte: &u8| u8::from(matches!(byte, b'\\' | b'[' | b'{' | b','));
    // A sum of bytes compiles to vector instructions, and 255 of them do not overflow.
    let chunks = text.as_bytes().chunks(255);
    chunks.map(|chunk| usize::from(chunk.iter().map(is_mark).sum::<u8>())).sum()
}

/// Returns the first eight bytes of a name: numbers sort faster than text.
fn beginning(name: &str) -> u64 {
    let length = name.len().min(8);
    let mut first = [0; 8];
    first[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_ne_bytes(first)
}
