//! What a configuration asks of tokens.

use super::environment::Environment;
use super::error::ConfigError;
use super::keys::Sources;
use super::kind::Entry;
use super::origin::origin_of;
use super::resource::Resource;
use super::settings::{
    AUDIENCE, AUDIENCE_CLAIM, ID_TOKENS, ISSUER, LEEWAY, MATCH_SUBJECT, MAX_LIFETIME, REQUIRE,
    REQUIRED_CLAIMS, SCOPES, TOKEN_TYPE, UID_CLAIM, URL,
};
use super::values::Values;
use crate::token::header::TokenType;
use crate::token::profile::{AudienceClaim, Profile};
use crate::token::scopes::Scopes;

/// Claims that have a rule of their own, and so cannot be required to have a value.
const RULED: [&str; 11] =
    ["iss", "aud", "exp", "nbf", "iat", "sub", "cnf", "nonce", "at_hash", "c_hash", "s_hash"];

/// Returns what tokens must say.
pub(super) fn profile(
    read: &mut Environment,
    sources: &Sources,
    resource: Option<&Resource>,
) -> Profile {
    let mut profile = profile_of(&read.values, resource);
    // Such a secret was chosen there, for a test mostly, and not by an OAuth server.
    if sources.is_only_in_code && profile.scopes == Scopes::IgnoredByDefault {
        profile.scopes = Scopes::Ignored;
    }
    check_required(read, &profile);
    check_names(read, &profile, sources);
    check_audience_claim(read, &profile);
    check_kind(read, &profile, sources);
    profile
}

/// Returns what the tokens of a further issuer must say.
pub(super) fn further_profile(read: &mut Environment, resource: Option<&Resource>) -> Profile {
    let profile = profile_of(&read.values, resource);
    check_required(read, &profile);
    check_audience_claim(read, &profile);
    let mut refuse = |entry: &Entry, why: &str| {
        if !read.errors.iter().any(|error| error.key() == Some(entry.key)) {
            read.refuse(entry, why);
        }
    };
    if profile.issuer.is_none() {
        refuse(
            ISSUER.entry(),
            "is not set. Set it to the `iss` that this issuer's tokens have, such as \
             https://auth.example.com",
        );
    }
    if profile.audience.is_empty() {
        refuse(
            AUDIENCE.entry(),
            "is not set, and an issuer signs for other applications with the same public keys. \
             Set it to the `aud` that tokens for this application have, such as \
             https://api.example.com; with `token_type` `at+jwt`, `resource` in `auth_guard` is \
             its default",
        );
    }
    if !tells_kind(&profile) {
        refuse(
            TOKEN_TYPE.entry(),
            "does not say how this issuer's access tokens differ from the ID tokens that it signs \
             with the same keys. Set it to `at+jwt`, or set `require` or `required_claims` to \
             claims that only access tokens have, or `id_tokens` to `accepted` if ID tokens are \
             what callers send",
        );
    }
    profile
}

fn profile_of(values: &Values, resource: Option<&Resource>) -> Profile {
    let origin = values.optional(&URL).as_deref().and_then(origin_of);
    let token_type = match &*values.choice(&TOKEN_TYPE) {
        "at+jwt" => TokenType::AccessToken,
        _ => TokenType::Jwt,
    };
    let mut audience = values.list(&AUDIENCE);
    if audience.is_empty() {
        let resource = resource.filter(|_| token_type == TokenType::AccessToken);
        audience.extend(resource.map(|resource| resource.url.clone()).or(origin.clone()));
    }
    let uid_claim = match token_type {
        TokenType::AccessToken if !values.is_set(UID_CLAIM.entry()) => "sub".into(),
        TokenType::AccessToken | TokenType::Jwt => values.text(&UID_CLAIM),
    };
    // An access token is what a user permits a client to do; a session token is the user.
    let scopes = match (token_type, &*values.choice(&SCOPES)) {
        (TokenType::AccessToken, _) if !values.is_set(SCOPES.entry()) => Scopes::Enforced,
        (_, "enforced") => Scopes::Enforced,
        // With `url`, they are Better Auth's session tokens.
        _ if values.is_set(SCOPES.entry()) || values.is_set(URL.entry()) => Scopes::Ignored,
        _ => Scopes::IgnoredByDefault,
    };
    Profile {
        token_type,
        issuer: values.optional(&ISSUER).or(origin),
        audience,
        audience_claim: match &*values.choice(&AUDIENCE_CLAIM) {
            "client_id" => AudienceClaim::ClientId,
            "azp" => AudienceClaim::Azp,
            _ => AudienceClaim::Aud,
        },
        uid_claim,
        match_subject: values.flag(&MATCH_SUBJECT),
        leeway: values.number(&LEEWAY),
        max_lifetime: values.number(&MAX_LIFETIME),
        require: values.claims(&REQUIRE),
        required_claims: values.list(&REQUIRED_CLAIMS),
        id_tokens: values.choice(&ID_TOKENS) == "accepted",
        scopes,
    }
}

