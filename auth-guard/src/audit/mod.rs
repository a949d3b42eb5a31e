//! Which mounted routes are scoped by a user, and which should be.

pub(crate) mod explain;

use std::collections::BTreeSet;
use std::fmt;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rocket::serde::Deserialize;
use rocket::{Ignite, Orbit, Phase, Rocket, Route};

use crate::guard::Handler;
use crate::launch::Installed;

/// The segment that names a user unless the attribute says otherwise.
pub(crate) const USER_ID: &str = "user_id";

/// What to do with a route that has a `<user_id>` and that nothing scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(crate = "rocket::serde", rename_all = "lowercase")]
pub(crate) enum Unscoped {
    /// Do not launch.
    #[default]
    Deny,
    /// Launch, and say so.
    Warn,
    /// Launch.
    Allow,
}

/// Who may call what: every mounted route of an application, for a reviewer to
/// read and for a test to pin. See [`audit`].
///
/// Its `Display` is a table, sorted by path; `{:#}` adds where each handler is
/// defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    routes: Vec<AuditedRoute>,
}

/// One row of an [`Audit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditedRoute {
    /// `GET`, `POST`, …
    pub method: String,
    /// The full pattern, mount point and all: `/api/<user_id>/tasks`.
    pub uri: String,
    /// The name of the handler, if it has one.
    pub handler: Option<String>,
    /// Who may call it.
    pub policy: Policy,
    /// File and line of the handler, as far as the attribute has seen it.
    pub defined_at: Option<(&'static str, u32)>,
}

/// Who may call a route, as far as it was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The user whose id is the segment of this name.
    Owner(String),
    /// That user, or a caller to whom this [`Exception`](crate::Exception) applies.
    OwnerOr(String, &'static str),
    /// Anybody the handler itself lets in, for this reason.
    Exempt(&'static str),
    /// Anybody with a valid token, by [`protect`](crate::protect).
    Verified,
    /// Anybody, by [`public`](crate::public).
    Public,
    /// Nobody has said. A guard among the handler's arguments cannot be seen here.
    Undeclared,
    /// There is a user in the pattern, and nothing checks whether it is the caller.
    Unscoped,
}

/// The phases in which all routes are known.
#[diagnostic::on_unimplemented(
    message = "routes are audited once all are mounted, after ignition",
    note = "ignite it first (`rocket.ignite().await?`), or take `client.rocket()`"
)]
pub trait Ignited: Phase {}

#[diagnostic::do_not_recommend]
impl Ignited for Ignite {}
#[diagnostic::do_not_recommend]
impl Ignited for Orbit {}

/// Who may call what in this application.
///
/// ```rust
/// use auth_guard::{AuthGuard, Secret, protect, user_scoped};
///
/// #[user_scoped]
/// #[rocket::get("/<user_id>/tasks")]
/// fn list(user_id: &str) -> &str {
///     user_id
/// }
///
/// #[rocket::get("/version")]
/// fn version() -> &'static str {
///     "1"
/// }
///
/// # rocket::async_test(async {
/// let rocket = rocket::build()
///     .attach(AuthGuard::fairing().with_secret(Secret::random()))
///     .mount("/api", protect(rocket::routes![list, version]))
///     .ignite()
///     .await
///     .expect("a valid Rocket");
/// assert_eq!(
///     auth_guard::audit(&rocket).to_string(),
///     "GET /api/<user_id>/tasks  owner of <user_id>  list\n\
///      GET /api/version          verified            version\n"
/// );
/// # });
/// ```
///
/// What it cannot see: a user by a name that is neither `user_id` nor given to an
/// attribute (`param = "…"`) below the same path, and what handlers and other guards
/// do.
pub fn audit<P: Ignited>(rocket: &Rocket<P>) -> Audit {
    Survey::of(rocket).audit()
}

