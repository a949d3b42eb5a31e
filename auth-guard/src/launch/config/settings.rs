//! The table of settings: one entry each, from which everything about a setting follows.
//!
//! An entry gives how a variable's text and a figment value are parsed, the range, the
//! "must be …" message, the known names that a misspelt one is compared with, and the
//! feature that the setting needs. A test compares the tables of
//! `docs/settings.md` with it.

use crate::keys::ALGORITHMS as ALGORITHM_NAMES;
use crate::launch::config::kind::{
    Choice, Claims, Entry, List, Setting, Tables, choice, claims, flag, list, number, tables, text,
};
use crate::launch::config::origin::origin_of;
use crate::launch::config::resource::Resource;

macro_rules! settings {
    ($($name:ident: $type:ty = $setting:expr;)*) => {
        $(pub(crate) static $name: Setting<$type> = $setting;)*
        /// Every setting, in the order of the documentation.
        pub(crate) static ALL: &[&Entry] = &[$($name.entry()),*];
    };
}

settings! {
    URL: Option<&'static str> = text("url", "BETTER_AUTH_URL", |url| origin_of(url).is_some(),
        "must be the base URL of the Better Auth server, such as https://auth.example.com");
    ISSUER: Option<&'static str> = text("issuer", "AUTH_GUARD_ISSUER", is_not_empty,
        "must be the `iss` that tokens have, such as https://auth.example.com");
    AUDIENCE: List = list("audience", "AUTH_GUARD_AUDIENCE", is_not_empty,
        "must be an `aud` that tokens have, such as https://api.example.com, or a list of them");
    AUDIENCE_CLAIM: Choice = choice("audience_claim", "AUTH_GUARD_AUDIENCE_CLAIM",
        &["aud", "client_id", "azp"], "the claim that says for whom a token is");
    TOKEN_TYPE: Choice = choice("token_type", "AUTH_GUARD_TOKEN_TYPE", &["JWT", "at+jwt"],
        "the `typ` of access tokens");
    ALGORITHMS: List = list("algorithms", "AUTH_GUARD_ALGORITHMS", is_algorithm,
        "must be one or several of HS256, EdDSA, ES256, ES384, ES512, RS256, RS384, RS512, PS256, \
         PS384 and PS512, such as EdDSA");
    REQUIRE: Claims = claims("require",
        "must be a table of claims, each with a string, a boolean, an integer, or a list of them: \
         require = { token_use = \"access\" }");
    REQUIRED_CLAIMS: List = list("required_claims", "AUTH_GUARD_REQUIRED_CLAIMS", is_not_empty,
        "must be the name of a claim, such as `jti`, or a list of them");
    ID_TOKENS: Choice = choice("id_tokens", "AUTH_GUARD_ID_TOKENS", &["refused", "accepted"],
        "whether ID tokens open anything");
    RESOURCE: Option<&'static str> = text("resource", "AUTH_GUARD_RESOURCE", is_resource,
        "must be the public https URL of this API (http only on this machine), without a query, a \
         fragment or an escape, such as https://api.example.com");
    ISSUERS: Tables = tables("issuers", "must be a table of tables, one for each further issuer: \
        [default.auth_guard.issuers.agents]").needs_jwks();
    SCOPES: Choice = choice("scopes", "AUTH_GUARD_SCOPES", &["ignored", "enforced"],
        "whether a token opens only what its OAuth scopes permit");
    UID_CLAIM: &'static str = text("uid_claim", "AUTH_GUARD_UID_CLAIM", is_uid_claim,
        "must be the name of a claim, and must not be `iss`, `aud`, `exp`, `nbf` or `iat`; use \
         `uid` or `sub`").or("uid");
    MATCH_SUBJECT: bool = flag("match_subject", "AUTH_GUARD_MATCH_SUBJECT", true,
        "whether a token is refused if its `sub` is not its owner");
    LEEWAY: u32 = number("leeway", "AUTH_GUARD_LEEWAY", 0..=300, "seconds", 5,
        "clock skew that is allowed for");
    MAX_LIFETIME: u32 = number("max_lifetime", "AUTH_GUARD_MAX_LIFETIME", 1..=86_400, "seconds",
        3_600, "how far `exp` may be from `iat`, and from now");
    REALM: &'static str = text("realm", "AUTH_GUARD_REALM", is_realm,
        "must not be empty, and must be of printable ASCII without quotes and backslashes, such as \
         `api`")
        .or("api");
    UNSCOPED: Choice = choice("unscoped", "AUTH_GUARD_UNSCOPED", &["deny", "warn", "allow"],
        "what a forgotten `#[user_scoped]` does");
    DISCOVERY: bool = flag("discovery", "AUTH_GUARD_DISCOVERY", false,
        "whether the issuer's metadata says where its public keys are").needs_jwks();
    UNDECLARED: Choice = choice("undeclared", "AUTH_GUARD_UNDECLARED", &["warn", "deny", "allow"],
        "what a route does of which nothing is declared");
    JWKS_URL: Option<&'static str> = text("jwks_url", "AUTH_GUARD_JWKS_URL", is_not_empty,
        "must be the http or https URL of a JWK Set, such as https://auth.example.com/api/auth/jwks")
        .needs_jwks();
    JWKS_INSECURE: bool = flag("jwks_insecure", "AUTH_GUARD_JWKS_INSECURE", false,
        "whether public keys may be fetched from another machine by plain http").needs_jwks();
    JWKS_COOLDOWN: u32 = number("jwks_cooldown", "AUTH_GUARD_JWKS_COOLDOWN", 1..=3_600, "seconds",
        5, "least time between two fetches for unknown keys").needs_jwks();
    JWKS_MAX_AGE: u32 = number("jwks_max_age", "AUTH_GUARD_JWKS_MAX_AGE", 1..=86_400, "seconds",
        600, "age before which public keys are fetched again").needs_jwks();
    JWKS_MAX_STALE: u32 = number("jwks_max_stale", "AUTH_GUARD_JWKS_MAX_STALE", 1..=2_592_000,
        "seconds", 86_400, "age up to which known keys are used while the issuer is unavailable")
        .needs_jwks();
    MEMO_CAPACITY: u32 = number("memo_capacity", "AUTH_GUARD_MEMO_CAPACITY", 0..=1_000_000,
        "tokens", 10_000, "how much of what was verified is remembered").needs_jwks();
}

