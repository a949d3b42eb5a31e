//! An answer, and its comparison with the one that is due.

use std::fmt;

use rocket::http::{HeaderMap, Status};
use rocket::local::{asynchronous, blocking};
use serde_json::Value;

use crate::error::AuthError;

/// An answer, read completely: to compare it, or to assert on it in an asynchronous
/// test.
///
/// ```rust
/// # use auth_guard::{AuthGuard, Secret, user_scoped};
/// # use rocket::local::blocking::Client;
/// use auth_guard::testing::{Answer, RequestExt};
///
/// # #[user_scoped]
/// # #[rocket::get("/<user_id>/tasks")]
/// # fn list(user_id: &str) -> &str {
/// #     user_id
/// # }
/// # let guard = AuthGuard::fairing().with_secret(Secret::random());
/// # let rocket = rocket::build().attach(guard).mount("/api", rocket::routes![list]);
/// # let client = Client::untracked(rocket).expect("a valid Rocket");
/// let answer = Answer::from(client.get("/api/alice/tasks").as_user("bob").dispatch());
/// assert_eq!((answer.status, &*answer.code()), (403, "not_owner"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Every header field, sorted, because the order of fields has no meaning.
    pub fields: Vec<(String, String)>,
    /// The values of all `WWW-Authenticate` fields.
    pub challenges: Vec<String>,
    /// The value of `Content-Type`.
    pub content_type: Option<String>,
    /// The value of `Retry-After`.
    pub retry_after: Option<String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Reads the answer to a request of an asynchronous client.
    ///
    /// ```rust
    /// # use auth_guard::{AuthGuard, Secret, user_scoped};
    /// use auth_guard::testing::{Answer, RequestExt, assert_refused};
    /// use rocket::local::asynchronous::Client;
    ///
    /// # #[user_scoped]
    /// # #[rocket::get("/<user_id>/tasks")]
    /// # fn list(user_id: &str) -> &str {
    /// #     user_id
    /// # }
    /// # let guard = AuthGuard::fairing().with_secret(Secret::random());
    /// # let rocket = rocket::build().attach(guard).mount("/api", rocket::routes![list]);
    /// # rocket::async_test(async {
    /// let client = Client::untracked(rocket).await.expect("a valid Rocket");
    /// let response = client.get("/api/alice/tasks").as_user("bob").dispatch().await;
    /// assert_refused!(Answer::read(response).await, NotOwner);
    /// # });
    /// ```
    pub async fn read(response: asynchronous::LocalResponse<'_>) -> Self {
        let head = Self::head(response.status(), response.headers());
        Self { body: response.into_string().await.unwrap_or_default(), ..head }
    }

    /// Returns the `code` of a problem body, or an empty text if there is none.
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns `true` if this is the answer to `error`: its status, its challenge and its
    /// code. The code may be missing, as the application's own catcher and `HEAD` omit it.
    pub fn is_refusal(&self, error: &AuthError) -> bool {
        let realm = self.parameter("Bearer realm=\"");
        // What the route names is not known here.
        let scopes = self.scopes();
        let has_scopes = scopes.is_some() || *error != AuthError::InsufficientScope;
        let metadata = self.parameter(" resource_metadata=\"");
        let due = error.challenge(realm.unwrap_or_default(), scopes, metadata);
        let is_challenged = match (due, realm) {
            (Some(challenge), Some(_)) => has_scopes && self.challenges.contains(&challenge),
            (None, None) => true,
            _ => false,
        };
        let code = self.code();
        self.status == error.status() && is_challenged && (code.is_empty() || code == error.code())
    }

    /// Returns the OAuth scopes that a challenge names.
    pub(super) fn scopes(&self) -> Option<&str> {
        self.parameter(", scope=\"")
    }

    /// Returns the rest of a challenge after `start`, up to the next quote.
    fn parameter(&self, start: &str) -> Option<&str> {
        let rest = self.challenges.iter().find_map(|field| field.split_once(start));
        rest.and_then(|(_, rest)| rest.split('"').next())
    }

    fn head(status: Status, headers: &HeaderMap<'_>) -> Self {
        let field = |name: &str| headers.get_one(name).map(str::to_owned);
        let fields = headers.iter().map(|h| (h.name().to_string(), h.value().to_owned()));
        let mut fields: Vec<_> = fields.collect();
        fields.sort();
        Self {
            status: status.code,
            fields,
            challenges: headers.get("WWW-Authenticate").map(str::to_owned).collect(),
            content_type: field("Content-Type"),
            retry_after: field("Retry-After"),
            body: String::new(),
        }
    }
}

impl From<blocking::LocalResponse<'_>> for Answer {
    fn from(response: blocking::LocalResponse<'_>) -> Self {
        let head = Self::head(response.status(), response.headers());
        Self { body: response.into_string().unwrap_or_default(), ..head }
    }
}

/// Writes status, challenge and code in one line.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.status)?;
        match &*self.challenges {
            [] => f.write_str("no challenge, ")?,
            challenges => write!(f, "challenge `{}`, ", challenges.join("` and `"))?,
        }
        match (&*self.code(), &*self.body) {
            ("", "") => f.write_str("no body"),
            ("", body) => write!(f, "body {:?}", body.chars().take(QUOTED).collect::<String>()),
            (code, _) => write!(f, "code {code}"),
        }
    }
}

/// The longest quotation from a body, in characters.
const QUOTED: usize = 80;

/// Describes the answer to `error` as `Display` describes an answer.
pub(super) fn due(error: &AuthError) -> String {
    let scopes = (*error == AuthError::InsufficientScope).then_some("…");
    let challenge = error.challenge("…", scopes, None);
    let challenge = challenge.map_or("no challenge".into(), |text| format!("challenge `{text}`"));
    format!("{}, {challenge}, code {}", error.status(), error.code())
}
