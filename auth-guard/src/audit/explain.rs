//! Not part of the pipeline: the checks of one token, and the routes that it opens.

use std::fmt;
use std::time::SystemTime;

use rocket::http::uri::Origin;
use rocket::{Rocket, Route};

use super::policy::{Policy, Requirements};
use super::survey::{Ignited, Survey};
use crate::error::AuthError;
use crate::route::pattern::Pattern;
use crate::token::bearer::BearerToken;
use crate::token::check::Check;
use crate::token::claims::Claims;
use crate::token::profile::Profile;
use crate::verifier::{Accepted, Refusal, Step, TrustedIssuer, Verifier};

/// Why a token is accepted or refused, check by check, as the guards make them.
/// [`Verifier::explain`](crate::Verifier::explain) makes one.
///
/// ```rust
/// # use auth_guard::{AuthError, AuthGuard, Secret};
/// # use std::time::SystemTime;
/// # rocket::async_test(async {
/// let guard = AuthGuard::fairing().with_secret(Secret::random());
/// let verifier = guard.verifier(&rocket::Config::figment()).expect("a valid configuration");
///
/// let explanation = verifier.explain("not.a.token", SystemTime::now()).await;
/// assert_eq!(explanation.refusal(), Some(&AuthError::MalformedToken));
/// println!("{explanation}");
/// # });
/// ```
///
/// Its `Display` is for a terminal. It contains nothing of the token, the secret or the
/// claims, so it can be put into a ticket.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What tokens must say of the issuer that this token claims to be from.
    pub(super) profile: Profile,
    /// What a token may say to choose an issuer; `None` if there is one issuer.
    pub(super) choice: Option<String>,
    /// The name of the issuer; `None` for the first.
    pub(super) issuer: Option<String>,
    /// The check that failed.
    pub(super) failed: Option<Check>,
    pub(super) result: Result<Claims, AuthError>,
    /// For each issuer with public keys, a heading such as "Public keys of `agents`", and the
    /// known keys, or why there are none.
    pub(super) public_keys: Vec<(String, String)>,
    pub(super) routes: Vec<RouteDecision>,
}

/// What the guards of one route decide about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteDecision {
    /// `GET`, `POST`, …
    pub method: String,
    /// The full pattern of the route.
    pub uri: String,
    /// Who may call it.
    pub policy: Policy,
    /// Whether the token opens it.
    pub decision: Decision,
    /// What decides, if the route refuses a valid token.
    because: Option<Because>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    Check(Check),
    /// The token lacks an OAuth scope that the route names.
    LacksScope,
    /// The token's OAuth scopes are enforced, and the route names none.
    NamesNoScope,
}

/// Whether a token opens a route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It does.
    Opens,
    /// It does if the application's own requirements are met. They are asked only about a
    /// request.
    Asks(Vec<&'static str>),
    /// Nothing is declared about the route: its handler decides.
    Undeclared,
    /// It does not, for this reason.
    Refused(AuthError),
}

impl Verifier {
    /// Explains, check by check, why `token` is accepted or refused as of `now`.
    ///
    /// It waits for an unknown public key as a request does.
    pub async fn explain(&self, token: &str, now: SystemTime) -> Explanation {
        let result = match BearerToken::new(token).map(|token| self.step_afresh(token, now)) {
            Ok(Step::Done(result)) => result,
            Ok(Step::NeedsKey(wanted)) => wanted.wait(|| now).await,
            Err(failed) => Err(failed.into()),
        };
        Explanation::new(self, result.map_err(|refusal| refusal.of_segments(token)))
    }

    /// Explains what came in the `Authorization` fields of one request, without waiting.
    #[cfg(feature = "testing")]
    pub(crate) fn explain_fields<'t>(
        &self,
        fields: impl Iterator<Item = &'t str>,
        now: SystemTime,
    ) -> Explanation {
        let result = match BearerToken::from_fields(fields).map(|t| self.step_afresh(t, now)) {
            Ok(Step::Done(result)) => result,
            Ok(Step::NeedsKey(wanted)) => wanted.resume(now),
            Err(failed) => Err(failed.into()),
        };
        Explanation::new(self, result)
    }
}

impl Refusal {
    /// Names the number of segments as the cause, if that is wrong. A request is refused later,
    /// when the dots are found in the payload or the encrypted token has no key.
    fn of_segments(mut self, token: &str) -> Self {
        let is_decided = self.error != AuthError::KeysUnavailable;
        if is_decided && self.check > Check::Segments && token.split('.').count() != 3 {
            self.check = Check::Segments;
        }
        self
    }
}

impl Explanation {
    fn new(verifier: &Verifier, result: Result<Accepted, Refusal>) -> Self {
        let issuers = verifier.issuers();
        let name = match &result {
            Ok(accepted) => accepted.claims.issuer(),
            Err(refusal) => refusal.issuer.as_deref(),
        };
        let issuer = issuers.named(name);
        Self {
            profile: issuer.profile.clone(),
            choice: (!issuers.is_one()).then(|| issuers.choice()),
            issuer: name.map(str::to_owned),
            failed: result.as_ref().err().map(|refusal| refusal.check),
            result: match result {
                Ok(accepted) => Ok(accepted.claims),
                Err(refusal) => Err(refusal.error),
            },
            public_keys: issuers.all().filter_map(named_keys).collect(),
            routes: Vec::new(),
        }
    }

