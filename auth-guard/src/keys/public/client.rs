//! Fetches a small document over HTTP: proxies, TLS, redirects, limits. The only file that
//! opens a socket.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, LOCATION, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::rt::{Read, Write};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tower_service::Service;

use crate::keys::public::address::Address;

const MAX_BODY: usize = 256 * 1024;
const MAX_REDIRECTS: usize = 5;

/// A client for addresses of one kind: https or http, on this machine or another.
///
/// It keeps no connection, because each fetch has a runtime of its own.
pub(super) struct Client {
    /// For https. http needs no certificates, and the machine may have none.
    tls: Option<Arc<ClientConfig>>,
    /// The proxies that the environment names. There are none for this machine: a proxy would
    /// ask its own loopback.
    proxies: Option<Matcher>,
}

/// Why an address gave nothing.
pub(super) enum Failure {
    Status(u16),
    Other(String),
}

/// A connection, with or without TLS and a proxy.
trait Stream: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Stream for T {}

type BoxError = Box<dyn Error + Send + Sync>;

impl Client {
    /// Prepares a client for `address` and others of its kind. For https it reads the
    /// certificates of the operating system, and fails if there are none.
    pub(super) fn open(address: &Address) -> Result<Self, String> {
        let tls = match address.is_https() {
            true => Some(Arc::new(tls().map_err(|error| error.to_string())?)),
            false => None,
        };
        let proxies = (!address.is_loopback()).then(Matcher::from_env);
        Ok(Self { tls, proxies })
    }

    /// Fetches the body of a successful answer, of a bounded length. Follows a few redirects
    /// within the origin.
    pub(super) async fn get(&self, address: &Address) -> Result<Vec<u8>, Failure> {
        let mut address = address.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&address).await.map_err(|error| whole(&*error))?;
            let status = response.status();
            let location = response.headers().get(LOCATION).filter(|_| is_redirect(status));
            match location.map(|location| location.to_str()) {
                None if status.is_success() => return body(response).await,
                None => return Err(Failure::Status(status.as_u16())),
                Some(location) => {
                    let next = location.ok().and_then(|location| address.redirected(location));
                    let next = next.ok_or("it redirects to another origin".into());
                    address = next.map_err(|error: BoxError| whole(&*error))?;
                }
            }
        }
        Err(whole(&*BoxError::from("it redirects too often")))
    }

    async fn send(&self, address: &Address) -> Result<Response<Incoming>, BoxError> {
        let proxy = self.proxies.as_ref().and_then(|proxies| proxies.intercept(address.uri()));
        let request = Request::get(match (&self.tls, &proxy) {
            // A proxy that reads the request needs the whole address (RFC 9112, section 3.2.2).
            (None, Some(_)) => address.uri().clone(),
            _ => address.uri().path_and_query().map_or("/", |path| path.as_str()).parse()?,
        });
        let mut request = request
            .header(HOST, address.authority())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("auth-guard/", env!("CARGO_PKG_VERSION")));
        if let (None, Some(password)) = (&self.tls, proxy.as_ref().and_then(Intercept::basic_auth))
        {
            request = request.header(PROXY_AUTHORIZATION, password);
        }
        let request = request.body(String::new())?;

        let stream = self.connect(address.uri().clone(), proxy.as_ref()).await?;
        let (mut sender, connection) = http1::handshake(stream).await?;
        // Ends with the runtime of the fetch at the latest.
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?)
    }

    async fn connect(
        &self,
        to: Uri,
        proxy: Option<&Intercept>,
    ) -> Result<Box<dyn Stream>, BoxError> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let Some(tls) = self.tls.clone() else {
            return open(tcp, proxy.map_or(to, |proxy| proxy.uri().clone())).await;
        };

        tcp.enforce_http(false);
        let first = HttpsConnector::from((tcp, tls.clone()));
        let Some(proxy) = proxy else { return open(first, to).await };
        let tunnel = Tunnel::new(proxy.uri().clone(), first);
        let tunnel = match proxy.basic_auth() {
            Some(password) => tunnel.with_auth(password.clone()),
            None => tunnel,
        };
        open(HttpsConnector::from((tunnel, tls)), to).await
    }
}

async fn open<C>(mut connector: C, to: Uri) -> Result<Box<dyn Stream>, BoxError>
where
    C: Service<Uri, Error: Into<BoxError>, Response: Stream + 'static>,
{
    poll_fn(|context| connector.poll_ready(context)).await.map_err(Into::into)?;
    Ok(Box::new(connector.call(to).await.map_err(Into::into)?))
}

/// Returns settings of TLS that trust whom the operating system trusts.
fn tls() -> Result<ClientConfig, rustls::Error> {
    // Named here, because rustls panics if it has to choose between two that are compiled in.
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions()?.try_with_platform_verifier()?;
    Ok(builder.with_no_client_auth())
}

/// Reads a body of a bounded length.
async fn body(response: Response<Incoming>) -> Result<Vec<u8>, Failure> {
    let (mut body, mut read) = (response.into_body(), Vec::new());
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| whole(&error))?;
        read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if read.len() > MAX_BODY {
            let why = format!("its answer is longer than {} KiB", MAX_BODY / 1024);
            return Err(Failure::Other(why));
        }
    }
    Ok(read)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Writes an error with its causes on one line.
fn whole(error: &(dyn Error + 'static)) -> Failure {
    let mut text = format!("it cannot be reached: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    Failure::Other(text)
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
