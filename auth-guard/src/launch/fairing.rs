//! The fairing, as an application configures it in code.

use std::sync::Arc;

use rocket::Request;
use rocket::figment::Figment;
use rocket::futures::future::BoxFuture;

use crate::audit::PublicBelow;
use crate::clock::Clock;
use crate::error::AuthError;
use crate::guard::{Hook, Verified};
use crate::keys::secret::Secret;
#[cfg(feature = "testing")]
use crate::launch::config::error::ConfigError;
use crate::launch::config::error::ConfigErrors;
use crate::launch::config::{self, Config};
use crate::verifier::Verifier;

/// The fairing that guards an application. Attach it once: it is the whole set-up.
///
/// ```rust,no_run
/// use auth_guard::AuthGuard;
///
/// #[rocket::launch]
/// fn rocket() -> _ {
///     rocket::build().attach(AuthGuard::fairing())
/// }
/// ```
///
/// It reads and checks the configuration, refuses to launch if it is unsafe, audits the
/// routes, adds the `WWW-Authenticate` challenge and a JSON body to refusals, and prints
/// at launch what it enforces. An application with two of them does not launch.
#[derive(Debug, Default)]
pub struct AuthGuard {
    secret: Option<Secret>,
    pub(super) clock: Clock,
    pub(super) hook: Option<Hook>,
    pub(super) public_below: PublicBelow,
    #[cfg(feature = "testing")]
    testing_in_release: bool,
    /// Tells this fairing from another.
    pub(super) identity: Arc<()>,
}

impl AuthGuard {
    /// Makes the fairing, which reads its configuration from the environment and Rocket's
    /// figment at ignition.
    pub fn fairing() -> Self {
        Self::default()
    }

    /// Verifies with `secret` instead of `BETTER_AUTH_SECRET`, which is then not read: for
    /// a secret from a vault or a test.
    ///
    /// ```rust
    /// use auth_guard::{AuthGuard, Secret};
    ///
    /// let guard = AuthGuard::fairing().with_secret(Secret::random());
    /// ```
    #[must_use]
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Adds your own check to every request with a valid token, such as a revocation list.
    /// There is none by default.
    ///
    /// ```rust
    /// use auth_guard::{AuthError, AuthGuard};
    ///
    /// # struct Revoked;
    /// # impl Revoked { async fn has(&self, _: &str) -> Result<bool, std::io::Error> { Ok(false) } }
    /// # #[derive(rocket::serde::Deserialize)]
    /// # #[serde(crate = "rocket::serde")]
    /// # struct Id { jti: String }
    /// let guard = AuthGuard::fairing().with_check(|caller, request| {
    ///     Box::pin(async move {
    ///         let list = request.rocket().state::<Revoked>().ok_or(AuthError::CheckUnavailable)?;
    ///         let id: Id = caller.claims().map_err(|_| AuthError::Revoked)?;
    ///         match list.has(&id.jti).await {
    ///             Ok(false) => Ok(()),
    ///             Ok(true) => Err(AuthError::Revoked),
    ///             Err(_) => Err(AuthError::CheckUnavailable),
    ///         }
    ///     })
    /// });
    /// ```
    ///
    /// It runs once for each request whose token is valid, whatever guards its route has,
    /// and before the owner is compared. It fails closed:
    ///
    /// | the check returns | the answer |
    /// | --- | --- |
    /// | `Ok(())` | the guards go on |
    /// | [`AuthError::Revoked`] | 401 `token_invalid`, as RFC 6750 section 3.1 wants it for a revoked token; a fresh token helps |
    /// | [`AuthError::NotOwner`] | 403 `not_owner`: the token is valid, but not for this, and a fresh one does not help |
    /// | [`AuthError::CheckUnavailable`], a panic, or nothing within 5 seconds | 503 `check_unavailable` |
    ///
    /// With a check, every request depends on what the check asks, which must be available
    /// and fast. [`Verifier`] alone does not call it.
    #[must_use]
    pub fn with_check<F>(mut self, check: F) -> Self
    where
        F: for<'r> Fn(&'r Verified, &'r Request<'_>) -> BoxFuture<'r, Result<(), AuthError>>
            + Send
            + Sync
            + 'static,
    {
        self.hook = Some(Hook::new(check));
        self
    }

    /// Declares that anybody may call what is mounted below `path`, unless it says otherwise
    /// itself: for what other fairings mount, where [`public`](crate::public) cannot be
    /// written.
    ///
    /// ```rust
    /// # use auth_guard::AuthGuard;
    /// let guard = AuthGuard::fairing().public_below("/docs");
    /// ```
    ///
    /// It opens nothing; see [`public`](crate::public).
    #[must_use]
    pub fn public_below(mut self, path: impl Into<String>) -> Self {
        self.public_below.0.push(path.into());
        self
    }

    /// Reads the time from `clock`, which a test can move.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Launches outside debug although the feature `testing` is on, with a warning: for a
    /// load test of a release build, for instance.
    ///
    /// It is a method and not a variable, so that a reviewer sees it and nobody who can
    /// set variables in production can call it.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn allow_testing_in_release(mut self) -> Self {
        self.testing_in_release = true;
        self
    }

    /// Makes the verifier that this fairing would use in an application configured by
    /// `figment`, for use without an application. The usual figment is
    /// [`rocket::Config::figment()`].
    ///
    /// ```rust
    /// use std::time::SystemTime;
    ///
    /// use auth_guard::{AuthError, AuthGuard, ConfigErrors, Secret};
    ///
    /// # fn main() -> Result<(), ConfigErrors> {
    /// let guard = AuthGuard::fairing().with_secret(Secret::random());
    /// let verifier = guard.verifier(&rocket::Config::figment())?;
    /// let result = verifier.verify("no token", SystemTime::now());
    /// assert!(matches!(result, Err(AuthError::MalformedToken)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that would stop a launch, in the words that the launch prints.
    pub fn verifier(&self, figment: &Figment) -> Result<Verifier, ConfigErrors> {
        self.load(figment).map(|config| config.verifier)
    }

    pub(super) fn load(&self, figment: &Figment) -> Result<Config, ConfigErrors> {
        let config = config::load(figment, self.secret.as_ref(), &self.clock);
        #[cfg(feature = "testing")]
        if !config::is_debug(figment) {
            return self.load_with_testing(config);
        }

        config
    }

    /// Features unify, so that a dependency may have switched `testing` on.
    #[cfg(feature = "testing")]
    fn load_with_testing(
        &self,
        config: Result<Config, ConfigErrors>,
    ) -> Result<Config, ConfigErrors> {
        let fault = "the feature `testing` of auth-guard is on outside a debug build and profile";
        if self.testing_in_release {
            let mut config = config?;
            config.warnings.push(format!("{fault}, as the code allows"));
            return Ok(config);
        }

        let error = ConfigError::new(format!(
            "{fault}. `cargo tree -e features -i auth-guard` shows who enables it. Move it to \
             `[dev-dependencies]`, or call `AuthGuard::allow_testing_in_release`"
        ));
        Err(ConfigErrors::with(config.err(), error))
    }
}
