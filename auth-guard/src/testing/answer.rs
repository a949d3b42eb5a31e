//! What came back, and whether it is the answer that is due.

use std::fmt;

use rocket::http::{HeaderMap, Status};
use rocket::local::{asynchronous, blocking};
use serde_json::Value;

use crate::error::AuthError;

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Every header field, sorted: the order of fields of different names says nothing.
    pub fields: Vec<(String, String)>,
    /// All `WWW-Authenticate` fields.
    pub challenges: Vec<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Reads what came back to an asynchronous client.
    pub async fn read(response: asynchronous::LocalResponse<'_>) -> Self {
        let head = Self::head(response.status(), response.headers());
        Self { body: response.into_string().await.unwrap_or_default(), ..head }
    }

    /// The `code` of a problem body; empty where there is none.
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether this is the answer to `error`: its status and its challenge; and its
    /// code, unless the application's own catcher or `HEAD` left it out.
    pub fn is_refusal(&self, error: &AuthError) -> bool {
        let realm = |field: &str| {
            Some(field.strip_prefix("Bearer realm=\"")?.split('"').next()?.to_owned())
        };
        let realm = self.challenges.iter().find_map(|field| realm(field));
        let is_challenged = match (error.challenge(realm.as_deref().unwrap_or_default()), &realm) {
            (Some(challenge), Some(_)) => self.challenges.contains(&challenge),
            (None, None) => true,
            _ => false,
        };
        let code = self.code();
        self.status == error.status() && is_challenged && (code.is_empty() || code == error.code())
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

/// Status, challenge and code, in one line.
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

/// How much of a body is quoted, in characters.
const QUOTED: usize = 80;

/// The answer to `error`, in the same words.
pub(super) fn due(error: &AuthError) -> String {
    let challenge = error.challenge("…");
    let challenge = challenge.map_or("no challenge".into(), |text| format!("challenge `{text}`"));
    format!("{}, {challenge}, code {}", error.status(), error.code())
}
