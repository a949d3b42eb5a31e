//! The keys that a configuration asks for.

use std::sync::Arc;
use std::time::Duration;

use super::environment::{Environment, FOREIGN_SECRETS, SECRET, SECRET_PREVIOUS, is_set};
use super::error::ConfigError;
use super::kind::Entry;
use super::origin::origin_of;
use super::settings::{
    ALGORITHMS, ALL, DISCOVERY, ISSUER, ISSUERS, JWKS_COOLDOWN, JWKS_INSECURE, JWKS_MAX_AGE,
    JWKS_MAX_STALE, JWKS_URL, URL,
};
use super::values::Values;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::keys::public::{ARE_SUPPORTED, PublicKeys, Settings, SharedMemo, UnusedKeys};
use crate::keys::secret::{Hs256, Secret};

/// What to do if the feature `jwks` is not compiled in.
const ADD_JWKS: &str = "add `features = [\"jwks\"]` to auth-guard in Cargo.toml";

/// Which keys the settings ask for.
pub(super) struct Sources {
    pub(super) has_secret: bool,
    pub(super) has_public_keys: bool,
    /// Code gives a secret, and that is all.
    pub(super) is_only_in_code: bool,
}

impl Sources {
    /// `is_in_code` is `true` if code gives a secret.
    pub(super) fn of(read: &Environment, is_in_code: bool) -> Self {
        let is_given = |entry: &Entry| read.values.is_set(entry);
        let has_secret = is_in_code || is_set(SECRET);
        let has_public_keys = is_given(JWKS_URL.entry())
            || read.values.flag(&DISCOVERY)
            || !has_secret && is_given(URL.entry());
        let is_only_in_code = is_in_code && !has_public_keys;
        Self { has_secret, has_public_keys, is_only_in_code }
    }

    /// Returns `true` if there is an issuer whose public keys, if it has any, are not used. A
    /// further issuer may be the same server, and use them.
    pub(super) fn leave_unused(&self, values: &Values) -> bool {
        let is_alone = values.is_set(URL.entry()) && !values.is_set(ISSUERS.entry());
        self.has_secret && !self.has_public_keys && is_alone
    }
}

/// Reads the secrets and opens the public keys. `secret` is the one given in code.
pub(super) fn keys(
    read: &mut Environment,
    sources: &Sources,
    secret: Option<&Secret>,
    clock: &Clock,
    memo: &SharedMemo,
) -> Keys {
    let algorithms = read.values.list(&ALGORITHMS);
    let accepts = |name: &str| algorithms.is_empty() || algorithms.iter().any(|one| one == name);
    let (current, previous) = match secret {
        Some(secret) => (Some(secret.clone()), None),
        None => read.secrets().into(),
    };
    let hs256 = current.map(|current| Hs256::new(&current, previous.as_ref()));
    check_sources(read, sources);
    if sources.has_secret && !sources.has_public_keys && !accepts("HS256") {
        read.refuse(
            ALGORITHMS.entry(),
            "leaves no key, as the shared secret is for HS256. Add HS256, or unset it",
        );
    }
    let place = Place { id: 0, name: None };
    let public = sources.has_public_keys.then(|| public_keys(read, place, clock, memo));
    Keys { secret: hs256.filter(|_| accepts("HS256")), public: public.flatten() }
}

/// Refuses a configuration without keys, and one that needs a feature that is off.
fn check_sources(read: &mut Environment, sources: &Sources) {
    if !ARE_SUPPORTED {
        let set = |entry: &&&Entry| entry.needs_jwks && read.values.is_set(entry);
        let set: Vec<_> = ALL.iter().filter(set).collect();
        set.into_iter().for_each(|entry| read.refuse(entry, needs_jwks()));
    }

    if read.values.flag(&DISCOVERY) {
        let refused = match () {
            () if sources.has_secret => {
                Some("cannot be used with a shared secret. Set it to `false`, or remove the secret")
            }
            () if read.values.is_set(JWKS_URL.entry()) => {
                Some("cannot be used with `jwks_url`. Remove one of the two")
            }
            () if issuer(read).is_none() => Some(
                "reads the metadata of the issuer, which is not set. Set `issuer`, such as \
                 https://auth.example.com",
            ),
            () => None,
        };
        if let Some(why) = refused {
            read.refuse(DISCOVERY.entry(), why);
        }
    }

    // An address that is refused is one that was to be used.
    let address = [URL.entry(), JWKS_URL.entry()].map(|entry| Some(entry.key));
    if sources.has_secret || read.errors.iter().any(|error| address.contains(&error.key())) {
        return;
    }
    let has_url = read.values.is_set(URL.entry());
    if !sources.has_public_keys {
        let why = match read.values.is_set(ISSUER.entry()) {
            true => no_keys_of_issuer(),
            false => format!(
                "{}. For another issuer, set `issuer`, `audience` and `jwks_url`: see docs/issuers.md",
                no_keys(has_url)
            ),
        };
        return read.errors.push(ConfigError::new(why));
    }
    if is_set(SECRET_PREVIOUS) {
        read.errors.push(ConfigError::new(format!(
            "{SECRET_PREVIOUS} is set, and {SECRET} is not. Set that too, or neither"
        )));
    }
    if !ARE_SUPPORTED && !read.values.is_set(JWKS_URL.entry()) {
        return read.errors.push(ConfigError::new(no_keys(has_url)));
    }
    if let Some(foreign) = foreign_secrets().filter(|_| has_url) {
        read.warnings.push(format!(
            "{foreign}. If the server signs tokens with HS256, set {SECRET} to the secret that it \
             signs them with"
        ));
    }
}

