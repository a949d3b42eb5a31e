//! Completes an OpenAPI document with what the guards ask for and answer.

mod answers;
mod guards;
mod operations;

use rocket::Rocket;
use utoipa::IntoParams;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Parameter, ParameterIn};

use self::answers::{Refusals, describe};
use self::guards::Guards;
use self::operations::{complete, is_at, operations, secure, unmatched};
use crate::audit::Ignited;
use crate::guard::UserId;

/// Completes the OpenAPI document of an application with what its guards do: the bearer
/// scheme and, for each operation that needs a token, the security requirement and the
/// answers that refuse a request.
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
/// This is a function and not a [`utoipa::Modify`], because the guards are known only
/// once all routes are mounted, and because it can fail. Call it at liftoff and serve the
/// result, as `docs.rs` of the example app does.
///
/// Write `#[utoipa::path]` above the route attribute, before or after `#[user_scoped]`.
/// With utoipa's feature `rocket_extras`, `#[utoipa::path(context_path = "/api", …)]`
/// needs only the mount point: it reads the rest from the route.
///
/// # What is added
///
/// | where | what |
/// | --- | --- |
/// | the document | the scheme `bearer`, the schema `AuthProblem`, the answers `AuthProblem401` … |
/// | an operation that needs a token | the requirement with the OAuth scopes that the route names, 400, 401, and 403 `not_allowed` |
/// | one whose route names OAuth scopes, if they are enforced | 403 `insufficient_scope` |
/// | an operation with an owner | 403 `not_owner` |
/// | every such operation, with public keys | 503 `keys_unavailable` |
/// | every such operation, with [your own check](crate::AuthGuard::with_check) | 503 `check_unavailable`, and 403 `not_owner` |
/// | a segment of the path that is not documented, such as one that `#[user_scoped]` binds | the parameter |
///
/// What the document already says stays as it is: the security of an operation, and its
/// own answers for these statuses, which your own catchers may need.
///
/// The [audit](crate::audit()) decides which operations need a token. It cannot see a
/// [`Verified`](crate::Verified) among the arguments of an `undeclared` route: mount
/// that route with [`protect`](crate::protect), or document it by hand.
///
/// # Errors
///
/// Returns one line for each operation of the document that no mounted route answers,
/// such as a misspelt path.
pub fn openapi<P: Ignited>(
    rocket: &Rocket<P>,
    mut document: OpenApi,
) -> Result<OpenApi, Vec<String>> {
    let guards = Guards::of(rocket);
    let mut errors = Vec::new();
    let mut refusals = Refusals::new();
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
            secure(operation, guards.scopes(&routes));
            complete(operation, &guards.parameters(path, &routes), &shared, &added);
            // One description of an answer serves all operations, so it lists every error.
            for (status, mut errors) in added {
                let known = refusals.entry(status).or_default();
                errors.retain(|error| !known.contains(error));
                known.extend(errors);
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }

    describe(&mut document, &refusals);
    Ok(document)
}

/// Adds no parameter: this type does not know the name of its segment, and [`openapi`]
/// takes the parameter from the path of the route.
impl IntoParams for UserId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}
