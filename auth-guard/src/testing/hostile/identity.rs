//! Rules 14 to 16: who issued the token, for which service, and for which user.

use serde_json::json;

use super::List;
use crate::token::profile::AudienceClaim;

impl List<'_> {
    pub(super) fn identities(&mut self) {
        self.issuers_and_audiences();
        self.other_issuers();
        self.uids();
        self.other_purposes();
        self.subjects();
    }

    /// Rule 14, as far as an issuer and an audience are configured.
    fn issuers_and_audiences(&mut self) {
        let audience = self.verifier.audience().first().map(String::as_str);
        let audience_claim = self.profile().audience_claim;
        let configured = [("iss", self.verifier.issuer()), (audience_claim.name(), audience)];
        for (name, ours) in configured {
            let Some(ours) = ours else { continue };
            let mut cut = ours.to_owned();
            cut.pop();
            for text in [
                "",
                "null",
                "5",
                "\"\"",
                "[]",
                "{}",
                &json!(format!("{ours}/")).to_string(),
                &json!(format!("{ours} ")).to_string(),
                &json!(format!("{ours}.evil.example")).to_string(),
                &json!(cut).to_string(),
                &json!(format!("https://evil.example,{ours}")).to_string(),
                "\"better-auth:session-cache\"",
                &json!({ ours: true }).to_string(),
                &json!([ours, 5]).to_string(),
                &json!([[ours]]).to_string(),
            ] {
                self.claims(14, &[(name, text)]);
            }
        }
        if let Some(ours) = self.verifier.issuer() {
            self.claims(14, &[("iss", &json!([ours]).to_string())]);
        }
        if let Some(ours) = audience {
            self.other_audience_claims(audience_claim, ours);
        }
    }

    /// Rule 22: a token of the first issuer that passes itself off as a further one's.
    fn other_issuers(&mut self) {
        let Some(ours) = self.verifier.issuer() else { return };
        for other in self.verifier.issuers().all().skip(1) {
            let Some(theirs) = other.profile.issuer.as_deref() else { continue };
            self.claims(22, &[("iss", &json!([ours, theirs]).to_string())]);
            // Otherwise the verifier asks for the issuer's keys, which the test may not serve.
            let is_refused_before = self.issuer.names().0 == "HS256"
                || other.profile.token_type != self.profile().token_type;
            if theirs != ours && is_refused_before {
                self.claims(22, &[("iss", &json!(theirs).to_string())]);
            }
        }
    }

    /// Rule 14: an audience that only another claim names.
    fn other_audience_claims(&mut self, ours: AudienceClaim, audience: &str) {
        let text = json!(audience).to_string();
        for other in ["aud", "client_id", "azp", "resource", "audience"] {
            if other != ours.name() {
                self.claims(14, &[(ours.name(), ""), (other, &text)]);
                self.claims(14, &[(ours.name(), r#""another-audience""#), (other, &text)]);
            }
        }
        // A token that has `aud` all the same must name ours there, too.
        if ours != AudienceClaim::Aud {
            self.claims(14, &[(ours.name(), &json!([audience]).to_string())]);
            for aud in [r#""another-audience""#, "[]", "null", "5"] {
                self.claims(14, &[("aud", aud)]);
            }
        }
    }

    /// Rule 15: a uid that is missing, under another name, or neither text nor an integer.
    fn uids(&mut self) {
        let uid_claim = self.verifier.uid_claim();
        let uid = json!(self.uid).to_string();
        self.claims(15, &[(uid_claim, "")]);
        for other in ["id", "userId", "user_id", "UID", "Uid", "uid ", "username", "email"] {
            if other != uid_claim {
                self.claims(15, &[(uid_claim, ""), (other, &uid)]);
            }
        }
        let inside = format!(r#"{{"{uid_claim}":{uid}}}"#);
        self.claims(15, &[(uid_claim, ""), ("user", &inside)]);
        for text in [
            "null",
            "true",
            "\"\"",
            "[]",
            "{}",
            "1.0",
            "1e2",
            "-0.0",
            "18446744073709551616",
            "-9223372036854775809",
            r#""a\nb""#,
            r#""\u0000""#,
            r#""a\u007f""#,
            &format!("[{uid}]"),
            &json!(format!("{}\0", self.uid)).to_string(),
        ] {
            match uid_claim {
                "sub" => self.claims(15, &[("sub", text)]),
                uid_claim => self.claims(15, &[(uid_claim, text), ("sub", "")]),
            }
        }
    }

    /// Rule 15: tokens that Better Auth signs with the same secret for other purposes. A
    /// `uid_claim` that names one of their members accepts them, as the docs say.
    fn other_purposes(&mut self) {
        let uid_claim = self.verifier.uid_claim();
        let uid = json!(self.uid).to_string();
        let (iat, exp) = (self.now, self.exp);
        for (name, members) in OTHER_PURPOSES {
            let members = members.replace("UID", &uid);
            let claims = format!(r#"{{{members},"iat":{iat},"exp":{exp}}}"#);
            let is_accepted = claims.contains(&format!("\"{uid_claim}\":"))
                && self.verifier.issuer().is_none()
                && self.verifier.audience().is_empty();
            if !is_accepted || uid_claim == "uid" {
                let token = self.issuer.sign(self.header_of(r#"{"alg":"HS256"}"#), claims);
                self.token(15, name, token);
            }
        }
    }

    /// Rule 16: a `sub` that is not the uid.
    fn subjects(&mut self) {
        if !self.verifier.profile().matches_subject() {
            return;
        }

        let uid = json!(self.uid).to_string();
        for sub in [
            r#""somebody-else""#,
            &json!(format!("{} ", self.uid)).to_string(),
            "\"\"",
            "null",
            "5",
            &format!("[{uid}]"),
        ] {
            self.claims(16, &[("sub", sub)]);
        }
    }
}

const OTHER_PURPOSES: [(&str, &str); 3] = [
    ("an e-mail verification", r#""email":"a@mail.example","userId":UID"#),
    (
        "a change of e-mail",
        r#""email":"a@mail.example","updateTo":"b@mail.example","requestType":"change-email-confirmation","userId":UID"#,
    ),
    (
        "a cookie cache",
        r#""session":{"userId":UID,"token":"token-of-a-session"},"user":{"id":UID,"uid":UID},"updatedAt":1800000000000,"version":"1""#,
    ),
];
