//! Addresses of key sets and of metadata: http and https URLs in their canonical form.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use hyper::Uri;

/// An http or https URL without user information and fragment. Scheme and host are in lower
/// case, and a default port is left out, so two addresses of one origin have the same of each.
#[derive(Clone)]
pub(super) struct Address(Uri);

impl Address {
    /// Parses a URL, which may have white space around it. Returns `None` if it is anything
    /// else, also if a character is outside ASCII.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let url = url.trim_ascii();
        if !url.is_ascii() || url.contains('#') {
            return None;
        }

        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let default_port = match &*scheme {
            "http" => 80_u16,
            "https" => 443,
            _ => return None,
        };

        let authority = uri.authority()?;
        let host = host(authority.host())?;
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" | ":" => default_port,
            // Only digits: not the sign that a number may have.
            port => port.strip_prefix(':').filter(|port| is_number(port))?.parse().ok()?,
        };
        let port = if port == default_port { String::new() } else { format!(":{port}") };
        let path = uri.path_and_query()?;
        format!("{scheme}://{host}{port}{path}").parse().ok().map(Self)
    }

    /// Returns the address of `path` at the same origin; `None` if it is too long.
    pub(super) fn at(&self, path: &str) -> Option<Self> {
        Self::parse(&format!("{}://{}{path}", self.scheme(), self.authority()))
    }

    /// Resolves the `Location` of a redirect from here (RFC 3986, section 5.2). Returns `None`
    /// if it leads to another origin, or is not an http or https URL.
    pub(super) fn redirected(&self, location: &str) -> Option<Self> {
        let location = location.split('#').next().unwrap_or_default();
        let next = if has_scheme(location) {
            Self::parse(location)
        } else if location.starts_with("//") {
            Self::parse(&format!("{}:{location}", self.scheme()))
        } else {
            let (path, query) = match location.split_once('?') {
                Some((path, query)) => (path, format!("?{query}")),
                None => (location, String::new()),
            };
            let folder = self.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = match path {
                "" => self.path().to_owned(),
                path if path.starts_with('/') => without_dots(path),
                path => without_dots(&format!("{folder}/{path}")),
            };
            self.at(&format!("{path}{query}"))
        };
        next.filter(|next| next.scheme() == self.scheme() && next.authority() == self.authority())
    }

    /// Returns `true` if it leads to this machine: 127.0.0.0/8, `::1` or `localhost`.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns `true` if nobody on the network can change what the address answers.
    pub(super) fn is_safe(&self) -> bool {
        self.is_https() || self.is_loopback()
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme() == "https"
    }

    pub(super) fn has_query(&self) -> bool {
        self.0.query().is_some()
    }

    pub(super) fn path(&self) -> &str {
        self.0.path()
    }

    /// Returns the host, and the port unless it is the scheme's own: the value of `Host`.
    pub(super) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    fn scheme(&self) -> &str {
        self.0.scheme_str().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns the canonical form of a host: a name, an IPv4 address, or an IPv6 address in brackets.
fn host(host: &str) -> Option<String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match host.strip_prefix('[') {
        Some(rest) => {
            let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            Some(format!("[{address}]"))
        }
        None if host.is_empty() || !host.bytes().all(is_part) => None,
        None => Some(host.to_ascii_lowercase()),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns `true` if a reference begins with a scheme (RFC 3986, section 3.1).
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, _)) = reference.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Removes the segments `.` and `..` of a path that begins with `/` (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut is_folder = false;
    for segment in path.split('/').skip(1) {
        is_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    if is_folder {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}
