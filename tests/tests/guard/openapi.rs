//! What the guards ask for and answer, in an OpenAPI document.

use std::collections::BTreeSet;

use auth_guard::{AuthGuard, UserId, Verified, protect, public, user_scoped};
use auth_guard_tests::*;
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, get, put, routes};
use serde_json::{Value, json};
use utoipa::OpenApi;

#[user_scoped]
#[utoipa::path(context_path = "/api", responses((status = 200, body = String)))]
#[get("/<user_id>/above/<id>")]
fn above(id: u8) -> String {
    format!("{user_id} {id}")
}

#[utoipa::path(context_path = "/api", responses((status = 200, body = String)))]
#[user_scoped]
#[get("/<user_id>/below/<id>")]
fn below(id: u8) -> String {
    format!("{user_id} {id}")
}

#[user_scoped(param = "account", scope = "a b")]
#[utoipa::path(context_path = "/api", responses((status = 200)))]
#[put("/accounts/<account>?<page>")]
fn account(account: UserId, page: Option<u8>) -> String {
    format!("{account} {page:?}")
}

#[utoipa::path(context_path = "/api", responses((status = 200)))]
#[user_scoped(or = Staff)]
#[get("/<user_id>/staff")]
fn staff(user_id: &str) -> &str {
    user_id
}

#[utoipa::path(context_path = "/api", responses((status = 200)))]
#[user_scoped(exempt = "profiles are public")]
#[get("/<user_id>/profile")]
fn profile() -> String {
    user_id.to_string()
}

#[utoipa::path(responses((status = 200)))]
#[get("/<user_id>/held")]
fn held(user_id: &str) -> &str {
    user_id
}

#[utoipa::path(responses((status = 200)))]
#[get("/version")]
fn version() -> &'static str {
    "1"
}

#[utoipa::path(responses((status = 200)))]
#[get("/me")]
fn me(user: Verified) -> String {
    user.uid().to_owned()
}

#[derive(OpenApi)]
#[openapi(paths(above, below, account, staff, profile))]
struct Scoped;

#[derive(OpenApi)]
#[openapi(paths(held, version))]
struct Protected;

#[derive(OpenApi)]
#[openapi(paths(profile))]
struct Profile;

#[derive(OpenApi)]
#[openapi(paths(version, me))]
struct Open;

#[derive(OpenApi)]
#[openapi(paths(version))]
struct Version;

fn rocket(guard: AuthGuard, settings: &Value) -> Rocket<Build> {
    let scoped = routes![above, below, account, staff, profile];
    rocket::custom(figment(settings))
        .attach(guard)
        .mount("/api", scoped)
        .mount("/protected", protect(routes![held, version]))
        .mount("/protected/in/api", protect(routes![profile]))
        .mount("/open", public(routes![version]))
        .mount("/open", routes![me])
}

fn documented(client: &Client) -> Value {
    let document = Scoped::openapi()
        .nest("/protected", Protected::openapi())
        .nest("/protected/in", Profile::openapi())
        .nest("/open", Open::openapi());
    let document = auth_guard::openapi(client.rocket(), document);
    serde_json::to_value(document.expect("every path is mounted")).expect("JSON")
}

/// Whether the operation asks for a token, and how it says it refuses one.
fn guarded(document: &Value, method: &str, path: &str) -> (bool, Vec<u16>) {
    let operation = &document["paths"][path][method];
    assert_ne!(operation, &Value::Null, "{method} {path}");
    let security = &operation["security"];
    let scopes = if path.contains("accounts") { json!(["a", "b"]) } else { json!([]) };
    assert!(security.is_null() || *security == json!([{ "bearer": scopes }]), "{security}");
    let statuses = operation["responses"].as_object().expect("answers");
    let ours = statuses.iter().filter(|(status, answer)| {
        **answer == json!({ "$ref": format!("#/components/responses/AuthProblem{status}") })
    });
    (!security.is_null(), ours.map(|(status, _)| status.parse().expect("a status")).collect())
}

