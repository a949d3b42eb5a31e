//! When the audit is made, and what comes of it: at the end of ignition, by the sentinels,
//! and at liftoff.

use std::collections::BTreeSet;
use std::sync::Mutex;

use rocket::{Ignite, Phase, Rocket};

use super::index::Index;
use super::policy::Severity;
use super::survey::{Ignited, Survey};
use crate::route::registry::Added;
use crate::sync::lock;
use crate::verifier::Verifier;

/// The audit of one launch, in managed state: what it does about its findings, and how far
/// it is.
#[derive(Debug)]
pub(crate) struct Auditor {
    rules: Rules,
    progress: Mutex<Progress>,
}

/// What the audit does about its findings.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// About routes with a scoped segment that nothing scopes.
    pub(crate) unscoped: Severity,
    /// About routes of which nothing is declared.
    pub(crate) undeclared: Severity,
}

#[derive(Debug, Default)]
struct Progress {
    /// The routes, once a sentinel has asked: further handlers are checked against it.
    index: Option<Index>,
    /// The warnings that were printed, which is done once.
    warned: BTreeSet<String>,
    /// The launch is refused, and the reasons were printed.
    is_refused: bool,
}

/// The launch must end. The reasons have been printed.
#[derive(Debug)]
pub(crate) struct Refused;

impl Auditor {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, progress: Mutex::default() }
    }

    pub(crate) fn of<P: Phase>(rocket: &Rocket<P>) -> Option<&Self> {
        rocket.state()
    }

    /// Audits the routes that are mounted now. All handlers are known once ignition is over
    /// (`is_complete`).
    pub(crate) fn audit<P: Phase>(
        &self,
        rocket: &Rocket<P>,
        is_complete: bool,
    ) -> Result<(), Refused> {
        let mut progress = lock(&self.progress);
        // No sentinel asks after liftoff, and routes may change before the first one.
        progress.index = None;
        self.report(&mut progress, &Survey::new(rocket, is_complete))
    }

    /// Audits the final routes at the first sentinel, and at the later ones what their
    /// handler adds: with thousands of handlers, all routes are looked at once. What is only a
    /// warning waits for liftoff.
    pub(super) fn at_sentinel(
        &self,
        rocket: &Rocket<Ignite>,
        added: Option<&Added>,
    ) -> Result<(), Refused> {
        let mut progress = lock(&self.progress);
        let is_audited = match (&mut progress.index, added) {
            (None, _) => false,
            (Some(index), Some(added)) if self.rules.unscoped == Severity::Deny => {
                !adds_fault(index, added)
            }
            (Some(_), _) => true,
        };
        if progress.is_refused || is_audited {
            return progress.result();
        }
        let survey = Survey::new(rocket, false);
        let result = self.report(&mut progress, &survey);
        progress.index = Some(survey.into_index());
        result
    }

    /// Returns warnings about routes of which nothing is declared, and about scopes that are
    /// enforced or named in vain.
    pub(crate) fn warnings<P: Ignited>(&self, rocket: &Rocket<P>) -> Vec<String> {
        let survey = Survey::of(rocket);
        let mut warnings: Vec<_> = self.undeclared(&survey).into_iter().collect();
        if let Some(verifier) = rocket.state::<Verifier>() {
            let unnamed = verifier.enforces_scopes().then(|| survey.unnamed_scopes()).flatten();
            warnings.extend(unnamed.map(str::to_owned));
            warnings.extend(survey.unneeded_scopes(verifier.issuers()));
        }
        warnings
    }

    fn undeclared(&self, survey: &Survey<'_>) -> Option<String> {
        const SHOWN: usize = 3;
        if self.rules.undeclared != Severity::Warn {
            return None;
        }
        let undeclared = survey.undeclared();
        let (count, shown) = (undeclared.len(), undeclared.iter().take(SHOWN));
        let shown: Vec<_> = shown.map(String::as_str).collect();
        let more = if count > SHOWN { ", …" } else { "" };
        let routes = if count == 1 { "route" } else { "routes" };
        (count > 0).then(|| {
            format!(
                "nothing declares who may call {count} {routes} ({}{more}). {DECLARE}, and then set \
                 `undeclared` to \"deny\"",
                shown.join(", ")
            )
        })
    }

    /// Prints what is new, unless the launch is refused already.
    fn report(&self, progress: &mut Progress, survey: &Survey<'_>) -> Result<(), Refused> {
        if progress.is_refused {
            return progress.result();
        }
        let unscoped = match self.rules.unscoped {
            Severity::Allow => Vec::new(),
            Severity::Deny | Severity::Warn => survey.unscoped(),
        };
        let undeclared = match self.rules.undeclared {
            Severity::Deny => survey.undeclared(),
            Severity::Allow | Severity::Warn => Vec::new(),
        };
        let malformed = survey.malformed_scopes();
        progress.is_refused = self.rules.unscoped == Severity::Deny && !unscoped.is_empty()
            || !undeclared.is_empty()
            || !malformed.is_empty();
        let declare = (!undeclared.is_empty()).then(|| DECLARE.to_owned());
        let undeclared = undeclared
            .into_iter()
            .map(|route| format!("{route}: nothing declares who may call it"));
        let lines: Vec<_> =
            unscoped.into_iter().chain(undeclared).chain(declare).chain(malformed).collect();
        if progress.is_refused {
            refuse_launch(&lines);
        } else {
            for line in lines {
                if progress.warned.insert(line.clone()) {
                    log::warn!("{line}");
                }
            }
        }
        progress.result()
    }
}

