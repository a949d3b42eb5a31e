//! Rule 4: three segments in strict base64url.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};

use super::{HEADER, List, encode};

impl List<'_> {
    pub(super) fn encodings(&mut self) {
        let segments = self.segments();
        self.shapes(&segments);
        self.alphabets(&segments);
    }

    /// Adds tokens of another number of segments, or with characters that no segment has.
    fn shapes(&mut self, [header, payload, signature]: &[String; 3]) {
        let valid = format!("{header}.{payload}.{signature}");
        // One base64 character more than a multiple of four is no byte.
        let too_long = "A".repeat((5 - signature.len() % 4) % 4);
        for (name, token) in [
            ("one segment", header.clone()),
            ("two segments", format!("{header}.{payload}")),
            ("a stripped signature", format!("{header}.{payload}.")),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("a dot after the token", format!("{valid}.")),
            ("a dot before the token", format!(".{valid}")),
            ("four segments", format!("{valid}.{signature}")),
            ("five segments, as a JWE has", format!("{header}..{payload}.{signature}.{header}")),
            ("dots only", "..".into()),
            ("a padded signature", format!("{valid}=")),
            ("a signature of no base64url length", format!("{valid}{too_long}")),
            ("a plus sign", format!("{header}.{payload}.+{}", &signature[1..])),
            ("a slash", format!("{header}.{payload}./{}", &signature[1..])),
            ("a tilde", format!("{header}.{payload}.~{}", &signature[1..])),
        ] {
            self.token(4, name, token);
        }
        let json = format!(
            r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#
        );
        self.token(4, "the JSON serialization, encoded", encode(json));
    }

    /// Adds tokens whose signature covers what is sent, so only the encoding is wrong.
    fn alphabets(&mut self, [header, payload, signature]: &[String; 3]) {
        let spaced = with_spaces(self.header_of(HEADER));
        let padded = self.issuer.sign_input(&format!("{}.{payload}", URL_SAFE.encode(&spaced)));
        self.token(4, "a padded header", padded);
        let text = self.payload(&[("x", r#""???>>>""#)]);
        let standard = STANDARD_NO_PAD.encode(&text);
        let standard = self.issuer.sign_input(&format!("{header}.{standard}"));
        self.token(4, "a payload in the standard alphabet", standard);
        let spare = with_spare_bits(&encode(&spaced));
        let spare = self.issuer.sign_input(&format!("{spare}.{payload}"));
        self.token(4, "spare bits in the header", spare);
        if !signature.len().is_multiple_of(4) {
            let spare = format!("{header}.{payload}.{}", with_spare_bits(signature));
            self.token(4, "spare bits in the signature", spare);
        }
        let twice = self.issuer.sign_input(&format!("{}.{payload}", encode(header)));
        self.token(4, "a header that is encoded twice", twice);
        let plain = self.issuer.sign_input(&format!("{}.{payload}", self.issuer.names().0));
        self.token(4, "a header that is not encoded", plain);
    }
}

/// Sets a bit that the encoding of these bytes leaves unset. There is no such bit if the
/// length is a multiple of four.
fn with_spare_bits(segment: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = segment.split_at(segment.len() - 1);
    let value = alphabet.iter().position(|known| [*known] == *last.as_bytes());
    let spare = char::from(alphabet[value.unwrap_or_default() | 1]);
    format!("{rest}{spare}")
}

/// Makes the length of this JSON no multiple of three, so that its base64 is padded.
fn with_spaces(json: String) -> String {
    let spaces = if (json.len() + 1).is_multiple_of(3) { 2 } else { 1 };
    json + &" ".repeat(spaces)
}
