//! Stores tasks and projects in SQLite. Every query filters by the id of the user or of the
//! organisation, so the rows of others do not exist for it. Values are always bound, never
//! written into the SQL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rocket::fairing::{AdHoc, Fairing};
use rocket::tokio::time::sleep;
use serde::Serialize;
use sqlx::query::QueryAs;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow,
};
use sqlx::{Error, FromRow, Row, Sqlite};
use utoipa::ToSchema;

use crate::project::{Project, ProjectInput};
use crate::task::{Task, TaskInput};

/// The variable that names the database file.
pub const DATABASE: &str = "EXAMPLE_APP_DATABASE";

/// The schema, created on the first start. `AUTOINCREMENT` never reuses an id, so an old
/// link cannot lead to a newer task.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS tasks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id TEXT NOT NULL,
        title TEXT NOT NULL,
        description TEXT,
        completed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX IF NOT EXISTS tasks_by_user ON tasks (user_id, id);
    CREATE TABLE IF NOT EXISTS projects (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        org_id TEXT NOT NULL,
        name TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS projects_by_organization ON projects (org_id, id);
";

/// The tasks of all users and the projects of all organisations, in managed state.
#[derive(Clone, Debug)]
pub struct Store(SqlitePool);

/// How much there is of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stats {
    /// The tasks of all users.
    pub tasks: i64,
    /// The projects of all organisations.
    pub projects: i64,
}

/// Returns the path in `EXAMPLE_APP_DATABASE`, or `tasks.sqlite` in the current directory.
pub fn path_from_env() -> PathBuf {
    std::env::var_os(DATABASE).map_or_else(|| "tasks.sqlite".into(), PathBuf::from)
}

/// Creates a fairing that opens the database at ignition, and stops the launch if it cannot.
pub fn fairing(path: PathBuf) -> impl Fairing {
    AdHoc::try_on_ignite("SQLite", |rocket| async move {
        match Store::open(&path).await {
            Ok(store) => Ok(rocket.manage(store)),
            Err(reason) => {
                rocket::error!(
                    "Cannot open the database `{}`: {reason}. Set {DATABASE} to a file that this \
                     process may create or write.",
                    path.display()
                );
                Err(rocket)
            }
        }
    })
}

impl Store {
    /// Opens the file, and creates it and its table if they are missing.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be opened or is not an SQLite database.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        // SQLite gives `:memory:`, `file:…` and the empty path a special meaning, which
        // no absolute path has.
        let options = SqliteConnectOptions::new()
            .filename(std::path::absolute(path)?)
            .create_if_missing(true)
            // Readers and the single writer do not wait for each other.
            .journal_mode(SqliteJournalMode::Wal)
            // Writers wait for each other, for this long.
            .busy_timeout(Duration::from_secs(5));

