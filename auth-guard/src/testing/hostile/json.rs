//! Rule 10: the claims are one strict JSON object.

use super::{HEADER, List};

impl List<'_> {
    pub(super) fn json(&mut self) {
        let uid_claim = self.verifier.uid_claim();
        let uid = self.uid;
        let valid = self.payload(&[("role", r#""role-of-a-claim""#)]);
        let inner = &valid[1..valid.len() - 1];
        let surrogate = self.payload(&[(uid_claim, r#""\ud800""#), ("sub", "")]);
        for (name, text) in [
            ("an empty payload", String::new()),
            ("null", "null".into()),
            ("a string", format!("\"{uid}\"")),
            ("an array", format!("[{valid}]")),
            ("two objects", format!("{valid}{valid}")),
            ("an unclosed object", format!("{{{inner}")),
            ("a trailing comma", format!("{{{inner},}}")),
            ("a byte order mark", format!("\u{feff}{valid}")),
            ("a NUL after the object", format!("{valid}\0")),
            ("a comment", format!("{{{inner}/**/}}")),
            ("single quotes", valid.replace('"', "'")),
            ("NaN", format!("{{{inner},\"x\":NaN}}")),
            ("a control character in a string", format!("{{{inner},\"x\":\"\u{1}\"}}")),
            ("a duplicate uid", format!(r#"{{{inner},"{uid_claim}":"{uid}"}}"#)),
            ("another uid last", format!(r#"{{{inner},"{uid_claim}":"somebody-else"}}"#)),
            ("another uid first", format!(r#"{{"{uid_claim}":"somebody-else",{inner}}}"#)),
            ("a duplicate exp", format!(r#"{{{inner},"exp":{}}}"#, self.exp)),
            ("any duplicate name", format!(r#"{{{inner},"role":"another-role"}}"#)),
            ("a duplicate name, escaped", format!(r#"{{{inner},"\u0072ole":"another-role"}}"#)),
            (
                "nested 127 deep",
                format!(r#"{{{inner},"x":{}{}}}"#, "[".repeat(127), "]".repeat(127)),
            ),
            ("nested 2500 deep", format!(r#"{{{inner},"x":{}"#, "[".repeat(2_500))),
            ("an unpaired surrogate in the uid", surrogate),
        ] {
            let token = self.issuer.sign(self.header_of(HEADER), text);
            self.token(10, name, token);
        }
        let role = valid.find("role-of").unwrap_or_default();
        let mut bytes = valid.into_bytes();
        bytes[role] = 0xFF;
        let token = self.issuer.sign(self.header_of(HEADER), bytes);
        self.token(10, "a payload that is not UTF-8", token);
    }
}
