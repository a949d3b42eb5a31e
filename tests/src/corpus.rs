//! One corpus of hostile requests, for every suite that wants one: what is sent,
//! and the answer it must get.
//!
//! It is aimed at [`crate::app`] configured by [`settings`], where [`OWNER`]'s
//! tasks are at [`path()`]. Everything is signed with [`SECRET`] unless the name
//! says otherwise, so that only what the name says can be wrong.

use auth_guard::testing::{Issuer, Token};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rocket::local::blocking::Client;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::{Answer, NOW, SECRET, app, get_with, issuer, launch};

/// Whose path is asked for. Long, so that it is found wherever it leaks.
pub const OWNER: &str = "carol-of-the-corpus";

/// Somebody else.
pub const OTHER: &str = "mallory-of-the-corpus";

/// The origin that is asked for as issuer and audience.
pub const URL: &str = "https://auth.corpus.example";

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Case {
    /// The rule of the verification profile that decides.
    pub rule: u8,
    /// What is wrong.
    pub name: String,
    /// The path asked for.
    pub path: String,
    /// The values of its `Authorization` fields.
    pub authorization: Vec<String>,
    /// The status of the answer.
    pub status: u16,
    /// The `code` of its body; empty where the request is accepted.
    pub code: &'static str,
}

/// The settings of the application that the corpus is aimed at.
pub fn settings() -> Value {
    json!({ "url": URL })
}

/// A client of that application.
pub fn client() -> Client {
    launch(app(&settings()))
}

/// The path of [`OWNER`]'s tasks.
pub fn path() -> String {
    format!("/api/{OWNER}/tasks")
}

/// A token that is accepted as this user's.
pub fn token(uid: &str) -> Token {
    issuer().with_issuer(URL).with_audience(URL).token(uid)
}

impl Case {
    /// Sends it.
    pub fn get(&self, client: &Client) -> Answer {
        get_with(client, &self.path, &self.fields())
    }

    /// The values of its `Authorization` fields, borrowed.
    pub fn fields(&self) -> Vec<&str> {
        self.authorization.iter().map(String::as_str).collect()
    }

    /// Whether it is refused.
    pub fn is_refused(&self) -> bool {
        self.status != 200
    }

    /// Everything in it that must never be printed: tokens, their segments, and
    /// every name and value in a header or payload that is long enough to tell.
    pub fn hidden(&self) -> Vec<String> {
        let mut hidden = vec![SECRET.to_owned(), OWNER.to_owned(), OTHER.to_owned()];
        for field in &self.authorization {
            for word in field.split([' ', ',', '"', '\t']) {
                hidden.extend([word].into_iter().chain(word.split('.')).map(str::to_owned));
                for segment in word.split('.') {
                    let json = URL_SAFE_NO_PAD.decode(segment).unwrap_or_default();
                    strings_in(&serde_json::from_slice(&json).unwrap_or_default(), &mut hidden);
                }
            }
        }
        // Short ones are words of anybody's: `JWT`, `alg`, `Bearer`.
        hidden.retain(|text| text.len() > 7 && !["protected", "signature"].contains(&&**text));
        hidden.sort();
        hidden.dedup();
        hidden
    }
}

fn strings_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found.push(number.to_string()),
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings_in(value, found)),
        Value::Object(members) => {
            members.values().for_each(|value| strings_in(value, found));
        }
    }
}

/// All of them, in the order of the rules. A few are accepted: what is refused
/// beside them is then refused for what its name says.
pub fn cases() -> Vec<Case> {
    let mut corpus = Corpus(Vec::new());
    corpus.fields();
    corpus.encodings();
    corpus.headers();
    corpus.keys();
    corpus.json();
    corpus.times();
    corpus.issuers();
    corpus.identities();
    corpus.paths();
    corpus.0
}

