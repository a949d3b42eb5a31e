//! What a launch prints of its configuration.

use super::keys::Sources;
use super::settings::{LEEWAY, URL};
use super::values::Values;
use crate::audit::required;
use crate::token::header::TokenType;
use crate::token::profile::AudienceClaim;
use crate::token::scopes::Scopes;
use crate::verifier::Verifier;

/// Says what is enforced. `keys` names the algorithms, and what verifies them.
pub(super) fn summary(
    values: &Values,
    sources: &Sources,
    keys: &str,
    verifier: &Verifier,
) -> Vec<String> {
    let is_url_unused =
        sources.has_secret && !sources.has_public_keys && values.is_set(URL.entry());
    let [only, unused] = match is_url_unused {
        true => ["only ", "; public keys are not used unless `jwks_url` is set"],
        false => ["", ""],
    };
    let audience = verifier.audience().join(", ");
    let any = |text: &str| if text.is_empty() { "any".to_owned() } else { text.to_owned() };
    let subject = if verifier.profile().matches_subject() { ", equal to `sub`" } else { "" };
    let lifetime = verifier.max_lifetime();
    let profile = verifier.profile();
    let typ = match profile.token_type {
        TokenType::Jwt => "absent or `JWT`",
        TokenType::AccessToken => "`at+jwt`",
    };
    let scopes = match profile.scopes {
        Scopes::Ignored => "ignored",
        Scopes::Enforced => "enforced",
    };
    let id_tokens = if profile.id_tokens { "accepted" } else { "refused" };
    let mut lines = vec![
        format!("tokens: {only}{keys}, from `Authorization: Bearer`{unused}"),
        format!("type: {typ}; ID tokens: {id_tokens}"),
        format!("issuer: {}", any(verifier.issuer().unwrap_or_default())),
        format!("audience: {}{}", any(&audience), audience_claim(profile.audience_claim)),
        format!("scopes: {scopes}"),
        format!("owner: claim `{}`{subject}", verifier.uid_claim()),
        format!(
            "expiry: `exp` at most {lifetime} s after `iat`, and at most {lifetime} s from now; \
             leeway {} s",
            values.number(&LEEWAY)
        ),
    ];
    lines.extend(required(profile).map(|claims| format!("required: {claims}")));
    lines
}

fn audience_claim(claim: AudienceClaim) -> String {
    match claim {
        AudienceClaim::Aud => String::new(),
        AudienceClaim::ClientId | AudienceClaim::Azp => format!(", in `{}`", claim.name()),
    }
}
