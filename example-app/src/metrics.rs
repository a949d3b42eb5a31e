//! Serves metrics for Prometheus at `GET /metrics` if `EXAMPLE_APP_METRICS` is `true`: how
//! many requests the guard has allowed and refused, and how many keys it knows.

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

/// The current numbers, in Prometheus' text format.
#[derive(Responder)]
struct Numbers {
    text: String,
    content_type: ContentType,
    cache: Header<'static>,
}

/// Returns `true` if `EXAMPLE_APP_METRICS` enables the metrics. The default is `false`.
///
/// # Errors
///
/// Fails if the variable is neither `true` nor `false`.
pub fn are_wanted() -> Result<bool, String> {
    match std::env::var(VARIABLE).as_deref() {
        Ok("true") => Ok(true),
        Ok("false") | Err(std::env::VarError::NotPresent) => Ok(false),
        _ => Err(format!("{VARIABLE} must be `true` or `false`")),
    }
}

/// Installs a recorder for this process, and creates a fairing that mounts the route. The
/// route is public, because the numbers name nobody; hide it from the internet at the proxy.
///
/// # Errors
///
/// Fails if this process already has a recorder.
pub fn fairing() -> Result<impl Fairing, String> {
    let handle = PrometheusBuilder::new().install_recorder().map_err(|error| error.to_string())?;
    Ok(AdHoc::on_ignite("metrics", |rocket| async {
        rocket.manage(handle).mount("/", public(routes![metrics]))
    }))
}

/// Returns the route's part of the API's document, or `None` if it is not mounted.
pub(crate) fn document(rocket: &Rocket<Orbit>) -> Option<utoipa::openapi::OpenApi> {
    rocket.state::<PrometheusHandle>().map(|_| Document::openapi())
}

/// Shows how many requests the guard has allowed and refused, for Prometheus.
#[utoipa::path(tag = "server", responses((status = 200, description = "The numbers", body = String)))]
#[get("/metrics")]
fn metrics(handle: &State<PrometheusHandle>) -> Numbers {
    let content_type = ContentType::new("text", "plain").with_params(("version", "0.0.4"));
    let cache = Header::new("Cache-Control", "no-store");
    Numbers { text: handle.render(), content_type, cache }
}
