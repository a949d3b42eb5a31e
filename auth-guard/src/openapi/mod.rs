//! Beside the way: what the guards ask for and answer, in an OpenAPI document.

use std::collections::BTreeMap;

use rocket::http::Status;
use rocket::{Rocket, Route};
use utoipa::IntoParams;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Header, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
};

use crate::audit::{Ignited, Layer, Policy, Survey, segments};
use crate::error::AuthError;
use crate::guard::UserId;
use crate::launch::Installed;

/// The name of the security scheme.
const SCHEME: &str = "bearer";
/// The name of the schema of our problem bodies; those of the answers begin with it.
const PROBLEM: &str = "AuthProblem";

/// The document of this application, with what its guards do: the bearer scheme, and
/// for each operation that needs a token the security requirement and the answers
/// that refuse one.
///
/// ```rust
/// use auth_guard::{AuthGuard, Secret, protect, user_scoped};
/// use utoipa::OpenApi;
///
/// #[utoipa::path(get, path = "/api/{user_id}/tasks", responses((status = 200, body = String)))]
/// #[user_scoped]
/// #[rocket::get("/<user_id>/tasks")]
/// fn list() -> String {
///     format!("the tasks of {user_id}")
/// }
///
/// #[derive(OpenApi)]
/// #[openapi(paths(list))]
/// struct Document;
///
/// # rocket::async_test(async {
/// let rocket = rocket::build()
///     .attach(AuthGuard::fairing().with_secret(Secret::random()))
///     .mount("/api", protect(rocket::routes![list]))
///     .ignite()
///     .await
///     .expect("a valid Rocket");
/// let document = auth_guard::openapi(&rocket, Document::openapi()).expect("routes as documented");
///
/// let list = document.paths.paths["/api/{user_id}/tasks"].get.as_ref().expect("an operation");
/// assert!(list.security.is_some());
/// let statuses: Vec<_> = list.responses.responses.keys().collect();
/// assert_eq!(statuses, ["200", "400", "401", "403"]);
/// # });
/// ```
///
/// It is a function and no [`utoipa::Modify`], because what guards do is known once
/// all routes are mounted, and because it can fail. An application calls it at
/// liftoff, and serves what comes back: `docs.rs` of the example app does.
///
/// `#[utoipa::path]` goes above the route attribute; whether `#[user_scoped]` stands
/// above or below it makes no difference. With utoipa's feature `rocket_extras` it is
/// `#[utoipa::path(context_path = "/api", …)]`: the mount point, and all else is read
/// from the route.
///
/// # What is added
///
/// | where | what |
/// | --- | --- |
/// | the document | the scheme `bearer`, the schema `AuthProblem`, the answers `AuthProblem401` … |
/// | an operation that needs a token | the requirement, 400 and 401 |
/// | one that has an owner | 403 |
/// | with public keys | 503 `keys_unavailable` |
/// | with [`AuthGuard::check`](crate::AuthGuard::check) | 503 `check_unavailable`, and 403 everywhere |
/// | a segment of the path that is no parameter yet, as one that `#[user_scoped]` binds | the parameter |
///
/// What the document says already stays as it is: an operation's own security, and its
/// own answer for one of these statuses, where a catcher of the application gives it
/// another body, say.
///
/// Needing a token is as the [audit](crate::audit()) knows it. It cannot see a
/// [`Verified`](crate::Verified) among the arguments of an `undeclared` route: mount
/// that with [`protect`](crate::protect), or document it by hand.
///
/// # Errors
///
/// One line for each operation of the document that no mounted route answers, so that
/// a misspelt path is noticed.
pub fn openapi<P: Ignited>(
    rocket: &Rocket<P>,
    mut document: OpenApi,
) -> Result<OpenApi, Vec<String>> {
    let guards = Guards::of(rocket);
    let mut errors = Vec::new();
    let mut refusals = BTreeMap::new();
    for (path, item) in &mut document.paths.paths {
        let shared = item.parameters.clone().unwrap_or_default();
        for (method, operation) in operations(item) {
            let routes: Vec<_> =
                rocket.routes().filter(|route| is_at(route, method, path)).collect();
            if routes.is_empty() {
                errors.push(unmatched(rocket, method, path));
                continue;
            }

            let added = guards.refusals(&routes);
            complete(operation, &guards.parameters(path, &routes), &shared, &added);
            refusals.extend(added);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }

    describe(&mut document, &refusals);
    Ok(document)
}

/// The segment is in the path of the route, where [`openapi`] finds it: this type does
/// not know its name.
impl IntoParams for UserId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// The answers that refuse a request, by status.
type Refusals = BTreeMap<u16, Vec<AuthError>>;

/// What guards the routes of an application.
struct Guards<'r> {
    survey: Survey<'r>,
    has_public_keys: bool,
    has_check: bool,
}

