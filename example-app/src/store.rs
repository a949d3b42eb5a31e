//! The tasks in SQLite. Every query asks for the user's id, so another user's
//! task is not there at all; every value is bound, never written into SQL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rocket::fairing::{AdHoc, Fairing};
use rocket::tokio::time::sleep;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
};
use sqlx::{Error, FromRow, Row};

use crate::task::{Task, TaskInput};

/// The variable that names the database file.
pub const DATABASE: &str = "EXAMPLE_APP_DATABASE";

/// Created on the first start. `AUTOINCREMENT` never gives an id a second time,
/// so an old link cannot lead to a newer task.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS tasks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id TEXT NOT NULL,
        title TEXT NOT NULL,
        description TEXT,
        completed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX IF NOT EXISTS tasks_by_user ON tasks (user_id, id);
";

/// The tasks of all users, in managed state.
#[derive(Clone, Debug)]
pub struct Store(SqlitePool);

/// Where `EXAMPLE_APP_DATABASE` says, or `tasks.sqlite` in the current directory.
pub fn path_from_env() -> PathBuf {
    std::env::var_os(DATABASE).map_or_else(|| "tasks.sqlite".into(), PathBuf::from)
}

/// Opens the database at ignition; there is no launch without one.
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
    /// Opens the file, and creates it and its tables where they are missing.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or is not an SQLite database.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        // SQLite takes `:memory:` and `file:…` for something else than a file of
        // that name, and the empty path for a temporary one; an absolute path is
        // none of these.
        let options = SqliteConnectOptions::new()
            .filename(std::path::absolute(path)?)
            .create_if_missing(true)
            // Readers and the one writer do not wait for each other.
            .journal_mode(SqliteJournalMode::Wal)
            // Writers do, for this long.
            .busy_timeout(Duration::from_secs(5));

        // But not whoever makes it a database of that kind: of several copies that
        // start at once, one finds it locked.
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

    /// No file at all, until somebody asks for a task: for looking at the routes.
    pub(crate) fn unopened() -> Self {
        Self(SqlitePoolOptions::new().connect_lazy_with(SqliteConnectOptions::new()))
    }

    /// All tasks of a user, the oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails; so do the others below.
    pub async fn list(&self, user_id: &str) -> Result<Vec<Task>, Error> {
        let sql = "SELECT id, title, description, completed FROM tasks
                   WHERE user_id = ? ORDER BY id";
        sqlx::query_as(sql).bind(user_id).fetch_all(&self.0).await
    }

    /// A new task, which is not done yet.
    pub async fn create(&self, user_id: &str, input: &TaskInput) -> Result<Task, Error> {
        let sql = "INSERT INTO tasks (user_id, title, description) VALUES (?, ?, ?)
                   RETURNING id, title, description, completed";
        sqlx::query_as(sql)
            .bind(user_id)
            .bind(input.title())
            .bind(input.description())
            .fetch_one(&self.0)
            .await
    }

    /// The task, if it is this user's.
    pub async fn get(&self, user_id: &str, id: i64) -> Result<Option<Task>, Error> {
        let sql = "SELECT id, title, description, completed FROM tasks
                   WHERE user_id = ? AND id = ?";
        sqlx::query_as(sql).bind(user_id).bind(id).fetch_optional(&self.0).await
    }

    /// Another title and description; whether it is done stays.
    pub async fn replace(
        &self,
        user_id: &str,
        id: i64,
        input: &TaskInput,
    ) -> Result<Option<Task>, Error> {
        let sql = "UPDATE tasks SET title = ?, description = ? WHERE user_id = ? AND id = ?
                   RETURNING id, title, description, completed";
        sqlx::query_as(sql)
            .bind(input.title())
            .bind(input.description())
            .bind(user_id)
            .bind(id)
            .fetch_optional(&self.0)
            .await
    }

    /// Done if it was not, and the other way round; in one statement, so that two
    /// requests at once are two toggles.
    pub async fn toggle(&self, user_id: &str, id: i64) -> Result<Option<Task>, Error> {
        let sql = "UPDATE tasks SET completed = NOT completed WHERE user_id = ? AND id = ?
                   RETURNING id, title, description, completed";
        sqlx::query_as(sql).bind(user_id).bind(id).fetch_optional(&self.0).await
    }

    /// Whether there was such a task.
    pub async fn delete(&self, user_id: &str, id: i64) -> Result<bool, Error> {
        let sql = "DELETE FROM tasks WHERE user_id = ? AND id = ?";
        let done = sqlx::query(sql).bind(user_id).bind(id).execute(&self.0).await?;
        Ok(done.rows_affected() > 0)
    }
}

/// `SQLITE_BUSY`.
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
