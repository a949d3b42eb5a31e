//! The attributes' guard: what `#[user_scoped]`, `#[scoped]` and `#[authorized]` expand to.

use std::fmt;
use std::future::ready;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{self, Poll};

use rocket::futures::future::BoxFuture;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};

use super::ask::{Asked, is_asking_itself};
use super::authenticate::Authentication;
use super::outcome::refuse;
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

/// What the attributes of one handler ask.
struct Asks {
    handler: GuardedHandler,
    owner_or: Option<Question>,
    admits: Option<SegmentQuestion>,
    admits_or: Option<Question>,
    requirement: Option<Question>,
}

/// The future that lets a caller in. It has no size, so boxing it allocates nothing.
/// `immediate` does the same, but an application would compile several functions of it
/// for each handler.
struct LetIn<H>(PhantomData<fn() -> H>);

/// Any other answer as the future that Rocket wants of the guard of `H`.
struct Reply<'f, H>(Answer<'f>, PhantomData<fn() -> H>);

/// The future of an answer that is not simply to let the caller in.
type Answer<'f> = BoxFuture<'f, Result<(), Refusal>>;

/// A refusal, as Rocket takes it.
type Refusal = (Status, AuthError);

impl<'r, H: Guarded> FromRequest<'r> for Guard<H> {
    type Error = AuthError;

    // Written out and not `async`, since mostly there is nothing to wait for. An application
    // compiles this for each handler, so it contains only what depends on `H`.
    fn from_request<'q, 'f>(request: &'r Request<'q>) -> BoxFuture<'f, Outcome<Self, AuthError>>
    where
        'r: 'f,
        'q: 'f,
    {
        let asks = const {
            &Asks {
                handler: H::HANDLER,
                owner_or: H::OWNER_OR,
                admits: H::ADMITS,
                admits_or: H::ADMITS_OR,
                requirement: H::REQUIREMENT,
            }
        };
        match asks.answer(request) {
            None => Box::pin(LetIn(PhantomData)),
            Some(answer) => Box::pin(Reply(answer, PhantomData)),
        }
    }
}

impl<H> Future for Reply<'_, H> {
    type Output = Outcome<Guard<H>, AuthError>;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        match self.get_mut().0.as_mut().poll(context) {
            Poll::Ready(Ok(())) => Poll::Ready(Outcome::Success(Guard(PhantomData))),
            Poll::Ready(Err(refusal)) => Poll::Ready(Outcome::Error(refusal)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<H> Future for LetIn<H> {
    type Output = Outcome<Guard<H>, AuthError>;

    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Outcome::Success(Guard(PhantomData)))
    }
}

impl Asks {
    /// Decides about a request. Returns `None` if that lets the caller in.
    fn answer<'r: 'f, 'q: 'f, 'f>(&'static self, request: &'r Request<'q>) -> Option<Answer<'f>> {
        if self.handler.exempt.is_some() {
            return None;
        }

        // `protect` has asked before, and the handler's own guards may ask after.
        let is_protected =
            request.route().and_then(Declaration::of) == Some(Declaration::Protected);
        let is_alone = !self.handler.has_guards && !is_protected;
        let Some(terms) = self.terms(request, is_alone, is_protected) else {
            return Some(refused_now(request, AuthError::Misconfigured.into()));
        };
        // The handler's own guards get the caller with the grant.
        let caller = match Authentication::begin(request, is_protected) {
            Authentication::Done(Ok(caller)) => caller,
            Authentication::Done(Err(error)) => return Some(refused_now(request, error)),
            Authentication::Pending(pending) => {
                return Some(Box::pin(async move {
                    let decided = async {
                        let caller = pending.finish(request).await?;
                        let grant = decide_and_ask(request, &caller, &terms).await?;
                        self.keep(request, caller, grant);
                        Ok(())
                    };
                    decided.await.map_err(|error| refused(request, error))
                }));
            }
        };
        match decide(request, &caller, &terms) {
            Decision::Granted(grant) => {
                self.keep(request, caller, grant);
                None
            }
            Decision::Refused(error) => Some(refused_now(request, error)),
            Decision::Ask(_) if is_asking_itself(request, Asked::Requirement) => {
                Some(refused_now(request, AuthError::Misconfigured.into()))
            }
            Decision::Ask(unanswered) => Some(Box::pin(async move {
                let grant = unanswered.ask(request, &caller, &terms).await;
                let grant = grant.map_err(|error| refused(request, error))?;
                self.keep(request, caller, grant);
                Ok(())
            })),
        }
    }

    /// Returns `None` if the attributes have not said what they must.
    fn terms(&self, request: &Request<'_>, is_alone: bool, is_protected: bool) -> Option<Terms> {
        let named = |name: Option<&'static str>, question: Option<Question>| {
            name.zip(question).map(|(name, question)| Named { name, question })
        };
        let owner = match self.handler.owner {
            Some(owner) => Some(owner.segment?),
            // `protect` compares the owner wherever nothing else does.
            None if is_protected => Pattern::unmounted(request.route()?).position(USER_ID),
            None => None,
        };
        let scope = match self.handler.scope {
            Some(scope) => Some(ScopeTerms {
                name: scope.by,
                segment: scope.segment,
                admits: self.admits?,
                or: named(scope.or, self.admits_or),
            }),
            None => None,
        };
        Some(Terms {
            owner,
            owner_or: named(self.handler.owner.and_then(|owner| owner.or), self.owner_or),
            scope,
            requirement: named(self.handler.requirement, self.requirement),
            machines: self.handler.machines,
            leaves_scopes: false,
            is_alone,
            is_silent: false,
        })
    }

    /// Keeps the caller and the grant for the handler's other guards.
    fn keep(&self, request: &Request<'_>, caller: Verified, grant: Grant) {
        if self.handler.has_guards {
            let state = RequestState::of(request);
            state.set_granted(request, caller, grant.by(), grant.owner());
        }
    }
}

fn refused_now<'f>(request: &Request<'_>, error: Refused) -> Answer<'f> {
    Box::pin(ready(Err(refused(request, error))))
}

/// Records a refusal. It also revokes what a clone of the request was granted.
fn refused(request: &Request<'_>, refused: Refused) -> Refusal {
    RequestState::of(request).revoke();
    (refuse(request, &refused), refused.error)
}

impl<H: Guarded> fmt::Debug for Guard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", H::HANDLER.name)
    }
}
