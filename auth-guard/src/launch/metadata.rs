//! Protected-resource metadata (RFC 9728): where OAuth clients learn whose tokens the API
//! accepts.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use rocket::http::{ContentType, Method};
use rocket::route::{Handler, Outcome};
use rocket::serde::Serialize;
use rocket::{Data, Orbit, Request, Rocket, Route, async_trait};

use crate::guard::{RouteScopes, public};
use crate::launch::config::resource::Resource;
use crate::verifier::Verifier;

/// The document. A list without members must be left out (RFC 9728 section 3.2).
#[derive(Serialize)]
#[serde(crate = "rocket::serde")]
struct Metadata<'m> {
    resource: &'m str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<&'m str>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    scopes_supported: BTreeSet<&'m str>,
}

/// Serves the document, which never changes after the launch.
#[derive(Clone)]
struct Described {
    resource: String,
    json: Arc<OnceLock<String>>,
}

/// Returns the route of the metadata, for anybody to call.
pub(super) fn routes(resource: &Resource) -> Vec<Route> {
    let described = Described { resource: resource.url.clone(), json: Arc::default() };
    let mut route = Route::new(Method::Get, &resource.metadata_path, described);
    route.name = Some("protected_resource_metadata".into());
    public(vec![route])
}

impl Described {
    fn json(&self, rocket: &Rocket<Orbit>) -> String {
        let verifier = rocket.state::<Verifier>();
        let servers = verifier.map(|verifier| verifier.issuers().authorization_servers());
        let metadata = Metadata {
            resource: &self.resource,
            authorization_servers: servers.unwrap_or_default(),
            bearer_methods_supported: ["header"],
            scopes_supported: rocket.state().map(RouteScopes::all).unwrap_or_default(),
        };
        serde_json::to_string(&metadata).expect("texts and lists of texts are JSON")
    }
}

#[async_trait]
impl Handler for Described {
    async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        let json = self.json.get_or_init(|| self.json(request.rocket()));
        Outcome::from(request, (ContentType::JSON, json.clone()))
    }
}
