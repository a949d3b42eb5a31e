//! What a setting may be: its kinds, and how each is parsed.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use rocket::figment::value::{Dict, Value as Raw};

use super::raw::{claims_of, tables_of, text_of, whole_number_of};
use crate::token::profile::Expected;

/// A setting, and the type in which it is read.
pub(crate) struct Setting<T> {
    entry: Entry,
    of: PhantomData<T>,
}

/// A setting, whatever its type.
pub(crate) struct Entry {
    /// Its name in the table `[<profile>.auth_guard]`.
    pub(crate) key: &'static str,
    /// `None` if it can be set in the table only.
    pub(crate) variable: Option<&'static str>,
    pub(crate) needs_jwks: bool,
    kind: Kind,
}

/// The type of a setting that is a list of texts, empty by default.
pub(crate) struct List;

/// The type of a setting that is a table of claims and the values they may have, empty by
/// default.
pub(crate) struct Claims;

/// The type of a setting that is a table of tables, each with a name, empty by default.
pub(crate) struct Tables;

/// The type of a setting that is one of several words, by default the first.
pub(crate) struct Choice;

#[derive(Clone, Copy)]
enum Kind {
    Text { is_valid: fn(&str) -> bool, must: &'static str, default: Option<&'static str> },
    List { is_valid: fn(&str) -> bool, must: &'static str },
    Claims { must: &'static str },
    Tables { must: &'static str },
    Flag { default: bool, meaning: &'static str },
    Number { min: u32, max: u32, unit: &'static str, default: u32, meaning: &'static str },
    Choice { words: &'static [&'static str], meaning: &'static str },
}

/// A value of one of the kinds.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    List(Vec<String>),
    Claims(Vec<(String, Vec<Expected>)>),
    Tables(Vec<(String, Dict)>),
    Flag(bool),
    Number(u32),
}

const fn setting<T>(key: &'static str, variable: &'static str, kind: Kind) -> Setting<T> {
    let entry = Entry { key, variable: Some(variable), needs_jwks: false, kind };
    Setting { entry, of: PhantomData }
}

/// `must` completes a sentence about the setting: "must be …".
pub(crate) const fn text(
    key: &'static str,
    variable: &'static str,
    is_valid: fn(&str) -> bool,
    must: &'static str,
) -> Setting<Option<&'static str>> {
    setting(key, variable, Kind::Text { is_valid, must, default: None })
}

/// `is_valid` checks one member of the list.
pub(crate) const fn list(
    key: &'static str,
    variable: &'static str,
    is_valid: fn(&str) -> bool,
    must: &'static str,
) -> Setting<List> {
    setting(key, variable, Kind::List { is_valid, must })
}

pub(crate) const fn claims(key: &'static str, must: &'static str) -> Setting<Claims> {
    let entry = Entry { key, variable: None, needs_jwks: false, kind: Kind::Claims { must } };
    Setting { entry, of: PhantomData }
}

pub(crate) const fn tables(key: &'static str, must: &'static str) -> Setting<Tables> {
    let entry = Entry { key, variable: None, needs_jwks: false, kind: Kind::Tables { must } };
    Setting { entry, of: PhantomData }
}

pub(crate) const fn flag(
    key: &'static str,
    variable: &'static str,
    default: bool,
    meaning: &'static str,
) -> Setting<bool> {
    setting(key, variable, Kind::Flag { default, meaning })
}

pub(crate) const fn number(
    key: &'static str,
    variable: &'static str,
    range: RangeInclusive<u32>,
    unit: &'static str,
    default: u32,
    meaning: &'static str,
) -> Setting<u32> {
    let (min, max) = (*range.start(), *range.end());
    setting(key, variable, Kind::Number { min, max, unit, default, meaning })
}

pub(crate) const fn choice(
    key: &'static str,
    variable: &'static str,
    words: &'static [&'static str],
    meaning: &'static str,
) -> Setting<Choice> {
    setting(key, variable, Kind::Choice { words, meaning })
}

impl<T> Setting<T> {
    pub(crate) const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Takes the variable away: the setting can be set in the table only.
    pub(crate) const fn in_table_only(mut self) -> Self {
        self.entry.variable = None;
        self
    }

    pub(crate) const fn needs_jwks(mut self) -> Self {
        self.entry.needs_jwks = true;
        self
    }
}

impl Setting<Option<&'static str>> {
    /// Gives a text its default.
    pub(crate) const fn or(self, default: &'static str) -> Setting<&'static str> {
        let Entry { key, variable, needs_jwks, kind } = self.entry;
        let kind = match kind {
            Kind::Text { is_valid, must, .. } => {
                Kind::Text { is_valid, must, default: Some(default) }
            }
            other => other,
        };
        Setting { entry: Entry { key, variable, needs_jwks, kind }, of: PhantomData }
    }
}

impl Entry {
    /// Parses the text of a variable, in which commas separate a list.
    pub(crate) fn parse(&self, text: &str) -> Result<Value, String> {
        let value = match self.kind {
            Kind::List { .. } => {
                Some(Value::List(text.split(',').map(|one| one.trim().to_owned()).collect()))
            }
            Kind::Flag { .. } => text.parse().ok().map(Value::Flag),
            Kind::Number { .. } => text.parse().ok().map(Value::Number),
            Kind::Text { .. } | Kind::Choice { .. } => Some(Value::Text(text.to_owned())),
            Kind::Claims { .. } | Kind::Tables { .. } => None,
        };
        self.checked(value)
    }

