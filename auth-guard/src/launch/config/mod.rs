//! figment and environment → what is enforced, or why there is no launch.
//!
//! Defaults, then Rocket's figment (the table `auth_guard` of the profile), then
//! the environment, which wins in every profile. figment's own `Env` provider
//! trims, unquotes and parses what it reads, so the environment is read here:
//! secrets as they are, all else as text and parsed by the type of its key.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
#[cfg(feature = "jwks")]
use std::time::Duration;

#[cfg(feature = "jwks")]
use reqwest::Url;
use rocket::config::LogLevel;
use rocket::figment::{Figment, Provider};
use rocket::http::uri::Absolute;
use rocket::serde::de::{Deserializer, SeqAccess, Visitor};
use rocket::serde::{Deserialize, de};

use crate::audit::Unscoped;
use crate::clock::Clock;
#[cfg(feature = "jwks")]
use crate::keys::public::{
    engine::{self as jwks, Jwks},
    memo::Memo,
};
use crate::keys::{Hs256, Keys, Secret, SecretError};
use crate::token::claims::Rules;
use crate::verifier::Verifier;

/// A configuration that may be launched with.
pub(crate) struct Config {
    pub(crate) verifier: Verifier,
    pub(crate) realm: String,
    pub(crate) unscoped: Unscoped,
    /// What `Retry-After` tells: seconds.
    pub(crate) retry_after: u32,
    /// What is enforced, for the launch to print.
    pub(crate) summary: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

const SECRET: &str = "BETTER_AUTH_SECRET";
const SECRET_PREVIOUS: &str = "BETTER_AUTH_SECRET_PREVIOUS";
/// Better Auth reads these as well; we do not.
const FOREIGN_SECRETS: [&str; 2] = ["AUTH_SECRET", "BETTER_AUTH_SECRETS"];

const TABLE: &str = "auth_guard";
const PREFIX: &str = "AUTH_GUARD_";
const LEEWAY: RangeInclusive<u32> = 0..=300;
const MAX_LIFETIME: RangeInclusive<u32> = 1..=86_400;
#[cfg(feature = "jwks")]
const JWKS_COOLDOWN: RangeInclusive<u32> = 1..=3_600;
#[cfg(feature = "jwks")]
const JWKS_MAX_AGE: RangeInclusive<u32> = 1..=86_400;
#[cfg(feature = "jwks")]
const JWKS_MAX_STALE: RangeInclusive<u32> = 1..=2_592_000;
#[cfg(feature = "jwks")]
const MEMO_CAPACITY: RangeInclusive<u32> = 0..=1_000_000;

/// The table `[<profile>.auth_guard]`. A key that is not here is an error, so a
/// typo never switches a check off in silence.
#[derive(Default, Deserialize)]
#[serde(crate = "rocket::serde", deny_unknown_fields, default)]
struct Table {
    url: Option<String>,
    issuer: Option<String>,
    audience: Option<Audience>,
    uid_claim: Option<String>,
    match_subject: Option<bool>,
    leeway: Option<u32>,
    max_lifetime: Option<u32>,
    realm: Option<String>,
    unscoped: Option<Unscoped>,
    jwks_url: Option<String>,
    jwks_insecure: Option<bool>,
    jwks_cooldown: Option<u32>,
    jwks_max_age: Option<u32>,
    jwks_max_stale: Option<u32>,
    memo_capacity: Option<u32>,
}

/// One accepted `aud`, or a list of them.
struct Audience(Vec<String>);

/// The variables that set a key of the table.
const VARIABLES: [&str; 15] = [
    "BETTER_AUTH_URL",
    "AUTH_GUARD_ISSUER",
    "AUTH_GUARD_AUDIENCE",
    "AUTH_GUARD_UID_CLAIM",
    "AUTH_GUARD_MATCH_SUBJECT",
    "AUTH_GUARD_LEEWAY",
    "AUTH_GUARD_MAX_LIFETIME",
    "AUTH_GUARD_REALM",
    "AUTH_GUARD_UNSCOPED",
    "AUTH_GUARD_JWKS_URL",
    "AUTH_GUARD_JWKS_INSECURE",
    "AUTH_GUARD_JWKS_COOLDOWN",
    "AUTH_GUARD_JWKS_MAX_AGE",
    "AUTH_GUARD_JWKS_MAX_STALE",
    "AUTH_GUARD_MEMO_CAPACITY",
];

/// Reads and checks everything. `secret` is the one given in code.
///
/// All faults are reported at once, each naming its key and where it came from.
pub(crate) fn load(
    figment: &Figment,
    secret: Option<&Secret>,
    #[cfg_attr(not(feature = "jwks"), expect(unused_variables, reason = "nothing gets old"))]
    clock: &Clock,
) -> Result<Config, Vec<String>> {
    let is_debug = is_debug(figment);
    let mut faults = Faults { figment, lines: Vec::new() };

    faults.check_misplaced();
    let mut table = faults.table();
    faults.environment(&mut table);

    let mut warnings = unknown_variables();
    let hs256 = match secret {
        Some(secret) => Some(Hs256::new(secret, None)),
        None => faults.secrets(&mut warnings),
    };
    let has_secret = secret.is_some() || std::env::var_os(SECRET).is_some();
    let has_jwks = table.jwks_url.is_some() || !has_secret && table.url.is_some();
    if !has_secret {
        faults.check_key_source(has_jwks);
    }
    let retry_after = table.jwks_cooldown.unwrap_or(30);
    #[cfg(feature = "jwks")]
    let (jwks, memo) = (faults.jwks(&table, has_jwks, clock), faults.memo(&table, has_jwks));
    #[cfg(not(feature = "jwks"))]
    faults.check_feature(&table, has_jwks);

    let origin = table.url.as_deref().and_then(origin_of);
    faults.refuse_if(
        table.url.is_some() && origin.is_none(),
        "url",
        "must be the base URL of the Better Auth server, such as https://auth.example.com",
    );
    let issuer = table.issuer.or_else(|| origin.clone());
    let audience =
        table.audience.map_or_else(|| origin.into_iter().collect(), |Audience(list)| list);
    let uid_claim = table.uid_claim.unwrap_or_else(|| "uid".into());
    let match_subject = table.match_subject.unwrap_or(true);
    let leeway = table.leeway.unwrap_or(5);
    let max_lifetime = table.max_lifetime.unwrap_or(3600);
    let realm = table.realm.unwrap_or_else(|| "api".into());
    let unscoped = table.unscoped.unwrap_or_default();

    faults.refuse_if(issuer.as_ref().is_some_and(String::is_empty), "issuer", "must not be empty");
    faults.refuse_if(audience.iter().any(String::is_empty), "audience", "must not be empty");
    faults.refuse_if(uid_claim.is_empty(), "uid_claim", "must not be empty");
    let registered = ["iss", "aud", "exp", "nbf", "iat"].contains(&&*uid_claim);
    faults.refuse_if(registered, "uid_claim", "must not be a claim that says something else");
    faults.check_seconds("leeway", leeway, LEEWAY);
    faults.check_seconds("max_lifetime", max_lifetime, MAX_LIFETIME);
    faults.refuse_if(
        !is_realm(&realm),
        "realm",
        "must not be empty, and must be of printable ASCII without quotes and backslashes",
    );
    let loosened = unscoped == Unscoped::Allow && !is_debug;
    faults.refuse_if(loosened, "unscoped", "may be \"allow\" only in a debug build and profile");

    if has_jwks && (issuer.is_none() || audience.is_empty()) && faults.lines.is_empty() {
        faults.lines.push(
            "whoever publishes public keys signs for others too, so tokens must name an issuer and \
             an audience. Set BETTER_AUTH_URL, or AUTH_GUARD_ISSUER and AUTH_GUARD_AUDIENCE"
                .into(),
        );
    }

    if !faults.lines.is_empty() {
        return Err(faults.lines);
    }

    let keys = Keys::new(
        hs256,
        #[cfg(feature = "jwks")]
        jwks,
    );

    let any = |wanted: Option<String>| wanted.unwrap_or_else(|| "any".into());
    let summary = vec![
        format!("tokens: {keys}, from `Authorization: Bearer`"),
        format!("issuer: {}", any(issuer.clone())),
        format!("audience: {}", any((!audience.is_empty()).then(|| audience.join(", ")))),
        format!(
            "owner: claim `{uid_claim}`{}",
            if match_subject { ", equal to `sub`" } else { "" }
        ),
        format!("lifetime: at most {max_lifetime} s, leeway {leeway} s"),
    ];
    if issuer.is_none() || audience.is_empty() {
        warnings.push(
            "tokens of any issuer or audience are accepted if the signature is right. Set \
             BETTER_AUTH_URL, or AUTH_GUARD_ISSUER and AUTH_GUARD_AUDIENCE"
                .into(),
        );
    }
    // As Rocket reads it, which is without case.
    let log_level = figment.extract_inner::<LogLevel>("log_level");
    if !is_debug && log_level.is_ok_and(|level| level == LogLevel::Debug) {
        warnings.push(
            "Rocket writes whole tokens to the log while `log_level` is \"debug\"; use another \
             level in production"
                .into(),
        );
    }

    let rules = Rules { issuer, audience, uid_claim, match_subject, leeway, max_lifetime };
    let verifier = Verifier::new(
        keys,
        rules,
        #[cfg(feature = "jwks")]
        memo,
    );
    Ok(Config { verifier, realm, unscoped, retry_after, summary, warnings })
}

/// Built with debug assertions, and run in Rocket's profile `debug`. All else is
/// release.
pub(crate) fn is_debug(figment: &Figment) -> bool {
    cfg!(debug_assertions) && figment.profile() == "debug"
}

/// What stops the launch.
struct Faults<'f> {
    figment: &'f Figment,
    lines: Vec<String>,
}

