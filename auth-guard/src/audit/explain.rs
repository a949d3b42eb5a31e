//! Beside the way: what the way of a token looks like, and which paths it opens.

use std::fmt;

use rocket::http::uri::Origin;
use rocket::{Rocket, Route};

use crate::audit::{Ignited, Policy, Survey};
use crate::error::AuthError;
use crate::token::check::Check;
use crate::token::claims::{Claims, Rules};

/// Why a token is accepted or refused: check by check, as the guards make them.
/// [`Verifier::explain`](crate::Verifier::explain) makes one.
///
/// ```rust
/// # use auth_guard::{AuthError, AuthGuard, Secret};
/// # use std::time::SystemTime;
/// # rocket::async_test(async {
/// let guard = AuthGuard::fairing().with_secret(Secret::random());
/// let verifier = guard.verifier(&rocket::Config::figment()).expect("a good configuration");
///
/// let explanation = verifier.explain("not.a.token", SystemTime::now()).await;
/// assert_eq!(explanation.refusal(), Some(&AuthError::MalformedToken));
/// println!("{explanation}");
/// # });
/// ```
///
/// Its `Display` is for a terminal. It has nothing of the token, the secret or the
/// claims in it, so that it can be put into a ticket.
#[derive(Clone, Debug)]
pub struct Explanation {
    rules: Rules,
    /// The check that failed.
    failed: Option<Check>,
    result: Result<Claims, AuthError>,
    /// The public keys that are held, or why there are none.
    public_keys: Option<String>,
    doors: Vec<Door>,
}

/// A route that a path leads to, and whether the token opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Door {
    /// `GET`, `POST`, …
    pub method: String,
    /// The full pattern of the route.
    pub uri: String,
    /// Who may call it.
    pub policy: Policy,
    /// Whether the token opens it.
    pub verdict: Verdict,
}

/// Whether a token opens a [`Door`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It does.
    Opens,
    /// The caller is not the owner; it does if this
    /// [`Exception`](crate::Exception) applies to them.
    OpensByException(&'static str),
    /// Nobody has said who may call the route: that is up to its handler.
    Undeclared,
    /// It does not, and this is why.
    Refused(AuthError),
}

impl Explanation {
    /// Of a way that ended with `result`, at this check.
    pub(crate) fn new(rules: &Rules, at: Check, result: Result<Claims, AuthError>) -> Self {
        Self {
            rules: rules.clone(),
            failed: result.is_err().then_some(at),
            result,
            public_keys: None,
            doors: Vec::new(),
        }
    }

    #[cfg(feature = "jwks")]
    pub(crate) fn with_public_keys(self, jwks: Option<&crate::keys::public::engine::Jwks>) -> Self {
        Self { public_keys: jwks.map(ToString::to_string), ..self }
    }

    /// Why the token is refused; `None` where it is accepted.
    pub fn refusal(&self) -> Option<&AuthError> {
        self.result.as_ref().err()
    }

    /// What the token says; `None` where it is refused.
    pub fn claims(&self) -> Option<&Claims> {
        self.result.as_ref().ok()
    }

    /// The rule of the verification profile that refuses the token.
    pub fn rule(&self) -> Option<u8> {
        self.failed.map(Check::rule)
    }

    /// The routes of an application that `path` leads to, and whether the token
    /// opens them: one of each method, the one that Rocket tries first.
    #[must_use]
    pub fn on_path<P: Ignited>(mut self, rocket: &Rocket<P>, path: &Origin<'_>) -> Self {
        let survey = Survey::of(rocket);
        let mut routes: Vec<_> = rocket.routes().filter(|route| leads_to(path, route)).collect();
        routes.sort_by_key(|route| (route.method.as_str(), route.rank));
        routes.dedup_by_key(|route| route.method);
        let doors = routes.into_iter().map(|route| self.door(path, route, survey.policy(route)));
        self.doors = doors.collect();
        self
    }

    /// Where [`Explanation::on_path`] leads to; empty where that is nowhere.
    pub fn doors(&self) -> &[Door] {
        &self.doors
    }

