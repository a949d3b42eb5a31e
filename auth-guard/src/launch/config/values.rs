//! The values of the settings, each in the type in which it is used.

use std::collections::BTreeMap;

use rocket::figment::value::Dict;

use crate::launch::config::kind::{Choice, Claims, Entry, List, Setting, Tables, Value};
use crate::token::profile::Expected;

/// The settings of one table: what is set, and the defaults of the rest.
#[derive(Default)]
pub(crate) struct Values(BTreeMap<&'static str, (Value, Option<String>)>);

const IS_TYPED: &str = "a setting has the kind that its type says";

impl Values {
    /// Sets a value, and overwrites an earlier one. `origin` is where it comes from, such
    /// as "the variable AUTH_GUARD_LEEWAY".
    pub(crate) fn set(&mut self, entry: &Entry, value: Value, origin: Option<String>) {
        self.0.insert(entry.key, (value, origin));
    }

    pub(crate) fn is_set(&self, entry: &Entry) -> bool {
        self.0.contains_key(entry.key)
    }

    /// Returns `None` if the setting has its default.
    pub(crate) fn origin(&self, entry: &Entry) -> Option<&str> {
        self.0.get(entry.key)?.1.as_deref()
    }

    pub(crate) fn optional(&self, setting: &Setting<Option<&'static str>>) -> Option<String> {
        self.text_of(setting.entry())
    }

    pub(crate) fn text(&self, setting: &Setting<&'static str>) -> String {
        self.text_of(setting.entry()).expect(IS_TYPED)
    }

    pub(crate) fn choice(&self, setting: &Setting<Choice>) -> String {
        self.text_of(setting.entry()).expect(IS_TYPED)
    }

    pub(crate) fn list(&self, setting: &Setting<List>) -> Vec<String> {
        match self.get(setting.entry()) {
            Some(Value::List(list)) => list,
            _ => unreachable!("{IS_TYPED}"),
        }
    }

    pub(crate) fn claims(&self, setting: &Setting<Claims>) -> Vec<(String, Vec<Expected>)> {
        match self.get(setting.entry()) {
            Some(Value::Claims(claims)) => claims,
            _ => unreachable!("{IS_TYPED}"),
        }
    }

    pub(crate) fn tables(&self, setting: &Setting<Tables>) -> Vec<(String, Dict)> {
        match self.get(setting.entry()) {
            Some(Value::Tables(tables)) => tables,
            _ => unreachable!("{IS_TYPED}"),
        }
    }

    /// Takes over what is set of these.
    pub(crate) fn inherit(&mut self, from: &Self, entries: &[&Entry]) {
        for entry in entries {
            if let Some(value) = from.0.get(entry.key) {
                self.0.insert(entry.key, value.clone());
            }
        }
    }

    pub(crate) fn flag(&self, setting: &Setting<bool>) -> bool {
        match self.get(setting.entry()) {
            Some(Value::Flag(flag)) => flag,
            _ => unreachable!("{IS_TYPED}"),
        }
    }

    pub(crate) fn number(&self, setting: &Setting<u32>) -> u32 {
        match self.get(setting.entry()) {
            Some(Value::Number(number)) => number,
            _ => unreachable!("{IS_TYPED}"),
        }
    }

    fn text_of(&self, entry: &Entry) -> Option<String> {
        match self.get(entry)? {
            Value::Text(text) => Some(text),
            _ => unreachable!("{IS_TYPED}"),
        }
    }

    fn get(&self, entry: &Entry) -> Option<Value> {
        let set = self.0.get(entry.key).map(|(value, _)| value.clone());
        set.or_else(|| entry.default())
    }
}
