//! The hostile list against every guarded route of an application.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use rocket::http::{ContentType, Cookie, Header, Method};
use rocket::local::blocking::Client;
use rocket::{Orbit, Rocket, Route};

use super::answer::{Answer, due};
use super::hostile::HostileRequest;
use super::issuer::Issuer;
use crate::audit::{Policy, Survey};
use crate::error::AuthError;
use crate::verifier::Verifier;

/// Sends every [`HostileRequest`], another user's token, and odd spellings of the
/// path, to every guarded route of the application under test, and checks that each
/// is refused with the documented answer.
///
/// ```rust
/// # use auth_guard::{AuthGuard, Secret, protect, public, user_scoped};
/// # use rocket::local::blocking::Client;
/// use auth_guard::testing::attack_all;
///
/// # #[user_scoped]
/// # #[rocket::get("/<user_id>/tasks")]
/// # fn list(user_id: &str) -> &str {
/// #     user_id
/// # }
/// # let guard = AuthGuard::fairing().with_secret(Secret::random());
/// # let rocket = rocket::build().attach(guard).mount("/api", protect(rocket::routes![list]));
/// let client = Client::untracked(rocket).expect("a valid Rocket");
/// println!("{}", attack_all(&client));
/// ```
///
/// Which routes are guarded is what [`audit`](crate::audit()) says; one of which
/// nobody has said anything is guarded if it challenges a request without a token. The
/// last request to each route is the owner's, so handlers do run: give the client
/// data that may change.
///
/// # Panics
///
/// When a guarded route answers a hostile request in any other way, or its owner
/// like one; the message is the table, and what came back. Also when the application
/// has no [`AuthGuard`](crate::AuthGuard) attached, no guarded route, or neither a
/// secret nor an issuer of the test; see [`Issuer::of`].
#[track_caller]
pub fn attack_all(client: &Client) -> AttackReport {
    let rocket = client.rocket();
    let issuer = Issuer::expect(rocket);
    let verifier = rocket.state::<Verifier>().expect("whose tokens they are");
    let hostile = HostileRequest::all(verifier, &issuer, OWNER);
    let attack = Attack { client, rocket, issuer, hostile };

    let survey = Survey::of(rocket);
    let mut routes: Vec<_> = rocket.routes().collect();
    // What its owner reads is there until its owner deletes it.
    routes.sort_by_key(|route| (order(route.method), route.uri.to_string()));
    let rows = routes.into_iter().map(|route| attack.run(route, survey.policy(route)));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| (&a.uri, a.method.as_str()).cmp(&(&b.uri, b.method.as_str())));
    let report = AttackReport { rows };
    assert!(report.is_any_guarded(), "no route is guarded:\n{report}");
    assert!(report.is_kept(), "a guarded route does not answer as it must:\n{report}");
    report
}

fn order(method: Method) -> u8 {
    match method {
        Method::Get | Method::Head | Method::Options => 0,
        Method::Delete => 2,
        _ => 1,
    }
}

/// What [`attack_all`] found. Its `Display` is a table: for each route, how many
/// hostile requests got which answer, and the status of its owner's own.
#[derive(Clone, Debug)]
pub struct AttackReport {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    method: Method,
    uri: String,
    policy: Policy,
    result: Outcome,
}

#[derive(Clone, Debug)]
enum Outcome {
    Guarded {
        /// How many requests got the answer of this code.
        refused: BTreeMap<&'static str, usize>,
        /// The status of the owner's own request.
        owner: u16,
        wrong: Vec<String>,
    },
    /// Anybody is let in, and that was said, or is seen by this status.
    Open(Option<u16>),
}

impl AttackReport {
    /// How many hostile requests were sent.
    pub fn requests(&self) -> usize {
        let counts = self.rows.iter().map(|row| match &row.result {
            Outcome::Guarded { refused, wrong, .. } => {
                refused.values().sum::<usize>() + wrong.len()
            }
            Outcome::Open(_) => 0,
        });
        counts.sum()
    }

    fn is_any_guarded(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.result, Outcome::Guarded { .. }))
    }

    fn is_kept(&self) -> bool {
        self.rows.iter().all(|row| match &row.result {
            Outcome::Guarded { wrong, .. } => wrong.is_empty(),
            Outcome::Open(_) => true,
        })
    }
}

