//! Who may pass, as a test describes it, and callers who look almost like them.

use rocket::serde::Serialize;
use serde_json::{Map, Value};

/// Claims of a token.
pub(super) type Claims = Map<String, Value>;

/// Callers who may pass, by what they meet.
#[derive(Debug, Default)]
pub(super) struct Callers {
    meeting: Vec<(String, Claims)>,
    admitted: Vec<(String, String, Claims)>,
}

impl Callers {
    pub(super) fn add_meeting(&mut self, requirement: &str, claims: impl Serialize) {
        self.meeting.push((requirement.to_owned(), object(claims)));
    }

    pub(super) fn add_admitted(&mut self, scope: &str, segment: &str, claims: impl Serialize) {
        self.admitted.push((scope.to_owned(), segment.to_owned(), object(claims)));
    }

    /// Returns the claims of a caller who meets a requirement.
    pub(super) fn meeting(&self, requirement: &str) -> Option<&Claims> {
        let is_meant = |(name, _): &&(String, Claims)| is_same(name, requirement);
        self.meeting.iter().find(is_meant).map(|(_, claims)| claims)
    }

    /// Returns a segment, and the claims of a caller whom a scope admits to it.
    pub(super) fn admitted(&self, scope: &str) -> Option<(&str, &Claims)> {
        let is_meant = |(name, ..): &&(String, String, Claims)| is_same(name, scope);
        let admitted = self.admitted.iter().find(is_meant);
        admitted.map(|(_, segment, claims)| (&**segment, claims))
    }
}

/// Compares the names of two types, which may be written with their path or without.
fn is_same(name: &str, other: &str) -> bool {
    let last = |name: &str| name.rsplit("::").next().unwrap_or(name).to_owned();
    last(name) == last(other)
}

fn object(claims: impl Serialize) -> Claims {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => claims,
        _ => panic!("claims are an object, such as `json!({{\"roles\": [\"admin\"]}})`"),
    }
}

/// Adds claims to others. Lists of one name become one list.
pub(super) fn merge(to: &mut Claims, from: &Claims) {
    for (name, value) in from {
        match (to.get_mut(name), value) {
            (Some(Value::Array(to)), Value::Array(from)) => {
                let new: Vec<_> = from.iter().filter(|item| !to.contains(item)).cloned().collect();
                to.extend(new);
            }
            (Some(Value::Object(to)), Value::Object(from)) => merge(to, from),
            _ => {
                to.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Returns similar claims that must not count, each with what is different.
pub(super) fn similar(claims: &Claims) -> Vec<(String, Claims)> {
    let all = similar_values(&Value::Object(claims.clone()));
    let objects = all.into_iter().filter_map(|(how, value)| match value {
        Value::Object(claims) => Some((how, claims)),
        _ => None,
    });
    objects.collect()
}

fn similar_values(value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::String(text) => {
            let similar = similar_strings(text).into_iter();
            similar.map(|text| (format!("{text:?}"), text.into())).collect()
        }
        Value::Array(items) => {
            let mut similar = Vec::new();
            for (index, item) in items.iter().enumerate() {
                similar.extend(similar_values(item).into_iter().map(|(how, item)| {
                    let mut items = items.clone();
                    items[index] = item;
                    (how, items.into())
                }));
            }
            let words: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            similar.extend(words.filter(|words| !words.is_empty()).map(|words| {
                let text = format!("other,{}", words.join(","));
                (format!("{text:?} in place of a list"), text.into())
            }));
            similar
        }
        Value::Object(members) => {
            let mut similar = Vec::new();
            for (name, member) in members {
                similar.extend(similar_values(member).into_iter().map(|(how, member)| {
                    let mut members = members.clone();
                    members.insert(name.clone(), member);
                    (how, members.into())
                }));
            }
            similar
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn similar_strings(text: &str) -> Vec<String> {
    let mut similar = vec![
        format!("{text} "),
        format!("{text}s"),
        format!("not {text}"),
        format!("non{text}"),
        format!("other,{text}"),
    ];
    similar.extend(other_cases(text));
    similar
}

/// Returns a text in other cases, without those that it is in.
pub(super) fn other_cases(text: &str) -> impl Iterator<Item = String> {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string() + chars.as_str());
    let cases = [Some(text.to_uppercase()), Some(text.to_lowercase()), first];
    let mut cases: Vec<_> = cases.into_iter().flatten().filter(|case| case != text).collect();
    cases.dedup();
    cases.into_iter()
}
