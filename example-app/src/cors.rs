//! Pages of other origins (CORS): those that `EXAMPLE_APP_ORIGINS` names may call
//! this API from a browser, and read what it answers.
//!
//! Nothing here lets anybody in. A request is decided as if it had no `Origin`; an
//! answer then says who may read it, a refusal too. A preflight is answered from its
//! header fields alone, alike for every path, and reaches no handler. There are no
//! cookies, so no credentials are allowed: a token is a header field like any other.
//!
//! Not rocket_cors 0.6.0: it sends every request with an `Origin` that it does not
//! know, a page's own `POST` too, to a route of its own that nobody has declared.

use std::str::FromStr;

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Method, Status};
use rocket::{Request, Response, async_trait};
use url::Url;

const VARIABLE: &str = "EXAMPLE_APP_ORIGINS";

/// What a page may send, beyond what any page may.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const REQUEST_FIELDS: &str = "Authorization, Content-Type";
/// What a page may read, beyond what any page may.
const RESPONSE_FIELDS: &str = "WWW-Authenticate, Retry-After, Location";
/// How long a browser need not ask again, in seconds: the longest that Chromium takes.
const MAX_AGE: &str = "7200";

/// The fairing, with the origins that are allowed.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// As `EXAMPLE_APP_ORIGINS` says; without it, no page of another origin is let in.
    ///
    /// # Errors
    ///
    /// When the variable is no list of origins.
    pub fn from_env() -> Result<Option<Self>, String> {
        let Some(list) = std::env::var_os(VARIABLE) else { return Ok(None) };
        let cors = list.to_string_lossy().parse();
        cors.map(Some).map_err(|fault: String| format!("{VARIABLE} {fault}"))
    }

    /// The origin of the request, if it is one of ours: byte for byte, as browsers
    /// send it.
    fn allowed<'a>(&'a self, request: &Request<'_>) -> Option<&'a str> {
        let mut given = request.headers().get("Origin");
        let (Some(origin), None) = (given.next(), given.next()) else { return None };
        self.origins.iter().map(String::as_str).find(|allowed| *allowed == origin)
    }
}

/// With commas between.
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
        // To whomever it goes: a cache must not hand the answer for one origin to another.
        response.adjoin_raw_header("Vary", "Origin");
        let Some(origin) = self.allowed(request) else { return };

        response.set_raw_header("Access-Control-Allow-Origin", origin.to_owned());
        if is_unrouted_preflight(request) {
            // Until here it was a 404, of known and of unknown paths alike.
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

/// What a browser asks before it sends a request that a form could not send. A
/// route for `OPTIONS`, if there is one, answers for itself.
fn is_unrouted_preflight(request: &Request<'_>) -> bool {
    request.method() == Method::Options
        && request.headers().contains("Access-Control-Request-Method")
        && request.route().is_none()
}

/// An origin as browsers send it; or what is wrong, and what to write.
fn checked(origin: &str) -> Result<String, String> {
    let fault = |what| {
        let example = "scheme://host[:port], such as https://app.example.com, and commas between";
        Err(format!("{what}. List each origin as {example}"))
    };
    match origin {
        "" => return fault("has an empty entry"),
        "null" => {
            return fault("must not have `null`: any page can have that origin, by a sandbox");
        }
        _ if origin.contains('*') => return fault("must not have `*`: it would let in any page"),
        _ => {}
    }

    let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else { return fault("has an entry that is no origin") };
    match url.origin().ascii_serialization() {
        exact if exact == origin => Ok(exact),
        exact => Err(format!("has an entry that no browser sends: write `{exact}` instead")),
    }
}
