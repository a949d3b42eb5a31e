//! Prometheus' text at `GET /metrics`, when `EXAMPLE_APP_METRICS` says so: how many
//! requests the guard has let in and refused, and how many keys it holds.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rocket::fairing::{AdHoc, Fairing};
use rocket::http::{ContentType, Header};
use rocket::{Orbit, Responder, Rocket, State, get, routes};
use utoipa::OpenApi;

use auth_guard::public;

const VARIABLE: &str = "EXAMPLE_APP_METRICS";

#[derive(OpenApi)]
#[openapi(paths(metrics))]
struct Document;

/// The numbers, as of now.
#[derive(Responder)]
struct Numbers {
    text: String,
    content_type: ContentType,
    cache: Header<'static>,
}

/// Whether they are wanted; by default, not.
///
/// # Errors
///
/// When the variable is neither `true` nor `false`.
pub fn are_wanted() -> Result<bool, String> {
    match std::env::var(VARIABLE).as_deref() {
        Ok("true") => Ok(true),
        Ok("false") | Err(std::env::VarError::NotPresent) => Ok(false),
        _ => Err(format!("{VARIABLE} must be `true` or `false`")),
    }
}

/// Counts in this process, and mounts the route. It is public on purpose, and says so:
/// the numbers name nobody. Keep it from the outside by what is in front.
///
/// # Errors
///
/// When this process counts already.
pub fn fairing() -> Result<impl Fairing, String> {
    let handle = PrometheusBuilder::new().install_recorder().map_err(|error| error.to_string())?;
    Ok(AdHoc::on_ignite("metrics", |rocket| async {
        rocket.manage(handle).mount("/", public(routes![metrics]))
    }))
}

/// The route in the API's document, where it is mounted.
pub(crate) fn document(rocket: &Rocket<Orbit>) -> Option<utoipa::openapi::OpenApi> {
    rocket.state::<PrometheusHandle>().map(|_| Document::openapi())
}

/// Counts what the guard decides, for Prometheus.
#[utoipa::path(tag = "server", responses((status = 200, description = "As of now", body = String)))]
#[get("/metrics")]
fn metrics(handle: &State<PrometheusHandle>) -> Numbers {
    let content_type = ContentType::new("text", "plain").with_params(("version", "0.0.4"));
    let cache = Header::new("Cache-Control", "no-store");
    Numbers { text: handle.render(), content_type, cache }
}