const GUARDED: [(&str, &str); 7] = [
    ("get", "/api/{user_id}/above/{id}"),
    ("get", "/api/{user_id}/below/{id}"),
    ("put", "/api/accounts/{account}"),
    ("get", "/api/{user_id}/staff"),
    ("get", "/protected/{user_id}/held"),
    ("get", "/protected/version"),
    // It is exempt from having an owner; `protect` asks for a token all the same.
    ("get", "/protected/in/api/{user_id}/profile"),
];

const OPEN: [(&str, &str); 3] =
    [("get", "/api/{user_id}/profile"), ("get", "/open/version"), ("get", "/open/me")];

#[test]
fn guarded_operations_and_no_others_say_so() {
    let document = documented(&launch(rocket(guard(), &json!({}))));
    for (method, path) in GUARDED {
        // `Staff` may give no answer.
        let statuses = match path {
            "/api/{user_id}/staff" => vec![400, 401, 403, 503],
            _ => vec![400, 401, 403],
        };
        assert_eq!(guarded(&document, method, path), (true, statuses), "{path}");
    }
    for (method, path) in OPEN {
        assert_eq!(guarded(&document, method, path), (false, vec![]), "{path}");
    }
}

#[test]
fn with_public_keys_they_may_be_unavailable() {
    let settings = json!({ "url": "https://auth.example.com" });
    let client = launch(rocket(AuthGuard::fairing(), &settings));
    let document = documented(&client);
    for (method, path) in GUARDED {
        let statuses = vec![400, 401, 403, 503];
        assert_eq!(guarded(&document, method, path), (true, statuses), "{path}");
    }
    assert_eq!(codes(&document, 503), ["check_unavailable", "keys_unavailable"]);
}

#[test]
fn with_a_check_any_of_them_may_be_forbidden_or_unavailable() {
    let guard = guard().with_check(|_, _| Box::pin(async { Ok(()) }));
    let document = documented(&launch(rocket(guard, &json!({}))));
    for (method, path) in GUARDED {
        let statuses = vec![400, 401, 403, 503];
        assert_eq!(guarded(&document, method, path), (true, statuses), "{path}");
    }
    for (method, path) in OPEN {
        assert_eq!(guarded(&document, method, path), (false, vec![]), "{path}");
    }
    assert_eq!(codes(&document, 503), ["check_unavailable"]);
}

/// A machine's token is refused everywhere, and one description of 403 serves all operations.
#[test]
fn a_403_names_a_machine_and_also_the_owner_where_there_is_one() {
    let document = documented(&launch(rocket(guard(), &json!({}))));
    assert_eq!(codes(&document, 403), ["not_allowed", "not_owner"]);

    let only_public = rocket::custom(figment(&json!({}))).attach(guard());
    let client = launch(only_public.mount("/protected", protect(routes![version])));
    let document = utoipa::openapi::OpenApi::default().nest("/protected", Version::openapi());
    let document = auth_guard::openapi(client.rocket(), document).expect("a document");
    let document = serde_json::to_value(document).expect("JSON");
    assert_eq!(codes(&document, 403), ["not_allowed"]);
}

/// An operation lists its scopes, and 403 has a challenge where it may be about them.
#[test]
fn scopes_are_listed_and_may_be_insufficient_where_they_are_enforced() {
    let header = |document: &Value| {
        document["components"]["responses"]["AuthProblem403"]["headers"]["WWW-Authenticate"].clone()
    };
    let document = documented(&launch(rocket(guard(), &json!({}))));
    assert_eq!(header(&document), Value::Null);
    let document = documented(&launch(rocket(guard(), &json!({ "scopes": "enforced" }))));
    assert_eq!(codes(&document, 403), ["insufficient_scope", "not_allowed", "not_owner"]);
    assert!(header(&document).is_object());
    let answers = &document["components"]["responses"];
    assert_eq!(answers["AuthProblem403"]["headers"].as_object().map(|of| of.len()), Some(1));
    for (method, path) in GUARDED {
        guarded(&document, method, path);
    }
}

