//! The hostile list against every guarded route of an application.

mod callers;
mod report;
mod requests;
mod sending;
mod target;
mod unmet;

use std::collections::{BTreeMap, BTreeSet};

use rocket::Route;
use rocket::http::Method;
use rocket::local::blocking::Client;
use rocket::serde::Serialize;

use self::callers::Callers;
pub use self::report::AttackReport;
use self::report::{Outcome, Row};
use self::requests::{Attempt, OWNER, Plan};
use self::sending::{is_due, send};
use self::target::Target;
use super::answer::due;
use super::hostile::HostileRequest;
use super::issuer::Issuer;
use crate::audit::{Policy, Requirements, Survey};
use crate::error::AuthError;
use crate::route::pattern::USER_ID;
use crate::verifier::Verifier;

/// Sends every [`HostileRequest`], another user's token and unusual spellings of the path
/// to every guarded route of an application, and asserts that each is refused with the
/// documented answer.
///
/// One call in a test covers the routes of today and those of next year:
///
/// ```rust
/// # use auth_guard::{AuthGuard, Secret, protect, public, user_scoped};
/// # use rocket::local::blocking::Client;
/// use auth_guard::testing::attack_all;
///
/// # #[user_scoped]
/// # #[rocket::get("/<user_id>/tasks")]
/// # fn list(user_id: &str) -> &str {
/// #     user_id
/// # }
/// # let guard = AuthGuard::fairing().with_secret(Secret::random());
/// # let rocket = rocket::build().attach(guard).mount("/api", protect(rocket::routes![list]));
/// let client = Client::untracked(rocket).expect("a valid Rocket");
/// println!("{}", attack_all(&client));
/// ```
///
/// The [audit](crate::audit()) decides which routes are guarded:
///
/// | the policy of the route | is attacked |
/// | --- | --- |
/// | an owner | without a token, with hostile ones, and as another user |
/// | a [`Scope`](crate::Scope) or a [`Requirement`](crate::Requirement) | the same, and as [`attack`] says |
/// | a valid token; `exempt` below [`protect`](crate::protect) | without a token, and with hostile ones |
/// | `exempt` elsewhere, or [`public`](crate::public) | no |
/// | undeclared | if a request without a token is challenged |
///
/// The last request to each route is its owner's, so handlers do run: give the client
/// data that may change.
///
/// # Panics
///
/// Panics if a guarded route answers a hostile request in any other way, or refuses its
/// owner; the message is the table and the answers. Also panics if the application has no
/// [`AuthGuard`](crate::AuthGuard) attached, no guarded route, or neither a secret nor an
/// issuer of the test; see [`Issuer::of`].
#[track_caller]
pub fn attack_all(client: &Client) -> AttackReport {
    attack(client).all()
}

/// Begins an attack on an application whose routes need more than an owner: it has to be told
/// how callers look who may pass.
///
/// ```rust
/// # use auth_guard::{AuthGuard, Requirement, Scope, Secret, Unavailable, Verified};
/// # use auth_guard::{authorized, scoped};
/// # use rocket::{Request, async_trait, local::blocking::Client};
/// use auth_guard::testing::attack;
/// use serde_json::json;
///
/// # struct Admin;
/// # #[async_trait]
/// # impl Requirement for Admin {
/// #     async fn is_met_by(c: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
/// #         Ok(c.has("roles", "admin"))
/// #     }
/// # }
/// # struct Organization;
/// # #[async_trait]
/// # impl Scope for Organization {
/// #     async fn admits(c: &Verified, id: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
/// #         Ok(c.has("orgs", id))
/// #     }
/// # }
/// # #[authorized(Admin)]
/// # #[rocket::get("/stats")]
/// # fn stats() {}
/// # #[scoped(org_id: Organization)]
/// # #[rocket::get("/orgs/<org_id>")]
/// # fn org() {}
/// # let guard = AuthGuard::fairing().with_secret(Secret::random());
/// # let rocket = rocket::build().attach(guard).mount("/", rocket::routes![stats, org]);
/// let client = Client::untracked(rocket).expect("a valid Rocket");
/// attack(&client)
///     .meeting("Admin", json!({"roles": ["admin"]}))
///     .admitted("Organization", "acme", json!({"orgs": ["acme"]}))
///     .all();
/// ```
///
/// Give each caller the claims that it takes, and no others. Each requirement is attacked
/// without its claims, and with similar ones: in another case, with a trailing space, in the
/// plural, inside a longer word, as a part of a comma string. Each scope is attacked so too,
/// and with other segments.
pub fn attack(client: &Client) -> Attack<'_> {
    Attack { client, callers: Callers::default() }
}

/// An attack that is being prepared; see [`attack`].
#[derive(Debug)]
#[must_use = "nothing is attacked until `all` is called"]
pub struct Attack<'c> {
    client: &'c Client,
    callers: Callers,
}

