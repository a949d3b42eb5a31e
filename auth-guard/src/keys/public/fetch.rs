//! Fetches a JWK Set: addresses and their rules, the client, the requests. The only file
//! that opens a socket.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::keys::public::discovery::{addresses, jwks_uri};

/// The address of a JWK Set, or of the metadata that says where it is, and a client for it.
pub(super) struct Source {
    url: Url,
    client: Client,
    discovery: Option<Discovery>,
    insecure: bool,
}

struct Discovery {
    issuer: String,
    /// Where the metadata is if `url` answers 404.
    other: Url,
}

/// The longest time that a fetch takes.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY: usize = 256 * 1024;
const MAX_REDIRECTS: usize = 5;

/// Completes a sentence about an address.
const MUST_BE_A_URL: &str =
    "must be the http or https URL of a JWK Set, such as https://auth.example.com/api/auth/jwks";
/// Completes a sentence about an address.
const MUST_BE_HTTPS: &str = "must begin with https, or anyone on the network could hand out other keys. For a private \
     network, `jwks_insecure = true` permits http";

impl Source {
    /// Opens `jwks_url`, or the address where the Better Auth server at `base` publishes
    /// its keys.
    ///
    /// An error names the setting at fault, with a phrase that completes a sentence about it.
    pub(super) fn open(
        jwks_url: Option<&str>,
        base: Option<&str>,
        insecure: bool,
    ) -> Result<Self, (&'static str, String)> {
        let (setting, url) = match (jwks_url, base) {
            (Some(url), _) => ("jwks_url", parse(url)),
            (None, Some(base)) => ("url", default_url(base)),
            (None, None) => ("jwks_url", None),
        };
        let url = url.ok_or_else(|| (setting, MUST_BE_A_URL.to_owned()))?;
        Self::at(url, None, insecure).map_err(|why| (setting, why))
    }

    /// Opens the metadata of `issuer`. Errors are as those of [`Source::open`].
    pub(super) fn discovered(issuer: &str, insecure: bool) -> Result<Self, (&'static str, String)> {
        let url = parse(issuer).filter(|url| url.query().is_none());
        let url = url.ok_or_else(|| {
            let why = "must be an https URL without a query, such as https://auth.example.com, since \
                       `discovery` is on";
            ("issuer", why.to_owned())
        })?;
        let [url, other] = addresses(&url);
        let discovery = Discovery { issuer: issuer.to_owned(), other };
        Self::at(url, Some(discovery), insecure).map_err(|why| ("issuer", why))
    }

    fn at(url: Url, discovery: Option<Discovery>, insecure: bool) -> Result<Self, String> {
        if !is_safe(&url, insecure) {
            return Err(MUST_BE_HTTPS.into());
        }
        let client =
            client(&url).map_err(|error| format!("cannot be fetched ({})", whole(&error)))?;
        Ok(Self { url, client, discovery, insecure })
    }

    /// Fetches the JWK Set on the current thread. Errors complete "could not fetch …:".
    pub(super) fn fetch(&self) -> Result<Vec<u8>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime could be started: {error}"))?;
        let answer =
            runtime.block_on(async { tokio::time::timeout(TIMEOUT, self.key_set()).await });
        // A name lookup that hangs must not delay the end of the fetch.
        runtime.shutdown_background();
        answer.unwrap_or_else(|_| Err(no_answer()))
    }

    async fn key_set(&self) -> Result<Vec<u8>, String> {
        let Some(Discovery { issuer, other }) = &self.discovery else {
            return body(&self.client, &self.url).await.map_err(|failure| match failure {
                Failure::Status(404) => format!(
                    "{failure} (if Better Auth signs with a shared secret, its tokens get 401 \
                     unless BETTER_AUTH_SECRET is set to that secret; if it has another \
                     `basePath`, set AUTH_GUARD_JWKS_URL)"
                ),
                failure => failure.to_string(),
            });
        };

        let metadata = match body(&self.client, &self.url).await {
            Err(Failure::Status(404)) => body(&self.client, other).await,
            answer => answer,
        };
        let metadata = metadata.map_err(|failure| failure.to_string())?;
        let url = address_of_keys(&metadata, issuer, self.insecure)?;
        let is_alike =
            url.scheme() == self.url.scheme() && is_loopback(&url) == is_loopback(&self.url);
        let client = match is_alike {
            true => self.client.clone(),
            false => client(&url).map_err(|error| whole(&error))?,
        };
        body(&client, &url).await.map_err(|failure| format!("at its `jwks_uri`, {failure}"))
    }
}