/// Whose path is asked for.
const OWNER: &str = "alice";
/// Somebody else.
const OTHER: &str = "bob";
/// What any other dynamic segment is filled with.
const SEGMENT: &str = "1";

/// Spellings of a segment that are not its owner's.
const NEIGHBOURS: [(&str, &str); 13] = [
    ("in capitals", "ALICE"),
    ("with a capital", "Alice"),
    ("and a space", "alice%20"),
    ("and a NUL", "alice%00"),
    ("encoded twice", "%2561lice"),
    ("and a slash", "alice%2F"),
    ("behind another and a slash", "bob%2Falice"),
    ("behind another and dots", "bob%2F..%2Falice"),
    ("with a combining accent", "alice%CC%81"),
    ("with a letter of another script", "%D0%B0lice"),
    ("and a semicolon", "alice;x=1"),
    ("cut off", "alic"),
    ("replaced by a wildcard", "*"),
];

struct Attack<'c> {
    client: &'c Client,
    rocket: &'c Rocket<Orbit>,
    issuer: Issuer,
    hostile: Vec<HostileRequest>,
}

/// One request, and the refusal that is due.
struct Attempt {
    name: String,
    method: Method,
    path: String,
    authorization: Vec<String>,
    /// A cookie with a token in it.
    cookie: Option<String>,
    /// Sent as a form, which Rocket takes for another method.
    form: Option<String>,
    due: AuthError,
    /// Whether the path may also lead nowhere.
    may_be_lost: bool,
}

