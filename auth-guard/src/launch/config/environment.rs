//! Reads the settings from Rocket's figment and from the environment, which wins in
//! every profile.
//!
//! figment's own `Env` provider trims, unquotes and parses what it reads, so variables
//! are read here: secrets as they are, everything else as text that the setting parses.

use rocket::figment::value::{Dict, Value as Raw};
use rocket::figment::{Figment, Metadata, Provider};

use crate::keys::secret::{Secret, SecretError};
use crate::launch::config::error::ConfigError;
use crate::launch::config::kind::Entry;
use crate::launch::config::settings::{ALL, ISSUERS};
use crate::launch::config::values::Values;

pub(crate) const SECRET: &str = "BETTER_AUTH_SECRET";
pub(crate) const SECRET_PREVIOUS: &str = "BETTER_AUTH_SECRET_PREVIOUS";
/// Better Auth reads these as well; auth-guard does not.
pub(crate) const FOREIGN_SECRETS: [&str; 2] = ["AUTH_SECRET", "BETTER_AUTH_SECRETS"];

const TABLE: &str = "auth_guard";
const PREFIX: &str = "AUTH_GUARD_";
/// A name that differs from a known one in no more letters is a misspelt one.
const MISSPELT: usize = 2;

/// What is read, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Environment {
    pub(crate) values: Values,
    pub(crate) errors: Vec<ConfigError>,
    pub(crate) warnings: Vec<String>,
}

impl Environment {
    /// Reads every setting, but no secret.
    pub(crate) fn read(figment: &Figment) -> Self {
        let mut read = Self::default();
        read.refuse_misplaced(figment);
        // A table that is none, or has a secret in it, has been refused by now.
        if read.errors.is_empty()
            && let Ok(Raw::Dict(_, table)) = figment.find_value(TABLE)
        {
            read.table(figment, &table, ALL);
        }
        ALL.iter().for_each(|entry| read.variable(entry));
        read.unknown_variables();
        read
    }

    /// Refuses the value of a setting for `reason`, which completes a sentence about it.
    pub(crate) fn refuse(&mut self, entry: &Entry, reason: impl Into<String>) {
        let origin = self.values.origin(entry);
        self.errors.push(ConfigError::of(entry.key, origin, reason));
    }

    /// Refuses what figment would ignore in silence, and secrets in files.
    fn refuse_misplaced(&mut self, figment: &Figment) {
        let data = match figment.data() {
            Ok(data) => data,
            Err(error) => {
                let errors = error.into_iter().map(|error| ConfigError::new(error.to_string()));
                return self.errors.extend(errors);
            }
        };

        for (profile, dict) in data {
            let figment = figment.clone().select(profile);
            for (key, value) in dict {
                let origin = figment.find_metadata(&key).map(origin);
                let mut refuse = |key: &str, reason: String| {
                    self.errors.push(ConfigError::of(key, origin.as_deref(), reason));
                };
                let lower = key.to_ascii_lowercase();
                match (lower.strip_prefix("auth_guard_"), value.as_dict()) {
                    (Some(inner), _) => refuse(&key, unread(inner)),
                    _ if lower.starts_with("better_auth_secret") || lower == "auth_secret" => {
                        refuse(&key, secret_in_a_file());
                    }
                    _ if key != TABLE => {}
                    (None, Some(table)) => secrets_of(table)
                        .into_iter()
                        .for_each(|(below, why)| refuse(&format!("{TABLE}.{below}"), why)),
                    (None, None) => {
                        refuse(TABLE, format!("is not a table. Write {TABLE} = {{ key = value }}"));
                    }
                }
            }
        }
    }

    /// Reads a table that may have these settings.
    pub(crate) fn table(&mut self, figment: &Figment, table: &Dict, known: &[&Entry]) {
        for (key, raw) in table {
            let origin = figment.get_metadata(raw.tag()).map(origin);
            let Some(entry) = known.iter().find(|entry| entry.key == key) else {
                let reason = format!("is unknown. {}", did_you_mean_key(key, known));
                self.errors.push(ConfigError::of(key, origin.as_deref(), reason));
                continue;
            };
            // An `Option` of the application's own that is `None`.
            if matches!(raw, Raw::Empty(..)) {
                continue;
            }
            match entry.convert(raw) {
                Ok(value) => self.values.set(entry, value, origin),
                Err(must) => self.errors.push(ConfigError::of(key, origin.as_deref(), must)),
            }
        }
    }

    fn variable(&mut self, entry: &Entry) {
        let Some(name) = entry.variable else { return };
        let Some(value) = std::env::var_os(name) else { return };
        let origin = format!("the variable {name}");
        let parsed = match value.to_str() {
            Some("") => Err(format!(
                "is empty. Unset the variable, or give it a value: it {}",
                entry.must()
            )),
            Some(text) => entry.parse(text),
            None => Err(entry.must()),
        };
        match parsed {
            Ok(value) => self.values.set(entry, value, Some(origin)),
            Err(why) => self.errors.push(ConfigError::of(entry.key, Some(&origin), why)),
        }
    }

