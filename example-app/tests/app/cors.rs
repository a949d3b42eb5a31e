//! Requests from pages of other origins, as browsers send them.

use auth_guard::testing::{Answer, RequestExt};
use auth_guard::{protect, public};
use example_app::cors::Cors;
use rocket::fairing::AdHoc;
use rocket::http::{Header, Method, Status};
use rocket::local::blocking::LocalRequest;
use rocket::serde::json::json;
use rocket::{get, options, routes};

use crate::binary::{Run, SECRET, Server, run};
use crate::handlers::App;

const OURS: [&str; 2] = ["https://app.example.com", "http://localhost:5173"];

/// Origins that are not allowed, however similar.
const OTHERS: [&str; 9] = [
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://APP.example.com",
    "https://app.example.com/",
    "https://app.example.com, http://localhost:5173",
    "null",
    "",
];

const TASKS: &str = "/api/alice/tasks";

fn app() -> App {
    App::with(|rocket| rocket.attach(OURS.join(", ").parse::<Cors>().unwrap()))
}

fn origin(origin: &str) -> Header<'static> {
    Header::new("Origin", origin.to_owned())
}

fn asking_for(method: &str) -> Header<'static> {
    Header::new("Access-Control-Request-Method", method.to_owned())
}

fn answer(request: LocalRequest<'_>) -> Answer {
    request.dispatch().into()
}

/// Returns the fields of an answer that say who may read it.
fn cors_fields(answer: &Answer) -> Vec<String> {
    let is_cors = |name: &str| name.starts_with("Access-Control-") || name == "Vary";
    let fields = answer.fields.iter().filter(|(name, _)| is_cors(name));
    fields.map(|(name, value)| format!("{name}: {value}")).collect()
}

/// Returns the answer without the fields that say who may read it.
fn stripped(mut answer: Answer) -> Answer {
    answer.fields.retain(|(name, _)| !name.starts_with("Access-Control-") && name != "Vary");
    answer
}

/// Returns method and path of every route, with alice as the user, and of some paths
/// without a route.
fn paths(app: &App) -> Vec<(String, String)> {
    let audit = auth_guard::audit(app.client.rocket());
    let segment = |pattern| match pattern {
        "<user_id>" => "alice",
        other if other.starts_with('<') => "1",
        other => other,
    };
    let routes = audit.routes().iter().map(|route| {
        let path: Vec<_> = route.uri.split('/').map(segment).collect();
        (route.method.clone(), path.join("/"))
    });
    let unknown = ["/", "/nothing", "/api/alice", "/api/alice/tasks/1/nothing", "/api//me"];
    routes.chain(unknown.map(|path| ("PUT".to_owned(), path.to_owned()))).collect()
}

#[get("/broken")]
fn broken() -> Status {
    panic!("on purpose")
}