    fn door(&self, path: &Origin<'_>, route: &Route, policy: Policy) -> Door {
        let verdict = match (&policy, &self.result) {
            (Policy::Public | Policy::Exempt(_), _) => Verdict::Opens,
            (Policy::Undeclared | Policy::Unscoped, _) => Verdict::Undeclared,
            (Policy::Verified, Ok(_)) => Verdict::Opens,
            (Policy::Verified | Policy::Owner(_) | Policy::OwnerOr(..), Err(error)) => {
                Verdict::Refused(error.clone())
            }
            (Policy::Owner(param) | Policy::OwnerOr(param, _), Ok(claims)) => {
                match (segment(path, route, param).as_deref() == Some(claims.uid()), &policy) {
                    (true, _) => Verdict::Opens,
                    (false, Policy::OwnerOr(_, or)) => Verdict::OpensByException(or),
                    (false, _) => Verdict::Refused(AuthError::NotOwner),
                }
            }
        };
        Door { method: route.method.to_string(), uri: route.uri.to_string(), policy, verdict }
    }
}

/// Whether Rocket asks this route about a request for `path`: segments are compared
/// percent-decoded, and empty ones are passed over.
fn leads_to(path: &Origin<'_>, route: &Route) -> bool {
    let asked = path.path().segments();
    let mut pattern = route.uri.origin.path().raw_segments().map(|segment| segment.as_str());
    let is_dynamic = |segment: &str| segment.starts_with('<') && segment.ends_with('>');
    for asked in asked {
        match pattern.next() {
            Some(trailing) if trailing.ends_with("..>") => return true,
            Some(segment) if is_dynamic(segment) || segment == asked => {}
            _ => return false,
        }
    }
    pattern.next().is_none_or(|segment| segment.ends_with("..>"))
}

/// The segment of `path` that the pattern of this route calls `param`, as Rocket
/// hands it to handlers.
fn segment(path: &Origin<'_>, route: &Route, param: &str) -> Option<String> {
    let param = format!("<{param}>");
    let mut pattern = route.uri.origin.path().raw_segments();
    let position = pattern.position(|segment| segment.as_str() == param)?;
    path.path().segments().get(position).map(str::to_owned)
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_undecided = self.refusal() == Some(&AuthError::KeysUnavailable);
        for check in Check::OF_A_TOKEN {
            let mark = match self.failed {
                Some(failed) if check == failed && is_undecided => "NO KEY",
                Some(failed) if check == failed => "FAILED",
                Some(failed) if check > failed => "-",
                _ => "passed",
            };
            write!(f, "{mark:6}  rule {:2}  {}", check.rule(), check.asks_for(&self.rules))?;
            match check.settings() {
                settings if self.failed == Some(check) && !settings.is_empty() => {
                    writeln!(f, "  [{}]", settings.join(", "))?;
                }
                _ => writeln!(f)?,
            }
        }

        match &self.result {
            Ok(_) => writeln!(f, "The token is accepted.")?,
            Err(error) => {
                let verdict = if is_undecided { "neither accepted nor refused" } else { "refused" };
                let (status, code) = (error.status(), error.code());
                writeln!(f, "The token is {verdict}: {error}. {status} {code}.")?;
            }
        }
        if let (Some(Check::Key | Check::Signature), Some(keys)) = (self.failed, &self.public_keys)
        {
            writeln!(f, "Public keys: {keys}.")?;
        }
        if is_undecided {
            writeln!(
                f,
                "A copy of the issuer's keys will do: serve it on this machine, and set \
                 AUTH_GUARD_JWKS_URL to its address."
            )?;
        }
        self.doors.iter().try_for_each(|door| writeln!(f, "{door}"))
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, uri, policy, verdict } = self;
        write!(f, "{method} {uri} ({policy}): {verdict}")
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opens => f.write_str("opens"),
            Self::OpensByException(exception) => {
                write!(f, "opens if `{exception}` applies, for the caller is not the owner")
            }
            Self::Undeclared => f.write_str("as its handler decides"),
            Self::Refused(AuthError::NotOwner) => {
                let error = AuthError::NotOwner;
                write!(f, "{} {}, rule {}", error.status(), error.code(), Check::Owner.rule())
            }
            Self::Refused(error) => write!(f, "{} {}", error.status(), error.code()),
        }
    }
}
