//! Step 6: the one decision. May this caller use this route?

use rocket::Request;

use super::ask::{Asked, ask};
use super::context::Context;
use super::events::{self, AllowedBy};
use super::refused::Refused;
use super::requirement::{Question, SegmentQuestion, Unavailable};
use super::scopes;
use super::state::RequestState;
use super::verified::Verified;
use crate::error::AuthError;
use crate::token::check::Check;

/// What a route asks of a caller with a valid token. All of it must be met.
#[derive(Clone, Copy, Default)]
pub(super) struct Terms {
    /// The position, after the mount point, of the segment that names the owner.
    pub(super) owner: Option<usize>,
    /// Who may pass although they are not the owner.
    pub(super) owner_or: Option<Named>,
    pub(super) scope: Option<ScopeTerms>,
    pub(super) requirement: Option<Named>,
    /// `true` if a machine's token may pass (rule 21).
    pub(super) machines: bool,
    /// `true` if another guard decides about the token's OAuth scopes.
    pub(super) leaves_scopes: bool,
    /// `true` if no other guard can have recorded this request.
    pub(super) is_alone: bool,
    /// `true` if another guard records what opened the route.
    pub(super) is_silent: bool,
}

/// A requirement, and how it is written.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) question: Question,
}

/// What stands behind a segment, and who decides about it.
#[derive(Clone, Copy)]
pub(super) struct ScopeTerms {
    pub(super) name: &'static str,
    /// The position of the segment after the mount point.
    pub(super) segment: usize,
    pub(super) admits: SegmentQuestion,
    pub(super) or: Option<Named>,
}

/// Proof that a caller may use a route. Only this file makes one.
#[derive(Clone, Copy)]
pub(super) struct Grant {
    by: AllowedBy,
    owner: Option<usize>,
}

/// A decision, as far as it goes without asking the application.
pub(super) enum Decision {
    Granted(Grant),
    Refused(Refused),
    /// Something has to be asked first.
    Ask(Unanswered),
}

/// The questions that are left, after the owner was compared.
pub(super) struct Unanswered {
    is_owner: Option<bool>,
}

impl Terms {
    /// The owner of this segment, and nobody else.
    pub(super) fn owner(segment: usize) -> Self {
        Self { owner: Some(segment), ..Self::default() }
    }
}

impl Grant {
    /// Returns what let the caller in.
    pub(super) fn by(self) -> AllowedBy {
        self.by
    }

    /// Returns the position of the owner's segment.
    pub(super) fn owner(self) -> Option<usize> {
        self.owner
    }
}

/// Decides whether `caller` may use the route of `request` on these terms, and records
/// what opened it.
///
/// Rule 17: the segment is compared as Rocket hands it to handlers, percent-decoded
/// once, byte for byte. Without case folding, Unicode normalization or numeric equality,
/// two different users never meet on one path.
pub(super) fn decide(request: &Request<'_>, caller: &Verified, terms: &Terms) -> Decision {
    if caller.is_machine() && !terms.machines {
        return Decision::Refused(refused(caller, AuthError::NotAllowed, Check::Machine));
    }

    let is_owner = match terms.owner {
        None => None,
        Some(segment) => match request.param::<&str>(segment) {
            // A program may be able to choose its own id, so a machine owns no path.
            Some(owner) => {
                Some(owner.is_ok_and(|owner| owner == caller.uid()) && !caller.is_machine())
            }
            None => return Decision::Refused(AuthError::Misconfigured.into()),
        },
    };
    if is_owner == Some(false) && terms.owner_or.is_none() {
        return Decision::Refused(refused(caller, AuthError::NotOwner, Check::Owner));
    }
    if is_owner == Some(false) || terms.scope.is_some() || terms.requirement.is_some() {
        return Decision::Ask(Unanswered { is_owner });
    }

    let by = if is_owner.is_some() { AllowedBy::Owner } else { AllowedBy::Token };
    match conclude(request, caller, terms, by) {
        Ok(grant) => Decision::Granted(grant),
        Err(refused) => Decision::Refused(refused),
    }
}