impl Faults<'_> {
    fn refuse_if(&mut self, is_refused: bool, key: &str, why: &str) {
        if is_refused {
            let variable = variable_of(key);
            let place = match std::env::var_os(&variable) {
                Some(_) => format!(" in the variable {variable}"),
                None => place(self.figment, &format!("{TABLE}.{key}")),
            };
            self.lines.push(format!("`{key}`{place} {why}"));
        }
    }

    /// Refuses what figment would pass over in silence, and secrets in files.
    fn check_misplaced(&mut self) {
        let data = match self.figment.data() {
            Ok(data) => data,
            Err(error) => {
                return self.lines.extend(error.into_iter().map(|error| error.to_string()));
            }
        };

        for (profile, dict) in data {
            let in_profile = self.figment.clone().select(profile);
            for (key, value) in dict {
                let lower = key.to_ascii_lowercase();
                let place = place(&in_profile, &key);
                if let Some(inner) = lower.strip_prefix("auth_guard_") {
                    self.lines.push(format!(
                        "`{key}`{place} is not read. Set `{inner}` in the table `{TABLE}`, or the \
                         variable {}",
                        variable_of(inner)
                    ));
                } else if lower.starts_with("better_auth_secret") || lower == "auth_secret" {
                    self.lines.push(format!(
                        "`{key}`{place}: secrets come only from the environment. Remove it, and \
                         set {SECRET}"
                    ));
                } else if key == TABLE {
                    let Some(table) = value.as_dict() else {
                        self.lines.push(format!(
                            "`{TABLE}`{place} is not a table. Write {TABLE} = {{ key = value }}"
                        ));
                        continue;
                    };
                    for inner in table.keys().filter(|key| key.to_lowercase().contains("secret")) {
                        self.lines.push(format!(
                            "`{TABLE}.{inner}`{place}: secrets come only from the environment. \
                             Remove it, and set {SECRET}"
                        ));
                    }
                }
            }
        }
    }

    fn table(&mut self) -> Table {
        // A table that is none, or has a secret in it, has been reported; figment
        // would quote it.
        if !self.lines.is_empty() || !self.figment.contains(TABLE) {
            return Table::default();
        }

        self.figment.extract_inner(TABLE).unwrap_or_else(|error| {
            self.lines.extend(error.into_iter().map(|error| error.to_string()));
            Table::default()
        })
    }

    /// The environment wins over the figment.
    fn environment(&mut self, table: &mut Table) {
        let Table {
            url,
            issuer,
            audience,
            uid_claim,
            match_subject,
            leeway,
            max_lifetime,
            realm,
            unscoped,
            jwks_url,
            jwks_insecure,
            jwks_cooldown,
            jwks_max_age,
            jwks_max_stale,
            memo_capacity,
        } = table;
        self.variable("BETTER_AUTH_URL", "a URL", url);
        self.variable("AUTH_GUARD_ISSUER", "text", issuer);
        self.variable("AUTH_GUARD_AUDIENCE", "text, or several with commas between", audience);
        self.variable("AUTH_GUARD_UID_CLAIM", "the name of a claim", uid_claim);
        self.variable("AUTH_GUARD_MATCH_SUBJECT", "`true` or `false`", match_subject);
        self.variable("AUTH_GUARD_LEEWAY", "a number of seconds", leeway);
        self.variable("AUTH_GUARD_MAX_LIFETIME", "a number of seconds", max_lifetime);
        self.variable("AUTH_GUARD_REALM", "text", realm);
        self.variable("AUTH_GUARD_UNSCOPED", "`deny`, `warn` or `allow`", unscoped);
        self.variable("AUTH_GUARD_JWKS_URL", "a URL", jwks_url);
        self.variable("AUTH_GUARD_JWKS_INSECURE", "`true` or `false`", jwks_insecure);
        self.variable("AUTH_GUARD_JWKS_COOLDOWN", "a number of seconds", jwks_cooldown);
        self.variable("AUTH_GUARD_JWKS_MAX_AGE", "a number of seconds", jwks_max_age);
        self.variable("AUTH_GUARD_JWKS_MAX_STALE", "a number of seconds", jwks_max_stale);
        self.variable("AUTH_GUARD_MEMO_CAPACITY", "a number of tokens", memo_capacity);
    }

    fn variable<T: FromStr>(&mut self, name: &str, expected: &str, slot: &mut Option<T>) {
        let Some(value) = std::env::var_os(name) else { return };
        if value.is_empty() {
            return self
                .lines
                .push(format!("{name} is set but empty. Unset it, or give it a value"));
        }

        match value.to_str().and_then(|value| value.parse().ok()) {
            Some(value) => *slot = Some(value),
            None => self.lines.push(format!("{name} must be {expected}")),
        }
    }

    fn check_seconds(&mut self, key: &str, value: u32, range: RangeInclusive<u32>) {
        let why = format!("must be from {} to {} seconds", range.start(), range.end());
        self.refuse_if(!range.contains(&value), key, &why);
    }

    /// The shared secrets, from the environment and nowhere else.
    fn secrets(&mut self, warnings: &mut Vec<String>) -> Option<Hs256> {
        let current = self.secret(SECRET, warnings);
        let previous = self.secret(SECRET_PREVIOUS, warnings);
        current.map(|current| Hs256::new(&current, previous.as_ref()))
    }

    /// Says what to set where there is no secret.
    fn check_key_source(&mut self, has_jwks: bool) {
        if has_jwks {
            if std::env::var_os(SECRET_PREVIOUS).is_some() {
                self.lines.push(format!(
                    "{SECRET_PREVIOUS} is set, and {SECRET} is not. Set that too, or neither"
                ));
            }
            return;
        }

        let is_set = |name: &&str| std::env::var_os(name).is_some();
        let foreign: Vec<_> = FOREIGN_SECRETS.into_iter().filter(is_set).collect();
        let but_not = match foreign.is_empty() {
            true => String::new(),
            false => format!(
                " ({} is set, which Better Auth reads and auth-guard does not)",
                foreign.join(" and ")
            ),
        };
        self.lines.push(format!(
            "there is no key to check tokens with: {SECRET} is not set{but_not}. Set it to the \
             secret that your Better Auth server signs its tokens with; or set BETTER_AUTH_URL if \
             it publishes public keys, as it does by default"
        ));
    }

    #[cfg(not(feature = "jwks"))]
    fn check_feature(&mut self, table: &Table, has_jwks: bool) {
        const REMEDY: &str =
            "needs the feature `jwks`: auth-guard = { version = \"0.1\", features = [\"jwks\"] }";
        for (key, is_set) in [
            ("jwks_url", table.jwks_url.is_some()),
            ("jwks_insecure", table.jwks_insecure.is_some()),
            ("jwks_cooldown", table.jwks_cooldown.is_some()),
            ("jwks_max_age", table.jwks_max_age.is_some()),
            ("jwks_max_stale", table.jwks_max_stale.is_some()),
            ("memo_capacity", table.memo_capacity.is_some()),
        ] {
            self.refuse_if(is_set, key, REMEDY);
        }
        if has_jwks && table.jwks_url.is_none() {
            self.lines.push(format!(
                "{SECRET} is not set, so tokens are to be checked with the public keys of `url`. \
                 That {REMEDY}. Or set {SECRET}"
            ));
        }
    }

    #[cfg(feature = "jwks")]
    fn jwks(&mut self, table: &Table, has_jwks: bool, clock: &Clock) -> Option<Jwks> {
        let cooldown = table.jwks_cooldown.unwrap_or(30);
        let max_age = table.jwks_max_age.unwrap_or(600);
        let max_stale = table.jwks_max_stale.unwrap_or(86_400);
        self.check_seconds("jwks_cooldown", cooldown, JWKS_COOLDOWN);
        self.check_seconds("jwks_max_age", max_age, JWKS_MAX_AGE);
        self.check_seconds("jwks_max_stale", max_stale, JWKS_MAX_STALE);
        let is_never_old = max_stale < max_age;
        self.refuse_if(is_never_old, "jwks_max_stale", "must not be less than `jwks_max_age`");
        if !has_jwks {
            return None;
        }

        let (key, url) = match (&table.jwks_url, &table.url) {
            (Some(url), _) => ("jwks_url", Url::parse(url).ok().filter(is_address)),
            // What is wrong with it is said where the origin is taken from it.
            (None, url) => ("url", Some(default_jwks_url(url.as_deref()?)?)),
        };
        let Some(url) = url else {
            self.refuse_if(true, key, "must be the http or https URL of a JWK Set");
            return None;
        };

        let is_plain = url.scheme() == "http" && !jwks::is_loopback(&url);
        self.refuse_if(
            is_plain && !table.jwks_insecure.unwrap_or(false),
            key,
            "must begin with https: whoever is on the way could hand out other keys. For a private \
             network, `jwks_insecure = true` permits http",
        );
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let settings = jwks::Settings {
            url,
            cooldown: seconds(cooldown),
            max_age: seconds(max_age),
            max_stale: seconds(max_stale),
        };
        Jwks::new(settings, clock.clone()).map_err(|why| self.refuse_if(true, key, &why)).ok()
    }

    #[cfg(feature = "jwks")]
    fn memo(&mut self, table: &Table, has_jwks: bool) -> Option<Memo> {
        let capacity = table.memo_capacity.unwrap_or(10_000);
        let why =
            format!("must be from {} to {} tokens", MEMO_CAPACITY.start(), MEMO_CAPACITY.end());
        self.refuse_if(!MEMO_CAPACITY.contains(&capacity), "memo_capacity", &why);
        if has_jwks { Memo::new(capacity as usize) } else { None }
    }

    fn secret(&mut self, name: &str, warnings: &mut Vec<String>) -> Option<Secret> {
        let secret = Secret::new(std::env::var_os(name)?.into_encoded_bytes());
        if secret.as_ref().is_ok_and(Secret::is_wrapped) {
            warnings.push(format!(
                "{name} begins or ends with a quote or white space, which is kept as a part of it"
            ));
        }

        secret.map_err(|error| self.weak_secret(name, error)).ok()
    }

    fn weak_secret(&mut self, name: &str, error: SecretError) {
        self.lines.push(format!(
            "{name} {error}. Make a new one, for instance with `openssl rand -base64 32`, and \
             give it to Better Auth too"
        ));
    }
}