/// Completes a sentence about a setting.
fn needs_jwks() -> String {
    format!("needs the feature `jwks`, which is not compiled in: {ADD_JWKS}")
}

/// Says what to set, Better Auth's default first.
fn no_keys(has_url: bool) -> String {
    let url = match has_url {
        true => "BETTER_AUTH_URL is set",
        false => "set BETTER_AUTH_URL to its URL, such as https://auth.example.com",
    };
    let feature = if ARE_SUPPORTED { String::new() } else { format!("; {ADD_JWKS}") };
    let but = foreign_secrets().map(|foreign| format!(" ({foreign})")).unwrap_or_default();
    format!(
        "there is no key to check tokens with. If the server publishes public keys, which is \
         Better Auth's default: {url}{feature}. If it signs with HS256: {SECRET} is not set{but}. \
         Set it to the secret that the server signs tokens with"
    )
}

/// Names the variables that are set and that only Better Auth reads.
fn foreign_secrets() -> Option<String> {
    let set: Vec<_> = FOREIGN_SECRETS.into_iter().filter(|name| is_set(name)).collect();
    let are = if set.len() == 1 { "is" } else { "are" };
    let names = set.join(" and ");
    let said = format!("{names} {are} set, which Better Auth reads and auth-guard does not");
    (!set.is_empty()).then_some(said)
}

/// Returns the public keys that a server may publish although only the secret of the
/// environment is accepted. A secret that code gives was chosen there, for a test mostly.
pub(super) fn unused_keys(
    values: &Values,
    sources: &Sources,
    secret: Option<&Secret>,
) -> Option<UnusedKeys> {
    let may_be_unused = secret.is_none() && sources.leave_unused(values);
    let base = values.optional(&URL).filter(|_| may_be_unused)?;
    UnusedKeys::of(base, &values.list(&ALGORITHMS), values.flag(&JWKS_INSECURE))
}

/// Says what to set for an issuer that is named.
fn no_keys_of_issuer() -> String {
    let feature =
        if ARE_SUPPORTED { String::new() } else { format!(". Using them {}", needs_jwks()) };
    format!(
        "there is no key to check tokens with. `issuer` is set, but not where its public keys are: \
         set `jwks_url` (AUTH_GUARD_JWKS_URL) to their address, or `discovery` \
         (AUTH_GUARD_DISCOVERY) to `true`{feature}. If it signs with HS256 instead, set {SECRET} to \
         the secret that it signs tokens with"
    )
}

/// Returns the issuer, whose metadata may be asked for.
fn issuer(read: &Environment) -> Option<String> {
    let origin = || read.values.optional(&URL).as_deref().and_then(origin_of);
    read.values.optional(&ISSUER).or_else(origin)
}

/// An issuer among those of the configuration.
pub(super) struct Place {
    pub(super) id: usize,
    /// The key of its table; `None` for the first.
    pub(super) name: Option<Arc<str>>,
}

/// Opens the public keys that the settings of one issuer ask for.
pub(super) fn public_keys(
    read: &mut Environment,
    place: Place,
    clock: &Clock,
    memo: &SharedMemo,
) -> Option<PublicKeys> {
    let seconds = |setting| Duration::from_secs(read.values.number(setting).into());
    let settings = Settings {
        discovery: read.values.flag(&DISCOVERY).then(|| issuer(read)).flatten(),
        algorithms: read.values.list(&ALGORITHMS),
        url: read.values.optional(&JWKS_URL),
        base: read.values.optional(&URL),
        insecure: read.values.flag(&JWKS_INSECURE),
        cooldown: seconds(&JWKS_COOLDOWN),
        max_age: seconds(&JWKS_MAX_AGE),
        max_stale: seconds(&JWKS_MAX_STALE),
        memo: memo.clone(),
        issuer: place.id,
        name: place.name,
    };
    let is_given =
        settings.discovery.is_some() || settings.url.is_some() || settings.base.is_some();
    if !is_given || !ARE_SUPPORTED {
        return None;
    }
    let has_issuer = read.values.is_set(ISSUER.entry());
    let refuse = |(key, why): (&str, String)| {
        // Without `issuer`, the issuer is the origin of `url`.
        let key = if key == "issuer" && !has_issuer { "url" } else { key };
        match ALL.iter().find(|entry| entry.key == key) {
            Some(entry) => read.refuse(entry, why),
            None => read.errors.push(ConfigError::of(key, None, why)),
        }
    };
    PublicKeys::open(settings, clock.clone()).map_err(refuse).ok()
}
