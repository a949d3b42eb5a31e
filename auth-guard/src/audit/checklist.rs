//! How an explanation reads: each check, what it asks for, and which settings change it.

use std::fmt;

use super::explain::Explanation;
use crate::error::AuthError;
use crate::token::bearer::BearerToken;
use crate::token::check::Check;
use crate::token::header::TokenType;
use crate::token::profile::{Expected, Profile};

/// Says what a check asks for, as configured.
fn asks_for(check: Check, profile: &Profile, choice: Option<&str>) -> String {
    let Profile { issuer, audience, uid_claim, leeway, max_lifetime, .. } = profile;
    match check {
        Check::Field => "one `Authorization` header field with the scheme `Bearer`".into(),
        Check::Credentials => "a token after `Bearer`".into(),
        Check::Length => format!("a token of at most {} KiB", BearerToken::MAX_LEN / 1024),
        Check::Segments => "three segments, the header in strict base64url".into(),
        Check::Choice => choice.map_or("any issuer".into(), |choice| {
            format!("`iss`, unverified, equal to {choice}: it chooses the rules below")
        }),
        Check::HeaderObject => "a header that is one JSON object without duplicate names".into(),
        Check::Extensions => "a header without `crit` and `b64`".into(),
        Check::Type => match profile.token_type {
            TokenType::Jwt => "`typ` absent or `JWT`".into(),
            TokenType::AccessToken => "`typ` equal to `at+jwt`".into(),
        },
        Check::KeyId => "`kid` absent or a string".into(),
        Check::Algorithm => "`alg` a string".into(),
        Check::Key => "one key for this `alg` and `kid`".into(),
        Check::SignatureEncoding => "a signature in strict base64url".into(),
        Check::Signature => "the signature of that key over header and claims".into(),
        Check::PayloadEncoding => "claims in strict base64url".into(),
        Check::ClaimsObject => "claims that are one JSON object without duplicate names".into(),
        Check::ExpiryNumber => "`exp` a number".into(),
        Check::StartNumbers => "`nbf` and `iat` absent or numbers".into(),
        Check::Lifetime => format!(
            "`exp` at most {max_lifetime} s after `iat`, and at most {max_lifetime} s from now"
        ),
        Check::Start => format!("`nbf` and `iat` not in the future, with {leeway} s of leeway"),
        Check::Issuer => match issuer {
            Some(issuer) => format!("`iss` equal to `{issuer}`"),
            None => "any `iss`, or none".into(),
        },
        Check::Audience => match &**audience {
            [] => "any `aud`, or none".into(),
            audience => {
                let claim = profile.audience_claim.name();
                format!("`{claim}` equal to, or a list with, `{}`", audience.join("` or `"))
            }
        },
        Check::Uid => format!("`{uid_claim}` a string or an integer"),
        Check::Subject if profile.matches_subject() => {
            format!("`sub` absent or equal to `{uid_claim}`")
        }
        Check::Subject => "any `sub`, or none".into(),
        Check::Bound => "no `cnf`: a token bound to a key is not for a bearer".into(),
        Check::IdToken if profile.id_tokens => "an ID token, or none".into(),
        Check::IdToken => "no `nonce`, `at_hash`, `c_hash`, `s_hash`: no ID token".into(),
        Check::Required => required(profile).unwrap_or_else(|| "any other claims, or none".into()),
        Check::Expiry => format!("`exp` in the future, with {leeway} s of leeway"),
        Check::Owner => format!("`{uid_claim}` equal to the segment of the path"),
        Check::Machine => "no machine's token".into(),
    }
}

/// Lists the claims that must be there in addition to those with a rule of their own, and what they
/// must say.
pub(crate) fn required(profile: &Profile) -> Option<String> {
    let mut claims = Vec::new();
    if profile.token_type == TokenType::AccessToken {
        claims.push("`sub`, `iat`, `jti`, and `client_id` or `azp`".to_owned());
    }
    claims.extend(profile.required_claims.iter().map(|name| format!("`{name}`")));
    for (name, expected) in &profile.require {
        let values: Vec<_> = expected.iter().map(Expected::to_string).collect();
        claims.push(format!("`{name}` equal to, or a list with, `{}`", values.join("` or `")));
    }
    (!claims.is_empty()).then(|| claims.join("; "))
}

/// Returns how a setting of one issuer is written, its key first: a further issuer has a table and
/// no variables. Returns `None` for what only the first has.
fn setting(variable: &str, issuer: Option<&str>) -> Option<String> {
    let key = variable.strip_prefix("AUTH_GUARD_").map(str::to_lowercase);
    match (issuer, key.as_deref()) {
        // The leeway counts for every issuer.
        (None, Some(key)) | (Some(_), Some(key @ "leeway")) => {
            Some(format!("`{key}` ({variable})"))
        }
        (None, None) if variable == URL => Some(format!("`url` ({variable})")),
        (None, None) => Some(variable.to_owned()),
        (Some(name), Some(key)) => Some(format!("`issuers.{name}.{key}`")),
        (Some(name), None) if variable == REQUIRE => Some(format!("`issuers.{name}.require`")),
        (Some(_), None) => None,
    }
}