/// The codes of the examples of an answer.
fn codes(document: &Value, status: u16) -> Vec<String> {
    let answer = &document["components"]["responses"][format!("AuthProblem{status}")];
    let content = &answer["content"]["application/problem+json"];
    assert_eq!(content["schema"], json!({ "$ref": "#/components/schemas/AuthProblem" }));
    let examples = content["examples"].as_object().expect("examples");
    for (code, example) in examples {
        assert_eq!(example["value"]["code"], json!(code));
        assert_eq!(example["value"]["status"], json!(status));
    }
    examples.keys().cloned().collect()
}

/// The table of `answers.md` is the list of codes.
#[test]
fn every_code_is_documented_with_its_body_and_its_header_fields() {
    let settings = json!({ "url": "https://auth.example.com", "scopes": "enforced" });
    let guard = AuthGuard::fairing().with_check(|_, _| Box::pin(async { Ok(()) }));
    let client = launch(rocket(guard, &settings));
    let document = documented(&client);
    let scheme = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));

    let problem = &document["components"]["schemas"]["AuthProblem"];
    let codes_of_schema = problem["properties"]["code"]["enum"].as_array().expect("codes").iter();
    let codes_of_schema: BTreeSet<_> = codes_of_schema.filter_map(Value::as_str).collect();
    let docs = include_str!("../../../auth-guard/docs/answers.md");
    let rows = docs.lines().filter(|row| row.starts_with("| ") && row.contains('`'));
    let of_docs = rows.map(|row| row.trim_end_matches([' ', '|']).rsplit('`').nth(1));
    let of_docs = of_docs.map(|code| code.expect("a code"));
    let mut expected: BTreeSet<_> = of_docs.filter(|code| *code != "code").collect();
    // That one is an error of the server's own.
    assert!(expected.remove("guard_misconfigured"));
    assert_eq!(codes_of_schema, expected);
    let of_answers: BTreeSet<_> =
        [400, 401, 403, 503].iter().flat_map(|status| codes(&document, *status)).collect();
    assert_eq!(of_answers, expected.into_iter().map(str::to_owned).collect());

    for (status, expected) in [
        (400, &["WWW-Authenticate"][..]),
        (401, &["WWW-Authenticate"]),
        (403, &["WWW-Authenticate"]),
        (503, &["Retry-After"]),
    ] {
        let answer = &document["components"]["responses"][format!("AuthProblem{status}")];
        let fields = answer["headers"].as_object().into_iter().flatten();
        let fields: Vec<_> = fields.map(|(name, _)| name.as_str()).collect();
        assert_eq!(fields, expected, "{status}");
    }

    // The bodies are those that come back.
    let body: Value =
        serde_json::from_str(&get_with(&client, "/protected/version", &[]).body).expect("JSON");
    let answer = &document["components"]["responses"]["AuthProblem401"];
    let examples = &answer["content"]["application/problem+json"]["examples"];
    assert_eq!(examples["token_missing"]["value"], body);
    let names: BTreeSet<_> = body.as_object().expect("an object").keys().collect();
    let properties = problem["properties"].as_object().expect("an object");
    assert_eq!(properties.keys().collect::<BTreeSet<_>>(), names);
}

/// In OpenAPI every segment must be; utoipa does not see those that the attribute binds.
#[test]
fn every_segment_is_a_parameter_once() {
    let document = documented(&launch(rocket(guard(), &json!({}))));
    for (method, path) in GUARDED.into_iter().chain(OPEN) {
        let parameters = document["paths"][path][method]["parameters"].as_array();
        let in_path = parameters.into_iter().flatten().filter(|it| it["in"] == "path");
        let in_path: Vec<_> = in_path.filter_map(|it| it["name"].as_str()).collect();
        let braced = |name: &&str| path.contains(&format!("{{{name}}}"));
        assert!(in_path.iter().all(braced), "{path} {in_path:?}");
        assert_eq!(in_path.len(), path.matches('{').count(), "{path} {in_path:?}");
    }

    let above = &document["paths"]["/api/{user_id}/above/{id}"]["get"];
    assert_eq!(above["operationId"], "above");
    let parameter = |name: &str| {
        let parameters = above["parameters"].as_array().expect("parameters");
        parameters.iter().find(|it| it["name"] == name).expect(name).clone()
    };
    assert_eq!(parameter("id")["schema"]["type"], "integer");
    assert_eq!(parameter("user_id")["schema"]["type"], "string");
    assert!(parameter("user_id")["description"].as_str().expect("text").contains("uid"));
    assert_eq!(parameter("id")["description"], Value::Null);
}