    /// Converts a value of the figment, which must have the right type already.
    pub(crate) fn convert(&self, raw: &Raw) -> Result<Value, String> {
        let value = match (self.kind, raw) {
            (Kind::List { .. }, Raw::Array(_, many)) => {
                many.iter().map(text_of).collect::<Option<_>>().map(Value::List)
            }
            (Kind::List { .. }, one) => text_of(one).map(|one| Value::List(vec![one])),
            (Kind::Claims { .. }, raw) => claims_of(raw).map(Value::Claims),
            (Kind::Tables { .. }, raw) => tables_of(raw).map(Value::Tables),
            (Kind::Flag { .. }, raw) => raw.to_bool().map(Value::Flag),
            (Kind::Number { .. }, raw) => whole_number_of(raw).map(Value::Number),
            (Kind::Text { .. } | Kind::Choice { .. }, raw) => text_of(raw).map(Value::Text),
        };
        self.checked(value)
    }

    pub(crate) fn default(&self) -> Option<Value> {
        match self.kind {
            Kind::Text { default, .. } => default.map(|text| Value::Text(text.to_owned())),
            Kind::List { .. } => Some(Value::List(Vec::new())),
            Kind::Claims { .. } => Some(Value::Claims(Vec::new())),
            Kind::Tables { .. } => Some(Value::Tables(Vec::new())),
            Kind::Flag { default, .. } => Some(Value::Flag(default)),
            Kind::Number { default, .. } => Some(Value::Number(default)),
            Kind::Choice { words, .. } => words.first().map(|word| Value::Text((*word).to_owned())),
        }
    }

    fn checked(&self, value: Option<Value>) -> Result<Value, String> {
        value.filter(|value| self.is_valid(value)).ok_or_else(|| self.must())
    }

    fn is_valid(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (Kind::Text { is_valid, .. }, Value::Text(text)) => is_valid(text),
            (Kind::List { is_valid, .. }, Value::List(list)) => {
                !list.is_empty() && list.iter().all(|one| is_valid(one))
            }
            (Kind::Claims { .. }, Value::Claims(_)) => true,
            (Kind::Tables { .. }, Value::Tables(_)) => true,
            (Kind::Flag { .. }, Value::Flag(_)) => true,
            (Kind::Number { min, max, .. }, Value::Number(number)) => (min..=max).contains(number),
            (Kind::Choice { words, .. }, Value::Text(word)) => words.contains(&&**word),
            _ => false,
        }
    }

    /// Returns what a value must be, as the rest of a sentence about the setting.
    pub(crate) fn must(&self) -> String {
        match self.kind {
            Kind::Text { must, .. }
            | Kind::List { must, .. }
            | Kind::Claims { must }
            | Kind::Tables { must } => must.to_owned(),
            Kind::Flag { meaning, .. } => format!("must be `true` or `false` ({meaning})"),
            Kind::Number { min, max, unit, default, meaning } => format!(
                "must be a whole number from {min} to {max}, such as {default} ({meaning}, in \
                 {unit})"
            ),
            Kind::Choice { words, meaning } => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("must be one of {} ({meaning})", words.join(", "))
            }
        }
    }
}

#[cfg(test)]
impl Entry {
    /// Returns what the documentation of the setting must contain.
    pub(crate) fn documented(&self) -> Vec<String> {
        let grouped = |number: u32| {
            let digits = number.to_string();
            // As the docs write them: 3600, but 10,000.
            if digits.len() < 5 {
                return digits;
            }
            let (head, tail) = digits.split_at((digits.len() - 1) % 3 + 1);
            let groups = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
            std::iter::once(head.into()).chain(groups).collect::<Vec<_>>().join(",")
        };
        match self.kind {
            Kind::Number { min, max, unit, default, .. } => {
                let (min, max) = (grouped(min), grouped(max));
                let range = if unit == "seconds" {
                    format!("{min} to {max} seconds")
                } else {
                    format!("{min} to {max}")
                };
                vec![range, format!("; {}", grouped(default))]
            }
            Kind::Flag { default, .. } => vec![format!("; `{default}`")],
            Kind::Text { default: Some(default), .. } => vec![format!("; `{default}`")],
            Kind::Choice { words, .. } => {
                let all = words.iter().map(|word| format!("`{word}`"));
                all.chain([format!("; `{}`", words[0])]).collect()
            }
            Kind::Text { .. } | Kind::List { .. } | Kind::Claims { .. } | Kind::Tables { .. } => {
                Vec::new()
            }
        }
    }

    pub(crate) fn has_valid_default(&self) -> bool {
        let may_be_unset = matches!(
            self.kind,
            Kind::Text { default: None, .. }
                | Kind::List { .. }
                | Kind::Claims { .. }
                | Kind::Tables { .. }
        );
        may_be_unset || self.default().is_some_and(|default| self.is_valid(&default))
    }
}
