//! What an attacker sends in `Authorization`: one list, for every application.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use super::issuer::{Issuer, signed_by};
use crate::error::AuthError;
use crate::verifier::Verifier;

/// What is sent in `Authorization`, and how it must be answered.
///
/// But for what its name says, everything in it is as the verifier wants it, so
/// that nothing else can be the reason of the refusal.
#[derive(Clone)]
#[non_exhaustive]
pub struct HostileRequest {
    /// The rule of the verification profile that refuses it.
    pub rule: u8,
    /// What is wrong.
    pub name: String,
    /// The values of its `Authorization` fields.
    pub authorization: Vec<String>,
    /// An error with the answer that is due. All refused tokens but an expired one
    /// have the same.
    pub refusal: AuthError,
}

impl HostileRequest {
    /// All of them, for an application that verifies with `verifier`, which has the key
    /// of `issuer`: each asks for what is `uid`'s, and each must be refused.
    pub fn all(verifier: &Verifier, issuer: &Issuer, uid: &str) -> Vec<Self> {
        let now = issuer.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let exp = now.as_secs() + u64::from(verifier.max_lifetime().min(60));
        let issuer = issuer.clone().suited_to(verifier);
        let mut list = List {
            verifier,
            attacker: issuer.impostor(),
            issuer,
            now: now.as_secs(),
            exp,
            uid,
            requests: Vec::new(),
        };
        list.fields();
        list.encodings();
        list.headers();
        list.keys();
        list.json();
        list.times();
        list.issuers();
        list.identities();
        list.requests
    }
}

impl std::fmt::Debug for HostileRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostileRequest(rule {}: {})", self.rule, self.name)
    }
}

/// The list in the making.
struct List<'v> {
    verifier: &'v Verifier,
    issuer: Issuer,
    /// Who has a key of their own, and calls it as the issuer calls its.
    attacker: Issuer,
    now: u64,
    /// When a good token expires.
    exp: u64,
    uid: &'v str,
    requests: Vec<HostileRequest>,
}

const MISSING: AuthError = AuthError::MissingToken;
const MULTIPLE: AuthError = AuthError::MultipleTokens;
const INVALID: AuthError = AuthError::MalformedToken;
const EXPIRED: AuthError = AuthError::Expired;

/// As all headers here are written: HS256 stands for the algorithm of the key.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

