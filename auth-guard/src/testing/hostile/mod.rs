//! The hostile requests: one list for every application, a file for each group of rules.

mod encoding;
mod fields;
mod header;
mod identity;
mod json;
mod key;
mod kind;
mod times;

use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::error::AuthError;
use crate::testing::issuer::Issuer;
use crate::testing::signer::Signer;
use crate::token::header::TokenType;
use crate::token::profile::Profile;
use crate::verifier::Verifier;

/// A request that must be refused, and the answer that is due.
///
/// It is wrong in what its name says and valid in everything else, so nothing else can
/// be the reason of the refusal.
///
/// [`attack_all`](crate::testing::attack_all) sends the whole list to a Rocket
/// application. Use the list itself for another transport, such as the first message of
/// a WebSocket:
///
/// ```rust
/// use auth_guard::testing::{HostileRequest, Issuer};
/// use auth_guard::{AuthGuard, Secret};
/// use std::time::SystemTime;
///
/// let secret = Secret::random();
/// let guard = AuthGuard::fairing().with_secret(secret.clone());
/// let verifier = guard.verifier(&rocket::Config::figment()).expect("a valid configuration");
///
/// for request in HostileRequest::all(&verifier, &Issuer::new(&secret), "alice") {
///     let [field] = &*request.authorization else { continue };
///     let Some(token) = field.strip_prefix("Bearer ") else { continue };
///     let claims = verifier.verify(token, SystemTime::now());
///     assert!(claims.is_err() || claims.is_ok_and(|claims| claims.is_machine()), "{request:?}");
/// }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct HostileRequest {
    /// The number of the rule that refuses it.
    pub rule: u8,
    /// What is wrong with it.
    pub name: String,
    /// The values of its `Authorization` fields.
    pub authorization: Vec<String>,
    /// An error with the answer that is due. All refused tokens but an expired one have
    /// the same answer.
    pub refusal: AuthError,
}

impl HostileRequest {
    /// Returns the list for an application that verifies with `verifier`, which knows
    /// the key of `issuer`. Each request asks for something of `uid`.
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
        list.identities();
        list.kinds();
        list.requests
    }
}

impl fmt::Debug for HostileRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostileRequest(rule {}: {})", self.rule, self.name)
    }
}

/// The list while it is being made.
struct List<'v> {
    verifier: &'v Verifier,
    issuer: Issuer,
    /// An issuer with another key under the same names.
    attacker: Issuer,
    now: u64,
    /// The `exp` of a valid token.
    exp: u64,
    uid: &'v str,
    requests: Vec<HostileRequest>,
}

/// A header as all are written here: `HS256` stands for the algorithm of the key.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

const INVALID: AuthError = AuthError::MalformedToken;

impl List<'_> {
    fn push(&mut self, rule: u8, name: &str, fields: &[&str], refusal: AuthError) {
        let authorization = fields.iter().map(|field| (*field).to_owned()).collect();
        self.requests.push(HostileRequest { rule, name: name.to_owned(), authorization, refusal });
    }

    /// Adds a bearer token that is not valid.
    fn token(&mut self, rule: u8, name: &str, token: impl AsRef<str>) {
        self.push(rule, name, &[&format!("Bearer {}", token.as_ref())], INVALID);
    }

    /// Adds a token with this header and valid claims.
    fn header(&mut self, rule: u8, written: &str) {
        let header = &self.header_of(written);
        let token = self.issuer.sign(header, self.payload(&[]));
        self.token(rule, &format!("header {header}"), token);
    }

    /// Adds a token with these members instead of those of a valid one.
    fn claims(&mut self, rule: u8, changes: &[(&str, &str)]) {
        self.claims_refused(rule, changes, INVALID);
    }

    fn claims_refused(&mut self, rule: u8, changes: &[(&str, &str)], refusal: AuthError) {
        let name = changes.iter().map(|(name, text)| match *text {
            "" => format!("no {name}"),
            text => format!("{name}: {text:.60}"),
        });
        let name = name.collect::<Vec<_>>().join(", ");
        let token = self.issuer.sign(self.header_of(HEADER), self.payload(changes));
        self.push(rule, &name, &[&format!("Bearer {token}")], refusal);
    }

    /// Returns a header with the algorithm of the key, with its id unless the header has a
    /// `kid` already, and with the `typ` that the application asks for in place of `JWT`.
    fn header_of(&self, written: &str) -> String {
        let (alg, kid) = self.issuer.names();
        let typ = format!("\"typ\":{}", json!(self.typ()));
        let named = written.replace("HS256", alg).replace(r#""typ":"JWT""#, &typ);
        let mut added = String::new();
        if let Some(kid) = kid.filter(|_| !named.contains("\"kid\"")) {
            added += &format!(",\"kid\":{}", json!(kid));
        }
        if self.profile().token_type == TokenType::AccessToken && !named.contains("\"typ\"") {
            added += &format!(",{typ}");
        }
        let alg = format!("\"alg\":{}", json!(alg));
        named.replacen(&alg, &format!("{alg}{added}"), 1)
    }

    /// Returns a header with the id of the key, and any algorithm.
    fn header_with(&self, alg: &str) -> String {
        let mut header = json!({ "alg": alg, "typ": self.typ() });
        self.issuer.names().1.iter().for_each(|kid| header["kid"] = json!(kid));
        header.to_string()
    }

    /// Returns a header for HS256 without an id.
    fn hs256(&self) -> String {
        json!({ "alg": "HS256", "typ": self.typ() }).to_string()
    }

    fn typ(&self) -> &'static str {
        match self.profile().token_type {
            TokenType::Jwt => "JWT",
            TokenType::AccessToken => "at+jwt",
        }
    }

    fn profile(&self) -> &Profile {
        self.verifier.profile()
    }

    /// Returns `true` if a token without this claim is refused for that alone.
    fn is_required(&self, name: &str) -> bool {
        let profile = self.profile();
        let is_of_type = profile.token_type == TokenType::AccessToken
            && ["sub", "iat", "jti", "client_id"].contains(&name);
        is_of_type || profile.required_claims.iter().any(|required| required == name)
    }

    /// Returns the payload of a valid token, with these members (as JSON text) instead
    /// of its own; an empty text omits one.
    fn payload(&self, changes: &[(&str, &str)]) -> String {
        let valid = self.issuer.token(self.uid).claim("exp", self.exp);
        let members = valid.claims().map(|(name, value)| (name, value.to_string()));
        let mut members: Vec<_> = members.collect();
        for (name, text) in changes {
            members.retain(|(known, _)| known != name);
            members.push((*name, (*text).to_owned()));
        }
        let members = members.iter().filter(|(_, text)| !text.is_empty());
        let members: Vec<_> =
            members.map(|(name, text)| format!("{}:{text}", json!(name))).collect();
        format!("{{{}}}", members.join(","))
    }

    /// Returns the three segments of a valid token.
    fn segments(&self) -> [String; 3] {
        let token = self.issuer.sign(self.header_of(HEADER), self.payload(&[]));
        let mut segments = token.split('.').map(str::to_owned);
        std::array::from_fn(|_| segments.next().unwrap_or_default())
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs with HS256 and a key of any bytes.
fn signed_by(key: &[u8], header: &str, payload: &str) -> String {
    Signer::of_bytes(key).sign_token(header.as_bytes(), payload.as_bytes())
}
