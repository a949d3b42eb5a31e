//! The attributes' guard: what `#[user_scoped]`, `#[scoped]` and `#[authorized]` expand to.

use std::fmt;
use std::future::ready;
use std::marker::PhantomData;

use rocket::futures::future::BoxFuture;
use rocket::request::{FromRequest, Outcome, Request};

use super::ask::{Asked, is_asking_itself};
use super::authenticate::Authentication;
use super::immediate::immediate;
use super::outcome::outcome;
use super::ownership::{Decision, Grant, Named, ScopeTerms, Terms, decide, decide_and_ask};
use super::refused::Refused;
use super::requirement::{Question, SegmentQuestion};
use super::state::RequestState;
use super::verified::Verified;
use crate::error::AuthError;
use crate::route::mark::Declaration;
use crate::route::pattern::{Pattern, USER_ID};
use crate::route::registry::GuardedHandler;

/// A handler with our attributes. Implemented by the type that they put beside it.
pub trait Guarded: Send + Sync + 'static {
    /// The handler, as the attributes saw it.
    const HANDLER: GuardedHandler;
    /// The requirement of `#[user_scoped(or = …)]`.
    const OWNER_OR: Option<Question> = None;
    /// The type of `#[scoped(…: …)]`.
    const ADMITS: Option<SegmentQuestion> = None;
    /// The requirement of `#[scoped(…, or = …)]`.
    const ADMITS_OR: Option<Question> = None;
    /// The requirement of `#[authorized(…)]`.
    const REQUIREMENT: Option<Question> = None;
}

/// The guard that the attributes add as the first argument. Request guards run in argument
/// order and before everything else, so the check comes before every other guard and
/// before the body is read. It has no lifetime parameter, which would break elision in
/// `fn f(user_id: &str) -> &str`.
pub struct Guard<H>(PhantomData<H>);

impl<'r, H: Guarded> FromRequest<'r> for Guard<H> {
    type Error = AuthError;

    // Written out and not `async`: mostly there is nothing to wait for, and the future
    // that lets a caller in has no size and needs no allocation.
    fn from_request<'q, 'f>(request: &'r Request<'q>) -> BoxFuture<'f, Outcome<Self, AuthError>>
    where
        'r: 'f,
        'q: 'f,
    {
        let handler = const { &H::HANDLER };
        if handler.exempt.is_some() {
            return immediate(|| Outcome::Success(Self(PhantomData)));
        }

        // `protect` has asked before, and the handler's own guards may ask after.
        let is_protected =
            request.route().and_then(Declaration::of) == Some(Declaration::Protected);
        let is_alone = !handler.has_guards && !is_protected;
        let Some(terms) = Self::terms(request, is_alone, is_protected) else {
            return refused(request, AuthError::Misconfigured.into());
        };
        // The handler's own guards get the caller with the grant.
        let caller = match Authentication::begin(request, is_protected) {
            Authentication::Done(Ok(caller)) => caller,
            Authentication::Done(Err(error)) => return refused(request, error),
            Authentication::Pending(pending) => {
                return Box::pin(async move {
                    let result = match pending.finish(request).await {
                        Ok(caller) => Self::ask(request, caller, &terms).await,
                        Err(error) => Err(error),
                    };
                    concluded(request, result.map(|()| Self(PhantomData)))
                });
            }
        };
        match decide(request, &caller, &terms) {
            Decision::Granted(grant) => {
                Self::keep(request, caller, grant);
                immediate(|| Outcome::Success(Self(PhantomData)))
            }
            Decision::Refused(error) => refused(request, error),
            Decision::Ask(_) if is_asking_itself(request, Asked::Requirement) => {
                refused(request, AuthError::Misconfigured.into())
            }
            Decision::Ask(unanswered) => Box::pin(async move {
                let grant = unanswered.ask(request, &caller, &terms).await;
                let result = grant.map(|grant| Self::keep(request, caller, grant));
                concluded(request, result.map(|()| Self(PhantomData)))
            }),
        }
    }
}

impl<H: Guarded> Guard<H> {
    /// Returns `None` if the attributes have not said what they must.
    fn terms(request: &Request<'_>, is_alone: bool, is_protected: bool) -> Option<Terms> {
        let handler = const { &H::HANDLER };
        let named = |name: Option<&'static str>, question: Option<Question>| {
            name.zip(question).map(|(name, question)| Named { name, question })
        };
        let owner = match handler.owner {
            Some(owner) => Some(owner.segment?),
            // `protect` compares the owner wherever nothing else does.
            None if is_protected => Pattern::unmounted(request.route()?).position(USER_ID),
            None => None,
        };
        let scope = match handler.scope {
            Some(scope) => Some(ScopeTerms {
                name: scope.by,
                segment: scope.segment,
                admits: H::ADMITS?,
                or: named(scope.or, H::ADMITS_OR),
            }),
            None => None,
        };
        Some(Terms {
            owner,
            owner_or: named(handler.owner.and_then(|owner| owner.or), H::OWNER_OR),
            scope,
            requirement: named(handler.requirement, H::REQUIREMENT),
            machines: handler.machines,
            leaves_scopes: false,
            is_alone,
            is_silent: false,
        })
    }

    async fn ask(request: &Request<'_>, caller: Verified, terms: &Terms) -> Result<(), Refused> {
        let grant = decide_and_ask(request, &caller, terms).await?;
        Self::keep(request, caller, grant);
        Ok(())
    }

    /// Keeps the caller and the grant for the handler's other guards.
    fn keep(request: &Request<'_>, caller: Verified, grant: Grant) {
        if const { H::HANDLER.has_guards } {
            let state = RequestState::of(request);
            state.set_granted(request, caller, grant.by(), grant.owner());
        }
    }
}

fn refused<'f, T: Send + 'f>(
    request: &Request<'_>,
    refused: Refused,
) -> BoxFuture<'f, Outcome<T, AuthError>> {
    Box::pin(ready(concluded(request, Err(refused))))
}

/// Turns a decision into Rocket's outcome. A refusal also revokes what a clone of the request
/// was granted.
fn concluded<T>(request: &Request<'_>, result: Result<T, Refused>) -> Outcome<T, AuthError> {
    if result.is_err() {
        RequestState::of(request).revoke();
    }
    outcome(request, result)
}

impl<H: Guarded> fmt::Debug for Guard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", H::HANDLER.name)
    }
}
