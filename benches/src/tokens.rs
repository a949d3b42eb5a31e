//! Tokens as Better Auth signs them, and hostile tokens of the same length.

use std::time::SystemTime;

use auth_guard::{AuthGuard, Secret, Verifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rocket::figment::Figment;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The secret that every contender shares with the issuer.
pub const SECRET: &str = "a secret of the benchmarks, 32 bytes and more";

/// The `iss` and the `aud` of the tokens.
pub const ORIGIN: &str = "https://auth.example.com";

/// The user of the tokens.
pub const UID: &str = "m0Xk9cTz1vYw7LbQe4RsUd8NfHa2GpJi";

/// The header that Better Auth writes.
pub const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// The length in bytes of the token in most rows.
pub const USUAL: usize = 324;

/// The lengths that show how the cost grows.
pub const LENGTHS: [usize; 4] = [USUAL, 1024, 4096, 8192];

/// The seven claims of a token, as an application reads them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Issued at.
    pub iat: u64,
    /// Padding, in a column of the user table.
    pub name: String,
    /// The user id that paths are compared with.
    pub uid: String,
    /// The user id again, as Better Auth writes it.
    pub sub: String,
    /// Expires at.
    pub exp: u64,
    /// [`ORIGIN`].
    pub iss: String,
    /// [`ORIGIN`].
    pub aud: String,
}

impl Claims {
    /// Creates claims that are valid for 15 minutes.
    pub fn new(name: String) -> Self {
        let iat = now();
        let exp = iat + 900;
        Self {
            iat,
            name,
            uid: UID.into(),
            sub: UID.into(),
            exp,
            iss: ORIGIN.into(),
            aud: ORIGIN.into(),
        }
    }
}

/// Returns the verifier that the guards use, configured for these tokens.
pub fn verifier() -> Verifier {
    guard().verifier(&figment()).expect("a valid configuration")
}

/// Returns the fairing, configured for these tokens.
pub fn guard() -> AuthGuard {
    AuthGuard::fairing().with_secret(Secret::new(SECRET).expect("a valid secret"))
}

/// Returns the configuration of a silent application whose issuer is [`ORIGIN`].
pub fn figment() -> Figment {
    let config = rocket::Config { log_level: rocket::config::LogLevel::Off, ..Default::default() };
    let table = rocket::figment::util::map!["issuer" => ORIGIN, "audience" => ORIGIN];
    Figment::from(config).merge(("auth_guard", table))
}

/// Returns the seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

/// Returns a valid token of this length, or one byte shorter if base64url skips it.
pub fn valid(length: usize) -> String {
    of_length(length, |padding| {
        sign(HEADER, &serde_json::to_string(&Claims::new("n".repeat(padding))).expect("JSON"))
    })
}

/// Returns distinct valid tokens of the usual length.
pub fn different(count: usize) -> Vec<String> {
    let padding = Claims::new(String::new());
    let token = |name: String| {
        sign(HEADER, &serde_json::to_string(&Claims { name, ..padding.clone() }).expect("JSON"))
    };
    let width = (0..).find(|width| token("n".repeat(*width)).len() >= USUAL - 1).expect("a width");
    (0..count).map(|number| token(format!("{number:0width$}"))).collect()
}

/// Returns the token with one byte of its signature changed.
pub fn badly_signed(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{other}{}", &signature[1..])
}

/// Returns a token that expired a minute ago.
pub fn expired() -> String {
    of_length(USUAL, |padding| {
        let claims = Claims::new("n".repeat(padding));
        let claims = Claims { iat: claims.iat - 960, exp: claims.iat - 60, ..claims };
        sign(HEADER, &serde_json::to_string(&claims).expect("JSON"))
    })
}

