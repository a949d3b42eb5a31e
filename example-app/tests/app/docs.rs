//! The OpenAPI document, and the page that shows it.

use std::collections::{BTreeMap, BTreeSet};

use auth_guard::Policy;
use example_app::task::TaskInput;
use rocket::http::Method;
use rocket::serde::json::{Value, json};

use crate::handlers::App;

/// The routes that the document leaves out: itself and the page.
const OWN: [&str; 2] = ["/docs/<path..>", "/openapi.json"];

/// The statuses with which the guards refuse requests.
const REFUSALS: [&str; 4] = ["400", "401", "403", "503"];

/// What is known about an operation without its handler.
#[derive(Debug, PartialEq, Eq)]
struct Operation {
    path_parameters: BTreeSet<String>,
    /// The OAuth scopes that a token needs, or `None` if no token is needed.
    scopes: Option<Vec<String>>,
    refusals: BTreeSet<&'static str>,
}

/// The operations, by method and path.
type Operations = BTreeMap<(String, String), Operation>;

fn document(app: &App) -> Value {
    app.send(Method::Get, "/openapi.json", None, "").json()
}

/// Returns the operations as Rocket and the audit know them.
fn mounted(app: &App) -> Operations {
    let rocket = app.client.rocket();
    let audit = auth_guard::audit(rocket);
    assert_eq!(audit.routes().len(), rocket.routes().count());

    let documented = audit.routes().iter().filter(|route| !OWN.contains(&&*route.uri));
    let operation = |route: &auth_guard::AuditedRoute| {
        let refusals: &[_] = match &route.policy {
            // A scope and a requirement may have no answer.
            Policy::Requires(of) if of.scope.is_some() || !of.requirements.is_empty() => {
                &["400", "401", "403", "503"]
            }
            // Nor may a machine pass, or a token without the scope.
            Policy::Requires(_) => &["400", "401", "403"],
            // It answers 503 itself.
            Policy::Public if route.uri == "/health/ready" => &["503"],
            Policy::Public => &[],
            _ => panic!("what does {route:?} answer?"),
        };
        let path = route.uri.replace('<', "{").replace('>', "}");
        let operation = Operation {
            path_parameters: braced(&path),
            scopes: route.policy.requirements().map(|of| of.oauth_scopes.clone()),
            refusals: refusals.iter().copied().collect(),
        };
        ((route.method.to_lowercase(), path), operation)
    };
    documented.map(operation).collect()
}

fn braced(path: &str) -> BTreeSet<String> {
    let segments = path.split('/').filter_map(|segment| segment.strip_prefix('{'));
    segments.filter_map(|segment| segment.strip_suffix('}')).map(str::to_owned).collect()
}

/// Returns the operations as the document describes them.
fn documented(document: &Value) -> Operations {
    let mut operations = Operations::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_path = parameters.filter(|it| it["in"] == "path" && it["required"] == true);
            let is_problem = |status: &&str| {
                let answer = resolved(document, &operation["responses"][*status]);
                answer["content"]["application/problem+json"]["schema"].is_object()
            };
            let described = Operation {
                path_parameters: in_path
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect(),
                scopes: scopes(&operation["security"]),
                refusals: REFUSALS.into_iter().filter(is_problem).collect(),
            };
            operations.insert((method.clone(), path.clone()), described);
        }
    }
    operations
}

/// Returns what one requirement asks of a bearer, or `None` if it is another one.
fn scopes(security: &Value) -> Option<Vec<String>> {
    let [requirement] = &**security.as_array()? else { return None };
    let scopes = requirement.as_object()?.get("bearer")?.as_array()?;
    Some(scopes.iter().map(|scope| scope.as_str().unwrap().to_owned()).collect())
}

/// Follows a reference.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => value,
    }
}

#[test]
fn the_document_describes_the_mounted_routes_and_their_guards() {
    let app = App::new();
    assert_eq!(documented(&document(&app)), mounted(&app));
}