impl List<'_> {
    fn push(&mut self, rule: u8, name: &str, fields: &[&str], refusal: AuthError) {
        let authorization = fields.iter().map(|field| (*field).to_owned()).collect();
        self.requests.push(HostileRequest { rule, name: name.to_owned(), authorization, refusal });
    }

    /// One that is sent as a bearer token, and is not valid.
    fn token(&mut self, rule: u8, name: &str, token: impl AsRef<str>) {
        self.push(rule, name, &[&format!("Bearer {}", token.as_ref())], INVALID);
    }

    /// A header with the algorithm of the key, and its id unless there is one already.
    fn header_of(&self, written: &str) -> String {
        let (alg, kid) = self.issuer.names();
        let named = written.replace("HS256", alg);
        match kid {
            Some(kid) if !named.contains("\"kid\"") => {
                let alg = json!(alg);
                named.replacen(
                    &format!("\"alg\":{alg}"),
                    &format!("\"alg\":{alg},\"kid\":{}", json!(kid)),
                    1,
                )
            }
            _ => named,
        }
    }

    /// A header with the id of the key, and any algorithm.
    fn header_with(&self, alg: &str) -> String {
        let mut header = json!({ "alg": alg, "typ": "JWT" });
        self.issuer.names().1.iter().for_each(|kid| header["kid"] = json!(kid));
        header.to_string()
    }

    /// Good claims below this header.
    fn header(&mut self, rule: u8, written: &str) {
        let header = &self.header_of(written);
        let token = self.issuer.sign(header, self.payload(&[]));
        self.token(rule, &format!("header {header}"), token);
    }

    /// A token with these members instead of a good one's.
    fn claims(&mut self, rule: u8, changes: &[(&str, &str)]) {
        self.claims_answered(rule, changes, INVALID);
    }

    fn claims_answered(&mut self, rule: u8, changes: &[(&str, &str)], refusal: AuthError) {
        let name = changes.iter().map(|(name, text)| match *text {
            "" => format!("no {name}"),
            text => format!("{name}: {text:.60}"),
        });
        let name = name.collect::<Vec<_>>().join(", ");
        let token = self.issuer.sign(self.header_of(HEADER), self.payload(changes));
        self.push(rule, &name, &[&format!("Bearer {token}")], refusal);
    }

    /// The payload of a good token, with these members (as JSON text) instead of
    /// its own; an empty text leaves one out.
    fn payload(&self, changes: &[(&str, &str)]) -> String {
        let uid = json!(self.uid).to_string();
        let mut members = vec![
            ("iat", self.now.to_string()),
            ("exp", self.exp.to_string()),
            ("sub", uid.clone()),
        ];
        if self.verifier.uid_claim() != "sub" {
            members.push((self.verifier.uid_claim(), uid));
        }
        members.extend(self.verifier.issuer().map(|iss| ("iss", json!(iss).to_string())));
        members.extend(self.verifier.audience().first().map(|aud| ("aud", json!(aud).to_string())));
        for (name, text) in changes {
            members.retain(|(known, _)| known != name);
            members.push((*name, (*text).to_owned()));
        }
        let members = members.iter().filter(|(_, text)| !text.is_empty());
        let members: Vec<_> = members.map(|(name, text)| format!("\"{name}\":{text}")).collect();
        format!("{{{}}}", members.join(","))
    }

    /// The three segments of a good token.
    fn segments(&self) -> [String; 3] {
        let token = self.issuer.sign(self.header_of(HEADER), self.payload(&[]));
        let mut segments = token.split('.').map(str::to_owned);
        std::array::from_fn(|_| segments.next().unwrap_or_default())
    }

    /// Rules 1 to 3.
    fn fields(&mut self) {
        let good = self.issuer.token(self.uid).sign();
        let bearer = format!("Bearer {good}");
        self.push(1, "no field", &[], MISSING);
        self.push(1, "an empty field", &[""], MISSING);
        self.push(1, "a field of spaces", &["   "], MISSING);
        for scheme in ["Basic", "Digest", "Token", "JWT", "DPoP", "Bearers", "Bear", "\"Bearer\""] {
            self.push(1, &format!("scheme {scheme}"), &[&format!("{scheme} {good}")], MISSING);
        }
        self.push(1, "no scheme", &[&good], MISSING);
        for (name, fields) in [
            ("the same field twice", [&*bearer, &*bearer]),
            ("a good field and a bad one", [&*bearer, "Bearer x"]),
            ("a bad field and a good one", ["Bearer x", &*bearer]),
            ("a good field and another scheme", [&*bearer, "Basic Ym9iOnBhc3N3b3Jk"]),
            ("an empty field and a good one", ["", &*bearer]),
        ] {
            self.push(1, name, &fields, MULTIPLE);
        }

        for (name, field) in [
            ("the scheme alone", "Bearer".to_owned()),
            ("nothing behind the scheme", "Bearer    ".into()),
            ("two tokens", format!("Bearer {good} {good}")),
            ("two credentials in one field", format!("Bearer {good}, Bearer {good}")),
            ("a comma", format!("Bearer {good},")),
            ("quotes", format!("Bearer \"{good}\"")),
            ("an auth-param", format!("Bearer token=\"{good}\"")),
            ("a tab before the token", format!("Bearer \t{good}")),
            ("a tab behind the token", format!("Bearer {good}\t")),
            ("a no-break space", format!("Bearer {good}\u{a0}")),
            ("a letter that is no ASCII", format!("Bearer {good}é")),
            ("a zero-width space", format!("Bearer \u{200b}{good}")),
            ("an equals sign first", format!("Bearer ={good}")),
            ("equals signs only", "Bearer ====".into()),
            ("a URL", format!("Bearer https://evil.example/{good}")),
        ] {
            self.push(2, name, &[&field], INVALID);
        }
        for field in [format!("Bearer{good}"), format!("Bearer:{good}"), format!("Bearer\t{good}")]
        {
            self.push(2, "no space behind the scheme", &[&field], MISSING);
        }

        let padded = |n: usize| self.issuer.token(self.uid).claim("padding", "p".repeat(n)).sign();
        let (longer, long) = (padded(48_000), padded(6_500));
        self.token(3, "9 KiB", long);
        self.token(3, "64 KiB", longer);
        self.token(3, "300 KiB of dots", ".".repeat(300_000));
    }

    /// Rule 4.
    fn encodings(&mut self) {
        let [header, payload, signature] = &self.segments();
        let good = format!("{header}.{payload}.{signature}");
        // Of four characters, one alone is no byte.
        let too_long = "A".repeat((5 - signature.len() % 4) % 4);
        for (name, token) in [
            ("one segment", header.clone()),
            ("two segments", format!("{header}.{payload}")),
            ("a stripped signature", format!("{header}.{payload}.")),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("a dot behind", format!("{good}.")),
            ("a dot before", format!(".{good}")),
            ("four segments", format!("{good}.{signature}")),
            ("five segments, as a JWE has", format!("{header}..{payload}.{signature}.{header}")),
            ("dots only", "..".into()),
            ("a padded signature", format!("{good}=")),
            ("a signature of no base64url length", format!("{good}{too_long}")),
            ("a plus sign", format!("{header}.{payload}.+{}", &signature[1..])),
            ("a slash", format!("{header}.{payload}./{}", &signature[1..])),
            ("a tilde", format!("{header}.{payload}.~{}", &signature[1..])),
        ] {
            self.token(4, name, token);
        }
        let json = format!(
            r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#
        );
        self.token(4, "the JSON serialization", &json);
        self.token(4, "the JSON serialization, encoded", encode(&json));

        // Signed over what is sent, so that only the encoding is wrong.
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
        self.token(4, "an encoded header twice", twice);
        let plain = self.issuer.sign_input(&format!("{}.{payload}", self.issuer.names().0));
        self.token(4, "a header that is not encoded", plain);
    }

    /// Rules 5 and 6.
    fn headers(&mut self) {
        for header in [
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
            r#"{"alg":"HS256","typ":"at+jwt"}"#,
            r#"{"alg":"HS256","typ":"logout+jwt"}"#,
            r#"{"alg":"HS256","typ":"better-auth.session-cache+jwt"}"#,
            r#"{"alg":"HS256","typ":"JOSE"}"#,
            r#"{"alg":"HS256","typ":""}"#,
            r#"{"alg":"HS256","typ":null}"#,
            r#"{"alg":"HS256","typ":["JWT"]}"#,
            r#"{"alg":"dir","enc":"A256CBC-HS512"}"#,
        ] {
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

        let (own, _) = self.issuer.names();
        // Two names of one algorithm (RFC 9864).
        let is_own = |alg: &&str| *alg == own || (own, *alg) == ("EdDSA", "Ed25519");
        let spellings = [own.to_lowercase(), format!("{own} "), own[1..].to_owned()];
        let spellings = spellings.iter().map(String::as_str);
        for alg in ALGORITHMS.into_iter().filter(|alg| !is_own(alg)).chain(spellings) {
            let signed = self.issuer.sign(self.header_with(alg), self.payload(&[]));
            let input = signed.rsplit_once('.').map_or("", |(input, _)| input);
            self.token(5, &format!("alg {alg:?} and the key's signature"), &signed);
            self.token(5, &format!("alg {alg:?} and no signature"), format!("{input}."));
        }

        // The attacker's own key, offered in every way a header knows.
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

    /// Rules 7 to 9.
    fn keys(&mut self) {
        let claims = self.payload(&[]);
        // A public key as an HMAC key: "HS/RS confusion".
        for (what, key) in self.issuer.known() {
            let token = signed_by(&key, HEADER, &claims);
            self.token(7, &format!("HS256 keyed with the {what} of a public key"), token);
        }
        // A shared secret has no id.
        if self.issuer.names().1.is_some() {
            for (what, key) in self.issuer.known() {
                let token = signed_by(&key, &self.header_with("HS256"), &claims);
                self.token(7, &format!("HS256 keyed with the {what} of the key of that id"), token);
            }
            let header = self.header_of(r#"{"alg":"HS256","kid":"unknown-kid"}"#);
            let token = self.issuer.sign(&header, &claims);
            self.token(7, "an unknown key id and the key's signature", token);
            let token = self.attacker.sign(&header, &claims);
            self.token(7, "an unknown key id and an attacker's signature", token);
        }
        let forged = self.attacker.sign(self.header_of(HEADER), &claims);
        self.token(8, "the signature of another key", forged);
        for key in [
            "",
            "\0",
            "secret",
            "password",
            "better-auth-secret-12345678901234567890",
            "your-256-bit-secret",
            "a-string-secret-at-least-256-bits-long",
        ] {
            let token = signed_by(key.as_bytes(), HEADER, &claims);
            self.token(8, &format!("a secret that is on lists: {key:?}"), token);
        }

        let [header, payload, signature] = self.segments();
        let good = URL_SAFE_NO_PAD.decode(&signature).unwrap_or_default();
        let mut flipped = good.clone();
        flipped.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
        for (name, tag) in [
            ("the last bit flipped", flipped),
            ("no bytes", vec![]),
            ("as many zero bytes as it has", vec![0; good.len()]),
            ("one zero byte", vec![0]),
            ("32 zero bytes", vec![0; 32]),
            ("64 zero bytes", vec![0; 64]),
            ("32 bytes of ones", vec![0xFF; 32]),
            ("its numbers in DER", in_der(&good)),
            ("all of its bytes but one", good[..good.len() - 1].to_vec()),
            ("half of its bytes", good[..good.len() / 2].to_vec()),
            ("its bytes and a zero", [&good[..], &[0]].concat()),
            ("its bytes twice", good.repeat(2)),
            ("its bytes in reverse", good.iter().rev().copied().collect()),
            ("the hash of the input without a key", {
                use sha2::Digest;
                sha2::Sha256::digest(format!("{header}.{payload}")).to_vec()
            }),
        ] {
            let token = format!("{header}.{payload}.{}", encode(tag));
            self.token(8, &format!("a signature of {name}"), token);
        }

        let other = encode(self.payload(&[(self.verifier.uid_claim(), "\"admin\"")]));
        let swapped = format!("{header}.{other}.{signature}");
        self.token(9, "another payload below the signature", swapped);
        let other = encode(self.header_of(r#"{"alg":"HS256","typ":"jwt"}"#));
        let swapped = format!("{other}.{payload}.{signature}");
        self.token(9, "another header below the signature", swapped);
        let forged = self.attacker.token(self.uid).expired();
        self.token(9, "expired, and forged", forged.sign());
        let swapped = self.issuer.sign(claims, self.header_of(HEADER));
        self.token(9, "header and payload swapped", swapped);
    }

    /// Rule 10.
    fn json(&mut self) {
        let uid_claim = self.verifier.uid_claim();
        let uid = self.uid;
        let good = self.payload(&[("role", r#""role-of-a-claim""#)]);
        let inner = &good[1..good.len() - 1];
        let surrogate = self.payload(&[(uid_claim, r#""\ud800""#), ("sub", "")]);
        for (name, text) in [
            ("an empty payload", String::new()),
            ("null", "null".into()),
            ("a string", format!("\"{uid}\"")),
            ("an array", format!("[{good}]")),
            ("two objects", format!("{good}{good}")),
            ("an unclosed object", format!("{{{inner}")),
            ("a comma at the end", format!("{{{inner},}}")),
            ("a byte order mark", format!("\u{feff}{good}")),
            ("a NUL behind", format!("{good}\0")),
            ("a comment", format!("{{{inner}/**/}}")),
            ("single quotes", good.replace('"', "'")),
            ("NaN", format!("{{{inner},\"x\":NaN}}")),
            ("a control character in a string", format!("{{{inner},\"x\":\"\u{1}\"}}")),
            ("the uid twice", format!(r#"{{{inner},"{uid_claim}":"{uid}"}}"#)),
            ("another uid behind", format!(r#"{{{inner},"{uid_claim}":"somebody-else"}}"#)),
            ("another uid before", format!(r#"{{"{uid_claim}":"somebody-else",{inner}}}"#)),
            ("exp twice", format!(r#"{{{inner},"exp":{}}}"#, self.exp)),
            ("any name twice", format!(r#"{{{inner},"role":"another-role"}}"#)),
            ("any name twice, one escaped", format!(r#"{{{inner},"\u0072ole":"another-role"}}"#)),
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
        let mut bytes = good.clone().into_bytes();
        let role = good.find("role-of").unwrap_or_default();
        bytes[role] = 0xFF;
        let token = self.issuer.sign(self.header_of(HEADER), bytes);
        self.token(10, "a payload that is not UTF-8", token);
    }

    /// Rules 11 to 13, beyond any leeway and any lifetime that can be set.
    fn times(&mut self) {
        let now = self.now;
        let (past, future) = ((now - 400).to_string(), (now + 400).to_string());
        let text = format!("\"{}\"", self.exp);
        for exp in ["", "null", "true", "\"\"", &text, "[]", "{}", "1e400", "-1e400"] {
            self.claims(11, &[("exp", exp)]);
        }
        for exp in ["0", "-1", "-1e300", "1e-300", &past, &format!("{past}.0")] {
            self.claims_answered(11, &[("exp", exp), ("iat", "")], EXPIRED);
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
            self.claims(12, &[("exp", exp), ("iat", "")]);
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

    /// Rule 14, as far as it is configured.
    fn issuers(&mut self) {
        let audience = self.verifier.audience().first();
        let configured = [("iss", self.verifier.issuer()), ("aud", audience.map(String::as_str))];
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
    }

    /// Rules 15 and 16.
    fn identities(&mut self) {
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

        // What the same secret signs at Better Auth for other purposes; a
        // `uid_claim` of that name lets them in, as the docs say.
        let (iat, exp) = (self.now, self.exp);
        for (name, members) in [
            ("an e-mail verification", r#""email":"a@mail.example","userId":UID"#),
            (
                "a change of e-mail",
                r#""email":"a@mail.example","updateTo":"b@mail.example","requestType":"change-email-confirmation","userId":UID"#,
            ),
            (
                "a cookie cache",
                r#""session":{"userId":UID,"token":"token-of-a-session"},"user":{"id":UID,"uid":UID},"updatedAt":1800000000000,"version":"1""#,
            ),
        ] {
            let members = members.replace("UID", &uid);
            let claims = format!(r#"{{{members},"iat":{iat},"exp":{exp}}}"#);
            let is_let_in = claims.contains(&format!("\"{uid_claim}\":"))
                && self.verifier.issuer().is_none()
                && self.verifier.audience().is_empty();
            if !is_let_in || uid_claim == "uid" {
                let token = self.issuer.sign(self.header_of(r#"{"alg":"HS256"}"#), claims);
                self.token(15, name, token);
            }
        }

        if self.verifier.matches_subject() {
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
}

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

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The same bytes, encoded with a bit set that must not be. There is none where the
/// length is a multiple of four.
fn with_spare_bits(segment: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = segment.split_at(segment.len() - 1);
    let value = alphabet.iter().position(|known| [*known] == *last.as_bytes());
    let spare = char::from(alphabet[value.unwrap_or_default() | 1]);
    format!("{rest}{spare}")
}

/// JSON of a length that is no multiple of three, so that its base64 is padded.
fn with_spaces(json: String) -> String {
    let spaces = if (json.len() + 1).is_multiple_of(3) { 2 } else { 1 };
    json + &" ".repeat(spaces)
}

/// Two numbers as ECDSA signatures have them elsewhere (RFC 3279 section 2.2.3).
fn in_der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let number = |bytes: &[u8]| {
        let sign: &[u8] = if bytes[0] < 0x80 { &[] } else { &[0] };
        [&[2, (sign.len() + bytes.len()) as u8], sign, bytes].concat()
    };
    let numbers = [number(r), number(s)].concat();
    [&[0x30, numbers.len() as u8], &*numbers].concat()
}