/// Returns the most expensive tokens of this length, signed and unsigned, each with a
/// description.
pub fn hostile(length: usize) -> Vec<(&'static str, String)> {
    let claims = |member: &dyn Fn(usize) -> String| {
        of_length(length, |padding| {
            let claims = serde_json::to_string(&Claims::new(String::new())).expect("JSON");
            sign(HEADER, &claims.replacen('{', &format!("{{{},", member(padding)), 1))
        })
    };
    let header = |member: &dyn Fn(usize) -> String| {
        of_length(length, |padding| {
            let claims = serde_json::to_string(&Claims::new(String::new())).expect("JSON");
            sign(&format!(r#"{{"alg":"HS256",{}}}"#, member(padding)), &claims)
        })
    };
    let names = |count: usize| {
        (0..count / 7).map(|n| format!(r#""{n:x}":0"#)).collect::<Vec<_>>().join(",")
    };
    let long_names = |count: usize| {
        (0..count / 19).map(|n| format!(r#""namesake{n:04x}":0"#)).collect::<Vec<_>>().join(",")
    };
    let escaped = |count: usize| {
        (0..count / 12).map(|n| format!(r#""\u{n:04x}":0"#)).collect::<Vec<_>>().join(",")
    };

    vec![
        ("not signed, and not base64 either", ["~".repeat(length - 2), "..".into()].concat()),
        ("dots only", ".".repeat(length)),
        ("header: long `kid`", header(&|n| format!(r#""kid":"{}""#, "k".repeat(n)))),
        (
            "header: `kid` of escapes",
            header(&|n| format!(r#""kid":"{}""#, r"\u0041".repeat(n / 6))),
        ),
        (
            "header: long `kid`, as many escapes as it may have",
            header(&|n| format!(r#""kid":"{}{}""#, r"\u0041".repeat(250), "k".repeat(n))),
        ),
        ("header: text of escapes", header(&|n| format!(r#""x":"{}""#, r"\n".repeat(n / 2)))),
        ("header: many names", header(&|n| format!(r#""x":0,{}"#, names(n)))),
        (
            "header: 63 long names",
            header(&|n| {
                let name = |i| format!(r#""{}{i:02}":0"#, "x".repeat(n / 63));
                (0..63).map(name).collect::<Vec<_>>().join(",")
            }),
        ),
        ("header: deep nesting", header(&|n| format!(r#""x":{}0"#, "[".repeat(n)))),
        ("header: wide nesting", header(&|n| format!(r#""x":[{}0]"#, "[],".repeat(n / 3)))),
        ("header: long list", header(&|n| format!(r#""x":[{}0]"#, "0,".repeat(n / 2)))),
        ("header: white space", header(&|n| format!(r#""x":{}0"#, " ".repeat(n)))),
        ("deep nesting", claims(&|n| format!(r#""x":{}{}"#, "[".repeat(n / 2), "]".repeat(n / 2)))),
        (
            "deep nesting of objects",
            claims(&|n| format!(r#""x":{}0{}"#, r#"{"":"#.repeat(n / 6), "}".repeat(n / 6))),
        ),
        ("wide nesting", claims(&|n| format!(r#""x":[{}0]"#, "[],".repeat(n / 3)))),
        ("many names", claims(&|n| format!(r#""x":0,{}"#, names(n)))),
        ("many names that begin alike", claims(&|n| format!(r#""x":0,{}"#, long_names(n)))),
        ("many escaped names", claims(&|n| format!(r#""x":0,{}"#, escaped(n)))),
        ("one name twice, at the end", claims(&|n| format!(r#""x":0,{},"uid":0"#, names(n)))),
        ("long number", claims(&|n| format!(r#""nbf":0.{}"#, "9".repeat(n)))),
        ("long exponent", claims(&|n| format!(r#""nbf":1e-{}"#, "9".repeat(n)))),
        ("long integer", claims(&|n| format!(r#""nbf":{}"#, "9".repeat(n + 1)))),
        ("text of escapes", claims(&|n| format!(r#""x":"{}""#, r"\n".repeat(n / 2)))),
        ("white space", claims(&|n| format!(r#""x":{}0"#, " ".repeat(n)))),
    ]
}

/// Returns two tokens of this length for public keys, one with an unknown `kid`, the other
/// with an unknown `alg` and otherwise the same header.
pub fn unknown(length: usize) -> [String; 2] {
    ["EdDSA", "EdXSA"].map(|alg| {
        of_length(length, |padding| {
            sign(&format!(r#"{{"alg":"{alg}","kid":"{}"}}"#, "k".repeat(padding)), "{}")
        })
    })
}

/// Returns the longest token up to this length that `build` makes, given some padding.
fn of_length(length: usize, build: impl Fn(usize) -> String) -> String {
    let fits = |padding: &usize| build(*padding).len() <= length;
    let (mut low, mut high) = (0, length);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if fits(&middle) { low = middle } else { high = middle }
    }
    build(low)
}

/// Returns the signed compact serialization (RFC 7515 section 7.1).
pub fn sign(header: &str, payload: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    let tag = key.chain_update(&input).finalize().into_bytes();
    format!("{input}.{}", encode(&tag))
}