    /// Returns why the token is refused, or `None` if it is accepted.
    pub fn refusal(&self) -> Option<&AuthError> {
        self.result.as_ref().err()
    }

    /// Returns the claims of the token, or `None` if it is refused.
    pub fn claims(&self) -> Option<&Claims> {
        self.result.as_ref().ok()
    }

    /// Returns the number of the rule that refuses the token (`docs/profile.md`).
    pub fn rule(&self) -> Option<u8> {
        self.failed.map(Check::rule)
    }

    /// Adds the routes of an application that `path` leads to, and whether the token
    /// opens them: for each method, the route that Rocket tries first.
    #[must_use]
    pub fn on_path<P: Ignited>(mut self, rocket: &Rocket<P>, path: &Origin<'_>) -> Self {
        let survey = Survey::of(rocket);
        let leads = |route: &&Route| Pattern::mounted(route).leads_to(path.path().segments());
        let mut routes: Vec<_> = rocket.routes().filter(leads).collect();
        routes.sort_by_key(|route| (route.method.as_str(), route.rank));
        routes.dedup_by_key(|route| route.method);
        let decided = routes.into_iter().map(|route| self.decide(path, route, &survey));
        self.routes = decided.collect();
        self
    }

    /// Returns the routes that [`Explanation::on_path`] has found.
    pub fn routes(&self) -> &[RouteDecision] {
        &self.routes
    }

    fn decide(&self, path: &Origin<'_>, route: &Route, survey: &Survey<'_>) -> RouteDecision {
        let policy = survey.policy(route);
        let decided = match (&self.result, &policy) {
            (_, Policy::Exempt(_) | Policy::Public) => Ok(Decision::Opens),
            (_, Policy::Undeclared | Policy::Unscoped) => Ok(Decision::Undeclared),
            (Err(error), Policy::Requires(_)) => Ok(Decision::Refused(error.clone())),
            (Ok(claims), Policy::Requires(requirements)) => {
                decided(path, route, claims, requirements)
            }
        };
        let (decision, because) = match decided {
            Ok(decision) => (decision, None),
            Err(because) => (Decision::Refused(because.error()), Some(because)),
        };
        let (method, uri) = (route.method.to_string(), route.uri.to_string());
        RouteDecision { method, uri, policy, decision, because }
    }
}

fn named_keys(issuer: &TrustedIssuer) -> Option<(String, String)> {
    let of = issuer.name.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default();
    Some((format!("Public keys{of}"), issuer.public_keys()?.to_string()))
}

/// Decides as the guards do, as far as that is possible without a request.
fn decided(
    path: &Origin<'_>,
    route: &Route,
    claims: &Claims,
    requirements: &Requirements,
) -> Result<Decision, Because> {
    if claims.is_machine() && !requirements.machines {
        return Err(Because::Check(Check::Machine));
    }

    let is_other =
        |owner: &String| claims.is_machine() || segment(path, route, owner) != Some(claims.uid());
    let mut asks = Vec::new();
    if requirements.owner.as_ref().is_some_and(is_other) {
        match requirements.owner_or {
            Some(or) => asks.push(or),
            None => return Err(Because::Check(Check::Owner)),
        }
    }
    asks.extend(requirements.scope.as_ref().map(|scope| scope.by));
    asks.extend(&requirements.requirements);
    if claims.enforces_scopes() && requirements.oauth_scopes.is_empty() {
        return Err(Because::NamesNoScope);
    }
    if !requirements.oauth_scopes.iter().all(|scope| claims.allows_scopes(scope)) {
        return Err(Because::LacksScope);
    }
    Ok(if asks.is_empty() { Decision::Opens } else { Decision::Asks(asks) })
}

/// Returns the segment of `path` that the pattern of this route calls `param`, as Rocket
/// hands it to handlers.
fn segment<'p>(path: &'p Origin<'_>, route: &Route, param: &str) -> Option<&'p str> {
    path.path().segments().get(Pattern::mounted(route).position(param)?)
}

impl Because {
    fn error(self) -> AuthError {
        match self {
            Self::Check(Check::Owner) => AuthError::NotOwner,
            Self::Check(_) | Self::NamesNoScope => AuthError::NotAllowed,
            Self::LacksScope => AuthError::InsufficientScope,
        }
    }
}

impl fmt::Display for RouteDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, uri, policy, decision, because } = self;
        write!(f, "{method} {uri} ({policy}): {decision}")?;
        match because {
            None => Ok(()),
            Some(Because::Check(check)) => write!(f, ", rule {}", check.rule()),
            Some(Because::LacksScope) => f.write_str(", the token lacks a scope"),
            Some(Because::NamesNoScope) => f.write_str(", the route names no scope"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opens => f.write_str("opens"),
            Self::Asks(requirements) => write!(f, "opens if met: {}", requirements.join(", ")),
            Self::Undeclared => f.write_str("as its handler decides"),
            Self::Refused(error) => write!(f, "{} {}", error.status(), error.code()),
        }
    }
}
