//! Serves the OpenAPI document at `/openapi.json`, and a page at `/docs` to try the routes
//! in a browser. Both are part of the binary; the page loads nothing from other hosts.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rocket::fairing::{AdHoc, Fairing};
use rocket::http::uri::Origin;
use rocket::http::{ContentType, Header};
use rocket::response::Redirect;
use rocket::response::content::RawJson;
use rocket::{Either, Orbit, Responder, Rocket, State, get, routes};
use utoipa::OpenApi;
use utoipa_swagger_ui::Config;

use auth_guard::public;

use crate::problem::Problem;
use crate::project::Project;
use crate::task::Task;
use crate::{admin, metrics, projects, tasks};

/// The page's content security policy: it may use its own files and call this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The routes as their handlers describe them. It says nothing about security:
/// [`auth_guard::openapi`] adds that.
#[derive(OpenApi)]
#[openapi(
    paths(
        crate::health,
        crate::ready,
        crate::me,
        crate::status,
        tasks::list,
        tasks::create,
        tasks::show,
        tasks::replace,
        tasks::toggle,
        tasks::remove,
        projects::list,
        projects::create,
        admin::stats
    ),
    components(schemas(Project, Task), responses(Problem))
)]
struct Document;

/// The document as JSON, set at liftoff.
#[derive(Default)]
struct Published(OnceLock<String>);

/// A file of the page.
#[derive(Responder)]
struct Asset {
    bytes: Vec<u8>,
    content_type: ContentType,
    policy: Header<'static>,
}

/// Creates a fairing that mounts the two routes, and builds the document once all other
/// routes are mounted.
pub(crate) fn fairing() -> impl Fairing {
    AdHoc::on_ignite("API documentation", |rocket| async {
        rocket.manage(Published::default()).mount("/", public(routes![document, page])).attach(
            AdHoc::on_liftoff("OpenAPI document", |rocket| {
                Box::pin(async move { publish(rocket) })
            }),
        )
    })
}

/// Publishes the document. If it disagrees with the mounted routes, that is a bug in this
/// application, and the launch ends with the differences.
fn publish(rocket: &Rocket<Orbit>) {
    let document = in_json(rocket).unwrap_or_else(|errors| panic!("{}", errors.join("\n")));
    if let Some(Published(json)) = rocket.state() {
        let _ = json.set(document);
    }
}

fn in_json(rocket: &Rocket<Orbit>) -> Result<String, Vec<String>> {
    let mut document = Document::openapi();
    if let Some(metrics) = metrics::document(rocket) {
        document.merge(metrics);
    }
    let document = auth_guard::openapi(rocket, document)?;
    document.to_json().map_err(|error| vec![error.to_string()])
}

#[get("/openapi.json")]
fn document(published: &State<Published>) -> Option<RawJson<&str>> {
    published.0.get().map(|document| RawJson(&**document))
}

/// Serves the page, whose file names are relative to `/docs/`.
#[get("/docs/<path..>")]
fn page(path: PathBuf, asked: &Origin<'_>) -> Option<Either<Redirect, Asset>> {
    if asked.path() == "/docs" {
        return Some(Either::Left(Redirect::to("/docs/")));
    }

    // Leaves out the bar that asks for another document's URL, and the badge that sends
    // this document to a validator on the web.
    let config = Config::new(["/openapi.json"]).use_base_layout();
    let file = utoipa_swagger_ui::serve(path.to_str()?, Arc::new(config)).ok()??;
    Some(Either::Right(Asset {
        bytes: file.bytes.into_owned(),
        content_type: ContentType::parse_flexible(&file.content_type)?,
        policy: Header::new("Content-Security-Policy", POLICY),
    }))
}