/// Kubernetes sets `AUTH_GUARD_PORT` and the like for a service of that name, so
/// an unknown variable is only a warning.
fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names
        .filter(|name| name.starts_with(PREFIX) && !VARIABLES.contains(&&**name))
        .map(|name| {
            let distance = |known: &&&str| strsim::osa_distance(&name, known);
            let nearest = VARIABLES.iter().min_by_key(distance).unwrap_or(&"");
            format!("the variable {name} is unknown and not read. Did you mean {nearest}?")
        })
        .collect()
}

fn variable_of(key: &str) -> String {
    match key {
        "url" => "BETTER_AUTH_URL".into(),
        key => format!("{PREFIX}{}", key.to_ascii_uppercase()),
    }
}

/// Where figment read a key, as ` in <source>`.
fn place(figment: &Figment, key: &str) -> String {
    figment.find_metadata(key).map_or_else(String::new, |metadata| match &metadata.source {
        Some(source) => format!(" in {} {source}", metadata.name),
        None => format!(" in {}", metadata.name),
    })
}

/// Where Better Auth publishes its keys if this is its base URL: it appends
/// `/api/auth` itself unless there is a path already.
#[cfg(feature = "jwks")]
fn default_jwks_url(base: &str) -> Option<Url> {
    let mut url = Url::parse(base).ok().filter(is_address)?;
    let path = match url.path().trim_end_matches('/') {
        "" => "/api/auth/jwks".to_owned(),
        path => format!("{path}/jwks"),
    };
    url.set_path(&path);
    url.set_query(None);
    Some(url)
}