impl Progress {
    fn result(&self) -> Result<(), Refused> {
        if self.is_refused { Err(Refused) } else { Ok(()) }
    }
}

/// How to declare a route.
const DECLARE: &str = "Write `#[user_scoped]`, `#[scoped]` or `#[authorized]` above a handler, or \
                       mount with `protect` or `public`; for what a fairing mounts, call \
                       `AuthGuard::public_below`";

fn adds_fault(index: &mut Index, added: &Added) -> bool {
    let is_ambiguous = added.differs && index.has(&added.key);
    // Each has to be entered.
    let finds = added.params.iter().filter(|param| index.scope(&added.key, **param)).count();
    let is_unscoped = added.first.is_some_and(|handler| index.add(&added.key, handler));
    finds > 0 || is_unscoped || added.lacks_owner || is_ambiguous
}

/// Prints why there is no launch, also if Rocket's log is off.
pub(crate) fn refuse_launch(reasons: &[String]) {
    let sentences = reasons.iter().map(|reason| match reason.ends_with('?') {
        true => reason.clone(),
        false => format!("{reason}."),
    });
    if log::log_enabled!(log::Level::Error) {
        log::error!("auth-guard refuses to launch:");
        let print = |reason: &str| log::error!(target: "auth_guard::_", "{reason}");
        sentences.for_each(|reason| print(&reason));
    } else {
        eprintln!("auth-guard refuses to launch:");
        sentences.for_each(|reason| eprintln!("   {reason}"));
    }
}

#[cfg(test)]
mod tests {
    use rocket::http::Method;
    use rocket::route::dummy_handler;
    use rocket::{Config, Route, async_test};

    use super::*;
    use crate::audit::index::steps::STEPS;
    use crate::route::registry::{GuardedHandler, OwnerRule, Registry, ScopeRule};

    /// A handler as the attribute would register it, and its route.
    fn scoped(name: String, uri: String, param: &'static str) -> (&'static GuardedHandler, Route) {
        let mut route = Route::new(Method::Get, &uri, dummy_handler);
        route.name = Some(format!("r#{name}").into());
        // `#[scoped]` reserves its segment, `#[user_scoped]` does not.
        let is_scope = param.starts_with("team");
        let handler = GuardedHandler {
            name: name.leak(),
            method: "GET",
            uri: uri.leak(),
            file: file!(),
            line: line!(),
            owner: (!is_scope).then_some(OwnerRule { param, segment: None, or: None }),
            scope: is_scope.then_some(ScopeRule { param, segment: 0, by: "Team", or: None }),
            requirement: None,
            machines: false,
            scopes: &[],
            exempt: None,
            has_guards: false,
        };
        (Box::leak(Box::new(handler)), route)
    }

    /// Returns the path and the parameter of the route of a number.
    type Shape = fn(usize) -> (String, &'static str);

    /// Launches `count` scoped routes of one shape, and as many others. Returns how many steps
    /// the audits of all phases took.
    async fn steps(count: usize, shape: Shape) -> usize {
        let scoped = (0..count).map(|n| {
            let (uri, param) = shape(n);
            scoped(format!("handler_{n}"), uri, param)
        });
        let (handlers, mut routes): (Vec<_>, Vec<_>) = scoped.unzip();
        for n in 0..count {
            let uri = format!("/open/<id>/{n}?<account_id>");
            routes.push(Route::new(Method::Get, &uri, dummy_handler));
        }

        STEPS.set(0);
        let figment = Config::figment().merge(("log_level", "off"));
        let rocket = rocket::custom(figment)
            .manage(Registry::default())
            .manage(Auditor::new(Rules { unscoped: Severity::Deny, undeclared: Severity::Warn }))
            .mount("/", routes);
        let auditor = |rocket| Auditor::of(rocket).expect("the state").audit(rocket, false);
        auditor(&rocket).expect("nothing is wrong before the sentinels");
        let rocket = rocket.ignite().await.expect("a valid Rocket");
        let (auditor, registry) = (Auditor::of(&rocket), Registry::of(&rocket));
        let (auditor, registry) = auditor.zip(registry).expect("the state");
        for handler in handlers {
            let added = registry.add(handler);
            auditor.at_sentinel(&rocket, Some(&added)).expect("nothing is wrong at a sentinel");
            auditor.at_sentinel(&rocket, None).expect("nothing is wrong at another");
        }
        auditor.audit(&rocket, true).expect("nothing is wrong at liftoff");
        assert_eq!(Survey::of(&rocket).audit(None).routes().len(), 2 * count);
        STEPS.get()
    }

    #[async_test]
    async fn f09_the_steps_of_a_launch_grow_linearly_with_its_routes() {
        let shapes: [Shape; 7] = [
            |n| (format!("/<user_id>/tasks/{n}"), "user_id"),
            |n| (format!("/accounts/<account_id>/{n}"), "account_id"),
            |n| (format!("/of{n}/<account_id>"), "account_id"),
            |n| (format!("/teams/<team>/<account_id>/{n}"), "account_id"),
            |n| (format!("/teams/<team_id>/{n}"), "team_id"),
            |n| (format!("/teams/<team>/{n}"), "team"),
            |n| (format!("/of{n}/<team>"), "team"),
        ];
        for shape in shapes {
            let mut counts = Vec::new();
            for routes in [100, 200, 400] {
                counts.push(steps(routes, shape).await);
            }
            let [a, b, c] = counts[..] else { unreachable!("three were counted") };
            assert!(a > 100, "{counts:?}");
            assert!(b <= 2 * a + 10 && c <= 2 * b + 10, "{counts:?}");
        }
    }
}
