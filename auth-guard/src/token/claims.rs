//! Step 4: signature → claims.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::error::AuthError;
use crate::token::check::{Check, Trace};
use crate::token::json::{self, Members, Value};

/// The claims of a token that has passed every check. Only a
/// [`Verifier`](crate::Verifier) makes one.
///
/// A clone is cheap: it is the same claims.
#[derive(Clone)]
pub struct Claims {
    json: Arc<str>,
    uid: Uid,
    times: Times,
}

#[derive(Clone)]
enum Uid {
    /// As it stands in the JSON text.
    Within(Range<usize>),
    /// An integer, or with an escape in it.
    Apart(Arc<str>),
}

/// What the checks of time want to know again when a result is remembered.
#[derive(Clone, Copy)]
struct Times {
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
}

/// The claims cannot be read as the type that was asked for.
///
/// It tells where, never what: no claim value is in its `Debug` or `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsError {
    column: usize,
}

/// What a token must say, as of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) uid_claim: String,
    pub(crate) match_subject: bool,
    pub(crate) leeway: u32,
    pub(crate) max_lifetime: u32,
}

impl Claims {
    /// Who the token was issued to: the claim `uid`, or the one that
    /// `AUTH_GUARD_UID_CLAIM` names. Never empty, never a control character.
    pub fn uid(&self) -> &str {
        match &self.uid {
            Uid::Within(range) => &self.json[range.clone()],
            Uid::Apart(uid) => uid,
        }
    }

    /// When the token expires, without leeway.
    pub fn expires_at(&self) -> SystemTime {
        system_time(self.times.exp)
    }

    /// Reads all claims as the application's own type.
    ///
    /// # Errors
    ///
    /// [`ClaimsError`] when the verified claims do not have that shape.
    pub fn claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ClaimsError> {
        serde_json::from_str(&self.json).map_err(|error| ClaimsError { column: error.column() })
    }

    /// In bytes, without what surrounds them.
    #[cfg(feature = "jwks")]
    pub(crate) fn size(&self) -> usize {
        self.uid().len() + self.json.len()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(..)")
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the claims do not fit the type asked for (at column {})", self.column)
    }
}

impl std::error::Error for ClaimsError {}

impl Rules {
    /// Checks a signed payload as of `now` (RFC 7519 section 4.1).
    ///
    /// Expiry comes last: it is reported only when a fresh token from the same
    /// issuer would have been accepted, so that a client's refresh loop ends.
    pub(crate) fn check(
        &self,
        payload: &[u8],
        now: SystemTime,
        trace: &mut impl Trace,
    ) -> Result<Claims, AuthError> {
        trace.reach(Check::ClaimsObject);
        let json = std::str::from_utf8(payload).map_err(|_| AuthError::MalformedToken)?;
        let claims = Payload::read(json, &self.uid_claim).ok_or(AuthError::MalformedToken)?;

        let times = Times::read(&claims, trace)?;
        let now = seconds(now);
        self.check_times(times, now, trace)?;
        self.check_issuer_and_audience(&claims, trace)?;
        let uid = self.check_identity(&claims, trace)?;
        self.check_expiry(times, now, trace)?;

        Ok(Claims { uid: Uid::of(uid, json), times, json: json.into() })
    }

    /// Checks what changes with the time: all else has been found good before.
    #[cfg(feature = "jwks")]
    pub(crate) fn check_again(
        &self,
        claims: Claims,
        now: SystemTime,
        trace: &mut impl Trace,
    ) -> Result<Claims, AuthError> {
        let (times, now) = (claims.times, seconds(now));
        self.check_times(times, now, trace)?;
        self.check_expiry(times, now, trace)?;
        Ok(claims)
    }

    /// Seconds are floating point throughout: they saturate, and around the
    /// present they are exact to a quarter of a microsecond.
    fn check_times(
        &self,
        Times { exp, nbf, iat }: Times,
        now: f64,
        trace: &mut impl Trace,
    ) -> Result<(), AuthError> {
        let (leeway, max_lifetime) = (f64::from(self.leeway), f64::from(self.max_lifetime));

        trace.reach(Check::Lifetime);
        // A token cannot be revoked, so its life is bounded here and not only
        // by the issuer's good will.
        if exp - now > max_lifetime + leeway || iat.is_some_and(|iat| exp - iat > max_lifetime) {
            return Err(invalid("exp"));
        }

        trace.reach(Check::Start);
        if nbf.is_some_and(|nbf| nbf > now + leeway) || iat.is_some_and(|iat| iat > now + leeway) {
            return Err(AuthError::NotYetValid);
        }

        Ok(())
    }

    fn check_expiry(
        &self,
        times: Times,
        now: f64,
        trace: &mut impl Trace,
    ) -> Result<(), AuthError> {
        trace.reach(Check::Expiry);
        let is_alive = now < times.exp + f64::from(self.leeway);
        if is_alive { Ok(()) } else { Err(AuthError::Expired) }
    }

