//! Rules 1 to 3: one `Authorization` field, one bearer token, at most 8 KiB.

use super::{INVALID, List};
use crate::error::AuthError;

const MISSING: AuthError = AuthError::MissingToken;
const MULTIPLE: AuthError = AuthError::MultipleTokens;

const OTHER_SCHEMES: [&str; 8] =
    ["Basic", "Digest", "Token", "JWT", "DPoP", "Bearers", "Bear", "\"Bearer\""];

impl List<'_> {
    pub(super) fn fields(&mut self) {
        let valid = self.issuer.token(self.uid).sign();
        self.field_counts(&format!("Bearer {valid}"));
        self.schemes(&valid);
        self.credentials(&valid);
        self.lengths();
    }

    /// Rule 1: exactly one field.
    fn field_counts(&mut self, bearer: &str) {
        self.push(1, "no field", &[], MISSING);
        self.push(1, "an empty field", &[""], MISSING);
        self.push(1, "a field of spaces", &["   "], MISSING);
        for (name, fields) in [
            ("the same field twice", [bearer, bearer]),
            ("a valid field and an invalid one", [bearer, "Bearer x"]),
            ("an invalid field and a valid one", ["Bearer x", bearer]),
            ("a valid field and another scheme", [bearer, "Basic Ym9iOnBhc3N3b3Jk"]),
            ("an empty field and a valid one", ["", bearer]),
        ] {
            self.push(1, name, &fields, MULTIPLE);
        }
    }

    /// Rule 1, another scheme; and rule 2, a scheme that the token follows without a
    /// space, which is another scheme.
    fn schemes(&mut self, valid: &str) {
        for scheme in OTHER_SCHEMES {
            self.push(1, &format!("scheme {scheme}"), &[&format!("{scheme} {valid}")], MISSING);
        }
        self.push(1, "no scheme", &[valid], MISSING);
        for field in
            [format!("Bearer{valid}"), format!("Bearer:{valid}"), format!("Bearer\t{valid}")]
        {
            self.push(2, "no space after the scheme", &[&field], MISSING);
        }
    }

    /// Rule 2: one `b64token` (RFC 6750 section 2.1).
    fn credentials(&mut self, valid: &str) {
        for (name, field) in [
            ("the scheme alone", "Bearer".to_owned()),
            ("nothing after the scheme", "Bearer    ".into()),
            ("two tokens", format!("Bearer {valid} {valid}")),
            ("two credentials in one field", format!("Bearer {valid}, Bearer {valid}")),
            ("a comma", format!("Bearer {valid},")),
            ("quotes", format!("Bearer \"{valid}\"")),
            ("an auth-param", format!("Bearer token=\"{valid}\"")),
            ("a tab before the token", format!("Bearer \t{valid}")),
            ("a tab after the token", format!("Bearer {valid}\t")),
            ("a no-break space", format!("Bearer {valid}\u{a0}")),
            ("a letter outside ASCII", format!("Bearer {valid}é")),
            ("a zero-width space", format!("Bearer \u{200b}{valid}")),
            ("an equals sign first", format!("Bearer ={valid}")),
            ("equals signs only", "Bearer ====".into()),
            ("a URL", format!("Bearer https://evil.example/{valid}")),
        ] {
            self.push(2, name, &[&field], INVALID);
        }
        let [header, payload, signature] = self.segments();
        let json = format!(
            r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#
        );
        self.token(2, "the JSON serialization", json);
    }

    /// Rule 3: at most 8 KiB.
    fn lengths(&mut self) {
        let padded = |n: usize| self.issuer.token(self.uid).claim("padding", "p".repeat(n)).sign();
        let (longer, long) = (padded(48_000), padded(6_500));
        self.token(3, "9 KiB", long);
        self.token(3, "64 KiB", longer);
        self.token(3, "300 KiB of dots", ".".repeat(300_000));
    }
}
