//! Further issuers, each with a table of its own.

use rocket::figment::Figment;
use rocket::figment::value::Dict;

use super::environment::Environment;
use super::error::ConfigError;
use super::keys::{Place, public_keys};
use super::kind::Entry;
use super::resource::Resource;
use super::settings::{
    ALGORITHMS, DISCOVERY, ISSUER, ISSUERS, JWKS_COOLDOWN, JWKS_INSECURE, JWKS_MAX_AGE,
    JWKS_MAX_STALE, JWKS_URL, LEEWAY, OF_AN_ISSUER, SAME_USERS, USERS,
};
use super::tokens::further_profile;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::keys::public::{ARE_SUPPORTED, SharedMemo};
use crate::token::profile::Profile;
use crate::verifier::TrustedIssuer;

/// The settings of `auth_guard` that count for every issuer.
static SHARED: [&Entry; 5] = [
    LEEWAY.entry(),
    JWKS_INSECURE.entry(),
    JWKS_COOLDOWN.entry(),
    JWKS_MAX_AGE.entry(),
    JWKS_MAX_STALE.entry(),
];

/// The longest name, which is a label in metrics and logs.
const MAX_NAME: usize = 64;

/// Reads the tables of the further issuers, and opens their keys. `first` is what the tokens
/// of the first issuer must say.
pub(super) fn further_issuers(
    read: &mut Environment,
    figment: &Figment,
    first: &Profile,
    resource: Option<&Resource>,
    clock: &Clock,
    memo: &SharedMemo,
) -> Vec<TrustedIssuer> {
    let tables = read.values.tables(&ISSUERS);
    if tables.is_empty() || !ARE_SUPPORTED {
        return Vec::new();
    }
    if first.issuer.is_none() {
        read.refuse(
            ISSUER.entry(),
            "is not set, and with several issuers the `iss` says whose a token is. Set \
             BETTER_AUTH_URL or AUTH_GUARD_ISSUER to that of the first, such as \
             https://auth.example.com",
        );
    }

    let mut issuers: Vec<TrustedIssuer> = Vec::new();
    for (id, (name, table)) in (1..).zip(tables) {
        let mut own = Environment::default();
        own.table(figment, &table, OF_AN_ISSUER);
        own.values.inherit(&read.values, &SHARED);
        let issuer =
            further_issuer(&mut own, Place { id, name: Some(name.into()) }, resource, clock, memo);
        report(read, own, &table, issuer.name.as_deref().unwrap_or_default());
        check_apart(read, first, &issuers, &issuer);
        issuers.push(issuer);
    }
    issuers
}

fn further_issuer(
    own: &mut Environment,
    place: Place,
    resource: Option<&Resource>,
    clock: &Clock,
    memo: &SharedMemo,
) -> TrustedIssuer {
    let name = place.name.clone();
    if !name.as_deref().is_some_and(is_name) {
        own.errors.push(ConfigError::new(format!(
            "the name of a further issuer, `{}`, must be of 1 to {MAX_NAME} letters, digits, `-` \
             and `_`, such as `agents`: it is a label in metrics and logs",
            name.as_deref().unwrap_or_default().escape_debug()
        )));
    }
    let is_faulty = |own: &Environment, entry: &Entry| {
        own.errors.iter().any(|error| error.key() == Some(entry.key))
    };
    if !own.values.is_set(USERS.entry()) && !is_faulty(own, USERS.entry()) {
        own.refuse(USERS.entry(), format!("is not set. It {SAME_USERS}"));
    }
    if own.values.list(&ALGORITHMS).iter().any(|name| name == "HS256") {
        own.refuse(
            ALGORITHMS.entry(),
            "names HS256, and a further issuer has public keys only. Remove it",
        );
    }
    let profile = further_profile(own, resource);

    let (discovery, url) = (own.values.flag(&DISCOVERY), own.values.is_set(JWKS_URL.entry()));
    match (discovery, url) {
        (true, true) => {
            own.refuse(DISCOVERY.entry(), "cannot be used with `jwks_url`. Remove one of the two");
        }
        (false, false)
            if !is_faulty(own, DISCOVERY.entry()) && !is_faulty(own, JWKS_URL.entry()) =>
        {
            own.refuse(
                DISCOVERY.entry(),
                "is not `true`, and there is no `jwks_url`, so this issuer has no keys. Set one of \
                 them: discovery = true, or jwks_url = \"https://auth.example.com/jwks\"",
            );
        }
        (_, _) => {}
    }
    let public = if own.errors.is_empty() { public_keys(own, place, clock, memo) } else { None };
    TrustedIssuer { name, keys: Keys { secret: None, public }, profile }
}

/// Reports what is wrong in the table of an issuer of this name, or in a setting of all.
fn report(read: &mut Environment, own: Environment, table: &Dict, name: &str) {
    let prefix = format!("{}.{name}", ISSUERS.entry().key);
    for error in own.errors {
        let is_of_all =
            |entry: &&Entry| error.key() == Some(entry.key) && !table.contains_key(entry.key);
        let error = if SHARED.iter().any(is_of_all) { error } else { error.within(&prefix) };
        if !read.errors.contains(&error) {
            read.errors.push(error);
        }
    }
    read.warnings.extend(own.warnings);
}

/// Refuses an issuer whose tokens cannot be told from those of another.
fn check_apart(
    read: &mut Environment,
    first: &Profile,
    others: &[TrustedIssuer],
    issuer: &TrustedIssuer,
) {
    let profile = &issuer.profile;
    let is_same = |other: &Profile| {
        other.issuer.is_some()
            && other.issuer == profile.issuer
            && other.token_type == profile.token_type
    };
    let other = match others.iter().find(|other| is_same(&other.profile)) {
        Some(other) => other.name.as_deref().map(|name| format!("`{name}`")).unwrap_or_default(),
        None if is_same(first) => "the first issuer".to_owned(),
        None => return,
    };
    let key = format!("{}.{}", ISSUERS.entry().key, issuer.name.as_deref().unwrap_or_default());
    let origin = read.values.origin(ISSUERS.entry()).map(str::to_owned);
    let why = format!(
        "has the `issuer` and the `token_type` of {other}, so their tokens cannot be told apart. \
         Give it another `issuer` or `token_type`, or remove one of the two"
    );
    read.errors.push(ConfigError::of(&key, origin.as_deref(), why));
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}