/// Decides, and asks the application whatever the terms leave to it.
pub(super) async fn decide_and_ask(
    request: &Request<'_>,
    caller: &Verified,
    terms: &Terms,
) -> Result<Grant, Refused> {
    match decide(request, caller, terms) {
        Decision::Granted(grant) => Ok(grant),
        Decision::Refused(refused) => Err(refused),
        Decision::Ask(unanswered) => unanswered.ask(request, caller, terms).await,
    }
}

/// Decides on terms that ask the application nothing.
pub(super) fn decide_now(
    request: &Request<'_>,
    caller: &Verified,
    terms: &Terms,
) -> Result<Grant, Refused> {
    match decide(request, caller, terms) {
        Decision::Granted(grant) => Ok(grant),
        Decision::Refused(refused) => Err(refused),
        Decision::Ask(_) => Err(AuthError::Misconfigured.into()),
    }
}

impl Unanswered {
    /// Asks what is left, in the order in which it is written: the owner, the segment, the
    /// requirement. The OAuth scopes come last.
    pub(super) async fn ask(
        self,
        request: &Request<'_>,
        caller: &Verified,
        terms: &Terms,
    ) -> Result<Grant, Refused> {
        let mut by = match self.is_owner {
            Some(true) => AllowedBy::Owner,
            Some(false) => match terms.owner_or {
                Some(or) if or.is_met(request, caller).await? => AllowedBy::Instead(or.name),
                _ => return Err(refused(caller, AuthError::NotOwner, Check::Owner)),
            },
            None => AllowedBy::Token,
        };

        if let Some(scope) = &terms.scope {
            by = match scope.or {
                _ if scope.admits(request, caller).await? => by.or(AllowedBy::Scope(scope.name)),
                Some(or) if or.is_met(request, caller).await? => AllowedBy::Instead(or.name),
                _ => return Err(unmet(scope.name)),
            };
        }

        if let Some(requirement) = terms.requirement {
            if !requirement.is_met(request, caller).await? {
                return Err(unmet(requirement.name));
            }
            by = by.or(AllowedBy::Requirement(requirement.name));
        }
        conclude(request, caller, terms, by)
    }
}

impl Named {
    async fn is_met(self, request: &Request<'_>, caller: &Verified) -> Result<bool, Refused> {
        let question = || (self.question)(caller, request);
        answered(request, ask(request, Asked::Requirement, question).await, self.name)
    }
}

impl ScopeTerms {
    async fn admits(&self, request: &Request<'_>, caller: &Verified) -> Result<bool, Refused> {
        let segment = request.param::<&str>(self.segment).and_then(Result::ok);
        let segment = segment.ok_or(AuthError::Misconfigured)?;
        let question = || (self.admits)(caller, segment, request);
        answered(request, ask(request, Asked::Requirement, question).await, self.name)
    }
}

fn answered(
    request: &Request<'_>,
    answer: Result<Result<bool, Unavailable>, AuthError>,
    name: &'static str,
) -> Result<bool, Refused> {
    let answer = answer.and_then(|answer| answer.map_err(|_| AuthError::CheckUnavailable));
    if answer.is_ok()
        && let Some(context) = Context::of(request.rocket())
    {
        context.requirement_outage.end();
    }
    answer.map_err(|error| unanswered(error, name))
}

/// Checks what comes last, and records what opened the route.
fn conclude(
    request: &Request<'_>,
    caller: &Verified,
    terms: &Terms,
    by: AllowedBy,
) -> Result<Grant, Refused> {
    if !terms.leaves_scopes {
        scopes::check(request, caller)?;
    }
    if !terms.is_silent
        && by.is_observed()
        && let Some(route) = request.route()
        && (terms.is_alone || RequestState::of(request).open(route))
    {
        events::record_allowed(route, by, caller);
    }
    Ok(Grant { by, owner: terms.owner })
}

fn refused(caller: &Verified, error: AuthError, check: Check) -> Refused {
    Refused { check: Some(check), ..Refused::of(caller, error) }
}

fn unmet(requirement: &'static str) -> Refused {
    unanswered(AuthError::NotAllowed, requirement)
}

fn unanswered(error: AuthError, requirement: &'static str) -> Refused {
    Refused { requirement: Some(requirement), ..error.into() }
}