#[test]
fn any_difference_from_the_routes_is_noticed() {
    let app = App::new();
    let (right, mounted) = (document(&app), mounted(&app));
    let list = "/paths/~1api~1{user_id}~1tasks/get";
    for (pointer, wrong) in [
        ("/paths", json!({})),
        ("/paths/~1health", json!({})),
        ("/paths/~1health/get/security", json!([{ "bearer": [] }])),
        (
            "/paths/~1health/get/responses/401",
            right["paths"]["/api/me"]["get"]["responses"]["401"].clone(),
        ),
        ("/paths/~1nowhere", right["paths"]["/health"].clone()),
        ("/paths/~1health/post", right["paths"]["/health"]["get"].clone()),
        (&format!("{list}/security"), Value::Null),
        (&format!("{list}/security"), json!([])),
        (&format!("{list}/security"), json!([{ "bearer": [] }])),
        (&format!("{list}/security"), json!([{ "bearer": ["tasks:write"] }])),
        (&format!("{list}/security"), json!([{}, { "bearer": [] }])),
        (&format!("{list}/parameters"), json!([])),
        (&format!("{list}/parameters/0/name"), json!("user")),
        (&format!("{list}/parameters/0/in"), json!("query")),
        (&format!("{list}/responses/400"), Value::Null),
        (&format!("{list}/responses/401"), Value::Null),
        (&format!("{list}/responses/403"), json!({ "description": "No" })),
        (&format!("{list}/responses/503"), json!({ "$ref": "#/components/responses/Problem" })),
    ] {
        let mut document = right.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/");
        document.pointer_mut(parent).unwrap()[&*name] = wrong;
        assert_ne!(documented(&document), mounted, "{pointer}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, value: &Value) -> usize {
        let here = usize::from(!std::ptr::eq(resolved(document, value), value));
        let below: usize = match value {
            Value::Array(values) => values.iter().map(|value| walk(document, value)).sum(),
            Value::Object(values) => values.values().map(|value| walk(document, value)).sum(),
            _ => 0,
        };
        here + below
    }
    let document = document(&App::new());
    assert!(walk(&document, &document) > 20);
}

#[test]
fn the_documented_body_limits_are_the_enforced_ones() {
    let document = document(&App::new());
    let input = &document["components"]["schemas"]["TaskInput"];
    assert_eq!(input["required"], json!(["title"]));
    assert_eq!(input["additionalProperties"], json!(false));
    assert_eq!(input["properties"]["title"]["minLength"], json!(1));
    assert_eq!(input["properties"]["title"]["maxLength"], json!(TaskInput::MAX_TITLE));
    assert_eq!(input["properties"]["description"]["maxLength"], json!(TaskInput::MAX_DESCRIPTION));

    let app = App::new();
    let (_, task) = app.task_of_alice();
    let schema = &document["components"]["schemas"]["Task"];
    let names: BTreeSet<_> = task.as_object().unwrap().keys().collect();
    assert_eq!(schema["properties"].as_object().unwrap().keys().collect::<BTreeSet<_>>(), names);
    assert_eq!(schema["required"].as_array().unwrap().len(), names.len());
}

#[test]
fn the_page_and_all_that_it_loads_are_served() {
    let app = App::new();
    let moved = app.client.get("/docs").dispatch();
    assert_eq!((moved.status().code, moved.headers().get_one("Location")), (303, Some("/docs/")));

    let page = app.client.get("/docs/").dispatch();
    let policy = page.headers().get_one("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    let html = page.into_string().unwrap();
    assert!(!html.contains("//"), "{html}");
    let links = html.split(['"', '\'']).filter(|word| word.contains('.') && !word.contains(' '));
    let links: Vec<_> = links.map(|link| link.trim_start_matches("./")).collect();
    assert!(links.contains(&"swagger-ui-bundle.js") && links.len() > 5, "{links:?}");
    for link in links {
        let file = app.send(Method::Get, &format!("/docs/{link}"), None, "");
        assert_eq!(file.status.code, 200, "{link}");
    }

    let settings = app.send(Method::Get, "/docs/swagger-initializer.js", None, "").text;
    assert!(settings.contains(r#""url": "/openapi.json""#), "{settings}");
    assert!(settings.contains(r#""layout": "BaseLayout""#), "{settings}");
    app.send(Method::Get, "/docs/nothing", None, "").problem(404);
}
