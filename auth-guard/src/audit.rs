//! Which mounted routes are scoped by a user, and which should be.

use rocket::Route;
use rocket::serde::Deserialize;

/// The segment that names a user unless the attribute says otherwise.
pub(crate) const USER_ID: &str = "user_id";

/// What to do with a route that has a `<user_id>` and is not `#[user_scoped]`.
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

/// The routes with a `<user_id>` in their path that no attribute scopes.
pub(crate) fn unscoped<'r>(routes: impl Iterator<Item = &'r Route>) -> Vec<&'r Route> {
    routes.filter(|route| has_user_segment(route) && !is_scoped(route)).collect()
}

/// What is wrong, and what to write instead.
pub(crate) fn report(unscoped: &[&Route]) -> Vec<String> {
    let mut lines: Vec<_> = unscoped
        .iter()
        .map(|route| {
            let handler = match &route.name {
                Some(name) => format!("handler `{}`", plain_name(name)),
                None => "a handler without a name".to_owned(),
            };
            format!(
                "{} {} ({handler}) has a `<{USER_ID}>` and is not `#[user_scoped]`: anybody can \
                 reach anybody's data there",
                route.method, route.uri
            )
        })
        .collect();
    lines.push(format!(
        "Write `#[user_scoped]` above the route attribute (and `<{USER_ID}>` for a trailing \
         `<{USER_ID}..>`), or `#[user_scoped(exempt = \"the reason\")]` if that is intended"
    ));
    lines
}

/// Where `<user_id>` stands in the path of this route, behind the mount point.
pub(crate) fn user_segment(route: &Route) -> Option<usize> {
    let mut segments = route.uri.unmounted_origin.path().raw_segments();
    segments.position(|segment| segment.as_str() == "<user_id>")
}

/// Whether the attribute stands above this route's handler.
///
/// It names the handler by its raw identifier: `list` and `r#list` are the same
/// to rustc, `routes!` and `uri!`, but not in [`Route::name`]. So a twin of the
/// same name, method and path in another module does not pass for scoped. Only
/// keywords are named that way without the attribute, which refuses them.
pub(crate) fn is_scoped(route: &Route) -> bool {
    let raw = route.name.as_deref().and_then(|name| name.strip_prefix("r#"));
    raw.is_some_and(|name| !is_keyword(name))
}

pub(crate) fn plain_name(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

fn has_user_segment(route: &Route) -> bool {
    let mut segments = route.uri.unmounted_origin.path().raw_segments();
    segments.any(|segment| matches!(segment.as_str(), "<user_id>" | "<user_id..>"))
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
