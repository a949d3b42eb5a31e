//! The project, and what a client may send as one.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::task::from_object;

/// A project as it is stored and as clients see it. The path names its organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Project {
    /// Unique among the projects of all organisations, and never reused.
    pub id: i64,
    /// What it is called.
    pub name: String,
}

/// The fields of a project that a client sends. Always valid: deserializing it checks the
/// rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectInput {
    name: String,
}

impl ProjectInput {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 200;

    /// Returns what it is called: 1 to 200 characters.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What it is called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[schema(min_length = 1, max_length = 200, example = "garden")]
    name: String,
}

impl<'de> Deserialize<'de> for ProjectInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields { name } = from_object(deserializer, "an object with a `name`")?;
        match (1..=Self::MAX_NAME).contains(&name.chars().count()) {
            true => Ok(Self { name }),
            false => Err(D::Error::custom(format_args!(
                "`name` must have 1 to {} characters",
                Self::MAX_NAME
            ))),
        }
    }
}

/// The schema of the fields, with the rules that deserializing checks.
impl PartialSchema for ProjectInput {
    fn schema() -> RefOr<Schema> {
        Fields::schema()
    }
}

impl ToSchema for ProjectInput {}
