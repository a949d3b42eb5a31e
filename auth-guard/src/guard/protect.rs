//! Steps 5 and 6 for a whole mount: deny by default.

use rocket::route::{Handler, Outcome};
use rocket::{Data, Request, Route, async_trait};

use super::{authenticate_once, check_owner, open, refuse};
use crate::audit::{self, Layer};
use crate::error::AuthError;
use crate::guard::events::By;

/// Every one of these routes needs a valid token, and where its pattern has a
/// `<user_id>`, that user's. It is decided before the guards of the route are
/// asked and before the body is read.
///
/// ```rust,no_run
/// use auth_guard::{AuthGuard, protect, public};
/// use rocket::{get, launch, routes};
///
/// #[get("/<user_id>/tasks")]
/// fn list(user_id: &str) -> &str {
///     user_id
/// }
///
/// #[get("/health")]
/// fn health() -> &'static str {
///     "ok"
/// }
///
/// #[launch]
/// fn rocket() -> _ {
///     rocket::build()
///         .attach(AuthGuard::fairing())
///         .mount("/api", protect(routes![list]))
///         .mount("/", public(routes![health]))
/// }
/// ```
///
/// A handler may have `#[user_scoped]` as well; then the attribute decides about
/// the owner, so that its `param`, `or` and `exempt` count, and this still asks
/// for a valid token. A token is verified once, however many ask.
///
/// # Failing
///
/// As [`Owner`](crate::Owner), and never by forwarding. Without
/// [`AuthGuard`](crate::AuthGuard) attached, with 500.
pub fn protect(routes: impl Into<Vec<Route>>) -> Vec<Route> {
    let mut routes = routes.into();
    for route in &mut routes {
        let decides = !audit::is_scoped(route);
        let segment = audit::user_segment(route).filter(|_| decides);
        route.handler = Box::new(Protected { segment, decides, handler: route.handler.clone() });
        Layer::Protected.declare(route);
    }
    routes
}

/// Anybody may call these routes: for what an application beside
/// [`protect`] leaves open on purpose, so that [`audit`](crate::audit()) shows it as
/// declared and all else as `undeclared`.
///
/// It opens nothing: a guard of a route is still asked, and a `<user_id>` still
/// needs `#[user_scoped]`.
pub fn public(routes: impl Into<Vec<Route>>) -> Vec<Route> {
    let mut routes = routes.into();
    routes.iter_mut().for_each(|route| Layer::Public.declare(route));
    routes
}

#[derive(Clone)]
struct Protected {
    /// The position of the user, if it is not the attribute that checks it.
    segment: Option<usize>,
    /// Whether no attribute decides after this.
    decides: bool,
    handler: Box<dyn Handler>,
}

#[async_trait]
impl Handler for Protected {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match self.check(request).await {
            Ok(()) => self.handler.handle(request, data).await,
            Err(error) => Outcome::Error(refuse(request, &error)),
        }
    }
}

impl Protected {
    async fn check(&self, request: &Request<'_>) -> Result<(), AuthError> {
        let caller = authenticate_once(request).await?;
        let opened = match self.segment {
            Some(segment) => {
                check_owner(request, segment, caller.uid())?;
                By::Owner
            }
            None => By::Token,
        };
        if self.decides {
            open(request, opened, caller);
        }
        Ok(())
    }
}
