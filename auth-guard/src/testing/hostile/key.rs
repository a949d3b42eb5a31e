//! Rules 7 to 9: the key, the signature, and what the signature covers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;

use super::{HEADER, List, encode, signed_by};

/// Secrets from documentation and word lists.
const KNOWN_SECRETS: [&str; 7] = [
    "",
    "\0",
    "secret",
    "password",
    "better-auth-secret-12345678901234567890",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
];

impl List<'_> {
    pub(super) fn keys(&mut self) {
        self.confused_keys();
        self.forged();
        self.damaged_signatures();
        self.unsigned_parts();
    }

    /// Rule 7: a public key as an HMAC key ("HS/RS confusion"), and unknown key ids.
    fn confused_keys(&mut self) {
        let claims = self.payload(&[]);
        for (what, key) in self.issuer.public_key_forms() {
            let token = signed_by(&key, &self.hs256(), &claims);
            self.token(7, &format!("HS256 keyed with the {what} of a public key"), token);
        }
        // A shared secret has no id.
        if self.issuer.names().1.is_none() {
            return;
        }

        for (what, key) in self.issuer.public_key_forms() {
            let token = signed_by(&key, &self.header_with("HS256"), &claims);
            self.token(7, &format!("HS256 keyed with the {what} of the key of that id"), token);
        }
        let header = self.header_of(r#"{"alg":"HS256","kid":"unknown-kid"}"#);
        let token = self.issuer.sign(&header, &claims);
        self.token(7, "an unknown key id and the key's signature", token);
        let token = self.attacker.sign(&header, &claims);
        self.token(7, "an unknown key id and an attacker's signature", token);
    }

    /// Rule 8: signatures of other keys.
    fn forged(&mut self) {
        let claims = self.payload(&[]);
        let forged = self.attacker.sign(self.header_of(HEADER), &claims);
        self.token(8, "the signature of another key", forged);
        for key in KNOWN_SECRETS {
            let token = signed_by(key.as_bytes(), &self.hs256(), &claims);
            self.token(8, &format!("a well-known secret: {key:?}"), token);
        }
    }

    /// Rule 8: the signature of the key, damaged.
    fn damaged_signatures(&mut self) {
        let [header, payload, signature] = self.segments();
        let valid = URL_SAFE_NO_PAD.decode(&signature).unwrap_or_default();
        let mut flipped = valid.clone();
        flipped.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
        let unkeyed = sha2::Sha256::digest(format!("{header}.{payload}")).to_vec();
        for (name, tag) in [
            ("the last bit flipped", flipped),
            ("no bytes", vec![]),
            ("zero bytes, as many as it has", vec![0; valid.len()]),
            ("one zero byte", vec![0]),
            ("32 zero bytes", vec![0; 32]),
            ("64 zero bytes", vec![0; 64]),
            ("32 bytes of ones", vec![0xFF; 32]),
            ("its numbers in DER", in_der(&valid)),
            ("all of its bytes but one", valid[..valid.len() - 1].to_vec()),
            ("half of its bytes", valid[..valid.len() / 2].to_vec()),
            ("its bytes and a zero", [&valid[..], &[0]].concat()),
            ("its bytes twice", valid.repeat(2)),
            ("its bytes in reverse", valid.iter().rev().copied().collect()),
            ("the hash of the input without a key", unkeyed),
        ] {
            let token = format!("{header}.{payload}.{}", encode(tag));
            self.token(8, &format!("a signature of {name}"), token);
        }
    }

    /// Rule 9: claims and headers that the signature does not cover.
    fn unsigned_parts(&mut self) {
        let [header, payload, signature] = self.segments();
        let other = encode(self.payload(&[(self.verifier.uid_claim(), "\"admin\"")]));
        let swapped = format!("{header}.{other}.{signature}");
        self.token(9, "another payload with the signature", swapped);
        let other = encode(self.header_of(r#"{"alg":"HS256","typ":"JWT","x":1}"#));
        let swapped = format!("{other}.{payload}.{signature}");
        self.token(9, "another header with the signature", swapped);
        let forged = self.attacker.token(self.uid).expired();
        self.token(9, "expired and forged", forged.sign());
        let swapped = self.issuer.sign(self.payload(&[]), self.header_of(HEADER));
        self.token(9, "header and payload swapped", swapped);
    }
}

/// Encodes two numbers as ECDSA signatures do outside JOSE (RFC 3279 section 2.2.3).
fn in_der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let number = |bytes: &[u8]| {
        let sign: &[u8] = if bytes[0] < 0x80 { &[] } else { &[0] };
        [&[2, (sign.len() + bytes.len()) as u8], sign, bytes].concat()
    };
    let numbers = [number(r), number(s)].concat();
    [&[0x30, numbers.len() as u8], &*numbers].concat()
}