const URL: &str = "BETTER_AUTH_URL";

/// It has no variable.
const REQUIRE: &str = "`require`";

/// Returns the variables that change a check.
fn variables(check: Check) -> &'static [&'static str] {
    match check {
        Check::Key | Check::Signature => &[
            "BETTER_AUTH_SECRET",
            "AUTH_GUARD_JWKS_URL",
            "AUTH_GUARD_DISCOVERY",
            "AUTH_GUARD_ALGORITHMS",
        ],
        Check::Lifetime => &["AUTH_GUARD_MAX_LIFETIME", "AUTH_GUARD_LEEWAY"],
        Check::Start | Check::Expiry => &["AUTH_GUARD_LEEWAY"],
        Check::Issuer => &["AUTH_GUARD_ISSUER", URL],
        Check::Audience => &["AUTH_GUARD_AUDIENCE", "AUTH_GUARD_AUDIENCE_CLAIM", URL],
        Check::Uid => &["AUTH_GUARD_UID_CLAIM"],
        Check::Subject => &["AUTH_GUARD_MATCH_SUBJECT"],
        Check::Type => &["AUTH_GUARD_TOKEN_TYPE"],
        Check::IdToken => &["AUTH_GUARD_ID_TOKENS"],
        Check::Required => &[REQUIRE, "AUTH_GUARD_REQUIRED_CLAIMS", "AUTH_GUARD_TOKEN_TYPE"],
        Check::Field
        | Check::Credentials
        | Check::Length
        | Check::Segments
        | Check::Choice
        | Check::HeaderObject
        | Check::Extensions
        | Check::KeyId
        | Check::Algorithm
        | Check::SignatureEncoding
        | Check::PayloadEncoding
        | Check::ClaimsObject
        | Check::ExpiryNumber
        | Check::StartNumbers
        | Check::Bound
        | Check::Owner
        | Check::Machine => &[],
    }
}

impl Explanation {
    /// Writes a line for each check: how it went, and what it asks for.
    fn write_checks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_undecided = self.refusal() == Some(&AuthError::KeysUnavailable);
        let setting = |variable: &&str| setting(variable, self.issuer.as_deref());
        let checks = Check::OF_A_TOKEN.into_iter();
        for check in checks.filter(|check| *check != Check::Choice || self.choice.is_some()) {
            let mark = match self.failed {
                Some(failed) if check == failed && is_undecided => "NO KEY",
                Some(failed) if check == failed => "FAILED",
                Some(failed) if check > failed => "-",
                _ => "passed",
            };
            let asked = asks_for(check, &self.profile, self.choice.as_deref());
            write!(f, "{mark:6}  rule {:2}  {asked}", check.rule())?;
            let settings: Vec<_> = variables(check).iter().filter_map(setting).collect();
            match self.failed == Some(check) && !settings.is_empty() {
                true => writeln!(f, "  [{}]", settings.join(", "))?,
                false => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_undecided = self.refusal() == Some(&AuthError::KeysUnavailable);
        let has_choice = self.choice.is_some();
        let setting = |variable: &&str| setting(variable, self.issuer.as_deref());
        self.write_checks(f)?;
        if let (Some(issuer), true) = (&self.issuer, self.failed != Some(Check::Choice)) {
            writeln!(f, "The rules are those of the issuer `{issuer}`.")?;
        }
        match &self.result {
            Ok(claims) if claims.is_machine() => writeln!(
                f,
                "The token is valid, but a machine's: 403 not_allowed, rule {}, except on routes with \
                 `machines = true`.",
                Check::Machine.rule()
            )?,
            Ok(claims) if claims.enforces_scopes() => writeln!(
                f,
                "The token is accepted. Its scopes are enforced: it opens only routes that name \
                 scopes, and only if it has all of them.  [{}]",
                setting(&"AUTH_GUARD_SCOPES").unwrap_or_default()
            )?,
            Ok(_) => writeln!(f, "The token is accepted.")?,
            Err(error) => {
                let verdict = if is_undecided { "neither accepted nor refused" } else { "refused" };
                let (status, code) = (error.status(), error.code());
                writeln!(f, "The token is {verdict}: {error}. {status} {code}.")?;
            }
        }
        if has_choice || matches!(self.failed, Some(Check::Key | Check::Signature)) {
            let mut keys = self.public_keys.iter();
            keys.try_for_each(|(whose, keys)| writeln!(f, "{whose}: {keys}."))?;
        }
        if self.failed == Some(Check::Uid) && self.profile.uid_claim == "uid" {
            writeln!(f, "With Better Auth, `definePayload` must return `{{ uid: user.id }}`.")?;
        }
        if is_undecided {
            writeln!(
                f,
                "A copy of the issuer's keys will do: serve it on this machine, and set {} to its \
                 address.",
                setting(&"AUTH_GUARD_JWKS_URL").unwrap_or_default()
            )?;
        }
        self.routes.iter().try_for_each(|route| writeln!(f, "{route}"))
    }
}
