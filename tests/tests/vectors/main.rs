//! Third-party test vectors: what others have published about JSON Web Signatures
//! and the primitives below them. `cargo test … -- --nocapture` prints the counts.

mod primitives;
mod rfc;
#[cfg(feature = "vectors")]
mod wycheproof;

use auth_guard::testing::internal::verify_with_jwk;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Verifies a signature with a public key, by the code that verifies tokens.
fn verifies(jwk: &Value, message: &[u8], signature: &[u8]) -> bool {
    verify_with_jwk(jwk, message, signature).expect("a key that the library uses")
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
