//! The checks that a request meets, in order. Events, explanations and tests call
//! them by the rule of the profile that each belongs to.

use std::borrow::Cow;

use crate::error::AuthError;

/// One check, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    Field,
    Credentials,
    Length,
    Segments,
    /// Only with several issuers.
    Choice,
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
    Bound,
    IdToken,
    Required,
    Expiry,
    Owner,
    Machine,
}

/// The check that a token failed, and the error it failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) check: Check,
    pub(crate) error: AuthError,
}

impl Check {
    /// The checks of a token, in the order in which they are made.
    pub(crate) const OF_A_TOKEN: [Self; 27] = [
        Self::Field,
        Self::Credentials,
        Self::Length,
        Self::Segments,
        Self::Choice,
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
        Self::Bound,
        Self::IdToken,
        Self::Required,
        Self::Expiry,
    ];

    /// Returns the number of the rule that the check belongs to (`docs/profile.md`).
    /// Rules 9 and 18 are orders, so no check is theirs.
    pub(crate) fn rule(self) -> u8 {
        match self {
            Self::Field => 1,
            Self::Credentials => 2,
            Self::Length => 3,
            Self::Segments | Self::SignatureEncoding | Self::PayloadEncoding => 4,
            Self::HeaderObject | Self::Extensions | Self::Type => 5,
            Self::KeyId => 6,
            Self::Algorithm | Self::Key => 7,
            Self::Signature => 8,
            Self::ClaimsObject => 10,
            Self::ExpiryNumber | Self::Expiry => 11,
            Self::Lifetime => 12,
            Self::StartNumbers | Self::Start => 13,
            Self::Issuer | Self::Audience | Self::Required => 14,
            Self::Uid => 15,
            Self::Subject => 16,
            Self::Owner => 17,
            Self::Bound => 19,
            Self::IdToken => 20,
            Self::Machine => 21,
            Self::Choice => 22,
        }
    }

    /// Returns the failure of this check with `error`.
    pub(crate) fn failed(self, error: AuthError) -> Failed {
        Failed { check: self, error }
    }

    /// Returns the failure of this check on a token that cannot be read.
    pub(crate) fn malformed(self) -> Failed {
        self.failed(AuthError::MalformedToken)
    }

    /// Returns the failure of this check on the claim of this name.
    pub(crate) fn invalid(self, claim: impl Into<Cow<'static, str>>) -> Failed {
        self.failed(AuthError::InvalidClaim(claim.into()))
    }
}
