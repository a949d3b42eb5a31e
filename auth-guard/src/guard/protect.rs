//! Steps 5 and 6 for a whole mount: deny by default.

use rocket::route::{Handler, Outcome};
use rocket::{Data, Request, Route, async_trait};

use super::authenticate::authenticate;
use super::outcome::refuse;
use super::ownership::{Named, Terms, decide_and_ask};
use super::refused::Refused;
use super::requirement::Requirement;
use crate::error::AuthError;
use crate::route::mark::{self, Declaration};
use crate::route::pattern::{Pattern, USER_ID};
use crate::route::registry::{GuardedHandler, Registry};

/// Requires a valid token for every one of these routes, and where a pattern has a
/// `<user_id>`, that user's. This is decided before the guards of the route are asked and
/// before the body is read.
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
/// A handler may have `#[user_scoped]` as well. Then the attribute decides about the
/// owner, so its `param`, `or` and `exempt` count, and this still requires a valid token.
/// A token is verified once, however many guards ask.
///
/// With a requirement, for an administrators' mount:
///
/// ```rust
/// # use auth_guard::{Requirement, Unavailable, Verified, protect};
/// # struct Admin;
/// # #[rocket::async_trait]
/// # impl Requirement for Admin {
/// #     async fn is_met_by(c: &Verified, _: &rocket::Request<'_>) -> Result<bool, Unavailable> {
/// #         Ok(c.has("roles", "admin"))
/// #     }
/// # }
/// # #[rocket::get("/stats")]
/// # fn stats() -> &'static str { "42" }
/// let rocket =
///     rocket::build().mount("/admin", protect(rocket::routes![stats]).require::<Admin>());
/// ```
///
/// # Failing
///
/// As [`Owner`](crate::Owner), and never by forwarding. Without
/// [`AuthGuard`](crate::AuthGuard) attached, with 500.
pub fn protect(routes: impl Into<Vec<Route>>) -> ProtectedRoutes {
    let mut routes = routes.into();
    for route in &mut routes {
        route.handler = Box::new(Protected { handler: route.handler.clone(), requirement: None });
        Declaration::Protected.declare(route);
    }
    ProtectedRoutes { routes }
}

/// Routes that [`protect`] guards, to be mounted.
#[derive(Clone, Debug)]
#[must_use = "they guard nothing until they are mounted"]
pub struct ProtectedRoutes {
    routes: Vec<Route>,
}

impl ProtectedRoutes {
    /// Adds a requirement that every caller must meet, whatever else a route requires.
    pub fn require<R: Requirement>(mut self) -> Self {
        let name = std::any::type_name::<R>();
        let name = name.rsplit("::").next().unwrap_or(name);
        for route in &mut self.routes {
            let requirement =
                Some(Named { name, question: |caller, request| R::is_met_by(caller, request) });
            route.handler = Box::new(Protected { handler: route.handler.clone(), requirement });
            mark::require(route, name);
        }
        self
    }

    /// Adds OAuth scopes, with one space between them. A token whose scopes are enforced must
    /// have them, in addition to the scopes that a route names.
    ///
    /// ```rust
    /// # use auth_guard::protect;
    /// # #[rocket::get("/stats")]
    /// # fn stats() -> &'static str { "42" }
    /// let rocket = rocket::build()
    ///     .mount("/admin", protect(rocket::routes![stats]).require_scope("ops"));
    /// ```
    ///
    /// The launch is refused if this is no list of scopes (RFC 6749 section 3.3).
    pub fn require_scope(mut self, scopes: &str) -> Self {
        self.routes.iter_mut().for_each(|route| mark::require_scope(route, scopes));
        self
    }
}

impl From<ProtectedRoutes> for Vec<Route> {
    fn from(protected: ProtectedRoutes) -> Self {
        protected.routes
    }
}

impl IntoIterator for ProtectedRoutes {
    type Item = Route;
    type IntoIter = std::vec::IntoIter<Route>;

    fn into_iter(self) -> Self::IntoIter {
        self.routes.into_iter()
    }
}

/// Declares that anybody may call these routes: what an application leaves open on
/// purpose, so that [`audit`](crate::audit()) shows it as declared and all else as
/// `undeclared`.
///
/// ```rust
/// # #[rocket::get("/health")]
/// # fn health() -> &'static str { "ok" }
/// let rocket = rocket::build().mount("/", auth_guard::public(rocket::routes![health]));
/// ```
///
/// It opens nothing: the guards of a route are still asked, and a `<user_id>` still
/// needs `#[user_scoped]`.
pub fn public(routes: impl Into<Vec<Route>>) -> Vec<Route> {
    let mut routes = routes.into();
    routes.iter_mut().for_each(|route| Declaration::Public.declare(route));
    routes
}

#[derive(Clone)]
struct Protected {
    handler: Box<dyn Handler>,
    requirement: Option<Named>,
}

#[async_trait]
impl Handler for Protected {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match check(request, self.requirement).await {
            Ok(()) => self.handler.handle(request, data).await,
            Err(refused) => {
                say(&refused.error);
                Outcome::Error(refuse(request, &refused))
            }
        }
    }
}

/// Writes the line that Rocket writes when a guard of a handler fails. A 403 and a 500 are
/// events that the log has at the same levels.
fn say(error: &AuthError) {
    if matches!(error.status(), 401 | 503) {
        log::warn!(target: "auth_guard::_", "`protect` failed: {error:?}.");
    }
}

async fn check(request: &Request<'_>, requirement: Option<Named>) -> Result<(), Refused> {
    let caller = authenticate(request).await?;
    // Read off the route that was asked: an application may have changed its pattern since
    // it was protected.
    let route = request.route().ok_or(AuthError::Misconfigured)?;
    let terms = match mark::is_marked(route) {
        // The attribute decides about the owner, machines and scopes, and records it.
        true => {
            let is_so = |is_so: fn(&GuardedHandler) -> bool| {
                let known = Registry::known(request, route);
                known.is_some_and(|known| known.other.is_none() && is_so(known.first))
            };
            let machines = caller.is_machine() && is_so(|handler| handler.machines);
            let leaves_scopes = requirement.is_some()
                || caller.enforces_scopes() && is_so(|handler| handler.exempt.is_none());
            Terms { requirement, machines, leaves_scopes, is_silent: true, ..Terms::default() }
        }
        // Of several layers, the innermost comes last and has no requirement.
        false => {
            let owner = Pattern::unmounted(route).position(USER_ID);
            let leaves_scopes = requirement.is_some();
            Terms { requirement, owner, leaves_scopes, ..Terms::default() }
        }
    };
    decide_and_ask(request, &caller, &terms).await.map(drop)
}
