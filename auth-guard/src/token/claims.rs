//! The claims of a verified token.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::json::Value;
use super::scopes::{self, Scopes};

/// The claims of a token that has passed every check. Only a
/// [`Verifier`](crate::Verifier) makes them.
///
/// A clone is cheap: it shares the text.
///
/// ```rust
/// use auth_guard::{AuthError, Verifier};
///
/// fn who(verifier: &Verifier, token: &str) -> Result<String, AuthError> {
///     let claims = verifier.verify(token, std::time::SystemTime::now())?;
///     Ok(claims.uid().to_owned())
/// }
/// ```
#[derive(Clone)]
pub struct Claims {
    json: Arc<str>,
    uid: Uid,
    times: Times,
    is_machine: bool,
    /// The name of the issuer; `None` for the first.
    issuer: Option<Arc<str>>,
    scopes: Scopes,
}

#[derive(Clone)]
enum Uid {
    /// A string without an escape: this range of the JSON text.
    Within(Range<usize>),
    /// An integer, or a string with an escape in it.
    Apart(Arc<str>),
}

/// The times of a token, in seconds since the epoch. They are checked again when a
/// result is remembered.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) exp: f64,
    pub(super) nbf: Option<f64>,
    pub(super) iat: Option<f64>,
}

/// The claims cannot be read as the type that was asked for.
///
/// It tells where, never what: neither its `Debug` nor its `Display` contains a claim's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsError {
    column: usize,
}

/// Wraps claims that have passed every check. `uid` was read from `json`.
///
/// It is not a function of `Claims`: rustc would suggest it to those who cannot call it.
pub(super) fn checked(
    json: &str,
    uid: Cow<'_, str>,
    times: Times,
    is_machine: bool,
    scopes: Scopes,
) -> Claims {
    let uid = match uid {
        Cow::Borrowed(uid) => {
            let start = uid.as_ptr().addr() - json.as_ptr().addr();
            Uid::Within(start..start + uid.len())
        }
        Cow::Owned(uid) => Uid::Apart(uid.into()),
    };
    Claims { json: json.into(), uid, times, is_machine, scopes, issuer: None }
}

impl Claims {
    /// Returns the user the token was issued to: the claim `uid`, or the claim that
    /// `AUTH_GUARD_UID_CLAIM` names. It is never empty and has no control characters.
    pub fn uid(&self) -> &str {
        match &self.uid {
            Uid::Within(range) => &self.json[range.clone()],
            Uid::Apart(uid) => uid,
        }
    }

    /// Returns `true` if the token is a program's own and no person's, such as one by the
    /// grant `client_credentials`. Guards refuse it, unless the route says `machines = true`.
    /// With some issuers it cannot be told: see rule 21 of the profile.
    pub fn is_machine(&self) -> bool {
        self.is_machine
    }

    /// Returns the name of the issuer whose token this is: the key of its table in
    /// `[auth_guard.issuers]`. Returns `None` for the first issuer, which the settings of
    /// `auth_guard` itself describe, and so always returns `None` if there is only one.
    ///
    /// The name is yours and not the token's. It never decides who the user is: all issuers
    /// name the same people.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Sets the name of the issuer whose token this is.
    pub(crate) fn of_issuer(self, name: Option<&Arc<str>>) -> Self {
        Self { issuer: name.cloned(), ..self }
    }

    /// Returns `true` if the token may be used for all of these OAuth scopes, which one space
    /// separates. If its issuer's scopes are `ignored`, it may be used for any.
    ///
    /// The guards check scopes by themselves. A [`Verifier`](crate::Verifier) does not, so
    /// code for other transports calls this.
    ///
    /// ```rust
    /// fn may_write(claims: &auth_guard::Claims) -> bool {
    ///     claims.allows_scopes("tasks:write")
    /// }
    /// ```
    pub fn allows_scopes(&self, needed: &str) -> bool {
        !self.enforces_scopes() || scopes::grant(Value::of(&self.json), needed)
    }

    /// Returns `true` if the token opens only what names scopes.
    pub(crate) fn enforces_scopes(&self) -> bool {
        self.scopes == Scopes::Enforced
    }

    /// Returns when the token expires, without leeway.
    pub fn expires_at(&self) -> SystemTime {
        // A time that the clock cannot represent has been refused, or has passed.
        let since = Duration::try_from_secs_f64(self.times.exp).unwrap_or_default();
        SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Reads all claims as the application's own type.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimsError`] if the verified claims do not have that shape.
    pub fn deserialize<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ClaimsError> {
        serde_json::from_str(&self.json).map_err(|error| ClaimsError { column: error.column() })
    }

    /// Returns `true` if the claim that `path` leads to is this string, or a list with it.
    pub(crate) fn has_at(&self, path: &[&str], value: &str) -> bool {
        let claim = path.iter().try_fold(Value::of(&self.json), |claim, name| claim.member(name));
        claim.is_some_and(|claim| claim.has_str(|text| text == value))
    }

    pub(super) fn times(&self) -> Times {
        self.times
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
