//! The corpus of hostile requests that all suites share: each request with the answer it
//! must get. It is the test kit's list, which fits any application, plus what only these
//! tests can know: limits to the second, near misses of the secret, and requests that are
//! accepted.
//!
//! It targets [`crate::app`] with [`settings`], where [`OWNER`]'s tasks are at [`path()`].
//! Everything is signed with [`SECRET`] unless its name says otherwise, so only what the
//! name says can be wrong.

use auth_guard::AuthGuard;
use auth_guard::testing::{Algorithm, Clock, HostileRequest, Issuer, Token};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rocket::local::blocking::Client;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::{Answer, NOW, SECRET, app, app_with, figment, get_with, guard, issuer, launch, now};

/// The owner of the requested path. The name is long, so that a search finds any leak.
pub const OWNER: &str = "carol-of-the-corpus";

/// Another user.
pub const OTHER: &str = "mallory-of-the-corpus";

/// The origin that is required as issuer and audience.
pub const URL: &str = "https://auth.corpus.example";

/// A request and the answer it must get.
#[derive(Clone, Debug)]
pub struct Case {
    /// The rule of the verification profile that decides.
    pub rule: u8,
    /// What is wrong with the request.
    pub name: String,
    /// The requested path.
    pub path: String,
    /// The values of its `Authorization` fields.
    pub authorization: Vec<String>,
    /// The status of the answer.
    pub status: u16,
    /// The `code` in the body of the answer, or empty if the request is accepted.
    pub code: &'static str,
}

/// Returns the settings of the application that the corpus targets.
pub fn settings() -> Value {
    json!({ "url": URL })
}

/// Launches that application.
pub fn client() -> Client {
    launch(app(&settings()))
}

/// Launches that application with a public key of this algorithm and no secret. Also
/// returns the kit's hostile requests for it, a valid request, and one of another user's.
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
    corpus.push(17, "another user's token", &[&others], path(), NOT_OWNER);
    (client, corpus.0)
}

/// The id of that key. Short enough for [`Case::hidden`] to skip it: the log may contain it.
pub const KEY_ID: &str = "key-1";

/// Returns the path of [`OWNER`]'s tasks.
pub fn path() -> String {
    format!("/api/{OWNER}/tasks")
}

/// Returns a valid token of this user.
pub fn token(uid: &str) -> Token {
    issuer().with_issuer(URL).with_audience(URL).token(uid)
}

impl Case {
    /// Sends the request.
    pub fn get(&self, client: &Client) -> Answer {
        get_with(client, &self.path, &self.fields())
    }

    /// Borrows the values of its `Authorization` fields.
    pub fn fields(&self) -> Vec<&str> {
        self.authorization.iter().map(String::as_str).collect()
    }

    /// Returns `true` if the request must be refused.
    pub fn is_refused(&self) -> bool {
        self.status != 200
    }

    /// Returns everything in it that must never be printed: tokens, their segments, and the
    /// values in headers and payloads that are long enough to be recognized.
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
        // Short texts occur anywhere: `JWT`, `alg`, `Bearer`.
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

/// Returns all requests, in the order of the rules. A few of them are accepted, which
/// shows that their neighbours are refused for what their names say.
pub fn cases() -> Vec<Case> {
    let verifier = guard().verifier(&figment(&settings())).expect("a valid configuration");
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

/// Returns the payload of a valid token with some members replaced by JSON text. An empty
/// text removes the member.
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

/// Signs any header and payload with HS256.
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

    /// Adds a request with this `Authorization` field.
    fn field(&mut self, rule: u8, name: &str, field: &str, code: &'static str) {
        self.push(rule, name, &[field], path(), code);
    }

    /// Adds a request with this bearer token.
    fn token(&mut self, rule: u8, name: &str, token: impl AsRef<str>, code: &'static str) {
        self.field(rule, name, &format!("Bearer {}", token.as_ref()), code);
    }

    /// Adds a request with a valid token in which these members are replaced.
    fn claims(&mut self, rule: u8, changes: &[(&str, &str)], code: &'static str) {
        let name = changes.iter().map(|(name, text)| match *text {
            "" => format!("no {name}"),
            text => format!("{name}: {:.60}", text),
        });
        let name = name.collect::<Vec<_>>().join(", ");
        self.token(rule, &name, sign(HEADER, payload(changes)), code);
    }

    /// Adds unusual requests that are accepted.
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

    /// Adds violations of rules 7 and 8 that take the secret to make.
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
            let name = format!("the {alg} tag of the right secret, labelled HS256");
            self.token(7, &name, format!("{}.{}", input("HS256"), tag(alg)), INVALID);
        }
        for (name, key) in [
            ("the secret with a line feed", format!("{SECRET}\n")),
            ("the secret with a space", format!("{SECRET} ")),
            ("the secret in quotes", format!("\"{SECRET}\"")),
            ("the secret in capitals", SECRET.to_uppercase()),
            ("the secret in base64", STANDARD_NO_PAD.encode(SECRET)),
            ("the secret without its last character", SECRET[..SECRET.len() - 1].to_owned()),
        ] {
            self.token(8, name, signed_by(key.as_bytes(), &input("HS256")), INVALID);
        }
    }

    /// Adds the limits of rules 11 to 14, to the second and the letter, and of rule 16.
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
        // A user who can edit a column that the issuer copies into the payload.
        self.claims(16, &[("sub", r#""mallory-of-the-corpus""#)], INVALID);
        self.claims(16, &[("sub", r#""Carol-of-the-corpus""#)], INVALID);
    }

    /// Adds paths that rule 17 compares with the token.
    fn paths(&mut self) {
        let good = format!("Bearer {}", token(OWNER).sign());
        let others = format!("Bearer {}", token(OTHER).sign());
        self.push(17, "another user's token", &[&others], path(), NOT_OWNER);
        for (name, segment) in [
            ("capitals", OWNER.to_uppercase()),
            ("a trailing space", format!("{OWNER}%20")),
            ("a trailing NUL", format!("{OWNER}%00")),
            ("encoded twice", format!("%2563{}", &OWNER[1..])),
            ("a slash inside", format!("{OWNER}%2F")),
            ("a slash and another user", format!("{OTHER}%2F{OWNER}")),
            ("dots up from another user", format!("{OTHER}%2F..%2F{OWNER}")),
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
        self.push(17, "an empty segment, and another user's token", &[&others], twice, NOT_OWNER);
    }
}
