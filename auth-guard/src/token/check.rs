//! The checks that a request meets, one by one: what the steps of its way, the
//! explanation and the events call them.

use std::fmt::Display;
#[cfg(feature = "jwks")]
use std::sync::Arc;

use crate::keys::Key;
#[cfg(feature = "jwks")]
use crate::keys::public::jwk::PublicKey;
use crate::token::bearer::BearerToken;
use crate::token::claims::Rules;

/// Hears how far a request comes on its way. A step says which check it has come to
/// before it makes it: after a refusal that is the one that failed, and all before
/// it have passed.
pub(crate) trait Trace {
    fn reach(&mut self, check: Check);

    /// The key that the signature will be looked at with.
    fn choose(&mut self, key: &Key<'_>);
}

/// Nobody asks: the steps are compiled without it.
impl Trace for () {
    fn reach(&mut self, _: Check) {}

    fn choose(&mut self, _: &Key<'_>) {}
}

/// How far a request has come.
pub(crate) struct Progress {
    pub(crate) check: Check,
    /// The public key that was chosen, where the signature was looked at.
    #[cfg(feature = "jwks")]
    pub(crate) key: Option<Arc<PublicKey>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            check: Check::Field,
            #[cfg(feature = "jwks")]
            key: None,
        }
    }

    /// The public key that was chosen, for whoever reads it.
    pub(crate) fn key(&self) -> Option<&dyn Display> {
        #[cfg(feature = "jwks")]
        return self.key.as_deref().map(|key| key as _);
        #[cfg(not(feature = "jwks"))]
        None
    }
}

impl Trace for Progress {
    fn reach(&mut self, check: Check) {
        self.check = check;
    }

    fn choose(&mut self, _key: &Key<'_>) {
        #[cfg(feature = "jwks")]
        if let Key::Public(key) = _key {
            self.key = Some(key.clone());
        }
    }
}

/// One check, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    Field,
    Token,
    Segments,
    HeaderObject,
    Extensions,
    Type,
    KeyId,
    Algorithm,
    Key,
    SignatureEncoding,
    Signature,
    PayloadEncoding,
    ClaimsObject,
    ExpiryNumber,
    StartNumbers,
    Lifetime,
    Start,
    Issuer,
    Audience,
    Uid,
    Subject,
    Expiry,
    Owner,
}

impl Check {
    /// Those of a token, in the order in which they are made.
    pub(crate) const OF_A_TOKEN: [Self; 22] = [
        Self::Field,
        Self::Token,
        Self::Segments,
        Self::HeaderObject,
        Self::Extensions,
        Self::Type,
        Self::KeyId,
        Self::Algorithm,
        Self::Key,
        Self::SignatureEncoding,
        Self::Signature,
        Self::PayloadEncoding,
        Self::ClaimsObject,
        Self::ExpiryNumber,
        Self::StartNumbers,
        Self::Lifetime,
        Self::Start,
        Self::Issuer,
        Self::Audience,
        Self::Uid,
        Self::Subject,
        Self::Expiry,
    ];

    /// The rule of the verification profile that it is of.
    pub(crate) fn rule(self) -> u8 {
        match self {
            Self::Field => 1,
            Self::Token => 2,
            Self::Segments | Self::SignatureEncoding | Self::PayloadEncoding => 4,
            Self::HeaderObject | Self::Extensions | Self::Type => 5,
            Self::KeyId => 6,
            Self::Algorithm | Self::Key => 7,
            Self::Signature => 8,
            Self::ClaimsObject => 10,
            Self::ExpiryNumber | Self::Expiry => 11,
            Self::Lifetime => 12,
            Self::StartNumbers | Self::Start => 13,
            Self::Issuer | Self::Audience => 14,
            Self::Uid => 15,
            Self::Subject => 16,
            Self::Owner => 17,
        }
    }

    /// What it asks for, as of the settings.
    pub(crate) fn asks_for(self, rules: &Rules) -> String {
        let Rules { issuer, audience, uid_claim, match_subject, leeway, max_lifetime } = rules;
        match self {
            Self::Field => "one `Authorization` header field, of the scheme `Bearer`".into(),
            Self::Token => format!("a token, of at most {} KiB", BearerToken::MAX_LEN / 1024),
            Self::Segments => "three segments; the header in strict base64url".into(),
            Self::HeaderObject => "a header that is one JSON object, no name twice".into(),
            Self::Extensions => "no `crit` and no `b64` in it".into(),
            Self::Type => "a `typ` that is absent or `JWT`".into(),
            Self::KeyId => "a `kid` that is absent or text".into(),
            Self::Algorithm => "an `alg` that is text".into(),
            Self::Key => "one key for that `alg` and `kid`".into(),
            Self::SignatureEncoding => "a signature in strict base64url".into(),
            Self::Signature => "the signature of that key, over header and claims".into(),
            Self::PayloadEncoding => "claims in strict base64url".into(),
            Self::ClaimsObject => "claims that are one JSON object, no name twice".into(),
            Self::ExpiryNumber => "an `exp`, a number".into(),
            Self::StartNumbers => "`nbf` and `iat` absent or numbers".into(),
            Self::Lifetime => {
                format!("an `exp` at most {max_lifetime} s behind `iat`, and ahead of now")
            }
            Self::Start => format!("`nbf` and `iat` not in the future, but for {leeway} s"),
            Self::Issuer => match issuer {
                Some(issuer) => format!("an `iss` that is `{issuer}`"),
                None => "any `iss`, or none".into(),
            },
            Self::Audience => match &**audience {
                [] => "any `aud`, or none".into(),
                audience => format!("an `aud` that is or has `{}`", audience.join("` or `")),
            },
            Self::Uid => format!("a `{uid_claim}`: text, or an integer"),
            Self::Subject if *match_subject && uid_claim != "sub" => {
                format!("a `sub` that is absent or the `{uid_claim}`")
            }
            Self::Subject => "any `sub`, or none".into(),
            Self::Expiry => format!("an `exp` in the future, or passed by less than {leeway} s"),
            Self::Owner => format!("a `{uid_claim}` that is the segment of the path"),
        }
    }

    /// The variables that change it.
    pub(crate) fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Key | Self::Signature => {
                &["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_PREVIOUS", "AUTH_GUARD_JWKS_URL"]
            }
            Self::Lifetime => &["AUTH_GUARD_MAX_LIFETIME", "AUTH_GUARD_LEEWAY"],
            Self::Start | Self::Expiry => &["AUTH_GUARD_LEEWAY"],
            Self::Issuer => &["AUTH_GUARD_ISSUER", "BETTER_AUTH_URL"],
            Self::Audience => &["AUTH_GUARD_AUDIENCE", "BETTER_AUTH_URL"],
            Self::Uid => &["AUTH_GUARD_UID_CLAIM"],
            Self::Subject => &["AUTH_GUARD_MATCH_SUBJECT"],
            Self::Field
            | Self::Token
            | Self::Segments
            | Self::HeaderObject
            | Self::Extensions
            | Self::Type
            | Self::KeyId
            | Self::Algorithm
            | Self::SignatureEncoding
            | Self::PayloadEncoding
            | Self::ClaimsObject
            | Self::ExpiryNumber
            | Self::StartNumbers
            | Self::Owner => &[],
        }
    }
}