fn check_required(read: &mut Environment, profile: &Profile) {
    let origin = read.values.origin(REQUIRE.entry()).map(str::to_owned);
    let own = [&*profile.uid_claim, profile.audience_claim.name()];
    for (name, _) in &profile.require {
        if RULED.contains(&&**name) || own.contains(&&**name) {
            let key = format!("require.{name}");
            let why = "names a claim that has a rule of its own. Remove it";
            read.errors.push(ConfigError::of(&key, origin.as_deref(), why));
        }
    }
}

/// Public keys sign for others too, so a token must say by whom and for whom it is.
fn check_names(read: &mut Environment, profile: &Profile, sources: &Sources) {
    if profile.issuer.is_some() && !profile.audience.is_empty() {
        return;
    }
    if !sources.has_public_keys {
        let (any, set) = match (&profile.issuer, &*profile.audience) {
            (Some(_), _) => ("audience", "AUTH_GUARD_AUDIENCE"),
            (None, [_, ..]) => ("issuer", "AUTH_GUARD_ISSUER"),
            (None, []) => ("issuer or audience", "AUTH_GUARD_ISSUER and AUTH_GUARD_AUDIENCE"),
        };
        read.warnings.push(format!(
            "tokens of any {any} are accepted if the signature is right. Set BETTER_AUTH_URL to the \
             URL of your Better Auth server, such as https://auth.example.com, or {set}"
        ));
    } else if read.errors.is_empty() {
        read.errors.push(ConfigError::new(
            "an issuer signs for other applications with the same public keys, so tokens must \
             name an issuer and an audience. Set BETTER_AUTH_URL to the URL of your Better Auth \
             server, such as https://auth.example.com, or `issuer` (AUTH_GUARD_ISSUER) and \
             `audience` (AUTH_GUARD_AUDIENCE)",
        ));
    }
}

fn check_audience_claim(read: &mut Environment, profile: &Profile) {
    let is_typed = profile.token_type == TokenType::AccessToken;
    if profile.audience_claim == AudienceClaim::Azp && !is_typed && profile.require.is_empty() {
        read.refuse(
            AUDIENCE_CLAIM.entry(),
            "is `azp`, which says who asked for a token and not for whom it is. Also set \
             `token_type` to `at+jwt`, or `require` to what tells access tokens apart",
        );
    }
}

/// Returns `true` if something tells access tokens from ID tokens.
fn tells_kind(profile: &Profile) -> bool {
    profile.token_type == TokenType::AccessToken
        || !profile.require.is_empty()
        || !profile.required_claims.is_empty()
        || profile.id_tokens
}

/// An issuer signs ID tokens with the same keys as access tokens, so something must tell
/// them apart.
fn check_kind(read: &mut Environment, profile: &Profile, sources: &Sources) {
    let is_told = tells_kind(profile) || read.values.is_set(URL.entry());
    if sources.has_public_keys && !is_told && read.errors.is_empty() {
        read.errors.push(ConfigError::new(
            "nothing says how the issuer's access tokens differ from the ID tokens that it signs \
             with the same keys. Set `token_type` (AUTH_GUARD_TOKEN_TYPE) to `at+jwt`, or \
             `require` or `required_claims` (AUTH_GUARD_REQUIRED_CLAIMS) to claims that only access \
             tokens have, or `id_tokens` (AUTH_GUARD_ID_TOKENS) to `accepted` if ID tokens are what \
             callers send. For Better Auth's own tokens, set BETTER_AUTH_URL",
        ));
    }
}
