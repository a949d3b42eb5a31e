//! What the guards of an application ask for.

use rocket::{Rocket, Route};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Type};

use super::answers::Refusals;
use crate::audit::{Ignited, Requirements, Survey};
use crate::error::AuthError;
use crate::guard::Context;
use crate::route::pattern::{Pattern, Segment};
use crate::verifier::Verifier;

/// The guards of an application, as its routes and its settings declare them.
pub(super) struct Guards<'r> {
    survey: Survey<'r>,
    has_public_keys: bool,
    has_check: bool,
    enforces_scopes: bool,
}

impl<'r> Guards<'r> {
    pub(super) fn of<P: Ignited>(rocket: &'r Rocket<P>) -> Self {
        let verifier = rocket.state::<Verifier>().into_iter();
        let mut issuers = verifier.flat_map(|verifier| verifier.issuers().all());
        let has_public_keys = issuers.any(|issuer| issuer.public_keys().is_some());
        let has_check = Context::of(rocket).is_some_and(|context| context.hook.is_some());
        let enforces_scopes = rocket.state().is_some_and(Verifier::enforces_scopes);
        Self { survey: Survey::of(rocket), has_public_keys, has_check, enforces_scopes }
    }

    /// Returns the refusals of an operation. Several routes may answer it, by rank or by
    /// format.
    pub(super) fn refusals(&self, routes: &[&Route]) -> Refusals {
        let is_owned = |route: &&Route| self.owner(route).is_some();
        let needs_token = |route: &&Route| self.survey.policy(route).needs_token();
        if !routes.iter().any(needs_token) {
            return Refusals::new();
        }

        let has_owner = self.has_check || routes.iter().any(is_owned);
        let asks = |route: &&Route| {
            self.survey.policy(route).requirements().is_some_and(Requirements::asks)
        };
        let asks = self.has_check || routes.iter().any(asks);
        let may_lack_scope =
            self.enforces_scopes && self.scopes(routes).iter().any(|scopes| !scopes.is_empty());
        let possible = [
            (AuthError::MultipleTokens, true),
            (AuthError::MissingToken, true),
            (AuthError::MalformedToken, true),
            (AuthError::Expired, true),
            (AuthError::NotOwner, has_owner),
            (AuthError::NotAllowed, true),
            (AuthError::InsufficientScope, may_lack_scope),
            (AuthError::KeysUnavailable, self.has_public_keys),
            (AuthError::CheckUnavailable, asks),
        ];
        let mut refusals = Refusals::new();
        for (error, _) in possible.into_iter().filter(|(_, is_possible)| *is_possible) {
            refusals.entry(error.status()).or_default().push(error);
        }
        refusals
    }

    /// Returns the OAuth scopes that each of these routes names, if they need a token.
    pub(super) fn scopes(&self, routes: &[&Route]) -> Vec<Vec<String>> {
        let policies = routes.iter().map(|route| self.survey.policy(route));
        let scopes =
            policies.filter_map(|policy| Some(policy.requirements()?.oauth_scopes.clone()));
        let mut scopes: Vec<_> = scopes.collect();
        scopes.dedup();
        scopes
    }

    /// Returns the parameters in the path of an operation.
    pub(super) fn parameters(&self, path: &str, routes: &[&Route]) -> Vec<Parameter> {
        let is_owner = |position: usize| {
            routes.iter().any(|route| {
                let owner = self.owner(route);
                let segment = Pattern::mounted(route).segments().nth(position);
                owner.is_some() && owner.as_deref() == segment.and_then(Segment::name)
            })
        };
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let names = segments.enumerate().filter_map(|(position, segment)| {
            Some((position, segment.strip_prefix('{')?.strip_suffix('}')?))
        });
        let parameter = |(position, name)| {
            let of_owner = "The owner: the `uid` of the token.";
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(is_owner(position).then_some(of_owner))
                .schema(Some(Object::with_type(Type::String)))
                .build()
        };
        names.map(parameter).collect()
    }

    /// Returns the name of the segment that is compared with the caller.
    fn owner(&self, route: &Route) -> Option<String> {
        self.survey.policy(route).owner().map(str::to_owned)
    }
}
