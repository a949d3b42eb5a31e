//! Step 4: signed payload → claims. What an issuer's tokens must say.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use super::check::{Check, Failed};
use super::claims::{Claims, Times, checked};
use super::header::TokenType;
use super::json::Value;
use super::payload::{Kind, Payload, Slot};
use super::scopes::Scopes;
use crate::error::AuthError;

/// What the tokens of one issuer must say, as configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    pub(crate) token_type: TokenType,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) audience_claim: AudienceClaim,
    pub(crate) uid_claim: String,
    pub(crate) match_subject: bool,
    pub(crate) leeway: u32,
    pub(crate) max_lifetime: u32,
    /// Claims that must have one of these values.
    pub(crate) require: Vec<(String, Vec<Expected>)>,
    /// Claims that must be there.
    pub(crate) required_claims: Vec<String>,
    /// `true` if ID tokens are accepted.
    pub(crate) id_tokens: bool,
    pub(crate) scopes: Scopes,
}

/// The claim that says for whom a token is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AudienceClaim {
    #[default]
    Aud,
    ClientId,
    Azp,
}

/// A value that a claim may be required to have, or to contain if it is a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Text(String),
    Flag(bool),
    Integer(i64),
}

impl AudienceClaim {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aud => "aud",
            Self::ClientId => "client_id",
            Self::Azp => "azp",
        }
    }
}

impl Profile {
    /// Checks a signed payload as of `now` (RFC 7519 section 4.1).
    ///
    /// Expiry comes last: it is reported only if a fresh token from the same issuer
    /// would be accepted, so that a client's refresh loop ends.
    pub(crate) fn check(&self, payload: &[u8], now: SystemTime) -> Result<Claims, Failed> {
        let json = std::str::from_utf8(payload).map_err(|_| Check::ClaimsObject.malformed())?;
        let mut claims = Payload::new(&self.uid_claim);
        claims.read(json).ok_or(Check::ClaimsObject.malformed())?;

        let times = read_times(&claims)?;
        let now = seconds(now);
        self.check_times(times, now)?;
        self.check_issuer(&claims)?;
        self.check_audience(&claims)?;
        let uid = self.check_uid(&claims)?;
        self.check_subject(&claims, &uid)?;
        let kind = claims.kind();
        self.check_kind(&kind)?;
        self.check_required(&claims)?;
        self.check_expiry(times, now)?;

        // A `sub` that was compared with the uid says no more than that.
        let sub = if self.matches_subject() { None } else { claims.slot(Slot::Sub) };
        let is_machine = is_machine(&kind, &uid, sub.and_then(Value::as_str).as_deref());
        Ok(checked(json, uid, times, is_machine, self.scopes))
    }

    /// Checks the times of claims that have passed every check before: nothing else
    /// about them can change.
    pub(crate) fn check_again(&self, claims: &Claims, now: SystemTime) -> Result<(), Failed> {
        let (times, now) = (claims.times(), seconds(now));
        self.check_times(times, now)?;
        self.check_expiry(times, now)
    }

    /// Returns `true` if `sub` must equal the uid.
    pub(crate) fn matches_subject(&self) -> bool {
        self.match_subject && self.uid_claim != "sub"
    }

    /// Seconds are floating point throughout: they saturate, and around the
    /// present they are exact to a quarter of a microsecond.
    fn check_times(&self, Times { exp, nbf, iat }: Times, now: f64) -> Result<(), Failed> {
        let (leeway, max_lifetime) = (f64::from(self.leeway), f64::from(self.max_lifetime));

        // A token cannot be revoked, so its life is bounded here and not only
        // by the issuer's good will.
        if exp - now > max_lifetime + leeway || iat.is_some_and(|iat| exp - iat > max_lifetime) {
            return Err(Check::Lifetime.invalid("exp"));
        }
        if nbf.is_some_and(|nbf| nbf > now + leeway) || iat.is_some_and(|iat| iat > now + leeway) {
            return Err(Check::Start.failed(AuthError::NotYetValid));
        }
        Ok(())
    }

    fn check_expiry(&self, times: Times, now: f64) -> Result<(), Failed> {
        match now < times.exp + f64::from(self.leeway) {
            true => Ok(()),
            false => Err(Check::Expiry.failed(AuthError::Expired)),
        }
    }

    fn check_issuer(&self, claims: &Payload<'_>) -> Result<(), Failed> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        let iss = claims.slot(Slot::Iss).and_then(Value::as_str);
        iss.filter(|iss| iss == issuer).map(drop).ok_or_else(|| Check::Issuer.invalid("iss"))
    }

    /// A token without `aud` says in another claim for whom it is; one that has it all the
    /// same must name one of ours in both.
    fn check_audience(&self, claims: &Payload<'_>) -> Result<(), Failed> {
        if self.audience.is_empty() {
            return Ok(());
        }

        let is_ours = |aud: &str| self.audience.iter().any(|ours| ours == aud);
        let aud = claims.slot(Slot::Aud).map(|aud| aud.has_str(is_ours));
        let other = match self.audience_claim {
            AudienceClaim::Aud => aud,
            AudienceClaim::ClientId | AudienceClaim::Azp => {
                let claim = claims.get(self.audience_claim.name());
                claim.map(|claim| claim.as_str().is_some_and(|text| is_ours(&text)))
            }
        };
        match (aud, other) {
            (None | Some(true), Some(true)) => Ok(()),
            (Some(false), _) => Err(Check::Audience.invalid("aud")),
            (_, None | Some(false)) => Err(Check::Audience.invalid(self.audience_claim.name())),
        }
    }