    fn check_issuer_and_audience(
        &self,
        claims: &Payload<'_>,
        trace: &mut impl Trace,
    ) -> Result<(), AuthError> {
        trace.reach(Check::Issuer);
        if let Some(issuer) = &self.issuer {
            let iss = claims.iss.and_then(Value::as_str);
            iss.filter(|iss| iss == issuer).ok_or(invalid("iss"))?;
        }

        trace.reach(Check::Audience);
        if !self.audience.is_empty() {
            let is_ours = |aud: &str| self.audience.iter().any(|ours| ours == aud);
            claims.aud.filter(|aud| aud.has_str(is_ours)).ok_or(invalid("aud"))?;
        }

        Ok(())
    }

    /// No other claim ever stands in for the `uid`: Better Auth signs e-mail
    /// and cookie JWTs with the same secret, and this keeps them out.
    fn check_identity<'p>(
        &self,
        claims: &Payload<'p>,
        trace: &mut impl Trace,
    ) -> Result<Cow<'p, str>, AuthError> {
        trace.reach(Check::Uid);
        let uid = claims
            .uid
            .and_then(|uid| uid.as_integer().map(Cow::Owned).or_else(|| uid.as_str()))
            .filter(|uid| !uid.is_empty() && !has_control(uid))
            .ok_or_else(|| AuthError::InvalidClaim(self.uid_claim.clone().into()))?;

        trace.reach(Check::Subject);
        // Better Auth spreads user columns over its default payload, so a column
        // named `uid` that a caller may set would let the caller choose who to be.
        let is_other = |sub: Value<'_>| sub.as_str().as_deref() != Some(&*uid);
        if self.match_subject && self.uid_claim != "sub" && claims.sub.is_some_and(is_other) {
            return Err(invalid("sub"));
        }

        Ok(uid)
    }
}

impl Times {
    fn read(claims: &Payload<'_>, trace: &mut impl Trace) -> Result<Self, AuthError> {
        trace.reach(Check::ExpiryNumber);
        let exp = numeric_date(claims.exp, "exp")?.ok_or(invalid("exp"))?;

        trace.reach(Check::StartNumbers);
        let (nbf, iat) = (numeric_date(claims.nbf, "nbf")?, numeric_date(claims.iat, "iat")?);
        Ok(Self { exp, nbf, iat })
    }
}

/// The claims that decide anything, as they stand in the payload.
struct Payload<'a> {
    uid_claim: &'a str,
    uid: Option<Value<'a>>,
    sub: Option<Value<'a>>,
    iss: Option<Value<'a>>,
    aud: Option<Value<'a>>,
    exp: Option<Value<'a>>,
    nbf: Option<Value<'a>>,
    iat: Option<Value<'a>>,
}

impl<'a> Payload<'a> {
    fn read(json: &'a str, uid_claim: &'a str) -> Option<Self> {
        let (uid, sub, iss, aud, exp, nbf, iat) = (None, None, None, None, None, None, None);
        let mut payload = Self { uid_claim, uid, sub, iss, aud, exp, nbf, iat };
        json::read(json, &mut payload).map(|()| payload)
    }
}

impl<'a> Members<'a> for Payload<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<Value<'a>>> {
        match name {
            "iss" => Some(&mut self.iss),
            "aud" => Some(&mut self.aud),
            "exp" => Some(&mut self.exp),
            "nbf" => Some(&mut self.nbf),
            "iat" => Some(&mut self.iat),
            name if name == self.uid_claim => Some(&mut self.uid),
            "sub" => Some(&mut self.sub),
            _ => None,
        }
    }
}

impl Uid {
    fn of(uid: Cow<'_, str>, json: &str) -> Self {
        match uid {
            Cow::Borrowed(uid) => {
                let start = uid.as_ptr().addr() - json.as_ptr().addr();
                Self::Within(start..start + uid.len())
            }
            Cow::Owned(uid) => Self::Apart(uid.into()),
        }
    }
}

/// Looked for among ASCII first, where that is a matter of a few vector instructions.
fn has_control(text: &str) -> bool {
    let is_graphic = text.bytes().fold(true, |all, byte| all & (b' '..=b'~').contains(&byte));
    !is_graphic && text.contains(char::is_control)
}

/// A `NumericDate` (RFC 7519 section 2), if the claim is there.
fn numeric_date(claim: Option<Value<'_>>, name: &'static str) -> Result<Option<f64>, AuthError> {
    claim.map(|value| value.as_number().ok_or(invalid(name))).transpose()
}

fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// The inverse; a time outside the clock's range has been refused or has passed.
fn system_time(seconds: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn invalid(claim: &'static str) -> AuthError {
    AuthError::InvalidClaim(claim.into())
}
