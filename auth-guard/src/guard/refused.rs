//! A refusal, on its way from the check that failed to the answer.

use std::sync::Arc;

use super::verified::Verified;
use crate::error::AuthError;
use crate::keys::public::PublicKey;
use crate::token::check::Check;
use crate::verifier::Refusal;

/// Why a guard refuses: the error, for the answer; the rest, for the event.
#[derive(Clone)]
pub(super) struct Refused {
    pub(super) error: AuthError,
    pub(super) check: Option<Check>,
    pub(super) key: Option<Arc<PublicKey>>,
    /// The name of the issuer that the token claims to be from; `None` for the first.
    pub(super) issuer: Option<Arc<str>>,
    /// The requirement or scope that was not met, or gave no answer.
    pub(super) requirement: Option<&'static str>,
    /// `true` if the token's OAuth scopes are the reason.
    pub(super) is_by_scopes: bool,
}

impl Refused {
    /// Refuses a caller whose token is valid.
    pub(super) fn of(caller: &Verified, error: AuthError) -> Self {
        let (key, issuer) = (caller.public_key().cloned(), caller.issuer().map(Into::into));
        Self { key, issuer, ..error.into() }
    }
}

impl From<Refusal> for Refused {
    fn from(Refusal { check, error, key, issuer }: Refusal) -> Self {
        Self { check: Some(check), key, issuer, ..error.into() }
    }
}

impl From<AuthError> for Refused {
    fn from(error: AuthError) -> Self {
        Self { error, check: None, key: None, issuer: None, requirement: None, is_by_scopes: false }
    }
}
