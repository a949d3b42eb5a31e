//! Rules 5 and 6: the header, and the keys that it offers.

use serde_json::json;

use super::{List, signed_by};
use crate::token::header::TokenType;

const HEADERS: [&str; 25] = [
    "",
    "null",
    "{}",
    "[]",
    "\"HS256\"",
    r#"["alg","HS256"]"#,
    r#"{"alg":"HS256""#,
    r#"{"alg":"HS256"}{"alg":"HS256"}"#,
    r#"{"alg":"HS256","alg":"HS256"}"#,
    r#"{"alg":"none","alg":"HS256"}"#,
    r#"{"alg":"HS256","alg":"none"}"#,
    r#"{"alg":"HS256","\u0061lg":"none"}"#,
    r#"{"alg":"HS256","typ":"JWT","typ":"at+jwt"}"#,
    "\u{feff}{\"alg\":\"HS256\"}",
    r#"{"alg":null}"#,
    r#"{"alg":256}"#,
    r#"{"alg":["HS256"]}"#,
    r#"{"Alg":"HS256"}"#,
    r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
    r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
    r#"{"alg":"HS256","crit":[]}"#,
    r#"{"alg":"HS256","crit":null}"#,
    r#"{"alg":"HS256","b64":false}"#,
    r#"{"alg":"HS256","b64":true}"#,
    r#"{"alg":"dir","enc":"A256CBC-HS512"}"#,
];

/// The types of tokens that are something else, whichever type an application asks for.
const OTHER_TYPES: [&str; 18] = [
    r#""logout+jwt""#,
    r#""better-auth.session-cache+jwt""#,
    r#""id+jwt""#,
    r#""dpop+jwt""#,
    r#""token-introspection+jwt""#,
    r#""secevent+jwt""#,
    r#""oauth-authz-req+jwt""#,
    r#""JOSE""#,
    r#""""#,
    r#""JWT ""#,
    r#""at+jwt ""#,
    r#""application/logout+jwt""#,
    r#""application/application/jwt""#,
    r#""text/jwt""#,
    "null",
    "true",
    r#"["JWT"]"#,
    r#"["at+jwt"]"#,
];

const ALGORITHMS: [&str; 19] = [
    "none", "None", "NONE", "nOnE", " none", "none ", "", "HS256", "HS384", "HS512", "RS256",
    "ES256", "ES256K", "PS256", "EdDSA", "Ed25519", "Ed448", "HMAC", "dir",
];

const OFFERED_KEYS: [&str; 11] = [
    r#""jku":"https://evil.example/keys.json""#,
    r#""x5u":"https://evil.example/cert.pem""#,
    r#""x5c":["MIIBszCCAVmgAwIBAgIUevil"]"#,
    r#""x5t":"evil-thumbprint""#,
    r#""jwk":{"kty":"oct","k":"YXR0YWNrZXIta2V5LW9mLXRoZS1saXN0","alg":"HS256"}"#,
    r#""kid":"../../../../../../dev/null""#,
    r#""kid":"/proc/sys/kernel/randomize_va_space""#,
    r#""kid":"' UNION SELECT 'attacker-key' --""#,
    r#""kid":"| touch /tmp/evil""#,
    r#""kid":"https://evil.example/keys.json""#,
    r#""kid":"evil-kid\r\nX-Injected: yes""#,
];

impl List<'_> {
    pub(super) fn headers(&mut self) {
        for header in HEADERS {
            self.header(5, header);
        }
        let mut bytes = self.header_of(r#"{"alg":"HS256","x":"not-utf-8-"}"#).into_bytes();
        let last = bytes.len() - 3;
        bytes[last] = 0xFF;
        let token = self.issuer.sign(bytes, self.payload(&[]));
        self.token(5, "a header that is not UTF-8", token);
        let nested = format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(900), "]".repeat(900));
        let token = self.issuer.sign(self.header_of(&nested), self.payload(&[]));
        self.token(5, "a header nested 900 deep", token);

        self.types();
        self.algorithms();
        self.offered_keys();
    }

    /// Rule 5: any other `typ`, the one of the other kind of access tokens first.
    fn types(&mut self) {
        let others: &[&str] = match self.profile().token_type {
            TokenType::Jwt => &[r#""at+jwt""#, r#""application/at+jwt""#, r#""AT+JWT""#],
            TokenType::AccessToken => &["", r#""JWT""#, r#""jwt""#, r#""application/jwt""#],
        };
        let (alg, kid) = self.issuer.names();
        let kid = kid.map_or(String::new(), |kid| format!(",\"kid\":{}", json!(kid)));
        for typ in others.iter().chain(&OTHER_TYPES) {
            let typ = if typ.is_empty() { String::new() } else { format!(",\"typ\":{typ}") };
            let header = format!(r#"{{"alg":"{alg}"{kid}{typ}}}"#);
            let token = self.issuer.sign(&header, self.payload(&[]));
            self.token(5, &format!("header {header}"), token);
        }
    }

    /// Rule 5: any other `alg`, with the signature of the key and with none.
    fn algorithms(&mut self) {
        let (own, _) = self.issuer.names();
        // RFC 9864 gives this algorithm a second name.
        let is_own = |alg: &&str| *alg == own || (own, *alg) == ("EdDSA", "Ed25519");
        let spellings = [own.to_lowercase(), format!("{own} "), own[1..].to_owned()];
        let spellings = spellings.iter().map(String::as_str);
        for alg in ALGORITHMS.into_iter().filter(|alg| !is_own(alg)).chain(spellings) {
            let signed = self.issuer.sign(self.header_with(alg), self.payload(&[]));
            let input = signed.rsplit_once('.').map_or("", |(input, _)| input);
            self.token(5, &format!("alg {alg:?} and the key's signature"), &signed);
            self.token(5, &format!("alg {alg:?} and no signature"), format!("{input}."));
        }
    }

    /// Rule 6: the attacker's own key, offered in every way that a header knows.
    fn offered_keys(&mut self) {
        let offered = OFFERED_KEYS.map(str::to_owned).into_iter();
        #[cfg(feature = "jwks")]
        let offered = offered.chain(self.attacker.jwk().map(|jwk| format!(r#""jwk":{jwk}"#)));
        for member in offered {
            let header = self.header_of(&format!(r#"{{"alg":"HS256",{member}}}"#));
            let forged = self.attacker.sign(&header, self.payload(&[]));
            self.token(6, &format!("the attacker's key and header {header}"), forged);
            let empty = signed_by(b"", &header, &self.payload(&[]));
            self.token(6, &format!("an empty key and header {header}"), empty);
        }
        for kid in ["null", "1", "[\"a\"]", "{}"] {
            self.header(6, &format!(r#"{{"alg":"HS256","kid":{kid}}}"#));
        }
    }
}
