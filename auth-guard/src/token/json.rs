//! JSON as RFC 8725 wants it read: one object, no name twice, nesting bounded.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

/// What is kept of a JSON object; of its other members only the names count.
pub(crate) trait Members<'a> {
    /// The place of the member with this name, if it is kept.
    fn slot(&mut self, name: &str) -> Option<&mut Option<Value<'a>>>;
}

/// Reads `text` into `members`. `None` unless it is exactly one object, without
/// duplicate names and without a value nested deeper than [`Value::MAX_DEPTH`].
pub(crate) fn read<'a>(text: &'a str, members: &mut impl Members<'a>) -> Option<()> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(Reader(members)).ok()?;
    deserializer.end().ok()
}

/// A well-formed JSON value that has not been interpreted yet: the rules want
/// to know an integer from a fraction, and a string from all else.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a>(&'a str);

/// A borrowed string where there is no escape in it (`Cow` alone always owns).
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Value<'a> {
    /// What `serde_json` itself accepts, so that everything which passes here
    /// can be read into the application's own type as well.
    const MAX_DEPTH: usize = 126;

    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        let quoted = self.0.strip_prefix('"')?.strip_suffix('"')?;
        // Without a way out of the loop, which makes vector instructions of it.
        let has_escape = quoted.bytes().fold(false, |found, byte| found | (byte == b'\\'));
        match has_escape {
            false => Some(Cow::Borrowed(quoted)),
            true => serde_json::from_str(self.0).ok().map(|Text(text)| text),
        }
    }

    /// Whether it is such a string, or an array of strings and one of them is.
    pub(crate) fn has_str(self, is_such: impl Fn(&str) -> bool) -> bool {
        match self.0.starts_with('[') {
            true => serde_json::from_str::<Vec<Text<'a>>>(self.0)
                .is_ok_and(|texts| texts.iter().any(|Text(text)| is_such(text))),
            false => self.as_str().is_some_and(|text| is_such(&text)),
        }
    }

    /// A finite number, integer or fraction.
    pub(crate) fn as_number(self) -> Option<f64> {
        // Both round correctly, which serde_json does not promise, and of all JSON
        // values they take numbers only. Integers are the usual case, and cheaper.
        let integer = self.0.parse::<u64>().map(|number| number as f64).ok();
        integer.or_else(|| self.0.parse().ok()).filter(|number: &f64| number.is_finite())
    }

    /// The canonical decimal form of an integer that fits `i64` or `u64` and is
    /// written without fraction and exponent.
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

struct Reader<'m, M>(&'m mut M);

impl<'de, M: Members<'de>> Visitor<'de> for Reader<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // Of a usual token they need no allocation.
        let mut others = SmallVec::<[_; 8]>::new();
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &RawValue>()? {
            let value = Value(value.get());
            let is_new = match self.0.slot(&name) {
                Some(slot) => slot.replace(value).is_none(),
                None => {
                    others.push((beginning(&name), name));
                    true
                }
            };
            if !is_new || !value.is_bounded() {
                return Err(de::Error::custom("a name twice, or nested too deep"));
            }
        }

        // Sorted, so that a thousand hostile names cost n log n and not n².
        others.sort_unstable();
        match others.windows(2).all(|pair| pair[0] != pair[1]) {
            true => Ok(()),
            false => Err(de::Error::custom("a name twice")),
        }
    }
}

/// The first eight bytes of a name: numbers are sorted faster than text.
fn beginning(name: &str) -> u64 {
    let length = name.len().min(8);
    let mut first = [0; 8];
    first[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_ne_bytes(first)
}