impl Audit {
    /// The routes, sorted by path and method.
    pub fn routes(&self) -> &[AuditedRoute] {
        &self.routes
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |route: &AuditedRoute| {
            [format!("{} {}", route.method, route.uri), route.policy.to_string()]
        };
        let rows: Vec<_> = self.routes.iter().map(cells).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths = [0, 1].map(|column| width(column).unwrap_or_default());
        for (route, [pattern, policy]) in self.routes.iter().zip(&rows) {
            let handler = route.handler.as_deref().unwrap_or("(no name)");
            write!(f, "{pattern:0$}  {policy:1$}  {handler}", widths[0], widths[1])?;
            match route.defined_at {
                Some((file, line)) if f.alternate() => writeln!(f, " ({file}:{line})")?,
                _ => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(param) => write!(f, "owner of <{param}>"),
            Self::OwnerOr(param, exception) => write!(f, "owner of <{param}> or {exception}"),
            Self::Exempt(reason) => write!(f, "exempt: {reason}"),
            Self::Verified => f.write_str("verified"),
            Self::Public => f.write_str("public"),
            Self::Undeclared => f.write_str("undeclared"),
            Self::Unscoped => f.write_str("UNSCOPED"),
        }
    }
}

/// The mounted routes, and the handlers below `#[user_scoped]` that are known.
pub(crate) struct Survey<'r> {
    routes: Vec<&'r Route>,
    handlers: Vec<&'static Handler>,
    /// Whether all handlers are known, which they are after ignition.
    is_complete: bool,
}

impl<'r> Survey<'r> {
    /// Of an application whose routes are all known.
    pub(crate) fn of<P: Ignited>(rocket: &'r Rocket<P>) -> Self {
        let handlers = Installed::of(rocket).map(|installed| installed.handlers.snapshot());
        Self::new(rocket.routes(), handlers.unwrap_or_default(), true)
    }

    pub(crate) fn new(
        routes: impl Iterator<Item = &'r Route>,
        handlers: Vec<&'static Handler>,
        is_complete: bool,
    ) -> Self {
        Self { routes: routes.collect(), handlers, is_complete }
    }

    /// What is wrong, and what to write instead; nothing if all is well.
    pub(crate) fn faults(&self) -> Vec<String> {
        let unscoped = self.routes.iter().filter(|route| self.policy(route) == Policy::Unscoped);
        let ambiguous = self.routes.iter().filter_map(|route| self.ambiguity(route));
        let mut lines: Vec<_> = unscoped.map(|route| self.unscoped_line(route)).collect();
        if !lines.is_empty() {
            lines.push(
                "Write `#[user_scoped]` above the route attribute, or \
                 `#[user_scoped(exempt = \"the reason\")]` if anybody may call it"
                    .into(),
            );
        }
        lines.extend(ambiguous);
        lines
    }

    fn audit(&self) -> Audit {
        let audited = self.routes.iter().map(|route| AuditedRoute {
            method: route.method.to_string(),
            uri: route.uri.to_string(),
            handler: plain_name(route).map(str::to_owned),
            policy: self.policy(route),
            defined_at: self.handlers_of(route).next().map(|handler| (handler.file, handler.line)),
        });
        let mut routes: Vec<_> = audited.collect();
        routes.sort_by(|a, b| (&a.uri, &a.method).cmp(&(&b.uri, &b.method)));
        Audit { routes }
    }

    pub(crate) fn policy(&self, route: &Route) -> Policy {
        if is_scoped(route) {
            return match self.handlers_of(route).next() {
                Some(handler) => handler.policy(),
                None if self.is_complete => Policy::Unscoped,
                None => Policy::Owner(USER_ID.into()),
            };
        }

        let is_beside = self.handlers.iter().any(|handler| self.is_beside(route, handler));
        match (user_in(route), Layer::declared_of(route)) {
            (Some(Place::Segment(_)), Some(Layer::Protected)) if !is_beside => {
                Policy::Owner(USER_ID.into())
            }
            (Some(_), _) => Policy::Unscoped,
            (None, _) if is_beside => Policy::Unscoped,
            (None, Some(Layer::Protected)) => Policy::Verified,
            (None, Some(Layer::Public)) => Policy::Public,
            (None, None) => Policy::Undeclared,
        }
    }

    /// Two handlers of one name, method and path that want different things cannot
    /// be told apart here, and either might be the one that is mounted.
    fn ambiguity(&self, route: &Route) -> Option<String> {
        let first = self.handlers_of(route).next()?;
        let other = self.handlers_of(route).find(|other| other.policy() != first.policy())?;
        Some(format!(
            "{} {}: the handlers `{}` at {}:{} and {}:{} have the same path and different rules. \
             Rename one of them",
            route.method, route.uri, first.name, first.file, first.line, other.file, other.line
        ))
    }

