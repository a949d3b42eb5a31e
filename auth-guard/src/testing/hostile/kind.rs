//! Rules 14 and 19 to 21: tokens of the same issuer that are no user's access tokens.

use serde_json::{Value, json};

use super::{HEADER, List};
use crate::error::AuthError;
use crate::token::header::TokenType;
use crate::token::profile::Expected;

/// Members that make a token what no bearer may send, whatever their value is.
const VALUES: [&str; 6] = ["null", "\"\"", "\"n-0S6_WzA2Mj\"", "[]", "{}", "false"];

const OF_ID_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

impl List<'_> {
    pub(super) fn kinds(&mut self) {
        self.missing();
        self.other_values();
        self.bound();
        self.id_tokens();
        self.machines();
    }

    /// Rule 14: a token without a claim that must be there.
    fn missing(&mut self) {
        let profile = self.profile();
        let mut names = profile.required_claims.clone();
        if profile.token_type == TokenType::AccessToken {
            names.extend(["sub", "iat", "jti"].map(str::to_owned));
            let valid = self.issuer.token(self.uid);
            let clients: Vec<_> =
                ["client_id", "azp"].into_iter().filter(|name| valid.get(name).is_some()).collect();
            // One of the two is enough.
            names.extend((clients.len() == 1).then(|| clients[0].to_owned()));
        }
        for name in names {
            self.claims(14, &[(&name, "")]);
        }
    }

    /// Rule 14: a required claim that says something else, or that only contains what it must
    /// say.
    fn other_values(&mut self) {
        for (name, expected) in self.profile().require.clone() {
            let values: Vec<_> = expected.iter().map(Expected::to_json).collect();
            let mut others = vec![json!(null), json!(""), json!({}), json!([]), json!(0.5)];
            others.push(json!("another-value"));
            for value in &values {
                others.extend(similar(value));
                others.extend([json!({ "value": value }), json!([[value]])]);
            }
            let is_expected = |other: &Value| {
                let members = other.as_array().map_or(std::slice::from_ref(other), Vec::as_slice);
                members.iter().any(|member| values.contains(member))
            };
            others.retain(|other| !is_expected(other));
            self.claims(14, &[(&name, "")]);
            for other in others {
                self.claims(14, &[(&name, &other.to_string())]);
            }
        }
    }

    /// Rule 19: a token that is bound to a key.
    fn bound(&mut self) {
        let jkt = r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#;
        let x5t = r##"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"##;
        for cnf in [jkt, x5t].into_iter().chain(VALUES) {
            self.claims(19, &[("cnf", cnf)]);
        }
    }

    /// Rule 20: an ID token.
    fn id_tokens(&mut self) {
        if self.profile().id_tokens {
            return;
        }
        for name in OF_ID_TOKENS {
            for value in VALUES {
                self.claims(20, &[(name, value)]);
            }
        }
        let members = [("nonce", "\"n-0S6_WzA2Mj\""), ("at_hash", "\"77QmUPtjPfzWtF2AnpK9RQ\"")];
        self.claims(20, &members);
    }

    /// Rule 21: a valid token, but a program's.
    fn machines(&mut self) {
        let uid = json!(self.uid).to_string();
        let client = format!("{}@clients", self.uid);
        let client = json!(client).to_string();
        for (name, text) in [
            ("client_id", &*uid),
            ("azp", &uid),
            ("gty", r#""client-credentials""#),
            ("gty", r#""client\u002dcredentials""#),
            ("idtyp", r#""app""#),
        ] {
            let is_free = !self.profile().require.iter().any(|(required, _)| required == name)
                && (self.verifier.audience().is_empty()
                    || self.profile().audience_claim.name() != name);
            if is_free {
                self.machine(&[(name, text)]);
            }
        }
        let uid_claim = self.verifier.uid_claim();
        self.machine(&[(uid_claim, &client), ("sub", &client)]);

        let token = self.issuer.machine_token();
        let members: Vec<_> =
            token.claims().map(|(name, value)| (name, value.to_string())).collect();
        let members = members.iter().map(|(name, text)| (*name, &**text));
        let members: Vec<_> = members.filter(|(name, _)| *name != "exp").collect();
        let token = self.issuer.sign(self.header_of(HEADER), self.payload(&members));
        let field = format!("Bearer {token}");
        self.push(21, "a token by client credentials", &[&field], AuthError::NotAllowed);
    }

    fn machine(&mut self, changes: &[(&str, &str)]) {
        self.claims_refused(21, changes, AuthError::NotAllowed);
    }
}

/// Returns values that a careless comparison takes for this one.
fn similar(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => vec![
            json!(text.to_uppercase()),
            json!(text.to_lowercase()),
            json!(format!("{text} ")),
            json!(format!("x{text}")),
            json!(format!("other {text}")),
            json!(format!("{text},other")),
            json!([format!("x{text}x"), 5]),
        ],
        Value::Number(number) => vec![json!(number.to_string()), json!(number.as_f64())],
        Value::Bool(flag) => vec![json!(!flag), json!(flag.to_string()), json!(u8::from(*flag))],
        Value::Null | Value::Array(_) | Value::Object(_) => Vec::new(),
    }
}