impl Attack<'_> {
    /// Says which claims meet a [`Requirement`](crate::Requirement), which is named as in the
    /// attribute.
    ///
    /// # Panics
    ///
    /// Panics if the claims are no object.
    pub fn meeting(mut self, requirement: &str, claims: impl Serialize) -> Self {
        self.callers.add_meeting(requirement, claims);
        self
    }

    /// Says with which claims a [`Scope`](crate::Scope) admits a caller to a segment.
    ///
    /// # Panics
    ///
    /// Panics if the claims are no object.
    pub fn admitted(mut self, scope: &str, segment: &str, claims: impl Serialize) -> Self {
        self.callers.add_admitted(scope, segment, claims);
        self
    }

    /// Attacks all routes, as [`attack_all`].
    ///
    /// # Panics
    ///
    /// As [`attack_all`]; and if a route requires something of which nothing was said.
    #[track_caller]
    pub fn all(self) -> AttackReport {
        let rocket = self.client.rocket();
        let survey = Survey::of(rocket);
        let routes = rocket.routes().map(|route| (route, survey.policy(route)));
        let mut routes: Vec<_> = routes.collect();
        self.expect_callers(&routes);

        let issuer = Issuer::expect(rocket);
        let verifier = rocket.state::<Verifier>().expect("`Issuer::expect` has found a verifier");
        let hostile = HostileRequest::all(verifier, &issuer, OWNER);
        let plan = Plan::new(issuer, hostile);
        // A row that the owner's DELETE removes can no longer be read.
        routes.sort_by_key(|(route, _)| (order(route.method), route.uri.to_string()));
        let rows = routes.into_iter().map(|(route, policy)| self.run(&plan, route, policy));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|a, b| (&a.uri, a.method.as_str()).cmp(&(&b.uri, b.method.as_str())));
        let report = AttackReport { rows };
        assert!(report.is_any_guarded(), "no route is guarded:\n{report}");
        assert!(report.is_kept(), "a guarded route does not answer as it must:\n{report}");
        report
    }

    #[track_caller]
    fn expect_callers(&self, routes: &[(&Route, Policy)]) {
        let requirements = routes
            .iter()
            .filter_map(|(route, policy)| Some(self.target(route, policy.requirements()?)));
        let missing: BTreeSet<_> = requirements.flat_map(|target| target.missing()).collect();
        let calls: String = missing.iter().map(|call| format!("\n    {call}")).collect();
        assert!(
            missing.is_empty(),
            "routes require more than a token: say how callers look who may pass. Write, with \
             your claims:\nattack(&client){calls}\n    .all()"
        );
    }

    fn target<'t>(&'t self, route: &'t Route, requirements: &'t Requirements) -> Target<'t> {
        let issuer = Issuer::of(self.client.rocket());
        let enforces_scopes = issuer.is_some_and(|issuer| issuer.enforces_scopes());
        Target { route, requirements, callers: &self.callers, enforces_scopes }
    }

    fn run(&self, plan: &Plan, route: &Route, policy: Policy) -> Row {
        let result = match &policy {
            Policy::Requires(requirements) => self.guarded(plan, route, requirements),
            Policy::Unscoped => {
                let owner = Some(USER_ID.to_owned());
                self.guarded(plan, route, &Requirements { owner, ..Requirements::default() })
            }
            Policy::Exempt(_) | Policy::Public => Outcome::Open(None),
            Policy::Undeclared => {
                let requirements = Requirements::default();
                let target = self.target(route, &requirements);
                let attempt = Attempt::new("no field", &target, AuthError::MissingToken);
                let answer = send(self.client, route, &attempt);
                match answer.challenges.iter().any(|field| field.starts_with("Bearer ")) {
                    true => self.guarded(plan, route, &requirements),
                    false => Outcome::Open(Some(answer.status)),
                }
            }
        };
        Row { method: route.method, uri: route.uri.to_string(), policy, result }
    }

    fn guarded(&self, plan: &Plan, route: &Route, requirements: &Requirements) -> Outcome {
        let target = self.target(route, requirements);
        let (mut refused, mut wrong) = (BTreeMap::new(), Vec::new());
        for attempt in plan.attempts(&target, target.attempts(plan)) {
            let answer = send(self.client, route, &attempt);
            if attempt.may_be_lost && answer.status == 404 {
                continue;
            }

            match is_due(self.client.rocket(), &attempt, &answer) {
                true => *refused.entry(attempt.due.code()).or_default() += 1,
                false => wrong.push(format!(
                    "{} {}, {}\n      due:       {}\n      came back: {answer}",
                    attempt.method,
                    attempt.path,
                    attempt.name,
                    due(&attempt.due)
                )),
            }
        }

        // A route that refuses everybody would pass every other attempt.
        let attempt = plan.owner(&target);
        let owner = send(self.client, route, &attempt);
        if target.is_closed() {
            if !is_due(self.client.rocket(), &attempt, &owner) {
                wrong.push(format!(
                    "{} {}, a valid token: let in, although scopes are enforced and the route \
                     names none\n      came back: {owner}",
                    attempt.method, attempt.path
                ));
            }
        } else if !owner.challenges.is_empty() || [401, 403].contains(&owner.status) {
            wrong.push(format!(
                "{} {}, a valid token: refused too, so the refusals above prove nothing\n      \
                 came back: {owner}",
                attempt.method, attempt.path
            ));
        }
        Outcome::Guarded { refused, owner: owner.status, wrong }
    }
}

fn order(method: Method) -> u8 {
    match method {
        Method::Get | Method::Head | Method::Options => 0,
        Method::Delete => 2,
        _ => 1,
    }
}