/// Returns the address of the keys in the metadata of `issuer`.
pub(super) fn address_of_keys(json: &[u8], issuer: &str, insecure: bool) -> Result<Url, String> {
    let jwks_uri = jwks_uri(json, issuer).map_err(|why| format!("its answer {why}"))?;
    let url = parse(&jwks_uri).ok_or("its `jwks_uri` is not an http or https URL")?;
    match is_safe(&url, insecure) {
        true => Ok(url),
        false => Err(format!("its `jwks_uri` {MUST_BE_HTTPS}")),
    }
}

/// Why an address gave nothing.
enum Failure {
    Status(u16),
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(404) => f.write_str("it answers 404 Not Found"),
            Self::Status(status) => write!(f, "it answers {status}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// Fetches the body of a successful answer, of a bounded length.
async fn body(client: &Client, url: &Url) -> Result<Vec<u8>, Failure> {
    let other = |error: reqwest::Error| Failure::Other(whole(&error));
    let request = client.get(url.clone()).header(ACCEPT, "application/json");
    let mut response = request.send().await.map_err(other)?;
    if !response.status().is_success() {
        return Err(Failure::Status(response.status().as_u16()));
    }

    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(other)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            let why = format!("its answer is longer than {} KiB", MAX_BODY / 1024);
            return Err(Failure::Other(why));
        }
    }
    Ok(body)
}

/// Returns `true` if nobody on the network can change what the address answers, or if that
/// is permitted.
fn is_safe(url: &Url, insecure: bool) -> bool {
    url.scheme() == "https" || is_loopback(url) || insecure
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

fn client(url: &Url) -> Result<Client, reqwest::Error> {
    let same_origin = Policy::custom(|attempt| {
        let origin = attempt.previous().first().map(Url::origin);
        if origin != Some(attempt.url().origin()) {
            attempt.error("it redirects to another origin")
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("it redirects too often")
        } else {
            attempt.follow()
        }
    });

    // Each fetch has a runtime of its own, so no connection may outlive it.
    let builder = Client::builder()
        .timeout(TIMEOUT)
        .redirect(same_origin)
        .referer(false)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("auth-guard/", env!("CARGO_PKG_VERSION")));
    let builder = match (is_loopback(url), url.scheme()) {
        // A proxy would ask its own loopback.
        (true, "http") => builder.no_proxy().tls_certs_only([]),
        // http needs no certificates, and the machine may have none.
        (false, "http") => builder.tls_certs_only([]),
        (true, _) => builder.no_proxy(),
        (false, _) => builder,
    };
    builder.build()
}

/// Returns the address where Better Auth publishes its keys if `base` is its base URL: it
/// appends `/api/auth` itself unless there is a path already.
fn default_url(base: &str) -> Option<Url> {
    let mut url = parse(base)?;
    let path = match url.path().trim_end_matches('/') {
        "" => "/api/auth/jwks".to_owned(),
        path => format!("{path}/jwks"),
    };
    url.set_path(&path);
    url.set_query(None);
    Some(url)
}

fn parse(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (is_http && is_bare).then_some(url)
}

/// Returns `true` if a URL leads to this machine: 127.0.0.0/8, `::1` or `localhost`.
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn no_answer() -> String {
    format!("it does not answer within {} s", TIMEOUT.as_secs())
}

/// Writes an error with its causes on one line, without the URL.
fn whole(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return no_answer();
    }

    let mut text = "it cannot be reached".to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
