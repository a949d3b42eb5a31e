//! Step 4: signature → claims.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::error::AuthError;
use crate::json::{Object, Value};

/// The claims of a token that has passed every check. Only a
/// [`Verifier`](crate::Verifier) makes one.
///
/// A clone is cheap: it is the same claims.
#[derive(Clone)]
pub struct Claims(Arc<Checked>);

struct Checked {
    uid: String,
    times: Times,
    json: Vec<u8>,
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
#[derive(Debug)]
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
        &self.0.uid
    }

    /// When the token expires, without leeway.
    pub fn expires_at(&self) -> SystemTime {
        system_time(self.0.times.exp)
    }

    /// Reads all claims as the application's own type.
    ///
    /// # Errors
    ///
    /// [`ClaimsError`] when the verified claims do not have that shape.
    pub fn claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ClaimsError> {
        serde_json::from_slice(&self.0.json).map_err(|error| ClaimsError { column: error.column() })
    }

    /// In bytes, without what surrounds them.
    #[cfg(feature = "jwks")]
    pub(crate) fn size(&self) -> usize {
        self.0.uid.len() + self.0.json.len()
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
    pub(crate) fn check(&self, payload: Vec<u8>, now: SystemTime) -> Result<Claims, AuthError> {
        let claims = Object::parse(&payload).ok_or(AuthError::MalformedToken)?;

        let times = Times::read(&claims)?;
        let now = seconds(now);
        self.check_times(times, now)?;
        self.check_issuer_and_audience(&claims)?;
        let uid = self.check_identity(&claims)?;
        self.check_expiry(times, now)?;

        Ok(Claims(Arc::new(Checked { uid, times, json: payload })))
    }

    /// Checks what changes with the time: all else has been found good before.
    #[cfg(feature = "jwks")]
    pub(crate) fn check_again(&self, claims: Claims, now: SystemTime) -> Result<Claims, AuthError> {
        let (times, now) = (claims.0.times, seconds(now));
        self.check_times(times, now)?;
        self.check_expiry(times, now)?;
        Ok(claims)
    }

    /// Seconds are floating point throughout: they saturate, and around the
    /// present they are exact to a quarter of a microsecond.
    fn check_times(&self, Times { exp, nbf, iat }: Times, now: f64) -> Result<(), AuthError> {
        let (leeway, max_lifetime) = (f64::from(self.leeway), f64::from(self.max_lifetime));

        // A token cannot be revoked, so its life is bounded here and not only
        // by the issuer's good will.
        if exp - now > max_lifetime + leeway || iat.is_some_and(|iat| exp - iat > max_lifetime) {
            return Err(invalid("exp"));
        }

        if nbf.is_some_and(|nbf| nbf > now + leeway) || iat.is_some_and(|iat| iat > now + leeway) {
            return Err(AuthError::NotYetValid);
        }

        Ok(())
    }

    fn check_expiry(&self, times: Times, now: f64) -> Result<(), AuthError> {
        let is_alive = now < times.exp + f64::from(self.leeway);
        if is_alive { Ok(()) } else { Err(AuthError::Expired) }
    }

    fn check_issuer_and_audience(&self, claims: &Object<'_>) -> Result<(), AuthError> {
        if let Some(issuer) = &self.issuer {
            let iss = claims.get("iss").and_then(Value::as_str);
            iss.filter(|iss| iss == issuer).ok_or(invalid("iss"))?;
        }

        if !self.audience.is_empty() {
            let aud = claims.get("aud").and_then(Value::as_strings);
            aud.filter(|aud| aud.iter().any(|aud| self.audience.iter().any(|ours| ours == aud)))
                .ok_or(invalid("aud"))?;
        }

        Ok(())
    }

    /// No other claim ever stands in for the `uid`: Better Auth signs e-mail
    /// and cookie JWTs with the same secret, and this keeps them out.
    fn check_identity(&self, claims: &Object<'_>) -> Result<String, AuthError> {
        let uid = claims
            .get(&self.uid_claim)
            .and_then(|uid| uid.as_integer().or_else(|| uid.as_str().map(Cow::into_owned)))
            .filter(|uid| !uid.is_empty() && !uid.contains(char::is_control))
            .ok_or_else(|| AuthError::InvalidClaim(self.uid_claim.clone().into()))?;

        // Better Auth spreads user columns over its default payload, so a column
        // named `uid` that a caller may set would let the caller choose who to be.
        if self.match_subject && self.uid_claim != "sub" {
            let subject = claims.get("sub");
            if subject.is_some_and(|sub| sub.as_str().as_deref() != Some(uid.as_str())) {
                return Err(invalid("sub"));
            }
        }

        Ok(uid)
    }
}

impl Times {
    fn read(claims: &Object<'_>) -> Result<Self, AuthError> {
        Ok(Self {
            exp: numeric_date(claims, "exp")?.ok_or(invalid("exp"))?,
            nbf: numeric_date(claims, "nbf")?,
            iat: numeric_date(claims, "iat")?,
        })
    }
}

/// A `NumericDate` (RFC 7519 section 2), if the claim is there.
fn numeric_date(claims: &Object<'_>, name: &'static str) -> Result<Option<f64>, AuthError> {
    claims.get(name).map(|value| value.as_number().ok_or(invalid(name))).transpose()
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