mod by_hand {
    use utoipa::openapi::ObjectBuilder;
    use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

    use super::*;

    #[utoipa::path(
        context_path = "/api",
        params(("user_id" = String, Path, description = "Me")),
        security(("bearer" = []), ("cookie" = [])),
        responses((status = 400, description = "Mine"), (status = 401, description = "Mine")),
    )]
    #[user_scoped]
    #[get("/<user_id>/tasks")]
    fn list() -> String {
        user_id.to_string()
    }

    #[derive(OpenApi)]
    #[openapi(paths(list))]
    struct Document;

    #[test]
    fn what_is_said_by_hand_stays() {
        let rocket = rocket::custom(figment(&json!({}))).attach(guard());
        let client = launch(rocket.mount("/api", routes![list]));
        let mut before = Document::openapi();
        let components = before.components.get_or_insert_default();
        let mine = ObjectBuilder::new().description(Some("Mine")).build();
        components.schemas.insert("AuthProblem".into(), mine.into());
        let basic = SecurityScheme::Http(Http::new(HttpAuthScheme::Basic));
        components.security_schemes.insert("bearer".into(), basic.into());
        let document = auth_guard::openapi(client.rocket(), before.clone()).expect("a document");
        let operation = |document: &utoipa::openapi::OpenApi| {
            let item = document.paths.paths["/api/{user_id}/tasks"].clone();
            serde_json::to_value(item.get).expect("JSON")
        };
        let mut expected = operation(&before);
        expected["responses"]["403"] = json!({ "$ref": "#/components/responses/AuthProblem403" });
        assert_eq!(operation(&document), expected);
        let (ours, theirs) = (document.components.clone(), before.components.clone());
        let (ours, theirs) = (ours.expect("components"), theirs.expect("components"));
        assert!(ours.schemas == theirs.schemas);
        assert!(ours.security_schemes == theirs.security_schemes);

        // A second time changes nothing.
        let again = auth_guard::openapi(client.rocket(), document.clone()).expect("a document");
        assert!(again == document);
    }
}

mod misspelt {
    use super::*;

    macro_rules! documents {
        ($($name:ident: $method:ident $path:literal;)*) => {
            $(
                #[utoipa::path($method, path = $path, responses((status = 200)))]
                #[allow(unused)]
                fn $name() {}
            )*

            #[derive(OpenApi)]
            #[openapi(paths($($name),*))]
            struct Document;
        };
    }

    documents! {
        right: get "/api/{user}/below/{number}";
        head: head "/open/version";
        letter: get "/api/{user_id}/belov/{id}";
        method: post "/open/version";
        mount_point: get "/{user_id}/below/{id}";
        segment: get "/api/user_id/below/{id}";
        shorter: get "/api/{user_id}/below";
        partial: get "/api/{user_id}/below/{id}.json";
    }

    #[test]
    fn an_operation_that_no_route_answers_is_an_error() {
        let client = launch(rocket(guard(), &json!({})));
        let Err(errors) = auth_guard::openapi(client.rocket(), Document::openapi()) else {
            panic!("it has passed")
        };
        let below = "Did you mean GET /api/{user_id}/below/{id}?";
        let wrong = |asked: &str, near: &str| {
            format!("{asked} is in the OpenAPI document, and no route is mounted there. {near}")
        };
        let errors: BTreeSet<_> = errors.into_iter().collect();
        let expected = BTreeSet::from([
            wrong("GET /api/{user_id}/belov/{id}", below),
            wrong("POST /open/version", "Did you mean GET /open/version?"),
            wrong("GET /{user_id}/below/{id}", below),
            wrong("GET /api/user_id/below/{id}", below),
            wrong("GET /api/{user_id}/below", below),
            wrong("GET /api/{user_id}/below/{id}.json", below),
        ]);
        assert_eq!(errors, expected);
    }
}
