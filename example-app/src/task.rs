//! What a task is, and what a client may say of one.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A task, as it is stored and as clients see it. Whose it is stands in the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Task {
    /// Unique among the tasks of all users, and never used again.
    pub id: i64,
    /// What is to be done.
    pub title: String,
    /// More about it.
    #[schema(required)]
    pub description: Option<String>,
    /// Whether it is done.
    pub completed: bool,
}

/// What a client says of a task. There is none that breaks a rule: reading it
/// from JSON checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskInput {
    title: String,
    description: Option<String>,
}

impl TaskInput {
    /// The longest title, in characters.
    pub const MAX_TITLE: usize = 200;
    /// The longest description, in characters.
    pub const MAX_DESCRIPTION: usize = 2_000;

    /// What is to be done: 1 to 200 characters.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// More about it: up to 2,000 characters.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
}

/// What is to be done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[schema(min_length = 1, max_length = 200, example = "milk")]
    title: String,
    #[schema(max_length = 2_000)]
    description: Option<String>,
}

impl Fields {
    /// Counts characters, not bytes: a limit that depends on the language would
    /// surprise people.
    fn check<E: Error>(self) -> Result<TaskInput, E> {
        let Self { title, description } = self;
        if !(1..=TaskInput::MAX_TITLE).contains(&title.chars().count()) {
            let max = TaskInput::MAX_TITLE;
            return Err(E::custom(format_args!("`title` must have 1 to {max} characters")));
        }

        let length = description.as_ref().map_or(0, |description| description.chars().count());
        if length > TaskInput::MAX_DESCRIPTION {
            let max = TaskInput::MAX_DESCRIPTION;
            return Err(E::custom(format_args!("`description` may have up to {max} characters")));
        }

        Ok(TaskInput { title, description })
    }
}

/// By hand, because what serde derives also takes an array, `["milk", null]`.
impl<'de> Deserialize<'de> for TaskInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = TaskInput;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a `title`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TaskInput, A::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map))?.check()
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// What can be read, and with the rules that it is checked by.
impl PartialSchema for TaskInput {
    fn schema() -> RefOr<Schema> {
        Fields::schema()
    }
}

impl ToSchema for TaskInput {}
