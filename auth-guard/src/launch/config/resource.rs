//! The public URL of the API, and where its metadata is (RFC 9728).

use rocket::http::uri::Absolute;

use super::origin::origin_of;

/// The API as OAuth clients name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// As configured: clients compare it byte for byte.
    pub(crate) url: String,
    /// Where its metadata is served (RFC 9728 section 3.1).
    pub(crate) metadata_path: String,
    /// The URL of its metadata, for challenges.
    pub(crate) metadata_url: String,
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

impl Resource {
    /// Parses an https URL, or an http URL of this machine. Returns `None` for one that has a
    /// query, a fragment, a user, or a path that could be written in several ways.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let origin = origin_of(url)?;
        let parsed = Absolute::parse(url).ok()?;
        let host = parsed.authority()?.host();
        let path = parsed.path().as_str();
        let is_safe = origin.starts_with("https://") || is_loopback(host);
        if !is_safe || parsed.query().is_some() || !is_plain(path) {
            return None;
        }

        let bare = url.strip_suffix(path)?;
        let path = if path == "/" { "" } else { path };
        Some(Self {
            url: url.to_owned(),
            metadata_path: format!("{WELL_KNOWN}{path}"),
            metadata_url: format!("{bare}{WELL_KNOWN}{path}"),
        })
    }
}

/// Returns `true` if a host is this machine: 127.0.0.0/8, `::1` or `localhost`.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns `true` if nothing on the way to the application rewrites this path, and a header
/// field can quote it.
fn is_plain(path: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    let is_segment = |segment: &str| {
        !segment.is_empty() && ![".", ".."].contains(&segment) && segment.bytes().all(is_allowed)
    };
    let segments = path.strip_prefix('/').unwrap_or(path);
    let segments = segments.strip_suffix('/').unwrap_or(segments);
    segments.is_empty() && path.len() < 2 || segments.split('/').all(is_segment)
}
