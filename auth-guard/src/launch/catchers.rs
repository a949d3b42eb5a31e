//! What must see the routes and catchers of the fairings attached after ours.

use rocket::catcher::{self, Catcher};
use rocket::fairing::{Fairing, Info, Kind, Result};
use rocket::http::Status;
use rocket::response::Responder;
use rocket::{Build, Request, Rocket, async_trait};

use crate::audit::Auditor;
use crate::error::AuthError;

/// The name of the catchers that are ours.
pub(crate) const CATCHER: &str = "auth_guard";

/// Audits the routes and registers our catchers. A fairing attached during ignition runs
/// after all that were there before.
pub(super) struct LastAtIgnition;

#[async_trait]
impl Fairing for LastAtIgnition {
    fn info(&self) -> Info {
        Info { name: "auth-guard: catchers and audit", kind: Kind::Ignite }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> Result {
        let audited = Auditor::of(&rocket).map(|auditor| auditor.audit(&rocket, false));
        if !matches!(audited, Some(Ok(()))) {
            return Err(rocket);
        }

        let catchers: Vec<_> = AuthError::STATUSES
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

/// Returns `true` if the application has a catcher for `status` at `/`, a `default` one
/// included.
fn has_own_catcher(rocket: &Rocket<Build>, status: u16) -> bool {
    rocket
        .catchers()
        .any(|catcher| catcher.base.path() == "/" && catcher.code.is_none_or(|code| code == status))
}

/// Answers our errors, and leaves all others to Rocket's own catcher.
fn refusal<'r>(status: Status, request: &'r Request<'_>) -> catcher::BoxFuture<'r> {
    Box::pin(async move {
        match AuthError::of(request).filter(|error| error.status() == status.code) {
            Some(error) => error.respond_to(request),
            None => Catcher::default().handler.handle(status, request).await,
        }
    })
}