    /// The handlers that this route may be of. If there are several, they share
    /// name, method and path.
    fn handlers_of(&self, route: &Route) -> impl Iterator<Item = &'static Handler> {
        self.handlers.iter().copied().filter(move |handler| is_of(route, handler))
    }

    /// Whether this route has, at the same place below the same path or in a query
    /// behind that, the user that `handler` is scoped by. So a `param = "id"` below
    /// `/users` says nothing of `/products/<id>`.
    fn is_beside(&self, route: &Route, handler: &Handler) -> bool {
        if handler.param == USER_ID || handler.exempt.is_some() {
            return false;
        }

        let is_dynamic = |segment: &str| segment.starts_with('<');
        let is_same = |a: &str, b: &str| a == b || is_dynamic(a) && is_dynamic(b);
        let is_alike = |a: &[&str], b: &[&str]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        };
        let scoped = self.routes.iter().filter(|scoped| is_of(scoped, handler));
        let mut there = scoped.filter_map(|scoped| before(scoped, handler.param));
        match before(route, handler.param) {
            Some(here) => there.any(|there| is_alike(&there, &here)),
            None if is_in_query(route, handler.param) => {
                let path: Vec<_> = segments(route.uri.path()).collect();
                let begins = |there: &[&str]| path.get(..there.len());
                there.any(|there| begins(&there).is_some_and(|path| is_alike(&there, path)))
            }
            None => false,
        }
    }

    fn unscoped_line(&self, route: &Route) -> String {
        const QUERY: &str = " (a query may be left out: put the user into the path)";
        let handler = plain_name(route)
            .map_or("a handler without a name".to_owned(), |name| format!("handler `{name}`"));
        let is_in_query = |handler: &&Handler| {
            is_in_query(route, handler.param) && self.is_beside(route, handler)
        };
        let remedy = match user_in(route) {
            Some(Place::Trailing) => {
                " (a user is one segment: `<user_id>/<rest..>` instead of `<user_id..>`)"
            }
            Some(Place::Query) => QUERY,
            None if self.handlers.iter().any(is_in_query) => QUERY,
            Some(Place::Segment(_)) | None => "",
        };
        format!(
            "{} {} ({handler}) has a user in its pattern and is not `#[user_scoped]`: anybody can \
             reach anybody's data there{remedy}",
            route.method, route.uri
        )
    }
}

/// The segments before `<param>` or `<param..>`, if it is in the path.
fn before<'r>(route: &'r Route, param: &str) -> Option<Vec<&'r str>> {
    let (segment, trailing) = (format!("<{param}>"), format!("<{param}..>"));
    let mut segments: Vec<_> = segments(route.uri.path()).collect();
    let position = segments.iter().position(|other| *other == segment || *other == trailing)?;
    segments.truncate(position);
    Some(segments)
}

fn is_of(route: &Route, handler: &Handler) -> bool {
    let origin = &route.uri.unmounted_origin;
    let (path, query) = handler.uri.split_once('?').unwrap_or((handler.uri, ""));
    is_scoped(route)
        && plain_name(route) == Some(handler.name)
        && route.method.as_str() == handler.method
        && segments(origin.path().as_str()).eq(segments(path))
        && origin.query().map_or("", |query| query.as_str()) == query
}

pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

impl Handler {
    fn policy(&self) -> Policy {
        match (self.exempt, self.or) {
            (Some(reason), _) => Policy::Exempt(reason),
            (None, Some(exception)) => Policy::OwnerOr(self.param.into(), exception),
            (None, None) => Policy::Owner(self.param.into()),
        }
    }
}

/// What was declared for a whole mount. It stands in [`Route::name`], the only
/// part of a route that can be read back, and a name that only reads like it, a
/// folder's for instance, is told apart by where in memory its text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Protected,
    Public,
}

