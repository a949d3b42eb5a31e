//! An issuer's metadata: OpenID Connect Discovery 1.0, RFC 8414.

use serde::Deserialize;

use crate::keys::public::address::Address;

/// The metadata of an issuer, as far as it is needed.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Returns the two addresses where metadata may be, in the order in which they are asked.
/// A final `/` of the issuer is taken off before anything is appended. Returns `None` if they
/// are too long.
pub(super) fn addresses(issuer: &Address) -> Option<[Address; 2]> {
    let path = issuer.path().trim_end_matches('/');
    Some([
        issuer.at(&format!("{path}/.well-known/openid-configuration"))?,
        issuer.at(&format!("/.well-known/oauth-authorization-server{path}"))?,
    ])
}

/// Returns the address of the keys in an issuer's metadata, which must name that issuer
/// byte for byte. Errors complete a sentence about the answer.
pub(super) fn jwks_uri(json: &[u8], issuer: &str) -> Result<String, String> {
    let metadata: Metadata = serde_json::from_slice(json)
        .map_err(|_| "is not metadata with an `issuer` and a `jwks_uri`".to_owned())?;
    match metadata.issuer == issuer {
        true => Ok(metadata.jwks_uri),
        false => Err("is the metadata of another issuer; a final `/` counts".into()),
    }
}
