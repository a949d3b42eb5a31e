//! What a launch prints of its configuration.

use super::keys::Sources;
use super::resource::Resource;
use super::values::Values;
use crate::audit::required;
use crate::token::header::TokenType;
use crate::token::profile::{AudienceClaim, Profile};
use crate::token::scopes::Scopes;
use crate::verifier::{TrustedIssuer, Verifier};

/// Says what is enforced.
pub(super) fn summary(
    values: &Values,
    sources: &Sources,
    verifier: &Verifier,
    resource: Option<&Resource>,
) -> Vec<String> {
    let [only, unused] = match sources.leave_unused(values) {
        true => ["only ", "; public keys are not used unless `jwks_url` is set"],
        false => ["", ""],
    };
    let TrustedIssuer { keys, profile, .. } = verifier.issuers().first();
    let mut lines = vec![format!("tokens: {only}{keys}, from `Authorization: Bearer`{unused}")];
    lines.extend(rules(profile));
    for TrustedIssuer { name, keys, profile } in verifier.issuers().all().skip(1) {
        let name = name.as_deref().unwrap_or_default();
        lines.push(format!("further issuer `{name}`, tokens: {keys}"));
        lines.extend(rules(profile).into_iter().map(|rule| format!("`{name}` {rule}")));
    }
    if let Some(Resource { url, metadata_path, .. }) = resource {
        lines.push(format!("resource: {url}, described at {metadata_path}"));
    }
    lines
}

/// Says what the tokens of one issuer must say.
fn rules(profile: &Profile) -> Vec<String> {
    let audience = profile.audience.join(", ");
    let any = |text: &str| if text.is_empty() { "any".to_owned() } else { text.to_owned() };
    let subject = if profile.matches_subject() { ", equal to `sub`" } else { "" };
    let Profile { uid_claim, max_lifetime, leeway, .. } = profile;
    let typ = match profile.token_type {
        TokenType::Jwt => "absent or `JWT`",
        TokenType::AccessToken => "`at+jwt`",
    };
    let scopes = match profile.scopes {
        Scopes::Ignored | Scopes::IgnoredByDefault => "ignored",
        Scopes::Enforced => "enforced",
    };
    let id_tokens = if profile.id_tokens { "accepted" } else { "refused" };
    let mut lines = vec![
        format!("type: {typ}; ID tokens: {id_tokens}"),
        format!("issuer: {}", any(profile.issuer.as_deref().unwrap_or_default())),
        format!("audience: {}{}", any(&audience), audience_claim(profile.audience_claim)),
        format!("scopes: {scopes}"),
        format!("owner: claim `{uid_claim}`{subject}"),
        format!(
            "expiry: `exp` at most {max_lifetime} s after `iat`, and at most {max_lifetime} s \
             from now; leeway {leeway} s"
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
