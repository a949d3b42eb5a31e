//! Fetches a JWK Set: which addresses are permitted, and what they are asked for.

use std::fmt;
use std::time::Duration;

use crate::keys::public::address::Address;
use crate::keys::public::client::{Client, Failure};
use crate::keys::public::discovery::{addresses, jwks_uri};

/// The address of a JWK Set, or of the metadata that says where it is, and a client for it.
pub(super) struct Source {
    url: Address,
    client: Client,
    discovery: Option<Discovery>,
    insecure: bool,
}

struct Discovery {
    issuer: String,
    /// Where the metadata is if `url` answers 404.
    other: Address,
}

/// The longest time that a fetch takes.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

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
            (Some(url), _) => ("jwks_url", Address::parse(url)),
            (None, Some(base)) => ("url", default_address(base)),
            (None, None) => ("jwks_url", None),
        };
        let url = url.ok_or_else(|| (setting, MUST_BE_A_URL.to_owned()))?;
        Self::at(url, None, insecure).map_err(|why| (setting, why))
    }

    /// Opens the metadata of `issuer`. Errors are as those of [`Source::open`].
    pub(super) fn discovered(issuer: &str, insecure: bool) -> Result<Self, (&'static str, String)> {
        let url = Address::parse(issuer).filter(|url| !url.has_query());
        let both = url.and_then(|url| addresses(&url)).ok_or_else(|| {
            let why = "must be an https URL without a query, such as https://auth.example.com, since \
                       `discovery` is on";
            ("issuer", why.to_owned())
        })?;
        let [url, other] = both;
        let discovery = Discovery { issuer: issuer.to_owned(), other };
        Self::at(url, Some(discovery), insecure).map_err(|why| ("issuer", why))
    }

    fn at(url: Address, discovery: Option<Discovery>, insecure: bool) -> Result<Self, String> {
        if !url.is_safe() && !insecure {
            return Err(MUST_BE_HTTPS.into());
        }
        let client = Client::open(&url).map_err(|why| format!("cannot be fetched ({why})"))?;
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
        answer.unwrap_or_else(|_| Err(format!("it does not answer within {} s", TIMEOUT.as_secs())))
    }

    async fn key_set(&self) -> Result<Vec<u8>, String> {
        let Some(Discovery { issuer, other }) = &self.discovery else {
            return self.client.get(&self.url).await.map_err(|failure| match failure {
                Failure::Status(404) => format!(
                    "{failure} (if Better Auth signs with a shared secret, its tokens get 401 \
                     unless BETTER_AUTH_SECRET is set to that secret; if it has another \
                     `basePath`, set AUTH_GUARD_JWKS_URL)"
                ),
                failure => failure.to_string(),
            });
        };

        let metadata = match self.client.get(&self.url).await {
            Err(Failure::Status(404)) => self.client.get(other).await,
            answer => answer,
        };
        let metadata = metadata.map_err(|failure| failure.to_string())?;
        let url = address_of_keys(&metadata, issuer, self.insecure)?;
        let keys = Client::open(&url)?.get(&url).await;
        keys.map_err(|failure| format!("at its `jwks_uri`, {failure}"))
    }
}

/// Returns the address of the keys in the metadata of `issuer`.
pub(super) fn address_of_keys(
    json: &[u8],
    issuer: &str,
    insecure: bool,
) -> Result<Address, String> {
    let jwks_uri = jwks_uri(json, issuer).map_err(|why| format!("its answer {why}"))?;
    let url = Address::parse(&jwks_uri).ok_or("its `jwks_uri` is not an http or https URL")?;
    match url.is_safe() || insecure {
        true => Ok(url),
        false => Err(format!("its `jwks_uri` {MUST_BE_HTTPS}")),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// Returns the address where Better Auth publishes its keys if `base` is its base URL: it
/// appends `/api/auth` itself unless there is a path already.
fn default_address(base: &str) -> Option<Address> {
    let base = Address::parse(base)?;
    match base.path().trim_end_matches('/') {
        "" => base.at("/api/auth/jwks"),
        path => base.at(&format!("{path}/jwks")),
    }
}
