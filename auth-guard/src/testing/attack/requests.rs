//! What is sent to a guarded route.

use std::fmt::Write;

use rocket::Route;
use rocket::http::Method;

use super::callers::Claims;
use super::target::{SEGMENT, Target};
use crate::error::AuthError;
use crate::route::pattern::{Pattern, Segment};
use crate::testing::hostile::HostileRequest;
use crate::testing::issuer::Issuer;

/// The user whose path is attacked.
pub(super) const OWNER: &str = "alice";
/// Another user.
pub(super) const OTHER: &str = "bob";

/// Segments that are similar to the owner's, and another user's.
const NEIGHBOURS: [(&str, &str); 13] = [
    ("in capitals", "ALICE"),
    ("with a capital", "Alice"),
    ("and a space", "alice%20"),
    ("and a NUL", "alice%00"),
    ("encoded twice", "%2561lice"),
    ("and a slash", "alice%2F"),
    ("after another and a slash", "bob%2Falice"),
    ("after another and dots", "bob%2F..%2Falice"),
    ("with a combining accent", "alice%CC%81"),
    ("with a letter of another script", "%D0%B0lice"),
    ("and a semicolon", "alice;x=1"),
    ("cut off", "alic"),
    ("replaced by a wildcard", "*"),
];

/// One request, and the refusal that is due.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) name: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) authorization: Vec<String>,
    /// A cookie that holds a token.
    pub(super) cookie: Option<String>,
    /// A form, whose `_method` Rocket takes for the method.
    pub(super) form: Option<String>,
    pub(super) due: AuthError,
    /// The OAuth scopes that a challenge must name.
    pub(super) scopes: Option<String>,
    /// `true` if the path may also lead nowhere.
    pub(super) may_be_lost: bool,
}

impl Attempt {
    /// Returns a request without a token, for the path of [`OWNER`].
    pub(super) fn new(name: &str, target: &Target<'_>, due: AuthError) -> Self {
        Self {
            name: name.to_owned(),
            method: target.route.method,
            path: path_of(target, OWNER, &target.segment()),
            authorization: Vec::new(),
            cookie: None,
            form: None,
            due,
            scopes: Some(target.requirements.oauth_scopes.join(" ")).filter(|it| !it.is_empty()),
            may_be_lost: false,
        }
    }
}

/// The hostile list, and the issuer of the tokens of two users.
pub(super) struct Plan {
    issuer: Issuer,
    hostile: Vec<HostileRequest>,
}

impl Plan {
    pub(super) fn new(issuer: Issuer, hostile: Vec<HostileRequest>) -> Self {
        Self { issuer, hostile }
    }

    /// Returns the request of a caller who may pass.
    pub(super) fn owner(&self, target: &Target<'_>) -> Attempt {
        let claims = target.valid_claims();
        self.request(target, "a valid token", OWNER, &claims, AuthError::NotAllowed)
    }

    /// Returns a request of a caller with these claims.
    pub(super) fn request(
        &self,
        target: &Target<'_>,
        name: &str,
        uid: &str,
        claims: &Claims,
        due: AuthError,
    ) -> Attempt {
        let token = self.issuer.token(uid).with_claims(claims).sign();
        let authorization = vec![bearer(&token)];
        Attempt { authorization, ..Attempt::new(name, target, due) }
    }

    /// Returns a path that leads to a route, with these segments.
    pub(super) fn path(&self, target: &Target<'_>, user: &str, segment: &str) -> String {
        path_of(target, user, segment)
    }

