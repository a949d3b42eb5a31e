//! Step 6 as the attribute does it: what `#[user_scoped]` expands to.

use std::borrow::Borrow;
use std::fmt;
use std::future::{poll_fn, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::task::Poll;

use rocket::futures::future::BoxFuture;
use rocket::http::impl_from_uri_param_identity;
use rocket::http::uri::fmt::{Formatter, FromUriParam, Path, UriDisplay};
use rocket::request::{FromParam, FromRequest, Outcome, Request};
use rocket::{Ignite, Rocket, Sentinel};

use super::{
    RequestState, Verified, abort, authenticate_now, authenticate_once, check_owner, open, outcome,
};
use crate::audit::Layer;
use crate::error::AuthError;
use crate::guard::events::{By, tell_allowed};
use crate::launch::Installed;

/// The segment that a route is scoped by, as `#[user_scoped]` binds it when the
/// handler does not name it.
///
/// It dereferences to `str`, is owned, and can be given to `uri!`. Its `Display`
/// is the segment itself; its `Debug` is not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

/// A handler below `#[user_scoped]`, as the attribute saw it.
#[derive(Debug)]
pub struct Handler {
    /// The function's name, without `r#`.
    pub name: &'static str,
    /// The method of its route.
    pub method: &'static str,
    /// The pattern of its route, without the mount point.
    pub uri: &'static str,
    /// Where it is defined.
    pub file: &'static str,
    /// Where it is defined.
    pub line: u32,
    /// The name of the segment.
    pub param: &'static str,
    /// The position of the segment behind the mount point. Only an exempt handler
    /// may have none.
    pub segment: Option<usize>,
    /// Why the check is not made, if it is not.
    pub exempt: Option<&'static str>,
    /// Who passes besides the owner, as it is written.
    pub or: Option<&'static str>,
    /// Whether other guards may ask what this one found out.
    pub has_guards: bool,
}

/// Implemented by the type that the attribute puts beside a handler.
pub trait UserScoped: Send + Sync + 'static {
    /// What is known of the handler.
    const HANDLER: Handler;

    /// Whether this caller passes although they are not the owner.
    fn applies(_: &Verified) -> bool {
        false
    }
}

/// The guard that the attribute adds as the first argument: request guards run
/// in argument order and before all else, so the check comes before every other
/// guard and before the body is read. No lifetime parameter: one would break
/// elision in `fn f(user_id: &str) -> &str`.
pub struct UserScope<H>(PhantomData<H>);

impl<'r, H: UserScoped> FromRequest<'r> for UserScope<H> {
    type Error = AuthError;

    // Written out and not `async`: mostly there is nothing to wait for, and the future
    // that says yes has no size and needs no allocation.
    fn from_request<'q, 'f>(request: &'r Request<'q>) -> BoxFuture<'f, Outcome<Self, AuthError>>
    where
        'r: 'f,
        'q: 'f,
    {
        match check_alone::<H>(request) {
            Some(Ok(())) => Box::pin(poll_fn(|_| Poll::Ready(Outcome::Success(Self::NEW)))),
            Some(Err(error)) => Box::pin(ready(outcome(request, Err(error)))),
            None => Box::pin(async move {
                let result = check::<H>(request).await;
                outcome(request, result.map(|()| Self::NEW))
            }),
        }
    }
}

impl<H> UserScope<H> {
    const NEW: Self = Self(PhantomData);
}

/// Checks the path where no other guard asks: request-local state would cost more to
/// set up than it saves. `None` where one may, or where something has to be waited for.
fn check_alone<H: UserScoped>(request: &Request<'_>) -> Option<Result<(), AuthError>> {
    let handler = const { &H::HANDLER };
    let (segment, route) = (handler.segment?, request.route()?);
    let is_alone = !handler.has_guards && handler.or.is_none() && handler.exempt.is_none();
    if !is_alone || Layer::of(route) == Some(Layer::Protected) {
        return None;
    }

    let caller = match authenticate_now(request)? {
        Ok(caller) => caller,
        Err(error) => return Some(Err(error)),
    };
    let result = check_owner(request, segment, caller.uid());
    match result {
        Ok(()) if By::Owner.is_heard() => tell_allowed(route, By::Owner, caller.key()),
        Ok(()) => {}
        // For the event: it names the key.
        Err(_) => drop(RequestState::of(request).verified.set(Ok(caller))),
    }
    Some(result)
}

/// The same beside other guards, and for an exempt handler.
async fn check<H: UserScoped>(request: &Request<'_>) -> Result<(), AuthError> {
    let handler = const { &H::HANDLER };
    let route = request.route().ok_or(AuthError::Misconfigured)?;
    let exception = match handler.exempt {
        Some(_) => None,
        None => check_path::<H>(request).await?,
    };

    if handler.has_guards
        && let Some(segment) = handler.segment
    {
        RequestState::of(request).set_scope(route, segment, exception);
    }
    Ok(())
}

/// The exception that opened the path, if the caller is not its owner.
async fn check_path<H: UserScoped>(
    request: &Request<'_>,
) -> Result<Option<&'static str>, AuthError> {
    let handler = const { &H::HANDLER };
    let segment = handler.segment.ok_or(AuthError::Misconfigured)?;
    let caller = authenticate_once(request).await?;
    match (check_owner(request, segment, caller.uid()), handler.or) {
        (Ok(()), _) => {
            open(request, By::Owner, caller);
            Ok(None)
        }
        (Err(AuthError::NotOwner), Some(exception)) if H::applies(caller) => {
            open(request, By::Exception(exception), caller);
            Ok(Some(exception))
        }
        (Err(error), _) => Err(error),
    }
}

impl<H: UserScoped> Sentinel for UserScope<H> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        if let Some(installed) = Installed::of(rocket) {
            installed.handlers.push(const { &H::HANDLER });
        }

        abort("`#[user_scoped]`", rocket)
    }
}

impl<H: UserScoped> fmt::Debug for UserScope<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserScope({})", H::HANDLER.name)
    }
}

impl Deref for UserId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for UserId {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for UserId {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq<str> for UserId {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for UserId {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl From<UserId> for String {
    fn from(user_id: UserId) -> String {
        user_id.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(..)")
    }
}

impl FromParam<'_> for UserId {
    type Error = std::convert::Infallible;

    fn from_param(segment: &str) -> Result<Self, Self::Error> {
        Ok(Self(segment.to_owned()))
    }
}

impl UriDisplay<Path> for UserId {
    fn fmt(&self, f: &mut Formatter<'_, Path>) -> fmt::Result {
        f.write_value(&self.0)
    }
}

impl_from_uri_param_identity!([Path] UserId);

impl<'a> FromUriParam<Path, &'a str> for UserId {
    type Target = &'a str;

    fn from_uri_param(param: &'a str) -> &'a str {
        param
    }
}

impl FromUriParam<Path, String> for UserId {
    type Target = String;

    fn from_uri_param(param: String) -> String {
        param
    }
}

impl<'a> FromUriParam<Path, &'a String> for UserId {
    type Target = &'a str;

    fn from_uri_param(param: &'a String) -> &'a str {
        param
    }
}

/// To a handler that names the segment, from one where it is bound.
impl<'a> FromUriParam<Path, &'a UserId> for &str {
    type Target = &'a str;

    fn from_uri_param(param: &'a UserId) -> &'a str {
        param
    }
}

impl FromUriParam<Path, UserId> for &str {
    type Target = UserId;

    fn from_uri_param(param: UserId) -> UserId {
        param
    }
}
