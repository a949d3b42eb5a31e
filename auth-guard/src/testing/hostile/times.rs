//! Rules 11 to 13: `exp`, the lifetime, `nbf` and `iat`.

use super::List;
use crate::error::AuthError;

impl List<'_> {
    /// The times are outside any leeway and any lifetime that can be set.
    pub(super) fn times(&mut self) {
        let now = self.now;
        let (past, future) = ((now - 400).to_string(), (now + 400).to_string());
        let text = format!("\"{}\"", self.exp);
        // Without `iat`, only the distance from now is wrong.
        let issued = |at: &str| if self.is_required("iat") { at.to_owned() } else { String::new() };
        let (expired_iat, fresh_iat) = (issued(&past), issued(&now.to_string()));
        for exp in ["", "null", "true", "\"\"", &text, "[]", "{}", "1e400", "-1e400"] {
            self.claims(11, &[("exp", exp)]);
        }
        for exp in ["0", "-1", "-1e300", "1e-300", &past, &format!("{past}.0")] {
            self.claims_refused(11, &[("exp", exp), ("iat", &expired_iat)], AuthError::Expired);
        }
        let uid_claim = self.verifier.uid_claim();
        for (name, text) in [(uid_claim, ""), ("nbf", "\"soon\"")] {
            self.claims(11, &[("exp", &past), ("iat", &past), (name, text)]);
        }

        for exp in [
            &*(now + 90_000).to_string(),
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775807",
            "9007199254740993",
            "253402300800",
            "1e300",
            "1800000900000",
        ] {
            self.claims(12, &[("exp", exp), ("iat", &fresh_iat)]);
        }
        for iat in [&*(now - 90_000).to_string(), "0", "-1", "-1e300", "-9223372036854775808"] {
            self.claims(12, &[("iat", iat)]);
        }

        for name in ["nbf", "iat"] {
            for time in [&*future, "1e300", "18446744073709551615", &format!("{future}.001")] {
                self.claims(13, &[(name, time)]);
            }
            for time in ["null", "\"\"", &format!("\"{now}\""), "[]", "{}", "true", "1e400"] {
                self.claims(13, &[(name, time)]);
            }
        }
    }
}