const MISSING: &str = "token_missing";
const INVALID: &str = "token_invalid";
const EXPIRED: &str = "token_expired";
const NOT_OWNER: &str = "not_owner";
const MALFORMED: &str = "request_malformed";
const ACCEPTED: &str = "";

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// The payload of a good token, with these members (as JSON text) instead of its
/// own; an empty text leaves one out.
fn payload(changes: &[(&str, &str)]) -> String {
    let (exp, now) = ((NOW + 900).to_string(), NOW.to_string());
    let (owner, url) = (format!("\"{OWNER}\""), format!("\"{URL}\""));
    let mut members = vec![
        ("iat", &*now),
        ("exp", &*exp),
        ("uid", &*owner),
        ("sub", &*owner),
        ("iss", &*url),
        ("aud", &*url),
    ];
    for (name, text) in changes {
        members.retain(|(known, _)| known != name);
        members.push((*name, *text));
    }
    let members = members.iter().filter(|(_, text)| !text.is_empty());
    let members: Vec<_> = members.map(|(name, text)| format!("\"{name}\":{text}")).collect();
    format!("{{{}}}", members.join(","))
}

/// HS256 below any header and over any payload.
fn sign(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    issuer().sign(header, payload)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// HMAC with any key at all, over what no library would sign.
fn hs256(key: &[u8], input: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(input).finalize().into_bytes().to_vec()
}

fn signed_by(key: &[u8], header: &str, payload: &str) -> String {
    let input = format!("{}.{}", encode(header), encode(payload));
    format!("{input}.{}", encode(hs256(key, &input)))
}

/// The three segments of a good token.
fn segments() -> [String; 3] {
    let token = sign(HEADER, payload(&[]));
    let mut segments = token.split('.').map(str::to_owned);
    std::array::from_fn(|_| segments.next().expect("three segments"))
}

struct Corpus(Vec<Case>);

impl Corpus {
    fn push(&mut self, rule: u8, name: &str, fields: &[&str], path: String, code: &'static str) {
        let status = match code {
            ACCEPTED => 200,
            MALFORMED => 400,
            NOT_OWNER => 403,
            _ => 401,
        };
        let authorization = fields.iter().map(|field| (*field).to_owned()).collect();
        self.0.push(Case { rule, name: name.to_owned(), path, authorization, status, code });
    }

    /// What is sent in `Authorization`.
    fn field(&mut self, rule: u8, name: &str, field: &str, code: &'static str) {
        self.push(rule, name, &[field], path(), code);
    }

    /// What is sent as a bearer token.
    fn token(&mut self, rule: u8, name: &str, token: impl AsRef<str>, code: &'static str) {
        self.field(rule, name, &format!("Bearer {}", token.as_ref()), code);
    }

    /// A good token below this header.
    fn header(&mut self, rule: u8, header: &str, code: &'static str) {
        self.token(rule, &format!("header {header}"), sign(header, payload(&[])), code);
    }

    /// A token with these members instead of a good one's.
    fn claims(&mut self, rule: u8, changes: &[(&str, &str)], code: &'static str) {
        let name = changes.iter().map(|(name, text)| match *text {
            "" => format!("no {name}"),
            text => format!("{name}: {:.60}", text),
        });
        let name = name.collect::<Vec<_>>().join(", ");
        self.token(rule, &name, sign(HEADER, payload(changes)), code);
    }

    /// Rules 1 to 3.
    fn fields(&mut self) {
        let good = token(OWNER).sign();
        let bearer = format!("Bearer {good}");
        self.field(1, "nothing is wrong", &bearer, ACCEPTED);
        self.push(1, "no field", &[], path(), MISSING);
        self.field(1, "an empty field", "", MISSING);
        self.field(1, "a field of spaces", "   ", MISSING);
        for scheme in ["Basic", "Digest", "Token", "JWT", "DPoP", "Bearers", "Bear", "\"Bearer\""] {
            self.field(1, &format!("scheme {scheme}"), &format!("{scheme} {good}"), MISSING);
        }
        self.field(1, "no scheme", &good, MISSING);
        for (name, fields) in [
            ("the same field twice", [&*bearer, &*bearer]),
            ("a good field and a bad one", [&*bearer, "Bearer x"]),
            ("a bad field and a good one", ["Bearer x", &*bearer]),
            ("a good field and another scheme", [&*bearer, "Basic Y2Fyb2w6cGFzc3dvcmQ="]),
            ("an empty field and a good one", ["", &*bearer]),
        ] {
            self.push(1, name, &fields, path(), MALFORMED);
        }

        self.field(2, "the scheme in capitals", &format!("BEARER {good}"), ACCEPTED);
        self.field(2, "many spaces", &format!("Bearer    {good}  "), ACCEPTED);
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
            self.field(2, name, &field, INVALID);
        }
        for field in [format!("Bearer{good}"), format!("Bearer:{good}"), format!("Bearer\t{good}")]
        {
            self.field(2, "no space behind the scheme", &field, MISSING);
        }

        let padded = |n: usize| token(OWNER).claim("padding", "p".repeat(n)).sign();
        self.token(3, "6 KiB", padded(4_000), ACCEPTED);
        self.token(3, "9 KiB", padded(6_500), INVALID);
        self.token(3, "64 KiB", padded(48_000), INVALID);
        self.token(3, "300 KiB of dots", ".".repeat(300_000), INVALID);
    }

    /// Rule 4.
    fn encodings(&mut self) {
        let [header, payload_, signature] = &segments();
        let good = format!("{header}.{payload_}.{signature}");
        for (name, token) in [
            ("one segment", header.clone()),
            ("two segments", format!("{header}.{payload_}")),
            ("a stripped signature", format!("{header}.{payload_}.")),
            ("no header", format!(".{payload_}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("a dot behind", format!("{good}.")),
            ("a dot before", format!(".{good}")),
            ("four segments", format!("{good}.{signature}")),
            ("five segments, as a JWE has", format!("{header}..{payload_}.{signature}.{header}")),
            ("dots only", "..".into()),
            ("a padded signature", format!("{good}=")),
            ("a signature of no base64url length", format!("{good}AA")),
            ("a plus sign", format!("{header}.{payload_}.+{}", &signature[1..])),
            ("a slash", format!("{header}.{payload_}./{}", &signature[1..])),
            ("a tilde", format!("{header}.{payload_}.~{}", &signature[1..])),
        ] {
            self.token(4, name, token, INVALID);
        }
        let json = format!(
            r#"{{"payload":"{payload_}","protected":"{header}","signature":"{signature}"}}"#
        );
        self.token(4, "the JSON serialization", &json, INVALID);
        self.token(4, "the JSON serialization, encoded", encode(&json), INVALID);

        // Signed over what is sent, so that only the encoding is wrong.
        let signed = |header: &str, payload: &str| {
            let input = format!("{header}.{payload}");
            format!("{input}.{}", encode(hs256(SECRET.as_bytes(), &input)))
        };
        let spaced = format!("{HEADER}  ");
        assert!(URL_SAFE.encode(&spaced).ends_with('='));
        self.token(4, "a padded header", signed(&URL_SAFE.encode(&spaced), payload_), INVALID);
        let text = payload(&[("x", r#""???>>>""#)]);
        assert!(STANDARD_NO_PAD.encode(&text).contains(['+', '/']));
        let standard = STANDARD_NO_PAD.encode(&text);
        self.token(4, "a payload in the standard alphabet", signed(header, &standard), INVALID);
        let spare = with_spare_bits(&encode(&spaced));
        self.token(4, "spare bits in the header", signed(&spare, payload_), INVALID);
        let spare = format!("{header}.{payload_}.{}", with_spare_bits(signature));
        self.token(4, "spare bits in the signature", spare, INVALID);
        self.token(4, "an encoded header twice", signed(&encode(header), payload_), INVALID);
        self.token(4, "a header that is not encoded", signed("HS256", payload_), INVALID);
    }

    /// Rules 5 and 6.
    fn headers(&mut self) {
        for header in [r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","typ":"application/jwt"}"#] {
            self.header(5, header, ACCEPTED);
        }
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
            self.header(5, header, INVALID);
        }
        let mut bytes = br#"{"alg":"HS256","x":"not-utf-8-"}"#.to_vec();
        let last = bytes.len() - 3;
        bytes[last] = 0xFF;
        self.token(5, "a header that is not UTF-8", sign(bytes, payload(&[])), INVALID);
        let nested = format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(900), "]".repeat(900));
        self.token(5, "a header nested 900 deep", sign(nested, payload(&[])), INVALID);

        for alg in [
            "none", "None", "NONE", "nOnE", " none", "none ", "", "hs256", "Hs256", "HS256 ",
            "HS384", "HS512", "RS256", "ES256", "ES256K", "PS256", "EdDSA", "HMAC", "dir",
        ] {
            let header = json!({ "alg": alg, "typ": "JWT" }).to_string();
            let signed = sign(&header, payload(&[]));
            let input = signed.rsplit_once('.').expect("three segments").0;
            self.token(5, &format!("alg {alg:?} and an HS256 signature"), &signed, INVALID);
            self.token(5, &format!("alg {alg:?} and no signature"), format!("{input}."), INVALID);
        }

        // The attacker's own key, offered in every way a header knows.
        let attacker = Issuer::new(&auth_guard::Secret::random());
        for member in [
            r#""jku":"https://evil.corpus.example/keys.json""#,
            r#""x5u":"https://evil.corpus.example/cert.pem""#,
            r#""x5c":["MIIBszCCAVmgAwIBAgIUcorpus"]"#,
            r#""x5t":"corpus-thumbprint""#,
            r#""jwk":{"kty":"oct","k":"YXR0YWNrZXIta2V5LW9mLXRoZS1jb3JwdXM","alg":"HS256"}"#,
            r#""kid":"../../../../../../dev/null""#,
            r#""kid":"/proc/sys/kernel/randomize_va_space""#,
            r#""kid":"' UNION SELECT 'attacker-key' --""#,
            r#""kid":"| touch /tmp/corpus""#,
            r#""kid":"https://evil.corpus.example/keys.json""#,
            r#""kid":"corpus-kid\r\nX-Injected: yes""#,
        ] {
            let header = format!(r#"{{"alg":"HS256",{member}}}"#);
            self.header(6, &header, ACCEPTED);
            let forged = attacker.sign(&header, payload(&[]));
            self.token(6, &format!("the attacker's key and header {header}"), forged, INVALID);
            let empty = signed_by(b"", &header, &payload(&[]));
            self.token(6, &format!("an empty key and header {header}"), empty, INVALID);
        }
        for kid in ["null", "1", "[\"a\"]", "{}"] {
            self.header(6, &format!(r#"{{"alg":"HS256","kid":{kid}}}"#), INVALID);
        }
    }

    /// Rules 7 to 9.
    fn keys(&mut self) {
        let claims = payload(&[]);
        let input = |alg: &str| {
            let header = json!({ "alg": alg, "typ": "JWT" }).to_string();
            format!("{}.{}", encode(header), encode(&claims))
        };
        let tag = |alg: &str| match alg {
            "HS384" => {
                let mac = Hmac::<Sha384>::new_from_slice(SECRET.as_bytes());
                encode(mac.expect("any length").chain_update(input(alg)).finalize().into_bytes())
            }
            _ => {
                let mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes());
                encode(mac.expect("any length").chain_update(input(alg)).finalize().into_bytes())
            }
        };
        for alg in ["HS384", "HS512"] {
            let name = format!("{alg} with the right secret");
            self.token(7, &name, format!("{}.{}", input(alg), tag(alg)), INVALID);
            let name = format!("the {alg} tag of the right secret below HS256");
            self.token(7, &name, format!("{}.{}", input("HS256"), tag(alg)), INVALID);
        }
        // The text of a public key as an HMAC key: "HS/RS confusion".
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        for key in [pem, pem.trim_end()] {
            let token = signed_by(key.as_bytes(), HEADER, &claims);
            self.token(7, "HS256 keyed with a public key", token, INVALID);
        }

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
            self.token(8, &format!("a secret that is on lists: {key:?}"), token, INVALID);
        }
        for (name, key) in [
            ("the secret and a line end", format!("{SECRET}\n")),
            ("the secret and a space", format!("{SECRET} ")),
            ("the secret in quotes", format!("\"{SECRET}\"")),
            ("the secret in capitals", SECRET.to_uppercase()),
            ("the secret in base64", STANDARD_NO_PAD.encode(SECRET)),
            ("all of the secret but its end", SECRET[..SECRET.len() - 1].to_owned()),
        ] {
            self.token(8, name, signed_by(key.as_bytes(), HEADER, &claims), INVALID);
        }
        let input = input("HS256");
        let good = hs256(SECRET.as_bytes(), &input);
        let mut flipped = good.clone();
        flipped[31] ^= 1;
        for (name, tag) in [
            ("the last bit flipped", flipped),
            ("no bytes", vec![]),
            ("one zero byte", vec![0]),
            ("32 zero bytes", vec![0; 32]),
            ("64 zero bytes", vec![0; 64]),
            ("32 bytes of ones", vec![0xFF; 32]),
            ("31 of its bytes", good[..31].to_vec()),
            ("half of its bytes", good[..16].to_vec()),
            ("its bytes and a zero", [&good[..], &[0]].concat()),
            ("its bytes twice", good.repeat(2)),
            ("its bytes in reverse", good.iter().rev().copied().collect()),
            ("the hash of the input without a key", {
                use sha2::Digest;
                Sha256::digest(&input).to_vec()
            }),
        ] {
            self.token(8, &format!("a tag of {name}"), format!("{input}.{}", encode(tag)), INVALID);
        }

        let [header, payload_, signature] = segments();
        let swapped = format!("{header}.{}.{signature}", encode(payload(&[("uid", "\"admin\"")])));
        self.token(9, "another payload below the signature", swapped, INVALID);
        let swapped =
            format!("{}.{payload_}.{signature}", encode(r#"{"alg":"HS256","typ":"jwt"}"#));
        self.token(9, "another header below the signature", swapped, INVALID);
        let forged = token(OWNER).expired().signed_with(&auth_guard::Secret::random());
        self.token(9, "expired, and forged", forged.sign(), INVALID);
        let swapped = sign(payload(&[]), HEADER);
        self.token(9, "header and payload swapped", swapped, INVALID);
    }

    /// Rule 10.
    fn json(&mut self) {
        let good = payload(&[("role", r#""role-of-the-corpus""#)]);
        let inner = &good[1..good.len() - 1];
        self.token(10, "a claim of the application's own", sign(HEADER, &good), ACCEPTED);
        for (name, text) in [
            ("an empty payload", String::new()),
            ("null", "null".into()),
            ("a string", format!("\"{OWNER}\"")),
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
            ("uid twice", format!(r#"{{{inner},"uid":"{OWNER}"}}"#)),
            ("another uid behind", format!(r#"{{{inner},"uid":"{OTHER}"}}"#)),
            ("another uid before", format!(r#"{{"uid":"{OTHER}",{inner}}}"#)),
            ("uid twice, one escaped", format!(r#"{{{inner},"\u0075id":"{OTHER}"}}"#)),
            ("exp twice", format!(r#"{{{inner},"exp":{}}}"#, NOW + 900)),
            ("aud twice", format!(r#"{{{inner},"aud":"{URL}"}}"#)),
            ("any name twice", format!(r#"{{{inner},"role":"admin-of-the-corpus"}}"#)),
            (
                "nested 127 deep",
                format!(r#"{{{inner},"x":{}{}}}"#, "[".repeat(127), "]".repeat(127)),
            ),
            ("nested 2500 deep", format!(r#"{{{inner},"x":{}"#, "[".repeat(2_500))),
            ("an unpaired surrogate in the uid", payload(&[("uid", r#""\ud800""#), ("sub", "")])),
        ] {
            self.token(10, name, sign(HEADER, text), INVALID);
        }
        let mut bytes = good.clone().into_bytes();
        let role = good.find("role-of").expect("the claim");
        bytes[role] = 0xFF;
        self.token(10, "a payload that is not UTF-8", sign(HEADER, bytes), INVALID);
        for number in ["1e999999999", "-1e400", &"9".repeat(4_000), "-0", "1E-400"] {
            self.claims(10, &[("x", number)], ACCEPTED);
        }
    }

    /// Rules 11 to 13.
    fn times(&mut self) {
        let at = |seconds: i64| (NOW as i64 + seconds).to_string();
        let text = format!("\"{}\"", NOW + 900);
        self.claims(11, &[("exp", "")], INVALID);
        for exp in ["null", "true", "\"\"", &text, "[]", "{}", "1e400", "-1e400"] {
            self.claims(11, &[("exp", exp)], INVALID);
        }
        for exp in ["0", "-1", "-1e300", "1e-300", &at(-5), &at(-60), "1799999995.0"] {
            self.claims(11, &[("exp", exp), ("iat", "")], EXPIRED);
        }
        self.claims(11, &[("exp", &at(-4)), ("iat", "")], ACCEPTED);
        self.claims(11, &[("exp", "1800000009.75")], ACCEPTED);
        for (name, text) in [
            ("uid", ""),
            ("iss", ""),
            ("aud", "\"https://other.corpus.example\""),
            ("sub", "\"somebody-else\""),
            ("nbf", "\"soon\""),
        ] {
            self.claims(11, &[("exp", &at(-60)), ("iat", &at(-960)), (name, text)], INVALID);
        }

        for exp in [
            &*at(3_606),
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775807",
            "9007199254740993",
            "253402300800",
            "1e300",
            "1800000900000",
        ] {
            self.claims(12, &[("exp", exp), ("iat", "")], INVALID);
        }
        for iat in [&*at(-2_701), "0", "-1", "-1e300", "-9223372036854775808"] {
            self.claims(12, &[("iat", iat)], INVALID);
        }

        for name in ["nbf", "iat"] {
            for time in [&*at(6), &*at(600), "1e300", "18446744073709551615", "1800000005.001"] {
                self.claims(13, &[(name, time)], INVALID);
            }
            for time in ["null", "\"\"", "\"1800000000\"", "[]", "{}", "true", "1e400"] {
                self.claims(13, &[(name, time)], INVALID);
            }
            self.claims(13, &[(name, &at(5))], ACCEPTED);
            self.claims(13, &[(name, "1799999999.25")], ACCEPTED);
        }
        self.claims(13, &[("iat", "")], ACCEPTED);
    }

    /// Rule 14.
    fn issuers(&mut self) {
        for name in ["iss", "aud"] {
            self.claims(14, &[(name, "")], INVALID);
            for text in [
                "null",
                "5",
                "\"\"",
                "[]",
                "{}",
                "\"https://auth.corpus.example/\"",
                "\"https://AUTH.corpus.example\"",
                "\"http://auth.corpus.example\"",
                "\"https://auth.corpus.example.evil.example\"",
                "\"https://auth.corpus.exampl\"",
                "\"https://evil.example,https://auth.corpus.example\"",
                "\"better-auth:session-cache\"",
                r#"{"https://auth.corpus.example":true}"#,
            ] {
                self.claims(14, &[(name, text)], INVALID);
            }
        }
        self.claims(14, &[("iss", r#"["https://auth.corpus.example"]"#)], INVALID);
        self.claims(14, &[("aud", r#"["https://auth.corpus.example",5]"#)], INVALID);
        self.claims(14, &[("aud", r#"[["https://auth.corpus.example"]]"#)], INVALID);
        self.claims(14, &[("aud", r#"["other","https://auth.corpus.example"]"#)], ACCEPTED);
    }

    /// Rules 15 and 16.
    fn identities(&mut self) {
        let owner = format!("\"{OWNER}\"");
        self.claims(15, &[("uid", "")], INVALID);
        for other in ["id", "userId", "user_id", "UID", "Uid", "uid ", "username", "email"] {
            self.claims(15, &[("uid", ""), (other, &owner)], INVALID);
        }
        self.claims(15, &[("uid", ""), ("user", &format!(r#"{{"uid":{owner}}}"#))], INVALID);
        for uid in [
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
            r#"["carol-of-the-corpus"]"#,
            r#""carol-of-the-corpus\u0000""#,
        ] {
            self.claims(15, &[("uid", uid), ("sub", "")], INVALID);
        }
        // What the same secret signs at Better Auth for other purposes.
        let [iat, exp] = [NOW.to_string(), (NOW + 900).to_string()];
        for (name, members) in [
            (
                "an e-mail verification",
                r#""email":"carol@corpus.example","userId":"carol-of-the-corpus""#,
            ),
            (
                "a change of e-mail",
                r#""email":"carol@corpus.example","updateTo":"new@corpus.example","requestType":"change-email-confirmation","userId":"carol-of-the-corpus""#,
            ),
            (
                "a cookie cache",
                r#""session":{"userId":"carol-of-the-corpus","token":"session-of-the-corpus"},"user":{"id":"carol-of-the-corpus","uid":"carol-of-the-corpus"},"updatedAt":1800000000000,"version":"1""#,
            ),
        ] {
            let claims = format!(r#"{{{members},"iat":{iat},"exp":{exp}}}"#);
            self.token(15, name, sign(r#"{"alg":"HS256"}"#, claims), INVALID);
        }

        self.claims(16, &[("sub", "")], ACCEPTED);
        self.claims(16, &[("sub", r#""\u0063arol-of-the-corpus""#)], ACCEPTED);
        for sub in [
            r#""mallory-of-the-corpus""#,
            r#""Carol-of-the-corpus""#,
            r#""carol-of-the-corpus ""#,
            "\"\"",
            "null",
            "5",
            r#"["carol-of-the-corpus"]"#,
        ] {
            self.claims(16, &[("sub", sub)], INVALID);
        }
        // A column that a caller may set, spread over the payload.
        self.claims(16, &[("sub", r#""mallory-of-the-corpus""#), ("uid", &owner)], INVALID);
    }

    /// Rule 17.
    fn paths(&mut self) {
        let good = format!("Bearer {}", token(OWNER).sign());
        let others = format!("Bearer {}", token(OTHER).sign());
        self.push(17, "somebody else's token", &[&others], path(), NOT_OWNER);
        for (name, segment) in [
            ("capitals", OWNER.to_uppercase()),
            ("a space behind", format!("{OWNER}%20")),
            ("a NUL behind", format!("{OWNER}%00")),
            ("encoded twice", format!("%2563{}", &OWNER[1..])),
            ("a slash inside", format!("{OWNER}%2F")),
            ("a slash and another user", format!("{OTHER}%2F{OWNER}")),
            ("dots up to somebody else", format!("{OTHER}%2F..%2F{OWNER}")),
            ("a combining accent", format!("{OWNER}%CC%81")),
            ("a letter of another script", OWNER.replace('a', "%D0%B0")),
            ("full-width letters", OWNER.replace('c', "%EF%BD%83")),
            ("a semicolon", format!("{OWNER};x=1")),
            ("a prefix", OWNER[..5].to_owned()),
            ("a comma and another user", format!("{OWNER},{OTHER}")),
            ("a wildcard", "*".into()),
            ("the name of the segment", "%3Cuser_id%3E".into()),
        ] {
            self.push(17, name, &[&good], format!("/api/{segment}/tasks"), NOT_OWNER);
        }
        let encoded = format!("/api/%63{}/tasks", &OWNER[1..]);
        self.push(17, "encoded once", &[&good], encoded, ACCEPTED);
        let twice = format!("/api//{OWNER}/tasks");
        self.push(17, "an empty segment", &[&good], twice.clone(), ACCEPTED);
        self.push(17, "an empty segment, and somebody else", &[&others], twice, NOT_OWNER);
    }
}

/// The same bytes, encoded with a bit set that must not be.
fn with_spare_bits(segment: &str) -> String {
    assert_ne!(segment.len() % 4, 0, "no spare bits in {segment}");
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = segment.as_bytes().to_vec();
    let last = bytes.last_mut().expect("a character");
    let value = alphabet.iter().position(|known| known == last).expect("base64url");
    *last = alphabet[value | 1];
    String::from_utf8(bytes).expect("ASCII")
}