impl<'r> Guards<'r> {
    fn of<P: Ignited>(rocket: &'r Rocket<P>) -> Self {
        #[cfg(feature = "jwks")]
        let has_public_keys = rocket
            .state::<crate::verifier::Verifier>()
            .is_some_and(|verifier| verifier.jwks().is_some());
        #[cfg(not(feature = "jwks"))]
        let has_public_keys = false;
        let has_check = Installed::of(rocket).is_some_and(|installed| installed.hook.is_some());
        Self { survey: Survey::of(rocket), has_public_keys, has_check }
    }

    /// Those of an operation, which several routes may answer: by rank or by format.
    fn refusals(&self, routes: &[&Route]) -> Refusals {
        let is_owned = |route: &&Route| self.owner(route).is_some();
        // `protect` asks for a token whatever an attribute says, `exempt` included.
        let needs_token =
            |route: &&Route| is_owned(route) || Layer::of(route) == Some(Layer::Protected);
        if !routes.iter().any(needs_token) {
            return Refusals::new();
        }

        let has_owner = self.has_check || routes.iter().any(is_owned);
        let possible = [
            (AuthError::MultipleTokens, true),
            (AuthError::MissingToken, true),
            (AuthError::MalformedToken, true),
            (AuthError::Expired, true),
            (AuthError::NotOwner, has_owner),
            (AuthError::KeysUnavailable, self.has_public_keys),
            (AuthError::CheckUnavailable, self.has_check),
        ];
        let mut refusals = Refusals::new();
        for (error, _) in possible.into_iter().filter(|(_, is_possible)| *is_possible) {
            refusals.entry(error.status()).or_default().push(error);
        }
        refusals
    }

    /// The parameters in the path of an operation.
    fn parameters(&self, path: &str, routes: &[&Route]) -> Vec<Parameter> {
        let is_owner = |position: usize| {
            routes.iter().any(|route| {
                let segment = segments(route.uri.path()).nth(position);
                let owner = self.owner(route).map(|param| format!("<{param}>"));
                owner.is_some() && owner.as_deref() == segment
            })
        };
        let names = segments(path).enumerate().filter_map(|(position, segment)| {
            Some((position, segment.strip_prefix('{')?.strip_suffix('}')?))
        });
        let parameter = |(position, name)| {
            let of_owner = "The owner: the `uid` of their token.";
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

    /// The name of the segment that is compared with the caller.
    fn owner(&self, route: &Route) -> Option<String> {
        match self.survey.policy(route) {
            Policy::Owner(param) | Policy::OwnerOr(param, _) => Some(param),
            Policy::Exempt(_)
            | Policy::Verified
            | Policy::Public
            | Policy::Undeclared
            | Policy::Unscoped => None,
        }
    }
}

/// The operations of a path, and their methods.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&str, &mut Operation)> {
    let fixed = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("OPTIONS", &mut item.options),
        ("HEAD", &mut item.head),
        ("PATCH", &mut item.patch),
        ("TRACE", &mut item.trace),
        ("QUERY", &mut item.query),
    ];
    let fixed = fixed
        .into_iter()
        .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)));
    let others = item.additional_operations.iter_mut();
    fixed.chain(others.map(|(method, operation)| (&**method, operation)))
}

/// Whether this route answers an operation at `path`. What a segment is called in the
/// document is its own affair.
fn is_at(route: &Route, method: &str, path: &str) -> bool {
    let is_same = |route: &str, document: &str| match document.starts_with('{') {
        true => route.starts_with('<') && document.ends_with('}'),
        false => route == document,
    };
    let (mut ours, mut theirs) = (segments(route.uri.path()), segments(path));
    // Rocket answers HEAD where there is a GET.
    let is_method =
        route.method.as_str() == method || (route.method.as_str(), method) == ("GET", "HEAD");
    is_method
        && loop {
            match (ours.next(), theirs.next()) {
                (None, None) => break true,
                (Some(ours), Some(theirs)) if is_same(ours, theirs) => {}
                _ => break false,
            }
        }
}

/// What is wrong with an operation that no route answers, and what may be meant.
fn unmatched<P: Ignited>(rocket: &Rocket<P>, method: &str, path: &str) -> String {
    let asked = format!("{method} {path}");
    let mounted = rocket.routes().map(|route| {
        let path = route.uri.path().replace("..>", "}").replace('<', "{").replace('>', "}");
        format!("{} {path}", route.method)
    });
    // A forgotten mount point is further away than a misspelling, and as likely.
    let distance = |mounted: &String| match mounted.strip_suffix(path) {
        Some(before) if before.starts_with(method) => 0,
        _ => strsim::osa_distance(&asked, mounted),
    };
    let nearest = mounted.min_by_key(distance).map(|near| format!(". Did you mean {near}?"));
    format!(
        "{asked} is in the OpenAPI document, and no route is mounted there{}",
        nearest.unwrap_or_default()
    )
}

