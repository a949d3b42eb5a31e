//! The operations of a document: which route answers them, and what they leave unsaid.

use rocket::{Rocket, Route};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr};

use super::answers::{Refusals, SCHEME, answer_name};
use crate::audit::Ignited;
use crate::route::pattern::{Pattern, Segment};

/// Returns the operations of a path, each with its method.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&str, &mut Operation)> {
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

/// Returns `true` if this route answers an operation at `path`. A segment may have another
/// name in the document.
pub(super) fn is_at(route: &Route, method: &str, path: &str) -> bool {
    let is_same = |route: Segment<'_>, document: &str| match route {
        Segment::Static(segment) => segment == document,
        Segment::Dynamic(_) | Segment::Trailing(_) => {
            document.starts_with('{') && document.ends_with('}')
        }
    };
    let mut ours = Pattern::mounted(route).segments();
    let mut theirs = path.split('/').filter(|segment| !segment.is_empty());
    // Rocket answers HEAD with the route of GET.
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

/// Reports an operation that no route answers, and suggests the nearest route.
pub(super) fn unmatched<P: Ignited>(rocket: &Rocket<P>, method: &str, path: &str) -> String {
    let asked = format!("{method} {path}");
    let mounted = rocket.routes().map(|route| {
        let path = Pattern::mounted(route).fill(|segment| match segment {
            Segment::Static(segment) => segment.into(),
            Segment::Dynamic(name) | Segment::Trailing(name) => format!("{{{name}}}").into(),
        });
        format!("{} {path}", route.method)
    });
    // A forgotten mount point is as likely as a misspelling, and a greater distance.
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
pub(super) fn complete(
    operation: &mut Operation,
    parameters: &[Parameter],
    shared: &[RefOr<Parameter>],
    refusals: &Refusals,
) {
    // utoipa sees the mark that `#[user_scoped]` puts on the name of the handler.
    if let Some(id) = &mut operation.operation_id
        && let Some(plain) = id.strip_prefix("r#")
    {
        *id = plain.to_owned();
    }

    for parameter in parameters {
        let own = operation.parameters.get_or_insert_default();
        let is_same = |other: &&mut RefOr<Parameter>| is_named(other, &parameter.name);
        match own.iter_mut().find(is_same) {
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
    for status in refusals.keys() {
        let answers = operation.responses.responses.entry(status.to_string());
        answers.or_insert_with(|| Ref::from_response_name(answer_name(*status)).into());
    }
}

/// Adds what a token needs, unless the operation says so itself: for each of the routes that may
/// answer, its OAuth scopes. OpenAPI 3.1 lists them for any scheme.
pub(super) fn secure(operation: &mut Operation, scopes: Vec<Vec<String>>) {
    if scopes.is_empty() {
        return;
    }
    let requirements = scopes.into_iter().map(|scopes| SecurityRequirement::new(SCHEME, scopes));
    operation.security.get_or_insert_with(|| requirements.collect());
}

/// Returns `true` if this is the path's parameter `name`. A reference is expected to end
/// in the name of its parameter.
fn is_named(parameter: &RefOr<Parameter>, name: &str) -> bool {
    match parameter {
        RefOr::T(parameter) => {
            parameter.name == name && parameter.parameter_in == ParameterIn::Path
        }
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next() == Some(name),
    }
}
