//! Where it all is put together: configuration and audit at ignition, challenge
//! and problem body on the response.

pub(crate) mod config;

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use rocket::catcher::{self, Catcher};
use rocket::fairing::{Fairing, Info, Kind, Result};
use rocket::figment::Figment;
use rocket::futures::future::BoxFuture;
use rocket::http::Status;
use rocket::response::Responder;
use rocket::{Build, Orbit, Phase, Request, Response, Rocket, Route, async_trait};

use self::config::Config;
use crate::audit::{self, Survey, Unscoped};
use crate::clock::Clock;
use crate::error::AuthError;
use crate::guard::answer::STATUSES;
use crate::guard::{Handler, Hook, Verified};
use crate::keys::Secret;
#[cfg(feature = "jwks")]
use crate::keys::public::engine::Jwks;
use crate::verifier::Verifier;

/// Attach this: it is the whole set-up.
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
/// It reads the configuration, checks it, refuses to launch when it is unsafe,
/// audits the routes, adds the `WWW-Authenticate` challenge and a JSON body to
/// refusals, and prints at launch what it enforces.
#[derive(Debug, Default)]
pub struct AuthGuard {
    secret: Option<Secret>,
    clock: Clock,
    hook: Option<Hook>,
    #[cfg(feature = "testing")]
    testing_in_release: bool,
}

impl AuthGuard {
    /// The fairing, configured from the environment and Rocket's figment.
    pub fn fairing() -> Self {
        Self::default()
    }

    /// Verifies with `secret` instead of `BETTER_AUTH_SECRET`, for a secret from
    /// a vault or a test. The environment is then not read for one.
    #[must_use]
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Checks besides what no token can say: that it is on no list of revoked ones,
    /// say. There is no such check by default.
    ///
    /// ```rust
    /// use auth_guard::{AuthError, AuthGuard};
    ///
    /// # struct Revoked;
    /// # impl Revoked { async fn has(&self, _: &str) -> Result<bool, std::io::Error> { Ok(false) } }
    /// # #[derive(rocket::serde::Deserialize)]
    /// # #[serde(crate = "rocket::serde")]
    /// # struct Id { jti: String }
    /// let guard = AuthGuard::fairing().check(|caller, request| {
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
    /// It is asked about each request whose token is valid, once, whatever the guards
    /// of its route, and before the owner is looked at. It fails closed:
    ///
    /// | what it does | the answer |
    /// | --- | --- |
    /// | `Ok(())` | the guards go on |
    /// | [`AuthError::Revoked`] | 401 `token_invalid`: RFC 6750 section 3.1 has a revoked token there, and a fresh one helps |
    /// | [`AuthError::NotOwner`] | 403 `not_owner`: the token is good, but not for this, and a fresh one does not help |
    /// | [`AuthError::CheckUnavailable`], a panic, or no answer in 5 seconds | 503 `check_unavailable` |
    ///
    /// What it gives up: without it a request needs nothing but the token and the keys.
    /// With it, what it asks must be up, is as fast as every request, and holds state
    /// that is the application's. [`Verifier`] alone does not ask it.
    #[must_use]
    pub fn check<F>(mut self, check: F) -> Self
    where
        F: for<'r> Fn(
                &'r Verified,
                &'r Request<'_>,
            ) -> BoxFuture<'r, std::result::Result<(), AuthError>>
            + Send
            + Sync
            + 'static,
    {
        self.hook = Some(Hook::new(check));
        self
    }

    /// Tells the time by `clock`, which a test can move.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Launches outside debug although the feature `testing` is on, with a warning:
    /// for a load test of a release build, say.
    ///
    /// It is a method and no variable: whoever can set variables in production must
    /// not be able to, and a reviewer reads it.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn allow_testing_in_release(mut self) -> Self {
        self.testing_in_release = true;
        self
    }

    /// The verifier that this fairing would use in an application configured by
    /// `figment` ([`rocket::Config::figment()`] is the usual one), for use
    /// without an application.
    ///
    /// # Errors
    ///
    /// Everything that would stop a launch, in the words that the launch prints.
    pub fn verifier(&self, figment: &Figment) -> std::result::Result<Verifier, Vec<String>> {
        self.load(figment).map(|config| config.verifier)
    }

    fn load(&self, figment: &Figment) -> std::result::Result<Config, Vec<String>> {
        let config = config::load(figment, self.secret.as_ref(), &self.clock);
        #[cfg(feature = "testing")]
        if !config::is_debug(figment) {
            return self.load_with_testing(config);
        }

        config
    }

    /// Features unify, so a dependency may have switched it on.
    #[cfg(feature = "testing")]
    fn load_with_testing(
        &self,
        config: std::result::Result<Config, Vec<String>>,
    ) -> std::result::Result<Config, Vec<String>> {
        let fault = "the feature `testing` of auth-guard is on outside a debug build and profile";
        match (self.testing_in_release, config) {
            (true, Ok(mut config)) => {
                config.warnings.push(format!("{fault}, as the code allows"));
                Ok(config)
            }
            (true, Err(faults)) => Err(faults),
            (false, config) => {
                let mut faults = config.err().unwrap_or_default();
                faults.push(format!(
                    "{fault}. Move it to `[dev-dependencies]`, or call \
                     `AuthGuard::allow_testing_in_release`"
                ));
                Err(faults)
            }
        }
    }
}