    /// Returns the hostile requests to a route, those of `unmet` requirements among them.
    pub(super) fn attempts(&self, target: &Target<'_>, unmet: Vec<Attempt>) -> Vec<Attempt> {
        let route = target.route;
        let bob = target.owner().map(|_| {
            let claims = target.claims_of_another();
            self.request(target, "another user's token", OTHER, &claims, AuthError::NotOwner)
        });
        // The plainest leaks come first, as a report shows only a few.
        let mut attempts: Vec<_> = bob.iter().cloned().collect();
        attempts.extend(unmet);
        // Where a machine may pass, its token is not hostile.
        let is_hostile = |hostile: &&HostileRequest| {
            !(target.requirements.machines && hostile.refusal == AuthError::NotAllowed)
        };
        attempts.extend(self.hostile.iter().filter(is_hostile).map(|hostile| Attempt {
            authorization: hostile.authorization.clone(),
            ..Attempt::new(&hostile.name, target, hostile.refusal.clone())
        }));
        attempts.extend(self.tokens_elsewhere(target));

        let nobody = Attempt::new("without a token", target, AuthError::MissingToken);
        attempts.extend(spellings(route, &nobody));
        attempts.extend(bob.iter().flat_map(|bob| spellings(route, bob)));
        attempts.extend(target.owner().into_iter().flat_map(|_| self.neighbours(target)));

        if route.method == Method::Get {
            let heads = attempts.iter().cloned();
            let heads: Vec<_> =
                heads.map(|attempt| Attempt { method: Method::Head, ..attempt }).collect();
            attempts.extend(heads);
        }
        attempts
    }

    /// Puts a valid token where it does not count.
    fn tokens_elsewhere(&self, target: &Target<'_>) -> [Attempt; 2] {
        let new = |name| Attempt::new(name, target, AuthError::MissingToken);
        let token = self.issuer.token(OWNER).with_claims(target.valid_claims()).sign();
        let mut in_query = new("a valid token in the query");
        let separator = if in_query.path.contains('?') { '&' } else { '?' };
        let _ = write!(in_query.path, "{separator}access_token={token}&token={token}");
        let in_cookie = Attempt { cookie: Some(token), ..new("a valid token in a cookie") };
        [in_query, in_cookie]
    }

    /// Asks for paths of other users with the owner's token.
    fn neighbours(&self, target: &Target<'_>) -> impl Iterator<Item = Attempt> {
        let claims = target.claims_of_another();
        NEIGHBOURS.into_iter().map(move |(how, user)| Attempt {
            path: path_of(target, user, &target.segment()),
            ..self.request(
                target,
                &format!("a valid token, its user {how}"),
                OWNER,
                &claims,
                AuthError::NotOwner,
            )
        })
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Returns `attempt` with other spellings of its path, and as a form.
fn spellings(route: &Route, attempt: &Attempt) -> Vec<Attempt> {
    let Attempt { name, path, .. } = attempt;
    let (route_path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut attempts: Vec<_> = [
        ("doubled slashes", route_path.replace('/', "//") + query, false),
        ("percent-encoded", percent_encoded(route_path) + query, false),
        ("a trailing slash", format!("{route_path}/{query}"), true),
        ("a dot segment", format!("/.{path}"), true),
    ]
    .into_iter()
    .map(|(how, path, may_be_lost)| Attempt {
        name: format!("{name}, {how}"),
        path,
        may_be_lost,
        ..attempt.clone()
    })
    .collect();

    let is_tunnelled = matches!(route.method, Method::Put | Method::Patch | Method::Delete)
        && route.format.is_none();
    if is_tunnelled {
        attempts.push(Attempt {
            name: format!("{name}, as a form with `_method`"),
            method: Method::Post,
            form: Some(format!("_method={}", route.method)),
            ..attempt.clone()
        });
    }
    attempts
}

/// Returns a path that leads to this route, with the user's segment and the scoped one as
/// given. The query keeps its static fields, which a request must have.
fn path_of(target: &Target<'_>, user: &str, scoped: &str) -> String {
    let pattern = Pattern::mounted(target.route);
    let scope = target.scope().map(|scope| &*scope.segment);
    let path = pattern.fill(|segment| match segment.name() {
        Some(name) if Some(name) == target.owner() => user.to_owned().into(),
        Some(name) if Some(name) == scope => scoped.to_owned().into(),
        Some(_) => SEGMENT.into(),
        None => match segment {
            Segment::Static(segment) => segment.into(),
            Segment::Dynamic(_) | Segment::Trailing(_) => SEGMENT.into(),
        },
    });
    let fields = pattern.fields().filter(|field| field.name().is_none());
    let fields: Vec<_> = fields.map(|field| field.to_string()).collect();
    match fields.join("&") {
        fields if fields.is_empty() => path,
        fields => format!("{path}?{fields}"),
    }
}

/// Encodes every byte of every segment.
fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = match byte {
            b'/' => write!(encoded, "/"),
            byte => write!(encoded, "%{byte:02X}"),
        };
        encoded
    })
}