    /// No other claim ever stands in for the uid: Better Auth signs e-mail and
    /// cookie JWTs with the same secret, and this check keeps them out.
    fn check_uid<'p>(&self, claims: &Payload<'p>) -> Result<Cow<'p, str>, Failed> {
        let uid = claims.slot(Slot::Uid);
        if let Some(uid) = uid.and_then(Value::as_plain_str) {
            return Ok(Cow::Borrowed(uid));
        }
        uid.and_then(|uid| uid.as_str().or_else(|| uid.as_integer().map(Cow::Owned)))
            .filter(|uid| !uid.is_empty() && !uid.contains(char::is_control))
            .ok_or_else(|| Check::Uid.invalid(self.uid_claim.clone()))
    }

    /// Better Auth spreads user columns over its default payload, so a column named
    /// `uid` that a caller may set would let the caller choose who to be.
    fn check_subject(&self, claims: &Payload<'_>, uid: &str) -> Result<(), Failed> {
        let Some(sub) = claims.slot(Slot::Sub).filter(|_| self.matches_subject()) else {
            return Ok(());
        };
        // Mostly they are written alike, and then nothing has to be decoded.
        let is_same = claims.slot(Slot::Uid).is_some_and(|uid| sub.is_same_str(uid));
        match is_same || sub.as_str().as_deref() == Some(uid) {
            true => Ok(()),
            false => Err(Check::Subject.invalid("sub")),
        }
    }

    /// A token that is bound to a key must not be accepted from a bearer, nor an ID token as
    /// an access token.
    fn check_kind(&self, kind: &Kind<'_>) -> Result<(), Failed> {
        if kind.is_bound {
            return Err(Check::Bound.invalid("cnf"));
        }
        match kind.of_id_token.filter(|_| !self.id_tokens) {
            Some(name) => Err(Check::IdToken.invalid(name)),
            None => Ok(()),
        }
    }

    fn check_required(&self, claims: &Payload<'_>) -> Result<(), Failed> {
        if self.token_type == TokenType::AccessToken {
            // RFC 9068 section 2.2; some issuers write `azp` for `client_id`.
            let missing = ["sub", "iat", "jti"].into_iter().find(|name| claims.get(name).is_none());
            let client = || claims.get("client_id").or_else(|| claims.get("azp"));
            let missing = missing.or_else(|| client().is_none().then_some("client_id"));
            if let Some(name) = missing {
                return Err(Check::Required.invalid(name));
            }
        }

        let is_absent = |name: &&String| claims.get(name).is_none();
        if let Some(name) = self.required_claims.iter().find(is_absent) {
            return Err(Check::Required.invalid(name.clone()));
        }
        let is_other = |(name, expected): &&(String, Vec<Expected>)| {
            !claims.get(name).is_some_and(|claim| expected.iter().any(|one| one.is(claim)))
        };
        match self.require.iter().find(is_other) {
            Some((name, _)) => Err(Check::Required.invalid(name.clone())),
            None => Ok(()),
        }
    }
}

impl Expected {
    fn is(&self, claim: Value<'_>) -> bool {
        claim.any(|value| match self {
            Self::Text(text) => value.as_str().as_deref() == Some(text),
            Self::Flag(flag) => value.as_bool() == Some(*flag),
            Self::Integer(integer) => value.as_integer() == Some(integer.to_string()),
        })
    }
}

#[cfg(feature = "testing")]
impl Expected {
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Integer(integer) => (*integer).into(),
        }
    }
}

/// As it is written in the settings.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Flag(flag) => flag.fmt(f),
            Self::Integer(integer) => integer.fmt(f),
        }
    }
}

/// Returns `true` if the token is a program's own and no person's (rule 21).
fn is_machine(kind: &Kind<'_>, uid: &str, sub: Option<&str>) -> bool {
    let has = |claim: Option<Value<'_>>, is_such: &dyn Fn(&str) -> bool| {
        claim.and_then(Value::as_str).is_some_and(|text| is_such(&text))
    };
    let is_name = |client: &str| client == uid || sub == Some(client);
    has(kind.client_id, &is_name)
        || has(kind.azp, &is_name)
        || uid.ends_with("@clients")
        || sub.is_some_and(|sub| sub.ends_with("@clients"))
        || has(kind.gty, &|gty| gty == "client-credentials")
        || has(kind.idtyp, &|idtyp| idtyp == "app")
}

/// Reads the times, each a `NumericDate` (RFC 7519 section 2).
fn read_times(claims: &Payload<'_>) -> Result<Times, Failed> {
    let read = |slot, check: Check, name: &'static str| {
        let claim = claims.slot(slot);
        claim.map(|claim| claim.as_number().ok_or_else(|| check.invalid(name))).transpose()
    };
    let exp = read(Slot::Exp, Check::ExpiryNumber, "exp")?;
    let exp = exp.ok_or_else(|| Check::ExpiryNumber.invalid("exp"))?;
    let nbf = read(Slot::Nbf, Check::StartNumbers, "nbf")?;
    let iat = read(Slot::Iat, Check::StartNumbers, "iat")?;
    Ok(Times { exp, nbf, iat })
}

fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}
