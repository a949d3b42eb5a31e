//! The settings → what is enforced, or why there is no launch.

mod environment;
pub(crate) mod error;
mod issuers;
mod keys;
mod kind;
mod origin;
mod raw;
pub(crate) mod resource;
mod settings;
mod summary;
mod tokens;
mod values;

use rocket::config::LogLevel;
use rocket::figment::Figment;

use self::environment::Environment;
use self::error::ConfigErrors;
use self::issuers::further_issuers;
use self::keys::{Sources, keys, unused_keys};
use self::resource::Resource;
use self::settings::{ISSUERS, MEMO_CAPACITY, REALM, RESOURCE, UNDECLARED, UNSCOPED};
use self::summary::summary;
use self::tokens::profile;
use crate::audit::{Rules, Severity};
use crate::clock::Clock;
use crate::keys::public::{SharedMemo, UnusedKeys};
use crate::keys::secret::Secret;
use crate::verifier::{Issuers, TrustedIssuer, Verifier};

/// A configuration that may be launched with.
pub(crate) struct Config {
    pub(crate) verifier: Verifier,
    pub(crate) realm: String,
    /// The API as OAuth clients name it, if it has metadata.
    pub(crate) resource: Option<Resource>,
    pub(crate) rules: Rules,
    /// What is enforced, for the launch to print.
    pub(crate) summary: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// The public keys that may be published in vain.
    pub(crate) unused_keys: Option<UnusedKeys>,
}

/// Reads and checks everything, and reports all errors at once. `secret` is the one
/// given in code.
pub(crate) fn load(
    figment: &Figment,
    secret: Option<&Secret>,
    clock: &Clock,
) -> Result<Config, ConfigErrors> {
    let mut read = Environment::read(figment);
    let sources = Sources::of(&read, secret.is_some());
    let resource = read.values.optional(&RESOURCE).as_deref().and_then(Resource::parse);
    let has_memo = sources.has_public_keys || read.values.is_set(ISSUERS.entry());
    let capacity = if has_memo { read.values.number(&MEMO_CAPACITY) as usize } else { 0 };
    let memo = SharedMemo::new(capacity);
    let keys = keys(&mut read, &sources, secret, clock, &memo);
    let profile = profile(&mut read, &sources, resource.as_ref());
    let further = further_issuers(&mut read, figment, &profile, resource.as_ref(), clock, &memo);
    let is_debug = is_debug(figment);
    let rules = rules(&mut read, is_debug);
    // Rocket reads it without regard to case.
    let log_level = figment.extract_inner::<LogLevel>("log_level");
    if !is_debug && log_level.is_ok_and(|level| level == LogLevel::Debug) {
        read.warnings.push(
            "Rocket writes whole tokens to the log while `log_level` is \"debug\"; use another \
             level in production"
                .into(),
        );
    }

    let first = TrustedIssuer { name: None, keys, profile };
    let verifier = Verifier::new(Issuers::new(first, further, memo));
    if let Some(resource) = &resource
        && verifier.issuers().authorization_servers().is_empty()
    {
        read.warnings.push(format!(
            "no issuer of `at+jwt` tokens is configured, so the metadata of {} names no \
             authorization server. Set `token_type`, or remove `resource`",
            resource.url
        ));
    }

    let Environment { values, errors, warnings } = read;
    ConfigErrors::check(errors)?;
    Ok(Config {
        unused_keys: unused_keys(&values, &sources, secret),
        summary: summary(&values, &sources, &verifier, resource.as_ref()),
        resource,
        realm: values.text(&REALM),
        verifier,
        rules,
        warnings,
    })
}

/// Returns what the audit does about its findings.
fn rules(read: &mut Environment, is_debug: bool) -> Rules {
    let severity = |word: &str| match word {
        "allow" => Severity::Allow,
        "warn" => Severity::Warn,
        _ => Severity::Deny,
    };
    let rules = Rules {
        unscoped: severity(&read.values.choice(&UNSCOPED)),
        undeclared: severity(&read.values.choice(&UNDECLARED)),
    };
    if rules.unscoped == Severity::Allow && !is_debug {
        read.refuse(
            UNSCOPED.entry(),
            "may be \"allow\" only in a debug build and profile. Set it to \"deny\" or \"warn\"",
        );
    }
    rules
}

/// Returns `true` if built with debug assertions and run in Rocket's profile `debug`.
/// Everything else is release.
pub(crate) fn is_debug(figment: &Figment) -> bool {
    cfg!(debug_assertions) && figment.profile() == "debug"
}