/// What the fairing leaves in managed state for the guards, beside the [`Verifier`].
pub(crate) struct Installed {
    pub(crate) clock: Clock,
    pub(crate) realm: String,
    /// Seconds.
    pub(crate) retry_after: u32,
    pub(crate) handlers: Handlers,
    pub(crate) hook: Option<Hook>,
    unscoped: Unscoped,
    summary: Vec<String>,
    warnings: Vec<String>,
    /// Whether the audit's findings have been printed.
    reported: AtomicBool,
}

/// The handlers below `#[user_scoped]` that are mounted, as their sentinels
/// tell at launch.
#[derive(Default)]
pub(crate) struct Handlers(Mutex<Vec<&'static Handler>>);

impl Installed {
    pub(crate) fn of<P: Phase>(rocket: &Rocket<P>) -> Option<&Self> {
        rocket.state()
    }

    /// Whether the mounted routes are as they must be; if not, that has been
    /// printed. All handlers are known once ignition is over (`is_complete`).
    pub(crate) fn audit<'r>(
        &self,
        routes: impl Iterator<Item = &'r Route>,
        is_complete: bool,
    ) -> std::result::Result<(), ()> {
        if self.unscoped == Unscoped::Allow {
            return Ok(());
        }

        let faults = Survey::new(routes, self.handlers.snapshot(), is_complete).faults();
        if faults.is_empty() {
            return Ok(());
        }

        let is_first = !self.reported.swap(true, Ordering::Relaxed);
        match self.unscoped {
            Unscoped::Deny if is_first => refuse_launch(&faults),
            Unscoped::Warn if is_first => faults.iter().for_each(|line| log::warn!("{line}")),
            _ => {}
        }

        if self.unscoped == Unscoped::Deny { Err(()) } else { Ok(()) }
    }
}

impl Handlers {
    pub(crate) fn push(&self, handler: &'static Handler) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(handler);
    }

    pub(crate) fn snapshot(&self) -> Vec<&'static Handler> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Fairing for AuthGuard {
    fn info(&self) -> Info {
        Info {
            name: "auth-guard",
            kind: Kind::Ignite | Kind::Liftoff | Kind::Response | Kind::Singleton,
        }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> Result {
        match self.load(rocket.figment()) {
            Ok(Config { verifier, realm, unscoped, retry_after, summary, warnings }) => {
                #[cfg(feature = "jwks")]
                verifier.jwks().into_iter().for_each(Jwks::start);
                let installed = Installed {
                    clock: self.clock.clone(),
                    realm,
                    handlers: Handlers::default(),
                    hook: self.hook.clone(),
                    retry_after,
                    unscoped,
                    summary,
                    warnings,
                    reported: AtomicBool::new(false),
                };
                Ok(rocket.manage(verifier).manage(installed).attach(LastAtIgnition))
            }
            Err(errors) => {
                refuse_launch(&errors);
                Err(rocket)
            }
        }
    }

    /// The sentinels see every route, but there are none without a guarded
    /// route. This is the last moment before the first request.
    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let Some(installed) = Installed::of(rocket) else { return };
        assert!(
            installed.audit(rocket.routes(), true).is_ok(),
            "auth-guard refuses to launch: see above"
        );
        print_enforced(installed, rocket);
        #[cfg(feature = "metrics")]
        if let Some(verifier) = rocket.state::<Verifier>() {
            crate::metrics::describe();
            verifier.count_keys();
        }
    }

