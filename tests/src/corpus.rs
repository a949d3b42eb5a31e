//! One corpus of hostile requests, for every suite that wants one: what is sent,
//! and the answer it must get. It is the list of the test kit, which every
//! application can be challenged with, and beside it what only we can know: the
//! limits to the second, the secret misspelt, and what is accepted.
//!
//! It is aimed at [`crate::app`] configured by [`settings`], where [`OWNER`]'s
//! tasks are at [`path()`]. Everything is signed with [`SECRET`] unless the name
//! says otherwise, so that only what the name says can be wrong.

use auth_guard::AuthGuard;
use auth_guard::testing::{Algorithm, Clock, HostileRequest, Issuer, Token};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rocket::local::blocking::Client;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::{Answer, NOW, SECRET, app, app_with, figment, get_with, guard, issuer, launch, now};

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

/// A client of the same application with a public key of this algorithm and no secret,
/// and the hostile requests that the kit makes for that, with two that are not.
pub fn with_public_key(algorithm: Algorithm) -> (Client, Vec<Case>) {
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let issuer = Issuer::with_key_pair(algorithm, KEY_ID);
    let client = launch(issuer.trusted_by(app_with(guard, &settings())));
    let issuer = Issuer::of(client.rocket()).expect("the one that is trusted");
    let verifier = client.rocket().state().expect("the guard is attached");
    let hostile = HostileRequest::all(verifier, &issuer, OWNER);
    let mut corpus = Corpus(hostile.into_iter().map(Case::from).collect());
    let good = format!("Bearer {}", issuer.token(OWNER).sign());
    corpus.field(1, "nothing is wrong", &good, ACCEPTED);
    let others = format!("Bearer {}", issuer.token(OTHER).sign());
    corpus.push(17, "somebody else's token", &[&others], path(), NOT_OWNER);
    (client, corpus.0)
}

/// The id of that key. Short: the log may have it.
pub const KEY_ID: &str = "key-1";

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
    let verifier = guard().verifier(&figment(&settings())).expect("a good configuration");
    let hostile = HostileRequest::all(&verifier, &issuer(), OWNER);
    let mut corpus = Corpus(hostile.into_iter().map(Case::from).collect());
    corpus.accepted();
    corpus.keys();
    corpus.limits();
    corpus.paths();
    corpus.0.sort_by_key(|case| case.rule);
    corpus.0
}

impl From<HostileRequest> for Case {
    fn from(request: HostileRequest) -> Self {
        let HostileRequest { rule, name, authorization, refusal, .. } = request;
        let (status, code) = (refusal.status(), refusal.code());
        Self { rule, name, path: path(), authorization, status, code }
    }
}

const INVALID: &str = "token_invalid";
const EXPIRED: &str = "token_expired";
const NOT_OWNER: &str = "not_owner";
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

fn signed_by(key: &[u8], input: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    format!("{input}.{}", encode(mac.chain_update(input).finalize().into_bytes()))
}

struct Corpus(Vec<Case>);

impl Corpus {
    fn push(&mut self, rule: u8, name: &str, fields: &[&str], path: String, code: &'static str) {
        let status = match code {
            ACCEPTED => 200,
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

    /// A token with these members instead of a good one's.
    fn claims(&mut self, rule: u8, changes: &[(&str, &str)], code: &'static str) {
        let name = changes.iter().map(|(name, text)| match *text {
            "" => format!("no {name}"),
            text => format!("{name}: {:.60}", text),
        });
        let name = name.collect::<Vec<_>>().join(", ");
        self.token(rule, &name, sign(HEADER, payload(changes)), code);
    }

    /// What is not wrong, however it looks.
    fn accepted(&mut self) {
        let good = token(OWNER).sign();
        self.field(1, "nothing is wrong", &format!("Bearer {good}"), ACCEPTED);
        self.field(2, "the scheme in capitals", &format!("BEARER {good}"), ACCEPTED);
        self.field(2, "many spaces", &format!("Bearer    {good}  "), ACCEPTED);
        let padded = token(OWNER).claim("padding", "p".repeat(4_000)).sign();
        self.token(3, "6 KiB", padded, ACCEPTED);
        for header in [r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","typ":"application/jwt"}"#] {
            self.token(5, &format!("header {header}"), sign(header, payload(&[])), ACCEPTED);
        }
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
            self.token(6, &format!("header {header}"), sign(&header, payload(&[])), ACCEPTED);
        }

        self.claims(10, &[("role", r#""role-of-the-corpus""#)], ACCEPTED);
        for number in ["1e999999999", "-1e400", &"9".repeat(4_000), "-0", "1E-400"] {
            self.claims(10, &[("x", number)], ACCEPTED);
        }
        self.claims(14, &[("aud", r#"["other","https://auth.corpus.example"]"#)], ACCEPTED);
        self.claims(16, &[("sub", "")], ACCEPTED);
        self.claims(16, &[("sub", r#""\u0063arol-of-the-corpus""#)], ACCEPTED);
    }

    /// Rules 7 and 8, as far as they take the secret.
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
        for (name, key) in [
            ("the secret and a line end", format!("{SECRET}\n")),
            ("the secret and a space", format!("{SECRET} ")),
            ("the secret in quotes", format!("\"{SECRET}\"")),
            ("the secret in capitals", SECRET.to_uppercase()),
            ("the secret in base64", STANDARD_NO_PAD.encode(SECRET)),
            ("all of the secret but its end", SECRET[..SECRET.len() - 1].to_owned()),
        ] {
            self.token(8, name, signed_by(key.as_bytes(), &input("HS256")), INVALID);
        }
    }

    /// Rules 11 to 14, to the second and the letter.
    fn limits(&mut self) {
        let at = |seconds: i64| (NOW as i64 + seconds).to_string();
        for exp in ["1799999995.0", &at(-5), &at(-60)] {
            self.claims(11, &[("exp", exp), ("iat", "")], EXPIRED);
        }
        self.claims(11, &[("exp", &at(-4)), ("iat", "")], ACCEPTED);
        self.claims(11, &[("exp", "1800000009.75")], ACCEPTED);
        for (name, text) in [
            ("iss", ""),
            ("aud", "\"https://other.corpus.example\""),
            ("sub", "\"mallory-of-the-corpus\""),
        ] {
            self.claims(11, &[("exp", &at(-60)), ("iat", &at(-960)), (name, text)], INVALID);
        }
        self.claims(12, &[("exp", &at(3_606)), ("iat", "")], INVALID);
        self.claims(12, &[("iat", &at(-2_701))], INVALID);
        for name in ["nbf", "iat"] {
            for time in [&*at(6), "1800000005.001"] {
                self.claims(13, &[(name, time)], INVALID);
            }
            self.claims(13, &[(name, &at(5))], ACCEPTED);
            self.claims(13, &[(name, "1799999999.25")], ACCEPTED);
        }
        self.claims(13, &[("iat", "")], ACCEPTED);
        for name in ["iss", "aud"] {
            for text in ["\"https://AUTH.corpus.example\"", "\"http://auth.corpus.example\""] {
                self.claims(14, &[(name, text)], INVALID);
            }
        }
        // A column that a caller may set, spread over the payload.
        self.claims(16, &[("sub", r#""mallory-of-the-corpus""#)], INVALID);
        self.claims(16, &[("sub", r#""Carol-of-the-corpus""#)], INVALID);
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
