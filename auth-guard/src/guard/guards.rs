//! The request guards, asked: each authenticates, decides, and hands out what it is for.

use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Route, async_trait};

use super::access::Access;
use super::ask::is_asking;
use super::authenticate::authenticate;
use super::caller::Caller;
use super::events::AllowedBy;
use super::outcome::outcome;
use super::owner::Owner;
use super::ownership::{Terms, decide_now};
use super::refused::Refused;
use super::state::{RequestState, fields};
use super::verified::Verified;
use crate::error::AuthError;
use crate::route::mark;
use crate::route::pattern::{Pattern, USER_ID};
use crate::route::registry::Registry;

#[async_trait]
impl<'r> FromRequest<'r> for Verified {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        outcome(request, verified(request).await)
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Owner {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        outcome(request, owner(request).await)
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Access {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        outcome(request, access(request).await)
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Caller {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        match fields(request).next() {
            None => Outcome::Success(Self::Anonymous),
            Some(_) => outcome(request, verified(request).await.map(Self::Verified)),
        }
    }
}

async fn verified(request: &Request<'_>) -> Result<Verified, Refused> {
    // The attribute has decided about this caller, who may be a machine.
    if let Some(granted) = RequestState::of(request).granted(request) {
        return Ok(granted.caller);
    }

    let caller = authenticate(request).await?;
    // A guard that a requirement asks for decides nothing by itself: the attribute decides.
    let is_silent = is_asking(request);
    let terms =
        Terms { machines: is_silent, leaves_scopes: is_silent, is_silent, ..Terms::default() };
    decide_now(request, &caller, &terms)?;
    Ok(caller)
}

async fn owner(request: &Request<'_>) -> Result<Owner, Refused> {
    let granted = RequestState::of(request).granted(request);
    let leaves_scopes = granted.is_some() || is_asking(request);
    let (caller, segment) = match granted {
        Some(granted) if granted.by == AllowedBy::Owner => return Ok(Owner(granted.caller)),
        Some(granted) => (granted.caller, granted.owner),
        None => (authenticate(request).await?, None),
    };
    let route = request.route().ok_or(AuthError::Misconfigured)?;
    let segment = segment.or_else(|| match mark::is_marked(route) {
        true => attributed_segment(request, route),
        false => Pattern::unmounted(route).position(USER_ID),
    });
    let terms = Terms::owner(segment.ok_or(AuthError::Misconfigured)?);
    decide_now(request, &caller, &Terms { leaves_scopes, ..terms })?;
    Ok(Owner(caller))
}

async fn access(request: &Request<'_>) -> Result<Access, Refused> {
    let (caller, segment, by) = match RequestState::of(request).granted(request) {
        Some(granted) => (granted.caller, granted.owner, granted.by),
        None => {
            let caller = authenticate(request).await?;
            let route = request.route().ok_or(AuthError::Misconfigured)?;
            let segment = attributed_segment(request, route).ok_or(AuthError::Misconfigured)?;
            let leaves_scopes = is_asking(request);
            let terms = Terms { leaves_scopes, ..Terms::owner(segment) };
            let grant = decide_now(request, &caller, &terms).map_err(|refused| {
                // A fairing asks before the attribute has let anybody in.
                let is_open = refused.error == AuthError::NotOwner && has_or(request, route);
                if is_open { AuthError::Misconfigured.into() } else { refused }
            })?;
            (caller, grant.owner(), grant.by())
        }
    };
    let path_user = segment.and_then(|segment| request.param::<&str>(segment)?.ok());
    let path_user = path_user.ok_or(AuthError::Misconfigured)?.to_owned();
    Ok(Access { path_user, caller, by_exception: matches!(by, AllowedBy::Instead(_)) })
}

/// Returns the segment of the attribute, if that left nothing for this guard: because it
/// is exempt, or because a fairing asks.
fn attributed_segment(request: &Request<'_>, route: &Route) -> Option<usize> {
    Registry::known(request, route)?.owner
}

fn has_or(request: &Request<'_>, route: &Route) -> bool {
    Registry::known(request, route)
        .is_some_and(|known| known.first.owner.is_some_and(|owner| owner.or.is_some()))
}