    /// Refuses misspelt variables and warns of other unknown ones: Kubernetes sets
    /// `AUTH_GUARD_PORT` and the like for a service of that name.
    fn unknown_variables(&mut self) {
        let ours = ALL.iter().filter_map(|entry| entry.variable);
        let ours: Vec<_> = ours.chain([SECRET, SECRET_PREVIOUS]).collect();
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in names {
            let is_like = |ours: &&str| ours.len().abs_diff(name.len()) <= MISSPELT;
            let may_be_ours = name.starts_with(PREFIX) || ours.iter().any(is_like);
            let is_known = ours.contains(&&*name) || FOREIGN_SECRETS.contains(&&*name);
            if is_known || !may_be_ours {
                continue;
            }
            let (nearest, distance) = nearest(&name, ours.iter().copied());
            if distance <= MISSPELT {
                self.errors.push(ConfigError::new(format!(
                    "the variable {name} is unknown. Did you mean {nearest}? Rename it, or unset it"
                )));
            } else if name.starts_with(PREFIX) {
                self.warnings.push(format!(
                    "the variable {name} is unknown and not read. Did you mean {nearest}?"
                ));
            }
        }
    }

    /// Reads the shared secret and the previous one, from the environment and nowhere else.
    pub(crate) fn secrets(&mut self) -> [Option<Secret>; 2] {
        [SECRET, SECRET_PREVIOUS].map(|name| self.secret(name))
    }

    fn secret(&mut self, name: &str) -> Option<Secret> {
        let secret = Secret::new(std::env::var_os(name)?.into_encoded_bytes());
        if secret.as_ref().is_ok_and(Secret::is_wrapped) {
            self.warnings.push(format!(
                "{name} begins or ends with a quote or white space, which is kept as a part of it. \
                 Remove it, unless the secret of the server has it, too"
            ));
        }

        let weak = |error: SecretError| {
            ConfigError::new(format!(
                "{name}: {error}. Make a new one, for instance with `openssl rand -base64 32`, \
                 and give it to Better Auth too"
            ))
        };
        secret.map_err(|error| self.errors.push(weak(error))).ok()
    }
}

pub(crate) fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// Returns where figment read a value.
fn origin(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(source) => format!("{} {source}", metadata.name),
        None => metadata.name.to_string(),
    }
}

fn unread(key: &str) -> String {
    let entry = ALL.iter().find(|entry| entry.key == key);
    let variable = entry.and_then(|entry| entry.variable);
    let or_variable = variable.map(|name| format!(", or the variable {name}")).unwrap_or_default();
    format!("is not read. Set `{key}` in the table `{TABLE}`{or_variable}")
}

fn is_secret(key: &str) -> bool {
    key.to_lowercase().contains("secret")
}

/// Returns the keys of our table that look like a secret, and what to do about each.
fn secrets_of(table: &Dict) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, value) in table {
        if is_secret(key) {
            found.push((key.clone(), secret_in_a_file()));
        } else if key == ISSUERS.entry().key {
            let below = secrets_in(value).into_iter();
            found.extend(below.map(|below| (format!("{key}.{below}"), further_secret())));
        }
    }
    found
}

/// Returns the paths of the keys that look like a secret, at any depth.
fn secrets_in(raw: &Raw) -> Vec<String> {
    let members = raw.as_dict().into_iter().flatten().map(|(key, value)| (key.clone(), value));
    let items = raw.as_array().into_iter().flatten().enumerate();
    let items = items.map(|(index, value)| (index.to_string(), value));
    let mut found = Vec::new();
    for (key, value) in members.chain(items) {
        match is_secret(&key) {
            true => found.push(key),
            false => {
                found.extend(secrets_in(value).iter().map(|below| format!("{key}.{below}")));
            }
        }
    }
    found
}

fn further_secret() -> String {
    "looks like a secret, and a further issuer has public keys only. Remove it, and set \
     `discovery` or `jwks_url`"
        .into()
}

fn secret_in_a_file() -> String {
    format!(
        "looks like a secret, and secrets come only from the environment. Remove it, and set \
         {SECRET}"
    )
}

fn did_you_mean_key(key: &str, known: &[&Entry]) -> String {
    let keys: Vec<_> = known.iter().map(|entry| entry.key).collect();
    match nearest(key, keys.iter().copied()) {
        (nearest, 0..=MISSPELT) => format!("Did you mean `{nearest}`?"),
        _ => format!("The keys of this table are {}", keys.join(", ")),
    }
}

/// Returns the name that is most like `name`, and in how many letters it differs.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> (&'n str, usize) {
    let distances = known.map(|known| (known, strsim::osa_distance(name, known)));
    distances.min_by_key(|(_, distance)| *distance).unwrap_or(("", usize::MAX))
}