impl Attack<'_> {
    fn run(&self, route: &Route, policy: Policy) -> Row {
        let result = match &policy {
            Policy::Owner(param) | Policy::OwnerOr(param, _) => self.guarded(route, Some(param)),
            Policy::Unscoped => self.guarded(route, Some(crate::audit::USER_ID)),
            Policy::Verified => self.guarded(route, None),
            Policy::Exempt(_) | Policy::Public => Outcome::Open(None),
            Policy::Undeclared => {
                let attempt = Attempt::new("no field", route, None, AuthError::MissingToken);
                let answer = self.send(route, &attempt);
                match answer.challenges.iter().any(|field| field.starts_with("Bearer ")) {
                    true => self.guarded(route, None),
                    false => Outcome::Open(Some(answer.status)),
                }
            }
        };
        Row { method: route.method, uri: route.uri.to_string(), policy, result }
    }

    fn guarded(&self, route: &Route, param: Option<&str>) -> Outcome {
        let (mut refused, mut wrong) = (BTreeMap::new(), Vec::new());
        for attempt in self.attempts(route, param) {
            let answer = self.send(route, &attempt);
            if attempt.may_be_lost && answer.status == 404 {
                continue;
            }

            match self.is_due(&attempt, &answer) {
                true => *refused.entry(attempt.due.code()).or_default() += 1,
                false => wrong.push(format!(
                    "{} {}, {}\n      due:       {}\n      came back: {answer}",
                    attempt.method,
                    attempt.path,
                    attempt.name,
                    due(&attempt.due)
                )),
            }
        }

        // Otherwise everybody may be refused for a reason that is nobody's fault.
        let mut attempt = Attempt::new("", route, param, AuthError::NotOwner);
        attempt.authorization = vec![self.bearer(OWNER)];
        let owner = self.send(route, &attempt);
        if !owner.challenges.is_empty() || [401, 403].contains(&owner.status) {
            wrong.push(format!(
                "{} {}, a good token: refused as well, so that nothing is shown\n      \
                 came back: {owner}",
                attempt.method, attempt.path
            ));
        }
        Outcome::Guarded { refused, owner: owner.status, wrong }
    }

    /// Everything that is tried on a route, scoped by this segment if by any.
    fn attempts(&self, route: &Route, param: Option<&str>) -> Vec<Attempt> {
        let new = |name: &str, due| Attempt::new(name, route, param, due);
        let (alice, bob) = (self.bearer(OWNER), self.bearer(OTHER));
        let mut attempts: Vec<_> = self
            .hostile
            .iter()
            .map(|hostile| Attempt {
                authorization: hostile.authorization.clone(),
                ..new(&hostile.name, hostile.refusal.clone())
            })
            .collect();

        let token = self.issuer.token(OWNER).sign();
        let query = |path: &str| if path.contains('?') { '&' } else { '?' };
        let mut in_query = new("a good token in the query", AuthError::MissingToken);
        let separator = query(&in_query.path);
        let _ = write!(in_query.path, "{separator}access_token={token}&token={token}");
        attempts.push(in_query);
        let mut in_cookie = new("a good token in a cookie", AuthError::MissingToken);
        in_cookie.cookie = Some(token);
        attempts.push(in_cookie);

        // Without a token, and where there is an owner with somebody else's.
        let mut callers = vec![("without a token", None, AuthError::MissingToken)];
        if param.is_some() {
            callers.push(("another user's token", Some(bob), AuthError::NotOwner));
        }
        for (name, token, due) in callers {
            let attempt = || Attempt {
                authorization: token.iter().cloned().collect(),
                ..new(name, due.clone())
            };
            let mut odd = |how: &str, path: String, may_be_lost| {
                let name = format!("{name}, {how}");
                attempts.push(Attempt { name, path, may_be_lost, ..attempt() });
            };
            let Attempt { path, .. } = attempt();
            let (route_path, rest) = path.split_at(path.find('?').unwrap_or(path.len()));
            odd("doubled slashes", route_path.replace('/', "//") + rest, false);
            odd("percent-encoded", percent_encoded(route_path) + rest, false);
            odd("a slash behind", format!("{route_path}/{rest}"), true);
            odd("a dot segment", format!("/.{path}"), true);
            attempts.push(attempt());

            let is_tunnelled = matches!(route.method, Method::Put | Method::Patch | Method::Delete)
                && route.format.is_none();
            if is_tunnelled {
                attempts.push(Attempt {
                    name: format!("{name}, as a form with `_method`"),
                    method: Method::Post,
                    form: Some(format!("_method={}", route.method)),
                    ..attempt()
                });
            }
        }

        if let Some(param) = param {
            for (how, segment) in NEIGHBOURS {
                attempts.push(Attempt {
                    name: format!("a good token, its user {how}"),
                    path: path_of(route, Some((param, segment))),
                    authorization: vec![alice.clone()],
                    ..new("", AuthError::NotOwner)
                });
            }
        }

        if route.method == Method::Get {
            let heads: Vec<_> = attempts.iter().map(Attempt::as_head).collect();
            attempts.extend(heads);
        }
        attempts
    }

    fn send(&self, route: &Route, attempt: &Attempt) -> Answer {
        let mut request = self.client.req(attempt.method, attempt.path.clone());
        for field in &attempt.authorization {
            request.add_header(Header::new("Authorization", field.clone()));
        }
        if let Some(token) = &attempt.cookie {
            request = request.cookie(Cookie::new("token", token.clone()));
        }
        match (&attempt.form, &route.format) {
            (Some(form), _) => request = request.header(ContentType::Form).body(form),
            (None, Some(format)) if route.method.supports_payload() => {
                request.add_header(ContentType(format.clone()));
            }
            (None, Some(format)) => {
                request.add_header(Header::new("Accept", format.to_string()));
            }
            (None, None) => {}
        }
        request.dispatch().into()
    }

    /// The answer of the contract: the body too, where the application does not
    /// catch the status itself.
    fn is_due(&self, attempt: &Attempt, answer: &Answer) -> bool {
        let has_body = attempt.method != Method::Head && !self.is_caught(attempt);
        let body = attempt.due.body().unwrap_or_default();
        answer.is_refusal(&attempt.due) && (!has_body || answer.body.as_bytes() == body)
    }

    /// Whether a catcher of the application's own answers this status there.
    fn is_caught(&self, attempt: &Attempt) -> bool {
        self.rocket.catchers().any(|catcher| {
            let base = catcher.base.path().as_str().trim_end_matches('/');
            catcher.name.as_deref() != Some(crate::launch::CATCHER)
                && catcher.code.is_none_or(|code| code == attempt.due.status())
                && attempt.path.replace("//", "/").starts_with(base)
        })
    }

    fn bearer(&self, uid: &str) -> String {
        format!("Bearer {}", self.issuer.token(uid).sign())
    }
}

