//! The application on a temporary database file.

use auth_guard::testing::{Algorithm, AttackReport, Issuer, RequestExt, attack};
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

/// What a client sees of an answer.
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

    /// Launches it with public keys and no shared secret, Better Auth's default.
    pub(crate) fn with_public_keys(algorithm: Algorithm) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let rocket =
            example_app::rocket(AuthGuard::fairing(), directory.path().join("tasks.sqlite"));
        let issuer = Issuer::with_key_pair(algorithm, "key of the test");
        Self { client: Client::untracked(issuer.trusted_by(rocket)).unwrap(), directory }
    }

    /// Sends a request with a token for `user`, if any, and without a `Content-Type`.
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

    /// Sends a request with a token of `user` that has more claims.
    pub(crate) fn send_with(
        &self,
        method: Method,
        path: &str,
        (user, claims): (&str, &Value),
        body: &str,
    ) -> Answer {
        let request = self.client.req(method, path).body(body).as_user(user);
        request.with_claims(claims).dispatch().into()
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

    /// Attacks every route.
    #[track_caller]
    pub(crate) fn attack(&self) -> AttackReport {
        attack(&self.client)
            .meeting("Admin", json!({ "roles": ["admin"] }))
            .admitted("Organization", "one", json!({ "orgs": { "one": ["member"] } }))
            .all()
    }

    /// Drops the table, so that every query fails.
    pub(crate) fn break_database(&self) {
        self.change_database("DROP TABLE tasks");
    }

    /// Lets each change of a task fail at its end, when SQLite commits it. So does a full disk.
    pub(crate) fn break_commits(&self) {
        let broken = |event| {
            format!(
                "CREATE TRIGGER broken_{event} AFTER {event} ON tasks
                 BEGIN INSERT INTO broken VALUES (-1); END;"
            )
        };
        self.change_database(&format!(
            "CREATE TABLE broken (id REFERENCES tasks (id) DEFERRABLE INITIALLY DEFERRED);
             INSERT INTO tasks (id, user_id, title) VALUES (7, 'alice', 'milk');
             {}{}{}",
            broken("INSERT"),
            broken("UPDATE"),
            broken("DELETE"),
        ));
    }

    fn change_database(&self, sql: &str) {
        let options =
            SqliteConnectOptions::new().filename(self.directory.path().join("tasks.sqlite"));
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        rocket::execute(async move {
            let mut connection = options.connect().await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        });
    }

    /// Creates a task of alice's. Returns its path and its JSON.
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

    /// Checks that this is a problem with `status`. Returns its `detail`.
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

    /// Checks that this is the guard's own answer.
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
