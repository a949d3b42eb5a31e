//! The OAuth scopes of a token: what a user has permitted a client to do.

use super::json::Value;

/// Whether the scopes of an issuer's tokens limit what they open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scopes {
    /// A token stands for its user, who may do everything.
    #[default]
    Ignored,
    /// Like `Ignored`, but only because no setting says otherwise: naming scopes is then
    /// worth a warning.
    IgnoredByDefault,
    /// A token opens only what names scopes that it has.
    Enforced,
}

/// Returns `true` if `text` is a list of scopes, each a `scope-token`, with one space between
/// them (RFC 6749 section 3.3).
pub(crate) fn are_scopes(text: &str) -> bool {
    text.split(' ').all(is_scope)
}

fn is_scope(text: &str) -> bool {
    let is_allowed = |b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// Returns `true` if these claims grant every scope of `needed`. The claim is `scope`, a string
/// (RFC 8693 section 4.2), or only without it `scp`, a string or a list. A claim of any other
/// type grants nothing.
pub(super) fn grant(claims: Value<'_>, needed: &str) -> bool {
    let (claim, may_be_list) = match claims.member("scope") {
        Some(scope) => (Some(scope), false),
        None => (claims.member("scp"), true),
    };
    let Some(claim) = claim else { return false };
    let mut needed = needed.split(' ');
    match claim.as_str() {
        Some(text) => {
            are_scopes(&text) && needed.all(|scope| text.split(' ').any(|theirs| theirs == scope))
        }
        None => {
            let is_malformed = !may_be_list || claim.has_str(|text| !is_scope(text));
            !is_malformed && needed.all(|scope| claim.has_str(|theirs| theirs == scope))
        }
    }
}