    // Written out and not `async`: nothing is waited for, and a future without a size
    // needs no allocation. Every response comes by here.
    fn on_response<'r, 'g, 'q, 'p, 'f>(
        &'g self,
        request: &'r Request<'q>,
        response: &'p mut Response<'r>,
    ) -> BoxFuture<'f, ()>
    where
        'r: 'f,
        'g: 'f,
        'q: 'f,
        'p: 'f,
        Self: 'f,
    {
        let status = response.status().code;
        if STATUSES.contains(&status)
            && let Some(error) = AuthError::of(request)
            && error.status() == status
        {
            error.add_headers(request, response);
        }
        Box::pin(poll_fn(|_| Poll::Ready(())))
    }
}

/// The name of the catchers that are ours.
pub(crate) const CATCHER: &str = "auth_guard";

/// Does what must see the routes and catchers of the fairings behind ours: a
/// fairing attached during ignition runs after all that were there before.
struct LastAtIgnition;

#[async_trait]
impl Fairing for LastAtIgnition {
    fn info(&self) -> Info {
        Info { name: "auth-guard: catchers and audit", kind: Kind::Ignite }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> Result {
        if Installed::of(&rocket)
            .is_none_or(|installed| installed.audit(rocket.routes(), false).is_err())
        {
            return Err(rocket);
        }

        let catchers: Vec<_> = STATUSES
            .into_iter()
            .filter(|status| !has_own_catcher(&rocket, *status))
            .map(|status| Catcher::new(status, refusal))
            .map(|mut catcher| {
                catcher.name = Some(CATCHER.into());
                catcher
            })
            .collect();
        Ok(rocket.register("/", catchers))
    }
}

/// A `default` catcher counts as the application's own.
fn has_own_catcher(rocket: &Rocket<Build>, status: u16) -> bool {
    rocket
        .catchers()
        .any(|catcher| catcher.base.path() == "/" && catcher.code.is_none_or(|code| code == status))
}

/// Our answer to our errors; Rocket's own to all others.
fn refusal<'r>(status: Status, request: &'r Request<'_>) -> catcher::BoxFuture<'r> {
    Box::pin(async move {
        match AuthError::of(request).filter(|error| error.status() == status.code) {
            Some(error) => error.respond_to(request),
            None => Catcher::default().handler.handle(status, request).await,
        }
    })
}

/// Prints why there is no launch. Whoever has switched Rocket's log off gets it
/// all the same.
pub(crate) fn refuse_launch(reasons: &[String]) {
    if log::log_enabled!(log::Level::Error) {
        log::error!("auth-guard refuses to launch:");
        reasons.iter().for_each(|reason| log::error!(target: "auth_guard::_", "{reason}."));
    } else {
        eprintln!("auth-guard refuses to launch:");
        reasons.iter().for_each(|reason| eprintln!("   {reason}."));
    }
}

/// Prints what is enforced, in Rocket's own style: a warning whose target contains
/// `rocket::launch` is plain information, shown at every level but "off", and one
/// whose target ends in `_` is indented.
fn print_enforced(installed: &Installed, rocket: &Rocket<Orbit>) {
    log::warn!(target: "auth_guard::rocket::launch", "Auth Guard:");
    let tell = |line: &str| log::warn!(target: "auth_guard::rocket::launch::_", "{line}");
    installed.summary.iter().for_each(|line| tell(line));
    #[cfg(feature = "jwks")]
    if let Some(jwks) = rocket.state::<Verifier>().and_then(Verifier::jwks) {
        tell(&format!("public keys: {jwks}"));
    }
    format!("{:#}", audit::audit(rocket)).lines().for_each(tell);
    installed.warnings.iter().for_each(|warning| log::warn!("auth-guard: {warning}"));
}