#[test]
fn a_page_of_ours_reads_every_answer() {
    let app = App::with(|rocket| {
        let cors: Cors = OURS.join(",").parse().unwrap();
        rocket.attach(cors).mount("/", public(routes![broken]))
    });
    let client = &app.client;
    let as_alice = |method| client.req(method, TASKS).as_user("alice");
    let twice = Header::new("Authorization", "Bearer x");
    for allowed in OURS {
        for (request, status) in [
            (as_alice(Method::Get), 200),
            (as_alice(Method::Head), 200),
            (as_alice(Method::Post).body(r#"{"title":"milk"}"#), 201),
            (as_alice(Method::Post).body("{"), 400),
            (as_alice(Method::Post).body(r#"{"title":""}"#), 422),
            (as_alice(Method::Get).header(twice.clone()), 400),
            (as_alice(Method::Get).expired(), 401),
            (client.get(TASKS), 401),
            (client.get(TASKS).as_user("bob"), 403),
            (client.get("/api/alice/tasks/99").as_user("alice"), 404),
            (client.get("/nothing"), 404),
            (client.get("/broken"), 500),
            (client.get("/health"), 200),
        ] {
            let answer = answer(request.header(origin(allowed)));
            assert_eq!(answer.status, status);
            let expected = [
                &*format!("Access-Control-Allow-Origin: {allowed}"),
                "Access-Control-Expose-Headers: WWW-Authenticate, Retry-After, Location",
                "Vary: Origin",
            ];
            assert_eq!(cors_fields(&answer), expected, "{answer}");
        }
    }
}

#[test]
fn a_page_of_another_origin_reads_nothing() {
    let app = app();
    for other in OTHERS {
        for request in [
            app.client.get(TASKS).as_user("alice"),
            app.client.get(TASKS),
            app.client.get("/health"),
            app.client.options(TASKS).header(asking_for("GET")),
        ] {
            let answer = answer(request.header(origin(other)));
            assert_eq!(cors_fields(&answer), ["Vary: Origin"], "{other}: {answer}");
        }
    }
    // Nor if a request has two origins, one of them allowed.
    let both = app.client.get("/health").header(origin(OURS[0])).header(origin(OTHERS[0]));
    assert_eq!(cors_fields(&answer(both)), ["Vary: Origin"]);
}

#[test]
fn an_origin_changes_no_answer() {
    let (app, without) = (app(), App::new());
    for (method, path) in paths(&app) {
        let method: Method = method.parse().unwrap();
        let plain = answer(without.client.req(method, &*path));
        // Not `/api/me`: its answer contains the expiry of bob's token.
        let bobs = (path != "/api/me").then(|| without.client.req(method, &*path).as_user("bob"));
        let bobs = bobs.map(answer);
        for given in OURS.iter().chain(&OTHERS) {
            let from_a_page = || app.client.req(method, &*path).header(origin(given));
            assert_eq!(stripped(answer(from_a_page())), plain, "{method} {path} {given}");
            if let Some(bobs) = &bobs {
                assert_eq!(
                    &stripped(answer(from_a_page().as_user("bob"))),
                    bobs,
                    "{method} {path}"
                );
            }
        }
    }
}

/// Sends the whole attack as an allowed page could, with a preflight's fields on requests
/// that are not `OPTIONS`.
#[test]
fn an_attack_from_a_page_of_ours_is_refused_alike() {
    let from_a_page = AdHoc::on_request("from a page", |request, _| {
        Box::pin(async {
            request.add_header(origin(OURS[0]));
            request.add_header(asking_for("DELETE"));
        })
    });
    let attacked = [
        app(),
        App::with(|rocket| rocket.attach(OURS[0].parse::<Cors>().unwrap()).attach(from_a_page)),
    ]
    .map(|app| {
        app.task_of_alice();
        app.attack().to_string()
    });
    assert_eq!(attacked[0], attacked[1]);
}

#[test]
fn a_preflight_is_answered_alike_for_every_path_and_opens_none() {
    let app = app();
    let (_, task) = app.task_of_alice();
    for (method, path) in paths(&app) {
        for user in [None, Some("alice"), Some("bob")] {
            let request = app.client.options(path.clone()).header(origin(OURS[0]));
            let fields = Header::new("Access-Control-Request-Headers", "authorization,x-other");
            let request = request.header(asking_for(&method)).header(fields);
            let answer = answer(match user {
                Some(user) => request.as_user(user),
                None => request,
            });
            assert_eq!((answer.status, &*answer.body), (204, ""), "{path}: {answer}");
            assert_eq!((&answer.challenges, &answer.content_type), (&vec![], &None), "{answer}");
            let expected = [
                "Access-Control-Allow-Headers: Authorization, Content-Type",
                "Access-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE",
                &*format!("Access-Control-Allow-Origin: {}", OURS[0]),
                "Access-Control-Max-Age: 7200",
                "Vary: Origin",
            ];
            assert_eq!(cors_fields(&answer), expected, "{path}");
        }
        let is_allowed = "GET, POST, PUT, PATCH, DELETE".contains(&method);
        assert!(is_allowed, "no page may send {method} {path}");
    }
    assert_eq!(app.get(TASKS, "alice").json(), json!([task]));
}

/// Preflights from other origins, and requests that are no preflights, stay a 404.
#[test]
fn every_other_options_request_is_not_found() {
    let (app, without) = (app(), App::new());
    let requests = |app: &App| {
        let options = || app.client.options(TASKS);
        [
            options(),
            options().as_user("alice"),
            options().header(origin(OURS[0])),
            options().header(asking_for("GET")),
            options().header(asking_for("GET")).header(origin(OTHERS[0])),
        ]
        .map(|request| stripped(answer(request)))
    };
    let answers = requests(&app);
    assert!(answers.iter().all(|answer| answer.status == 404), "{answers:?}");
    assert_eq!(answers, requests(&without));
}

/// A route for `OPTIONS` and its guard answer even a preflight.
#[test]
fn a_route_for_options_answers_for_itself() {
    #[options("/options")]
    fn own() -> &'static str {
        "ours"
    }
    let app = App::with(|rocket| {
        let cors: Cors = OURS[0].parse().unwrap();
        rocket.attach(cors).mount("/", protect(routes![own]))
    });
    let preflight =
        || app.client.options("/options").header(origin(OURS[0])).header(asking_for("GET"));
    assert_eq!(answer(preflight()).status, 401);
    let answer = answer(preflight().as_user("alice"));
    assert_eq!((answer.status, &*answer.body), (200, "ours"));
}

#[test]
fn without_the_variable_there_are_no_cors_fields() {
    let app = App::new();
    for request in [app.client.get("/health"), app.client.options(TASKS).header(asking_for("GET"))]
    {
        assert_eq!(cors_fields(&answer(request.header(origin(OURS[0])))), [""; 0]);
    }
}

#[test]
fn the_variable_says_which_origins_and_what_to_write() {
    let server = Server::start(&[
        ("BETTER_AUTH_SECRET", SECRET),
        ("EXAMPLE_APP_ORIGINS", "http://[::1]:3000, https://xn--bcher-kva.example"),
    ]);
    let url = format!("http://{}/health", server.address);
    let curl = |origin: &str| {
        let field = format!("Origin: {origin}");
        let output = std::process::Command::new("curl").args(["-si", "-H", &field, &url]).output();
        String::from_utf8(output.unwrap().stdout).unwrap().to_lowercase()
    };
    for allowed in ["http://[::1]:3000", "https://xn--bcher-kva.example"] {
        let answer = curl(allowed);
        assert!(answer.contains(&format!("\r\naccess-control-allow-origin: {allowed}\r\n")));
    }
    assert!(!curl("http://127.0.0.1:3000").contains("access-control"));

    for (value, fault) in [
        ("", "has an empty entry"),
        ("https://app.example.com,", "has an empty entry"),
        ("*", "must not contain `*`"),
        ("https://*.example.com", "must not contain `*`"),
        ("null", "must not contain `null`"),
        ("app.example.com", "has an entry that is not an origin"),
        ("localhost:5173", "has an entry that is not an origin"),
        ("ftp://app.example.com", "has an entry that is not an origin"),
        ("https://", "has an entry that is not an origin"),
        ("https://app.example.com/", "write `https://app.example.com` instead"),
        ("https://a.example,https://app.example.com/x", "write `https://app.example.com` instead"),
        ("https://app.example.com:443", "write `https://app.example.com` instead"),
        ("http://App.Example.com:8080", "write `http://app.example.com:8080` instead"),
        ("https://bücher.example", "write `https://xn--bcher-kva.example` instead"),
        ("https://alice:password@app.example.com", "write `https://app.example.com` instead"),
    ] {
        let variables = [("BETTER_AUTH_SECRET", SECRET), ("EXAMPLE_APP_ORIGINS", value)];
        let Run { success, stderr, .. } = run(&[], &variables);
        assert!(!success && stderr.contains("error: EXAMPLE_APP_ORIGINS "), "{value}: {stderr}");
        assert!(stderr.contains(fault), "{value}: {stderr}");
        let helps = stderr.contains("scheme://host[:port]") || fault.starts_with("write");
        assert!(helps && !stderr.contains("password"), "{value}: {stderr}");
    }
}