/// Adds to an operation what it does not say itself. `shared` are the parameters that
/// are documented for all operations of its path.
fn complete(
    operation: &mut Operation,
    parameters: &[Parameter],
    shared: &[RefOr<Parameter>],
    refusals: &Refusals,
) {
    // `#[user_scoped]` above `#[utoipa::path]` has marked the handler's name.
    if let Some(id) = &mut operation.operation_id
        && let Some(plain) = id.strip_prefix("r#")
    {
        *id = plain.to_owned();
    }

    for parameter in parameters {
        let own = operation.parameters.get_or_insert_default();
        let is_it = |other: &&mut RefOr<Parameter>| is_named(other, &parameter.name);
        match own.iter_mut().find(is_it) {
            Some(RefOr::T(own)) if own.description.is_none() => {
                own.description.clone_from(&parameter.description);
            }
            Some(_) => {}
            None if shared.iter().any(|shared| is_named(shared, &parameter.name)) => {}
            None => own.push(parameter.clone().into()),
        }
    }

    if refusals.is_empty() {
        return;
    }
    let requirement = SecurityRequirement::new(SCHEME, [""; 0]);
    operation.security.get_or_insert_with(|| vec![requirement]);
    for status in refusals.keys() {
        let answers = operation.responses.responses.entry(status.to_string());
        answers.or_insert_with(|| Ref::from_response_name(answer_name(*status)).into());
    }
}

/// Whether a parameter in the path has this name. One that stands elsewhere is taken
/// to be called as the parameter is.
fn is_named(parameter: &RefOr<Parameter>, name: &str) -> bool {
    match parameter {
        RefOr::T(parameter) => {
            parameter.name == name && parameter.parameter_in == ParameterIn::Path
        }
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next() == Some(name),
    }
}

fn answer_name(status: u16) -> String {
    format!("{PROBLEM}{status}")
}

/// Adds what the operations refer to.
fn describe(document: &mut OpenApi, refusals: &Refusals) {
    if refusals.is_empty() {
        return;
    }
    let components = document.components.get_or_insert_default();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A token from the Better Auth server, without the word `Bearer`."))
        .build();
    let schemes = components.security_schemes.entry(SCHEME.into());
    schemes.or_insert_with(|| SecurityScheme::Http(scheme).into());
    let schemas = components.schemas.entry(PROBLEM.into());
    schemas.or_insert_with(|| problem(refusals).into());
    for (status, errors) in refusals {
        let answers = components.responses.entry(answer_name(*status));
        answers.or_insert_with(|| answer(*status, errors).into());
    }
}

/// RFC 9457, as `response.rs` writes it.
fn problem(refusals: &Refusals) -> ObjectBuilder {
    let codes = refusals.values().flatten().map(AuthError::code);
    let text = || Object::with_type(Type::String);
    [
        ("type", text()),
        ("title", text()),
        ("status", Object::with_type(Type::Integer)),
        ("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).build()),
        ("detail", text()),
    ]
    .into_iter()
    .fold(ObjectBuilder::new(), |object, (name, schema)| {
        object.property(name, schema).required(name)
    })
    .description(Some("Why the request was refused; `code` is for programs, and stable."))
}

/// An answer, with the bodies that it may have.
fn answer(status: u16, errors: &[AuthError]) -> Response {
    let examples = errors.iter().filter_map(|error| {
        let body = serde_json::from_slice(&error.body()?).ok()?;
        Some((error.code(), ExampleBuilder::new().value(Some(body))))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(PROBLEM)))
        .examples_from_iter(examples);
    let codes: Vec<_> = errors.iter().map(|error| format!("`{}`", error.code())).collect();
    let title = Status::new(status).reason_lossy();
    let answer = ResponseBuilder::new()
        .description(format!("{title}: {}", codes.join(" or ")))
        .content("application/problem+json", content.build());

    let header = |described: &str, kind: Type| {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(described.into());
        header
    };
    let has_challenge = errors.iter().any(|error| error.challenge("").is_some());
    match has_challenge {
        true => {
            answer.header("WWW-Authenticate", header("The challenge (RFC 6750).", Type::String))
        }
        false => answer.header("Retry-After", header("Seconds.", Type::Integer)),
    }
    .build()
}