/// The operator's word that an issuer names the same users as the first. It is set only in the
/// table of a further issuer.
pub(crate) static USERS: Setting<Option<&'static str>> =
    text("users", "", is_same, SAME_USERS).in_table_only();

/// Completes a sentence about `users`.
pub(crate) const SAME_USERS: &str = "must be `same`: two issuers can give one id to two people, \
    and each would then open the other's paths. Write users = \"same\" if the ids of this issuer \
    name the same people as those of the first";

/// The settings of a further issuer, each in its table `[<profile>.auth_guard.issuers.<name>]`.
pub(crate) static OF_AN_ISSUER: &[&Entry] = &[
    ISSUER.entry(),
    AUDIENCE.entry(),
    AUDIENCE_CLAIM.entry(),
    TOKEN_TYPE.entry(),
    ALGORITHMS.entry(),
    REQUIRE.entry(),
    REQUIRED_CLAIMS.entry(),
    ID_TOKENS.entry(),
    SCOPES.entry(),
    UID_CLAIM.entry(),
    MATCH_SUBJECT.entry(),
    MAX_LIFETIME.entry(),
    DISCOVERY.entry(),
    JWKS_URL.entry(),
    USERS.entry(),
];

fn is_not_empty(text: &str) -> bool {
    !text.is_empty()
}

fn is_same(users: &str) -> bool {
    users == "same"
}

fn is_resource(url: &str) -> bool {
    Resource::parse(url).is_some()
}

fn is_uid_claim(name: &str) -> bool {
    !name.is_empty() && !["iss", "aud", "exp", "nbf", "iat"].contains(&name)
}

fn is_algorithm(name: &str) -> bool {
    ALGORITHM_NAMES.contains(&name)
}

/// Returns `true` if `realm` may stand between the quotes of an auth-param (RFC 6750
/// section 3).
fn is_realm(realm: &str) -> bool {
    let is_allowed = |b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !realm.is_empty() && realm.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variable of a setting that can be set in the table only.
    const NONE: &str = "–";

    const DOCS: &str = include_str!("../../../docs/settings.md");

    /// The cells of the tables of variables: name, key, and the rest.
    fn rows(docs: &str) -> Vec<[String; 3]> {
        let cells = |line: &str| {
            let mut cells = line.strip_prefix("| ")?.split(" | ").map(str::to_owned);
            let name = cells.next()?.trim_matches('`').to_owned();
            Some([name, cells.next()?.trim_matches('`').to_owned(), cells.collect()])
        };
        let is_setting = |row: &[String; 3]| {
            let variable = &*row[0];
            variable.starts_with("AUTH_GUARD_") || ["BETTER_AUTH_URL", NONE].contains(&variable)
        };
        docs.lines().filter_map(cells).filter(is_setting).collect()
    }

    #[test]
    fn the_docs_have_every_setting_with_its_range_and_default() {
        let rows = rows(DOCS);
        for entry in ALL {
            let row = rows.iter().find(|row| row[1] == entry.key).expect(entry.key);
            assert_eq!(row[0], entry.variable.unwrap_or(NONE), "{row:?}");
            for words in entry.documented() {
                assert!(row[2].contains(&words), "no {words:?} in {row:?}");
            }
        }
        assert_eq!(rows.len(), ALL.len(), "a setting that does not exist: {rows:?}");
    }

    #[test]
    fn the_docs_list_the_keys_of_a_further_issuer() {
        let keys: Vec<_> = OF_AN_ISSUER.iter().map(|entry| format!("`{}`", entry.key)).collect();
        let sentence = format!("takes the keys {}", keys.join(", "));
        let docs = DOCS.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(docs.contains(&sentence), "no {sentence:?}");
    }

    #[test]
    fn names_are_unique_and_every_default_is_in_its_range() {
        for (i, entry) in ALL.iter().enumerate() {
            assert!(entry.has_valid_default(), "{}", entry.key);
            for other in &ALL[..i] {
                assert_ne!(entry.key, other.key);
                assert!(entry.variable.is_none() || entry.variable != other.variable);
            }
        }
    }
}
