//! Third-party test vectors: what others have published about JSON Web Signatures
//! and the primitives below them. `cargo test … -- --nocapture` prints the counts.

mod primitives;
mod rfc;
#[cfg(feature = "vectors")]
mod wycheproof;

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};

/// Whether a public key's signature is good, by the provider that the library is
/// to use for public keys. It is named, because the default one depends on what
/// features somebody else has switched on.
fn verifies(algorithm: Algorithm, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
    (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key)
        .is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
}
