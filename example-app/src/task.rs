//! The task, and what a client may send as one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A task as it is stored and as clients see it. The path names its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Task {
    /// Unique among the tasks of all users, and never reused.
    pub id: i64,
    /// What is to be done.
    pub title: String,
    /// Details, if any.
    #[schema(required)]
    pub description: Option<String>,
    /// `true` once it is done.
    pub completed: bool,
}

/// The fields of a task that a client sends. Always valid: deserializing it checks the
/// rules.
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

    /// Returns what is to be done: 1 to 200 characters.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the details, if any: up to 2,000 characters.
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
    /// Checks the lengths in characters, not bytes: a limit that depends on the language
    /// would surprise people.
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

impl<'de> Deserialize<'de> for TaskInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::check(from_object(deserializer, "an object with a `title`")?)
    }
}

/// Reads the fields of an object, and of nothing else: serde's derived code also accepts an
/// array, `["milk", null]`.
pub(crate) fn from_object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<T, D::Error> {
    struct Object<T>(&'static str, PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(expected, PhantomData))
}

/// The schema of the fields, with the rules that deserializing checks.
impl PartialSchema for TaskInput {
    fn schema() -> RefOr<Schema> {
        Fields::schema()
    }
}

impl ToSchema for TaskInput {}
