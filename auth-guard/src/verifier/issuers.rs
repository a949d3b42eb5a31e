//! The issuers whose tokens are accepted, and which of them a token belongs to (rule 22).

use std::sync::Arc;

use crate::keys::Keys;
use crate::keys::public::{PublicKeys, SharedMemo};
use crate::token::bearer::BearerToken;
use crate::token::check::{Check, Failed};
use crate::token::choice::{claimed_issuer, claimed_type};
use crate::token::claims::Claims;
use crate::token::compact::Segments;
use crate::token::header::{Header, TokenType};
use crate::token::profile::Profile;

/// An issuer whose tokens are accepted: its keys, and what its tokens must say.
pub(crate) struct TrustedIssuer {
    /// The key of its table; `None` for the first.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) keys: Keys,
    pub(crate) profile: Profile,
}

/// All issuers: the first, and further ones with the same users.
pub(crate) struct Issuers {
    first: TrustedIssuer,
    further: Box<[TrustedIssuer]>,
    memo: SharedMemo,
}

impl TrustedIssuer {
    pub(crate) fn public_keys(&self) -> Option<&PublicKeys> {
        self.keys.public.as_ref()
    }

    /// Returns the claims of a public-key token that was verified before. Their times
    /// have to be checked again.
    pub(super) fn recall(&self, token: BearerToken<'_>) -> Option<Claims> {
        let public = self.public_keys()?;
        if token.as_str().split('.').next().is_some_and(Header::is_usual) {
            return None;
        }
        public.keep_fresh();
        public.recall(token.as_str())
    }

    /// Returns `true` if a token with this `iss` may be its own.
    fn is(&self, iss: &str) -> bool {
        self.profile.issuer.as_deref() == Some(iss)
    }
}

impl Issuers {
    /// `memo` is the one that all public keys share, each issuer by its place here.
    pub(crate) fn new(first: TrustedIssuer, further: Vec<TrustedIssuer>, memo: SharedMemo) -> Self {
        Self { first, further: further.into(), memo }
    }

    pub(crate) fn first(&self) -> &TrustedIssuer {
        &self.first
    }

    /// Returns the issuer of this name; the first has none.
    pub(crate) fn named(&self, name: Option<&str>) -> &TrustedIssuer {
        self.all().find(|issuer| issuer.name.as_deref() == name).unwrap_or(&self.first)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &TrustedIssuer> {
        std::iter::once(&self.first).chain(&self.further)
    }

    /// Returns `true` if there is only one issuer, so that nothing has to be chosen.
    #[inline]
    pub(crate) fn is_one(&self) -> bool {
        self.further.is_empty()
    }

    /// Returns the `iss` of each issuer of access tokens (RFC 9068), for clients.
    pub(crate) fn authorization_servers(&self) -> Vec<&str> {
        let of_access_tokens =
            |issuer: &&TrustedIssuer| issuer.profile.token_type == TokenType::AccessToken;
        let issuers = self.all().filter(of_access_tokens);
        issuers.filter_map(|issuer| issuer.profile.issuer.as_deref()).collect()
    }

    /// Lists each `iss` that chooses an issuer, for explanations.
    pub(crate) fn choice(&self) -> String {
        let name = |issuer: &TrustedIssuer| {
            let iss = issuer.profile.issuer.as_deref().unwrap_or_default();
            let typ = issuer.profile.token_type.name();
            match &issuer.name {
                Some(name) => format!("`{iss}` ({typ}, `{name}`)"),
                None => format!("`{iss}` ({typ})"),
            }
        };
        self.all().map(name).collect::<Vec<_>>().join(" or ")
    }

    /// Returns the one issuer whose keys and rules a token must pass. A token whose `iss`
    /// names none of them is refused.
    #[inline]
    pub(crate) fn of(&self, token: BearerToken<'_>) -> Result<&TrustedIssuer, Failed> {
        if self.is_one() { Ok(&self.first) } else { self.choose(token) }
    }

    fn choose(&self, token: BearerToken<'_>) -> Result<&TrustedIssuer, Failed> {
        // The text of a token decides its issuer, so a remembered token has the same one again.
        if let Some(known) = self.memo.issuer_of(token.as_str()) {
            return self.all().nth(known).ok_or(Check::Choice.invalid("iss"));
        }

        let segments = Segments::of(token).ok_or(Check::Segments.malformed())?;
        let iss = claimed_issuer(&segments).ok_or(Check::Choice.invalid("iss"))?;
        let mut named = self.all().filter(|issuer| issuer.is(&iss));
        let one = named.next().ok_or(Check::Choice.invalid("iss"))?;
        let Some(other) = named.next() else { return Ok(one) };
        // The launch refuses a third issuer with that `iss`, and a second with that type.
        let typ = claimed_type(&segments);
        Ok(if other.profile.token_type == typ { other } else { one })
    }
}
