//! Lets pages of other origins call this API from a browser and read its answers (CORS):
//! those that `EXAMPLE_APP_ORIGINS` names.
//!
//! CORS grants no access. The guards decide every request as if it had no `Origin`; the
//! answer, even a refusal, then says which pages may read it. A preflight is answered from
//! its header fields alone, alike for every path, and reaches no handler. The API uses no
//! cookies, so it allows no credentials: a token is a header field like any other.
//!
//! Not rocket_cors 0.6.0: it reroutes every request with an unknown `Origin`, even a
//! page's own `POST`, to an undeclared route of its own.

use std::str::FromStr;

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Method, Status};
use rocket::{Request, Response, async_trait};
use url::Url;

const VARIABLE: &str = "EXAMPLE_APP_ORIGINS";

/// What a page may send in addition to what CORS always allows.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const REQUEST_FIELDS: &str = "Authorization, Content-Type";
/// What a page may read in addition to what CORS always allows.
const RESPONSE_FIELDS: &str = "WWW-Authenticate, Retry-After, Location";
/// The seconds for which a browser may cache a preflight: Chromium's maximum.
const MAX_AGE: &str = "7200";

/// The fairing that adds the CORS fields, with the origins that it allows.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// Reads the allowed origins from `EXAMPLE_APP_ORIGINS`. Returns `None` if it is not
    /// set; no page of another origin may then read an answer.
    ///
    /// # Errors
    ///
    /// Fails if the variable is not a list of origins.
    pub fn from_env() -> Result<Option<Self>, String> {
        let Some(list) = std::env::var_os(VARIABLE) else { return Ok(None) };
        let cors = list.to_string_lossy().parse();
        cors.map(Some).map_err(|fault: String| format!("{VARIABLE} {fault}"))
    }

    /// Returns the origin of the request if it is allowed, comparing bytes. Browsers send
    /// origins in one canonical form.
    fn allowed<'a>(&'a self, request: &Request<'_>) -> Option<&'a str> {
        let mut given = request.headers().get("Origin");
        let (Some(origin), None) = (given.next(), given.next()) else { return None };
        self.origins.iter().map(String::as_str).find(|allowed| *allowed == origin)
    }
}

/// Parses origins separated by commas.
impl FromStr for Cors {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let origins = list.split(',').map(|origin| checked(origin.trim()));
        Ok(Self { origins: origins.collect::<Result<_, _>>()? })
    }
}

#[async_trait]
impl Fairing for Cors {
    fn info(&self) -> Info {
        Info { name: "CORS", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        // On every answer: a cache must not serve the answer for one origin to another.
        response.adjoin_raw_header("Vary", "Origin");
        let Some(origin) = self.allowed(request) else { return };

        response.set_raw_header("Access-Control-Allow-Origin", origin.to_owned());
        if is_unrouted_preflight(request) {
            // Until now it was a 404, on known and unknown paths alike.
            response.set_status(Status::NoContent);
            response.remove_header("Content-Type");
            response.set_raw_header("Access-Control-Allow-Methods", METHODS);
            response.set_raw_header("Access-Control-Allow-Headers", REQUEST_FIELDS);
            response.set_raw_header("Access-Control-Max-Age", MAX_AGE);
        } else {
            response.set_raw_header("Access-Control-Expose-Headers", RESPONSE_FIELDS);
        }
    }
}

/// Returns `true` for a preflight, which a browser sends before a request that no form
/// could send, unless a route for `OPTIONS` has answered it.
fn is_unrouted_preflight(request: &Request<'_>) -> bool {
    request.method() == Method::Options
        && request.headers().contains("Access-Control-Request-Method")
        && request.route().is_none()
}

/// Returns an origin in the form that browsers send, or what is wrong and what to write.
fn checked(origin: &str) -> Result<String, String> {
    let fault = |what| {
        let example = "scheme://host[:port], such as https://app.example.com";
        Err(format!("{what}. List origins as {example}, separated by commas"))
    };
    match origin {
        "" => return fault("has an empty entry"),
        "null" => {
            return fault("must not contain `null`: any page can take that origin in a sandbox");
        }
        _ if origin.contains('*') => return fault("must not contain `*`: it would allow any page"),
        _ => {}
    }

    let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else { return fault("has an entry that is not an origin") };
    match url.origin().ascii_serialization() {
        exact if exact == origin => Ok(exact),
        exact => Err(format!("has an entry that no browser sends: write `{exact}` instead")),
    }
}
