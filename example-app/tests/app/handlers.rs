//! The application on a database file of its own.

use auth_guard::testing::{Algorithm, Issuer, RequestExt};
use auth_guard::{AuthGuard, Secret};
use rocket::http::{ContentType, Method, Status};
use rocket::local::blocking::{Client, LocalResponse};
use rocket::serde::json::{Value, json};
use rocket::{Build, Rocket};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

pub(crate) struct App {
    pub(crate) client: Client,
    directory: TempDir,
}

/// What a client gets to see.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) content_type: Option<ContentType>,
    pub(crate) location: Option<String>,
    pub(crate) text: String,
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(|rocket| rocket)
    }

    pub(crate) fn with(more: impl FnOnce(Rocket<Build>) -> Rocket<Build>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let guard = AuthGuard::fairing().with_secret(Secret::random());
        let rocket = example_app::rocket(guard, directory.path().join("tasks.sqlite"));
        Self { client: Client::untracked(more(rocket)).unwrap(), directory }
    }

    /// As Better Auth is by default: public keys, and nothing shared.
    pub(crate) fn with_public_keys(algorithm: Algorithm) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let rocket =
            example_app::rocket(AuthGuard::fairing(), directory.path().join("tasks.sqlite"));
        let issuer = Issuer::with_key_pair(algorithm, "key of the test");
        Self { client: Client::untracked(issuer.trusted_by(rocket)).unwrap(), directory }
    }

    /// With a token for `user`, or without one; without a `Content-Type`.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        user: Option<&str>,
        body: &str,
    ) -> Answer {
        let request = self.client.req(method, path).body(body);
        match user {
            Some(user) => request.as_user(user).dispatch().into(),
            None => request.dispatch().into(),
        }
    }

    pub(crate) fn get(&self, path: &str, user: &str) -> Answer {
        self.send(Method::Get, path, Some(user), "")
    }

    pub(crate) fn post(&self, path: &str, user: &str, body: &str) -> Answer {
        self.send(Method::Post, path, Some(user), body)
    }

    pub(crate) fn put(&self, path: &str, user: &str, body: &str) -> Answer {
        self.send(Method::Put, path, Some(user), body)
    }

    pub(crate) fn patch(&self, path: &str, user: &str) -> Answer {
        self.send(Method::Patch, path, Some(user), "")
    }

    pub(crate) fn delete(&self, path: &str, user: &str) -> Answer {
        self.send(Method::Delete, path, Some(user), "")
    }

    /// Takes its table away behind its back.
    pub(crate) fn break_database(&self) {
        let options =
            SqliteConnectOptions::new().filename(self.directory.path().join("tasks.sqlite"));
        rocket::execute(async move {
            let mut connection = options.connect().await.unwrap();
            sqlx::raw_sql("DROP TABLE tasks").execute(&mut connection).await.unwrap();
        });
    }

    /// A task of alice's; its path and what it looks like.
    pub(crate) fn task_of_alice(&self) -> (String, Value) {
        let created = self.post("/api/alice/tasks", "alice", r#"{"title":"milk"}"#);
        assert_eq!(created.status, Status::Created, "{created:?}");
        let task = created.json();
        (format!("/api/alice/tasks/{}", task["id"]), task)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.content_type, Some(ContentType::JSON), "{self:?}");
        rocket::serde::json::from_str(&self.text).unwrap()
    }

    /// Checks that it is a problem body for `status`; its `detail`.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        let content_type = ContentType::new("application", "problem+json");
        assert_eq!(self.content_type, Some(content_type), "{self:?}");
        assert_eq!(self.status.code, status, "{self:?}");
        let body: Value = rocket::serde::json::from_str(&self.text).unwrap();
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["status"], json!(status));
        assert_eq!(body["title"], json!(self.status.reason_lossy()));
        body["detail"].as_str().unwrap().to_owned()
    }

    /// Checks that it is the guard's own answer.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16, code: &str) {
        self.problem(status);
        let body: Value = rocket::serde::json::from_str(&self.text).unwrap();
        assert_eq!(body["code"], json!(code), "{self:?}");
    }
}

impl From<LocalResponse<'_>> for Answer {
    fn from(response: LocalResponse<'_>) -> Self {
        Self {
            status: response.status(),
            content_type: response.content_type(),
            location: response.headers().get_one("Location").map(Into::into),
            text: response.into_string().unwrap_or_default(),
        }
    }
}
