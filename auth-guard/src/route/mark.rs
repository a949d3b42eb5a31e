//! The marks in [`Route::name`], the only part of a route that can be written when it is
//! declared and read when it is mounted: which handlers have an attribute, and what was
//! declared for a whole mount.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::Mutex;

use rocket::Route;

use crate::sync::lock;

/// A declaration for a whole mount, by [`protect`](crate::protect) or
/// [`public`](crate::public): a suffix of the route's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declaration {
    Protected,
    Public,
}

/// What was declared of a route.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) declaration: Declaration,
    /// The requirements of its mounts.
    pub(crate) requirements: Vec<&'static str>,
    /// The OAuth scopes of its mounts, as they are written.
    pub(crate) scopes: Vec<String>,
    /// The name before the declaration.
    name: String,
}

impl Declaration {
    fn mark(self) -> &'static str {
        match self {
            Self::Protected => " [protected]",
            Self::Public => " [public]",
        }
    }

    /// Returns what the name reads like. It takes no lock, and is right about a route with
    /// an attribute: no identifier reads like a declaration.
    pub(crate) fn of(route: &Route) -> Option<Self> {
        let name = route.name.as_deref()?;
        [Self::Protected, Self::Public].into_iter().find(|of| name.ends_with(of.mark()))
    }

    /// Marks a route. A protected one stays protected.
    pub(crate) fn declare(self, route: &mut Route) {
        let declared = Declared::of(route).unwrap_or_else(|| Declared {
            declaration: self,
            requirements: Vec::new(),
            scopes: Vec::new(),
            name: route.name.take().unwrap_or_default().into_owned(),
        });
        let declaration = match declared.declaration {
            Self::Protected => Self::Protected,
            Self::Public => self,
        };
        Declared { declaration, ..declared }.write(route);
    }
}

/// Adds a requirement to a declared route.
pub(crate) fn require(route: &mut Route, requirement: &'static str) {
    if let Some(mut declared) = Declared::of(route) {
        declared.requirements.push(requirement);
        declared.write(route);
    }
}

/// Adds OAuth scopes to a declared route.
pub(crate) fn require_scope(route: &mut Route, scopes: &str) {
    if let Some(mut declared) = Declared::of(route) {
        declared.scopes.push(scopes.to_owned());
        declared.write(route);
    }
}

/// What each name says. Names are never freed: there is one for each handler that is mounted
/// so, however often it is.
static DECLARED: Mutex<BTreeMap<&'static str, Declared>> = Mutex::new(BTreeMap::new());

impl Declared {
    /// Returns what was declared. Pointer identity distinguishes our name from one that
    /// only looks like it: `FileServer` puts the name of its folder into the route's.
    pub(crate) fn of(route: &Route) -> Option<Self> {
        let name = route.name.as_deref()?;
        let all = lock(&DECLARED);
        let (ours, declared) = all.get_key_value(name)?;
        ptr::eq(*ours, name).then(|| declared.clone())
    }

    fn write(self, route: &mut Route) {
        let required = self.requirements.iter().map(|name| format!(" [requires {name}]"));
        let scopes = self.scopes.iter().map(|scopes| format!(" [scope {scopes:?}]"));
        let required: String = required.chain(scopes).collect();
        let name = format!("{}{required}{}", self.name, self.declaration.mark());
        let mut all = lock(&DECLARED);
        let known = all.get_key_value(&*name).map(|(known, _)| *known);
        let name = known.unwrap_or_else(|| {
            let name: &'static str = name.leak();
            all.insert(name, self);
            name
        });
        route.name = Some(name.into());
    }
}

/// Returns `true` if the handler of this route has one of our attributes.
///
/// They name the handler by its raw identifier: `list` and `r#list` are the same to rustc,
/// `routes!` and `uri!`, but not in [`Route::name`]. So a handler of the same name, method
/// and path in another module does not pass for one with an attribute. Only keywords are
/// named that way without an attribute, and the attributes refuse them.
///
/// The mark says that the handler is known; what it asks is in the
/// [registry](super::registry).
pub(crate) fn is_marked(route: &Route) -> bool {
    let Some(name) = route.name.as_deref().and_then(|name| name.strip_prefix("r#")) else {
        return false;
    };
    let name = name.split(' ').next().unwrap_or(name);
    !name.is_empty() && !is_keyword(name)
}

/// Returns the name of the handler as it is in the source.
pub(crate) fn handler_name(route: &Route) -> Option<String> {
    let name = match Declared::of(route) {
        Some(declared) => declared.name,
        None => route.name.as_deref()?.to_owned(),
    };
    let name = name.strip_prefix("r#").unwrap_or(&name);
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

/// Returns `true` for the words that need `r#` to name a function, in any edition.
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