#[cfg(feature = "jwks")]
fn is_address(url: &Url) -> bool {
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_http && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

/// The origin of an `http` or `https` URL as `new URL(url).origin` writes it,
/// which is what Better Auth puts into `iss` and `aud`.
fn origin_of(url: &str) -> Option<String> {
    let url = Absolute::parse(url).ok()?;
    let scheme = url.scheme().to_ascii_lowercase();
    let default_port = match &*scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };

    let authority = url.authority().filter(|authority| authority.user_info().is_none())?;
    let host = authority.host().to_ascii_lowercase();
    let is_name = |host: &str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => format!("[{}]", address.parse::<std::net::Ipv6Addr>().ok()?),
        None => Some(host).filter(|host| is_name(host))?,
    };

    Some(match authority.port().filter(|port| *port != default_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// What may stand between the quotes of an auth-param (RFC 6750 section 3).
fn is_realm(realm: &str) -> bool {
    let allowed = |b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !realm.is_empty() && realm.bytes().all(allowed)
}

impl FromStr for Audience {
    type Err = std::convert::Infallible;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        Ok(Self(list.split(',').map(|aud| aud.trim().to_owned()).collect()))
    }
}

impl FromStr for Unscoped {
    type Err = ();

    fn from_str(value: &str) -> Result<Self, ()> {
        match value {
            "deny" => Ok(Self::Deny),
            "warn" => Ok(Self::Warn),
            "allow" => Ok(Self::Allow),
            _ => Err(()),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, one: &str) -> Result<Audience, E> {
                Ok(Audience(vec![one.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Audience, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element()? {
                    many.push(one);
                }
                match many.is_empty() {
                    true => Err(de::Error::invalid_length(0, &self)),
                    false => Ok(Audience(many)),
                }
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}
