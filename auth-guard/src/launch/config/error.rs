//! Why a configuration is refused.

use std::fmt;

/// Everything that is wrong with a configuration, as
/// [`AuthGuard::verifier`](crate::AuthGuard::verifier) returns it and a refused launch
/// prints it.
///
/// ```rust
/// use auth_guard::{AuthGuard, Secret};
///
/// let figment = rocket::Config::figment().merge(("auth_guard.leeway", 301));
/// let guard = AuthGuard::fairing().with_secret(Secret::random());
/// let errors = guard.verifier(&figment).expect_err("a leeway out of range");
/// for error in &errors {
///     assert_eq!(error.key(), Some("leeway"));
///     assert!(error.reason().starts_with("must be a whole number from 0 to 300, such as 5"));
/// }
/// ```
///
/// Its `Display` has one line for each error. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

/// One fault of a configuration. No secret is ever quoted in it.
///
/// Its `Display` says what is wrong, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    key: Option<String>,
    origin: Option<String>,
    reason: String,
}

impl ConfigErrors {
    /// Returns the errors in the order in which they are printed.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }

    /// Fails if there is an error.
    pub(crate) fn check(errors: Vec<ConfigError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    /// Adds an error to those that there are.
    #[cfg(feature = "testing")]
    pub(crate) fn with(errors: Option<Self>, error: ConfigError) -> Self {
        let mut errors = errors.map(|errors| errors.0).unwrap_or_default();
        errors.push(error);
        Self(errors)
    }
}

impl ConfigError {
    /// An error in one setting. `reason` completes a sentence about it: "must be …".
    pub(crate) fn of(key: &str, origin: Option<&str>, reason: impl Into<String>) -> Self {
        let (key, origin) = (Some(key.to_owned()), origin.map(str::to_owned));
        Self { key, origin, reason: reason.into() }
    }

    /// An error that is not in one setting, or not in one that a table has: `reason` is a
    /// whole sentence.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { key: None, origin: None, reason: reason.into() }
    }

    /// Returns the same error in a table of this name.
    pub(crate) fn within(self, table: &str) -> Self {
        Self { key: self.key.map(|key| format!("{table}.{key}")), ..self }
    }

    /// Returns the key of the setting at fault, such as `leeway`, if it is one setting's.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns where the setting comes from, such as `the variable AUTH_GUARD_LEEWAY` or
    /// `TOML file Rocket.toml`, if it has been set.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Returns what is wrong and what to do: the rest of a sentence about the setting if
    /// there is a [`key`](Self::key), else a whole one.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "`{key}` ")?;
        }
        if let Some(origin) = &self.origin {
            write!(f, "in {origin} ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ConfigErrors {}

impl std::error::Error for ConfigError {}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'e> IntoIterator for &'e ConfigErrors {
    type Item = &'e ConfigError;
    type IntoIter = std::slice::Iter<'e, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
