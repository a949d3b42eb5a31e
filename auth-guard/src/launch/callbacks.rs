//! What the fairing does at each step of a launch, and on every response.

use std::sync::Arc;

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::futures::future::BoxFuture;
use rocket::{Build, Orbit, Request, Response, Rocket, async_trait};

use crate::audit::{Auditor, Survey, refuse_launch};
use crate::error::AuthError;
use crate::guard::{Context, RouteScopes, immediate};
use crate::keys::public::{PublicKeys, UnusedKeys};
use crate::launch::catchers::LastAtIgnition;
use crate::launch::config::Config;
use crate::launch::fairing::AuthGuard;
use crate::launch::metadata::routes;
use crate::launch::report::Report;
use crate::route::registry::Registry;
use crate::sync::Outage;
use crate::verifier::{TrustedIssuer, Verifier};

/// The managed state that says which fairing was ignited, even if its configuration was
/// refused.
struct Attached(Arc<()>);

impl AuthGuard {
    /// Puts what guards, audit and report need into managed state.
    fn install(&self, rocket: Rocket<Build>, config: Config) -> Rocket<Build> {
        let Config { verifier, realm, resource, rules, mut summary, warnings, unused_keys } =
            config;
        #[cfg(feature = "testing")]
        if rocket.state::<crate::keys::NoCooldown>().is_some() {
            let public = verifier.issuers().all().filter_map(TrustedIssuer::public_keys);
            public.for_each(PublicKeys::remove_cooldown);
        }
        summary.push(match self.hook {
            Some(_) => "your own check: by `with_check`".into(),
            None => "your own check: none".into(),
        });
        let context = Context {
            verifier: verifier.clone(),
            clock: self.clock.clone(),
            realm,
            metadata_url: resource.as_ref().map(|resource| resource.metadata_url.clone()),
            hook: self.hook.clone(),
            check_outage: Outage::default(),
            requirement_outage: Outage::default(),
        };
        let metadata = resource.map(|resource| routes(&resource)).unwrap_or_default();
        rocket
            .mount("/", metadata)
            .manage(verifier)
            .manage(context)
            .manage(RouteScopes::default())
            .manage(Registry::default())
            .manage(Auditor::new(rules))
            .manage(self.public_below.clone())
            .manage(Report { summary, warnings, unused_keys })
            .attach(LastAtIgnition)
    }

    fn is_attached_to(&self, rocket: &Rocket<Orbit>) -> bool {
        rocket.state().is_some_and(|Attached(ours)| Arc::ptr_eq(ours, &self.identity))
    }
}

#[async_trait]
impl Fairing for AuthGuard {
    // Not a singleton: of two, Rocket would drop the first in silence.
    fn info(&self) -> Info {
        Info { name: "auth-guard", kind: Kind::Ignite | Kind::Liftoff | Kind::Response }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        const TWICE: &str = "`AuthGuard::fairing()` is attached twice. Attach it once, with all \
                             that code sets";
        if rocket.state::<Attached>().is_some() {
            refuse_launch(&[TWICE.into()]);
            return Err(rocket);
        }

        let rocket = rocket.manage(Attached(self.identity.clone()));
        match self.load(rocket.figment()) {
            Ok(config) => Ok(self.install(rocket, config)),
            Err(errors) => {
                refuse_launch(&errors.iter().map(ToString::to_string).collect::<Vec<_>>());
                Err(rocket)
            }
        }
    }

    /// Audits once more. The sentinels see every route, but an application without a
    /// guarded route has none, and this is the last moment before the first request.
    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        const REFUSED: &str = "auth-guard refuses to launch: see above";
        const LOST: &str = "a fairing returned another `Rocket` from `on_ignite`, so the \
                            configuration, the audit and the catchers of auth-guard are lost. \
                            Return the `Rocket` that it is given, or attach it before \
                            `AuthGuard::fairing()`";
        let state = Auditor::of(rocket).zip(rocket.state::<Report>());
        let Some((auditor, report)) = state.filter(|_| self.is_attached_to(rocket)) else {
            refuse_launch(&[LOST.into()]);
            panic!("{REFUSED}");
        };
        assert!(auditor.audit(rocket, true).is_ok(), "{REFUSED}");
        if let Some(scopes) = rocket.state::<RouteScopes>() {
            scopes.set(Survey::of(rocket).scopes());
        }
        // Rocket's logger is set up only now, and the first fetch has something to log.
        if let Some(verifier) = rocket.state::<Verifier>() {
            let public = verifier.issuers().all().filter_map(TrustedIssuer::public_keys);
            public.for_each(PublicKeys::start);
        }
        report.unused_keys.iter().for_each(UnusedKeys::look);
        report.print(rocket, &auditor.warnings(rocket));
        #[cfg(feature = "metrics")]
        if let Some(verifier) = rocket.state::<Verifier>() {
            crate::metrics::describe();
            verifier.issuers().all().for_each(|issuer| issuer.keys.count());
        }
    }

    // Written out and not `async`: it waits for nothing, and a future without a size
    // needs no allocation. Every response passes here.
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
        if AuthError::STATUSES.contains(&status)
            && let Some(error) = AuthError::of(request)
            && error.status() == status
        {
            error.add_headers(request, response);
        }
        immediate(|| ())
    }
}