impl Layer {
    fn mark(self) -> &'static str {
        match self {
            Self::Protected => " [protected]",
            Self::Public => " [public]",
        }
    }

    /// As the name reads. Quick, and true of a route below the attribute.
    pub(crate) fn of(route: &Route) -> Option<Self> {
        let name = route.name.as_deref()?;
        [Self::Protected, Self::Public].into_iter().find(|layer| name.ends_with(layer.mark()))
    }

    /// As it was declared.
    fn declared_of(route: &Route) -> Option<Self> {
        let name = route.name.as_deref()?;
        let is_ours = |name: &str| DECLARED.names().get(name).is_some_and(|of| ptr::eq(*of, name));
        Self::of(route).filter(|_| is_ours(name))
    }

    /// What is protected stays so, whatever else is said of it.
    pub(crate) fn declare(self, route: &mut Route) {
        let declared = Self::declared_of(route);
        if declared == Some(Self::Protected) {
            return;
        }

        let name = route.name.take().unwrap_or_default();
        let name = name.strip_suffix(declared.map_or("", Self::mark)).unwrap_or(&name);
        route.name = Some(DECLARED.intern(format!("{name}{}", self.mark())).into());
    }
}

/// The names of routes that carry a declaration. They stay for good: one for each
/// handler that is mounted so, however often it is.
struct Declared(Mutex<BTreeSet<&'static str>>);

static DECLARED: Declared = Declared(Mutex::new(BTreeSet::new()));

impl Declared {
    fn names(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intern(&self, name: String) -> &'static str {
        let mut names = self.names();
        if let Some(known) = names.get(&*name) {
            return known;
        }

        let name: &'static str = name.leak();
        names.insert(name);
        name
    }
}

/// Whether the attribute stands above this route's handler.
///
/// It names the handler by its raw identifier: `list` and `r#list` are the same
/// to rustc, `routes!` and `uri!`, but not in [`Route::name`]. So a twin of the
/// same name, method and path in another module does not pass for scoped. Only
/// keywords are named that way without the attribute, which refuses them.
pub(crate) fn is_scoped(route: &Route) -> bool {
    let is_raw = route.name.as_deref().is_some_and(|name| name.starts_with("r#"));
    is_raw && plain_name(route).is_some_and(|name| !is_keyword(name))
}

/// Where `<user_id>` stands in the path of this route, behind the mount point.
pub(crate) fn user_segment(route: &Route) -> Option<usize> {
    match user_in(route) {
        Some(Place::Segment(position)) => Some(position),
        Some(Place::Trailing | Place::Query) | None => None,
    }
}

/// The segment that the attribute scopes this route by, if there is no doubt.
pub(crate) fn scoped_segment(route: &Route, handlers: &[&Handler]) -> Option<usize> {
    let of = handlers.iter().filter(|handler| is_of(route, handler));
    let mut segments = of.map(|handler| handler.segment);
    let first = segments.next()??;
    segments.all(|other| other == Some(first)).then_some(first)
}

/// Where a pattern names a user.
enum Place {
    Segment(usize),
    Trailing,
    Query,
}

fn user_in(route: &Route) -> Option<Place> {
    let origin = &route.uri.unmounted_origin;
    let mut segments = origin.path().raw_segments();
    if let Some(position) = segments.position(|segment| segment.as_str() == "<user_id>") {
        return Some(Place::Segment(position));
    }

    let mut segments = origin.path().raw_segments();
    if segments.any(|segment| segment.as_str() == "<user_id..>") {
        return Some(Place::Trailing);
    }

    is_in_query(route, USER_ID).then_some(Place::Query)
}

/// Whether `<param>` or `<param..>` is in the query.
fn is_in_query(route: &Route, param: &str) -> bool {
    let (field, trailing) = (format!("<{param}>"), format!("<{param}..>"));
    let query = route.uri.unmounted_origin.query();
    let mut fields = query.into_iter().flat_map(|query| query.raw_segments());
    fields.any(|other| *other == *field || *other == *trailing)
}

/// The name of the handler as it is in the source.
fn plain_name(route: &Route) -> Option<&str> {
    let name = route.name.as_deref()?;
    let name = name.strip_prefix("r#").unwrap_or(name);
    let mark = Layer::declared_of(route).map_or("", Layer::mark);
    let name = name.strip_suffix(mark).unwrap_or(name);
    Some(name).filter(|name| !name.is_empty())
}

/// The words that need `r#` to name a function, in any edition.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in",
        "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
        "return", "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe",
        "unsized", "use", "virtual", "where", "while", "yield",
    ];
    KEYWORDS.contains(&name)
}