impl Attempt {
    /// Without a token, on the path of [`OWNER`].
    fn new(name: &str, route: &Route, param: Option<&str>, due: AuthError) -> Self {
        Self {
            name: name.to_owned(),
            method: route.method,
            path: path_of(route, param.map(|param| (param, OWNER))),
            authorization: Vec::new(),
            cookie: None,
            form: None,
            due,
            may_be_lost: false,
        }
    }

    fn as_head(&self) -> Self {
        Self {
            name: self.name.clone(),
            method: Method::Head,
            path: self.path.clone(),
            authorization: self.authorization.clone(),
            cookie: self.cookie.clone(),
            form: None,
            due: self.due.clone(),
            may_be_lost: self.may_be_lost,
        }
    }
}

/// A path that this route is for, with this segment as given; queries keep what is
/// static in them, which a request must have.
fn path_of(route: &Route, user: Option<(&str, &str)>) -> String {
    let fill = |segment: &str| {
        let name = segment.strip_prefix('<').and_then(|name| name.strip_suffix('>'));
        match (name.map(|name| name.trim_end_matches("..")), user) {
            (Some(name), Some((param, value))) if name == param => value.to_owned(),
            (Some(_), _) => SEGMENT.to_owned(),
            (None, _) => segment.to_owned(),
        }
    };
    let origin = &route.uri.origin;
    let segments: Vec<_> = origin.path().as_str().split('/').map(fill).collect();
    let path = segments.join("/");
    let fields = origin.query().map_or("", |query| query.as_str());
    let fields: Vec<_> = fields.split('&').filter(|field| !field.starts_with('<')).collect();
    match fields.join("&") {
        fields if fields.is_empty() => path,
        fields => format!("{path}?{fields}"),
    }
}

/// Every byte of every segment.
fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = match byte {
            b'/' => write!(encoded, "/"),
            byte => write!(encoded, "%{byte:02X}"),
        };
        encoded
    })
}

const CODES: [&str; 5] =
    ["token_missing", "request_malformed", "token_invalid", "token_expired", "not_owner"];

impl fmt::Display for AttackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.rows.iter().map(|r| format!("{} {}", r.method, r.uri)).collect();
        let policies: Vec<_> = self.rows.iter().map(|row| row.policy.to_string()).collect();
        let width = |cells: &[String]| cells.iter().map(|cell| cell.chars().count()).max();
        let (name, policy) =
            (width(&names).unwrap_or_default(), width(&policies).unwrap_or_default());

        write!(f, "{:name$}  {:policy$}", "route", "who may call it")?;
        CODES.iter().try_for_each(|code| write!(f, "  {code}"))?;
        writeln!(f, "  good token")?;
        for ((route, declared), row) in names.iter().zip(&policies).zip(&self.rows) {
            write!(f, "{route:name$}  {declared:policy$}")?;
            match &row.result {
                Outcome::Guarded { refused, owner, wrong } => {
                    for code in CODES {
                        let count = refused.get(code).copied().unwrap_or_default();
                        write!(f, "  {count:>0$}", code.len())?;
                    }
                    write!(f, "  {owner:>10}")?;
                    match wrong.len() {
                        0 => writeln!(f)?,
                        wrong => writeln!(f, "  WRONG: {wrong}")?,
                    }
                }
                Outcome::Open(None) => writeln!(f, "  not attacked")?,
                Outcome::Open(Some(status)) => writeln!(f, "  open: {status} without a token")?,
            }
        }
        for row in &self.rows {
            let Outcome::Guarded { wrong, .. } = &row.result else { continue };
            for wrong in wrong.iter().take(SHOWN) {
                writeln!(f, "    {wrong}")?;
            }
            if wrong.len() > SHOWN {
                writeln!(f, "    and {} more of {} {}", wrong.len() - SHOWN, row.method, row.uri)?;
            }
        }
        Ok(())
    }
}

/// How many wrong answers of one route are shown.
const SHOWN: usize = 5;
