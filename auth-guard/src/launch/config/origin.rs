//! The origin of a URL, as Better Auth writes it into its tokens.

use rocket::http::uri::Absolute;

/// Returns the origin of an `http` or `https` URL as `new URL(url).origin` writes it,
/// which is what Better Auth puts into `iss` and `aud`.
pub(crate) fn origin_of(url: &str) -> Option<String> {
    let url = Absolute::parse(url).ok()?;
    let scheme = url.scheme().to_ascii_lowercase();
    let default_port = match &*scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };

    let authority = url.authority().filter(|authority| authority.user_info().is_none())?;
    let host = authority.host().to_ascii_lowercase();
    let is_name = |host: &str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => format!("[{}]", address.parse::<std::net::Ipv6Addr>().ok()?),
        None => Some(host).filter(|host| is_name(host))?,
    };

    Some(match authority.port().filter(|port| *port != default_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}