        // That timeout does not cover the switch to WAL: of several copies that start at
        // once, one finds the file locked.
        let mut tries = 0..50;
        loop {
            match Self::connect(options.clone()).await {
                Err(error) if is_locked(&error) && tries.next().is_some() => {
                    sleep(Duration::from_millis(100)).await;
                }
                result => return result,
            }
        }
    }

    async fn connect(options: SqliteConnectOptions) -> Result<Self, Error> {
        let pool = SqlitePoolOptions::new().connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Creates a store that opens no file until a task is requested, for inspecting routes.
    pub(crate) fn unopened() -> Self {
        Self(SqlitePoolOptions::new().connect_lazy_with(SqliteConnectOptions::new()))
    }

    /// Returns all tasks of a user, oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the database does, as the methods below do.
    pub async fn list(&self, user_id: &str) -> Result<Vec<Task>, Error> {
        let sql = "SELECT id, title, description, completed FROM tasks
                   WHERE user_id = ? ORDER BY id";
        sqlx::query_as(sql).bind(user_id).fetch_all(&self.0).await
    }

    /// Creates a task that is not done yet.
    pub async fn create(&self, user_id: &str, input: &TaskInput) -> Result<Task, Error> {
        let sql = "INSERT INTO tasks (user_id, title, description) VALUES (?, ?, ?)
                   RETURNING id, title, description, completed";
        let query = sqlx::query_as(sql).bind(user_id).bind(input.title()).bind(input.description());
        self.write(query).await?.ok_or(Error::RowNotFound)
    }

    /// Returns the task, or `None` if this user has no such task.
    pub async fn get(&self, user_id: &str, id: i64) -> Result<Option<Task>, Error> {
        let sql = "SELECT id, title, description, completed FROM tasks
                   WHERE user_id = ? AND id = ?";
        sqlx::query_as(sql).bind(user_id).bind(id).fetch_optional(&self.0).await
    }

    /// Replaces title and description, and leaves `completed` as it is.
    pub async fn replace(
        &self,
        user_id: &str,
        id: i64,
        input: &TaskInput,
    ) -> Result<Option<Task>, Error> {
        let sql = "UPDATE tasks SET title = ?, description = ? WHERE user_id = ? AND id = ?
                   RETURNING id, title, description, completed";
        let query = sqlx::query_as(sql).bind(input.title()).bind(input.description());
        self.write(query.bind(user_id).bind(id)).await
    }

    /// Toggles `completed`, in one statement, so that two concurrent requests toggle twice.
    pub async fn toggle(&self, user_id: &str, id: i64) -> Result<Option<Task>, Error> {
        let sql = "UPDATE tasks SET completed = NOT completed WHERE user_id = ? AND id = ?
                   RETURNING id, title, description, completed";
        self.write(sqlx::query_as(sql).bind(user_id).bind(id)).await
    }

    /// Deletes a task. Returns `true` if it existed.
    pub async fn delete(&self, user_id: &str, id: i64) -> Result<bool, Error> {
        let sql = "DELETE FROM tasks WHERE user_id = ? AND id = ?";
        let done = sqlx::query(sql).bind(user_id).bind(id).execute(&self.0).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Returns all projects of an organisation, oldest first.
    pub async fn projects(&self, org_id: &str) -> Result<Vec<Project>, Error> {
        let sql = "SELECT id, name FROM projects WHERE org_id = ? ORDER BY id";
        sqlx::query_as(sql).bind(org_id).fetch_all(&self.0).await
    }

    /// Creates a project.
    pub async fn create_project(
        &self,
        org_id: &str,
        input: &ProjectInput,
    ) -> Result<Project, Error> {
        let sql = "INSERT INTO projects (org_id, name) VALUES (?, ?) RETURNING id, name";
        let query = sqlx::query_as(sql).bind(org_id).bind(input.name());
        self.write(query).await?.ok_or(Error::RowNotFound)
    }

    /// Carries out a statement that changes at most one row and returns it.
    ///
    /// The answer is read to its end, where SQLite commits. sqlx's `fetch_one` and
    /// `fetch_optional` stop at the row, and so would take a task for stored that the disk had
    /// no room for.
    async fn write<T>(
        &self,
        query: QueryAs<'_, Sqlite, T, SqliteArguments>,
    ) -> Result<Option<T>, Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        Ok(query.fetch_all(&self.0).await?.pop())
    }

    /// Counts the rows of everybody: only for administrators.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let sql = "SELECT (SELECT COUNT(*) FROM tasks) AS tasks,
                          (SELECT COUNT(*) FROM projects) AS projects";
        sqlx::query_as(sql).fetch_one(&self.0).await
    }
}

/// Returns `true` for `SQLITE_BUSY`.
fn is_locked(error: &Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "5")
}

impl FromRow<'_, SqliteRow> for Task {
    fn from_row(row: &SqliteRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("id")?,
            title: row.try_get("title")?,
            description: row.try_get("description")?,
            completed: row.try_get("completed")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Project {
    fn from_row(row: &SqliteRow) -> Result<Self, Error> {
        Ok(Self { id: row.try_get("id")?, name: row.try_get("name")? })
    }
}

impl FromRow<'_, SqliteRow> for Stats {
    fn from_row(row: &SqliteRow) -> Result<Self, Error> {
        Ok(Self { tasks: row.try_get("tasks")?, projects: row.try_get("projects")? })
    }
}
