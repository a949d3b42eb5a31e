//! Generates requests that are nearly valid: a valid token with something changed. Entirely
//! random input is refused at the first check and shows little.

use auth_guard_tests::NOW;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::string::string_regex;

use crate::hmac;
use crate::model::{Required, Settings};

/// The issuer whose tokens the requests imitate.
pub(crate) struct Signer<'s> {
    pub(crate) algorithm: &'s str,
    pub(crate) id: Option<&'s str>,
    pub(crate) sign: &'s dyn Fn(&[u8]) -> Vec<u8>,
    /// What an attacker may try as the secret, such as the public key.
    pub(crate) known: &'s [u8],
}

/// The `Authorization` fields of one request, before the server's settings fill in the
/// rest.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    header: Document,
    claims: Document,
    form: Form,
    others: Vec<&'static str>,
}

/// A JSON text, or other bytes in its place.
#[derive(Clone, Debug)]
enum Document {
    /// The valid document with these changes.
    Edited(Vec<Edit>, Layout),
    /// The valid document with these changes, and then one byte overwritten.
    Mangled(Vec<Edit>, Index, u8),
    Json(String),
    Bytes(Vec<u8>),
}

/// A change to the members of an object.
#[derive(Clone, Debug)]
enum Edit {
    /// Sets a claim to a time: a limit, moved by milliseconds or nanoseconds.
    Time(&'static str, Limit, i64, Style),
    /// Sets a member to a JSON text.
    Set(Name, String),
    /// Sets a member to a value from the server's settings.
    Ours(Name, &'static str),
    /// Sets a required claim to something with one of the values that it may have.
    Required(Index, &'static str),
    Remove(Name),
    /// Repeats a member, possibly with its first character escaped.
    Again(Name, bool),
    /// Adds an unknown member, nested this deep.
    Nest(usize, bool),
    /// Adds an unknown member of this length.
    Pad(usize),
    /// Adds an unknown member with this many of a mark: an escape, or a bracket in a text.
    Marks(&'static str, usize),
}

#[derive(Clone, Debug)]
enum Name {
    Uid,
    Other(&'static str),
}

/// Moments at which the answer changes.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Epoch,
    Now,
    Expired,
    Future,
    TooLong,
    TooLongAgo,
    Expiry,
}

/// The notation of a number.
#[derive(Clone, Copy, Debug)]
enum Style {
    Shortest,
    Zeros,
    Exponent,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Compact,
    Spaced,
    Reversed,
}

/// How a token is placed into a field.
#[derive(Clone, Debug)]
enum Form {
    Bearer,
    /// Between these two texts.
    Around(&'static str, &'static str),
    /// Signed by HS256 with the attacker's secret.
    WrongKey,
    /// With a character overwritten.
    Tampered(Index, char),
    Truncated(Index),
    /// With one segment replaced.
    Segment(usize, String),
    /// With a segment's last character changed, perhaps only in its spare bits.
    SpareBits(usize),
    /// Correctly signed, but encoded in the standard alphabet.
    Standard,
    Unsigned,
    /// This text instead of a token.
    Text(String),
    None,
}

impl Fields {
    /// Returns the values of the fields for a server at `now`, in nanoseconds.
    pub(crate) fn render(
        &self,
        settings: &Settings,
        signer: &Signer<'_>,
        now: i128,
    ) -> Vec<String> {
        let header = self.header.render(settings, now, || good_header(settings, signer));
        let claims = self.claims.render(settings, now, || good_claims(settings, now));
        let field = self.form.render(&header, &claims, signer);
        field.into_iter().chain(self.others.iter().map(|other| (*other).to_owned())).collect()
    }
}

fn good_header(settings: &Settings, signer: &Signer<'_>) -> Vec<(String, String)> {
    let typ = if settings.at_jwt { "\"at+jwt\"" } else { "\"JWT\"" };
    let mut header = vec![member("alg", &quoted(signer.algorithm)), member("typ", typ)];
    header.extend(signer.id.iter().map(|id| member("kid", &quoted(id))));
    header
}

fn good_claims(settings: &Settings, now: i128) -> Vec<(String, String)> {
    let second = now.div_euclid(1_000_000_000);
    let life = i128::from(settings.max_lifetime).min(900);
    let mut claims = vec![
        member("iat", &second.to_string()),
        member("exp", &(second + life).to_string()),
        member(&settings.uid_claim, "\"alice\""),
    ];
    if settings.uid_claim != "sub" {
        claims.push(member("sub", "\"alice\""));
    }
    claims.extend(settings.issuer.iter().map(|iss| member("iss", &quoted(iss))));
    let audience = settings.audience.last();
    claims.extend(audience.map(|aud| member(&settings.audience_claim, &quoted(aud))));
    claims.extend(settings.require.iter().map(|(name, values)| member(name, &json_of(&values[0]))));
    let of_type = ["jti", "client_id"].into_iter().filter(|_| settings.at_jwt);
    for name in settings.required_claims.iter().map(String::as_str).chain(of_type) {
        if !claims.iter().any(|(known, _)| *known == quoted(name)) {
            claims.push(member(name, "\"any\""));
        }
    }
    claims
}

fn json_of(value: &Required) -> String {
    match value {
        Required::Text(text) => quoted(text),
        Required::Flag(flag) => flag.to_string(),
        Required::Integer(integer) => integer.to_string(),
    }
}

fn member(name: &str, value: &str) -> (String, String) {
    (quoted(name), value.to_owned())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Document {
    fn render(
        &self,
        settings: &Settings,
        now: i128,
        good: impl Fn() -> Vec<(String, String)>,
    ) -> Vec<u8> {
        let edited = |edits: &[Edit]| {
            let mut members = good();
            edits.iter().for_each(|edit| edit.apply(&mut members, settings, now));
            members
        };
        match self {
            Self::Edited(edits, layout) => layout.text(edited(edits)).into_bytes(),
            Self::Mangled(edits, index, byte) => {
                let mut text = Layout::Compact.text(edited(edits)).into_bytes();
                let index = index.index(text.len());
                text[index] = *byte;
                text
            }
            Self::Json(text) => text.clone().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Layout {
    fn text(self, mut members: Vec<(String, String)>) -> String {
        let (colon, comma, edge) = match self {
            Self::Compact | Self::Reversed => (":", ",", ""),
            Self::Spaced => (" :\t", "\r\n, ", " "),
        };
        if let Self::Reversed = self {
            members.reverse();
        }
        let members: Vec<_> =
            members.into_iter().map(|(name, value)| name + colon + &value).collect();
        format!("{edge}{{{edge}{}{edge}}}{edge}", members.join(comma))
    }
}

impl Edit {
    fn apply(&self, members: &mut Vec<(String, String)>, settings: &Settings, now: i128) {
        let set = |members: &mut Vec<(String, String)>, name: &str, value: String| {
            let name = quoted(name);
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => members.push((name, value)),
            }
        };
        match self {
            Self::Time(name, limit, by, style) => {
                set(members, name, style.text(limit.at(settings, now) + i128::from(*by)));
            }
            Self::Set(name, value) => set(members, name.of(settings), value.clone()),
            Self::Required(index, pattern) => {
                let Some((name, values)) = settings.require.first() else { return };
                let value = pattern.replace("ONE", &json_of(index.get(values)));
                set(members, name, value);
            }
            Self::Ours(name, pattern) => {
                let issuer = settings.issuer.as_deref().unwrap_or("https://any.example");
                let audience = settings.audience.first().map_or("any", |aud| aud);
                let value = pattern.replace("ISS", issuer).replace("AUD", audience);
                set(members, name.of(settings), value);
            }
            Self::Remove(name) => {
                let name = quoted(name.of(settings));
                members.retain(|(known, _)| *known != name);
            }
            Self::Again(name, escaped) => {
                let name = name.of(settings);
                let value = members.iter().find(|(known, _)| *known == quoted(name));
                let value = value.map_or("1".into(), |(_, value)| value.clone());
                let name = match escaped {
                    true => format!("\"\\u{:04x}{}\"", name.as_bytes()[0], &name[1..]),
                    false => quoted(name),
                };
                members.push((name, value));
            }
            Self::Nest(depth, objects) => {
                let (open, close) = if *objects { ("{\"a\":", "}") } else { ("[", "]") };
                let value = format!("{}1{}", open.repeat(*depth), close.repeat(*depth));
                members.push(member("nest", &value));
            }
            Self::Marks(mark, number) => {
                members.push(member("marks", &format!("\"{}\"", mark.repeat(*number))));
            }
            Self::Pad(length) => members.push(member("pad", &quoted(&"x".repeat(*length)))),
        }
    }
}

impl Name {
    fn of<'a>(&'a self, settings: &'a Settings) -> &'a str {
        match self {
            Self::Uid => &settings.uid_claim,
            Self::Other(name) => name,
        }
    }
}

impl Limit {
    fn at(self, settings: &Settings, now: i128) -> i128 {
        let second = 1_000_000_000;
        let leeway = i128::from(settings.leeway) * second;
        let longest = i128::from(settings.max_lifetime) * second;
        match self {
            Self::Epoch => 0,
            Self::Now => now,
            Self::Expired => now - leeway,
            Self::Future => now + leeway,
            Self::TooLong => now + leeway + longest,
            Self::TooLongAgo => now + longest.min(900 * second) - longest,
            Self::Expiry => now + longest.min(900 * second),
        }
    }
}

impl Style {
    fn text(self, nanoseconds: i128) -> String {
        let sign = if nanoseconds < 0 { "-" } else { "" };
        let digits = format!("{:010}", nanoseconds.abs());
        let (seconds, fraction) = digits.split_at(digits.len() - 9);
        match (self, fraction.trim_end_matches('0')) {
            (Self::Shortest, "") => format!("{sign}{seconds}"),
            (Self::Shortest, fraction) => format!("{sign}{seconds}.{fraction}"),
            (Self::Zeros, _) => format!("{sign}{seconds}.{fraction}000"),
            (Self::Exponent, _) => {
                let (first, rest) = seconds.split_at(1);
                format!("{sign}{first}.{rest}{fraction}E+{}", rest.len())
            }
        }
    }
}

impl Form {
    fn render(&self, header: &[u8], claims: &[u8], signer: &Signer<'_>) -> Option<String> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let sign = |header: &str, claims: &str| {
            let input = format!("{header}.{claims}");
            let tag = (signer.sign)(input.as_bytes());
            format!("{input}.{}", encode(&tag))
        };
        let (header_text, claims_text) = (encode(header), encode(claims));
        let token = sign(&header_text, &claims_text);
        Some(match self {
            Self::Bearer => format!("Bearer {token}"),
            Self::Around(before, after) => format!("{before}{token}{after}"),
            Self::WrongKey => {
                let header = String::from_utf8_lossy(header).replace(signer.algorithm, "HS256");
                let input = format!("{}.{claims_text}", encode(header.as_bytes()));
                let tag = hmac(signer.known, input.as_bytes());
                format!("Bearer {input}.{}", encode(&tag))
            }
            Self::Tampered(index, with) => {
                let mut characters: Vec<_> = token.chars().collect();
                let index = index.index(characters.len());
                characters[index] = *with;
                format!("Bearer {}", String::from_iter(characters))
            }
            Self::Truncated(index) => format!("Bearer {}", &token[..index.index(token.len())]),
            Self::Segment(index, segment) => {
                let mut segments: Vec<_> = token.split('.').collect();
                segments[*index] = segment;
                format!("Bearer {}", segments.join("."))
            }
            Self::SpareBits(index) => {
                let mut segments = [header_text, claims_text, String::new()];
                if *index < 2 {
                    bump(&mut segments[*index]);
                }
                let token = sign(&segments[0], &segments[1]);
                let (input, tag) = token.rsplit_once('.').expect("three segments");
                segments[2] = tag.to_owned();
                if *index == 2 {
                    bump(&mut segments[2]);
                }
                format!("Bearer {input}.{}", segments[2])
            }
            Self::Standard => {
                let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
                format!("Bearer {}", sign(&encode(header), &encode(claims)))
            }
            Self::Unsigned => format!("Bearer {header_text}.{claims_text}."),
            Self::Text(text) => text.clone(),
            Self::None => return None,
        })
    }
}

/// Replaces the last character by the next one of the alphabet.
fn bump(segment: &mut String) {
    let next = match segment.pop() {
        None => return,
        Some('Z') => 'a',
        Some('z') => '0',
        Some('9') => '-',
        Some('-') => '_',
        Some('_') => 'A',
        Some(other) => char::from_u32(u32::from(other) + 1).expect("ASCII"),
    };
    segment.push(next);
}

/// Generates fields with a token that is nearly valid.
pub(crate) fn near_misses() -> impl Strategy<Value = Fields> {
    let forms = prop_oneof![
        60 => Just(Form::Bearer),
        5 => select(AROUND).prop_map(|(before, after)| Form::Around(before, after)),
        1 => Just(Form::WrongKey),
        3 => (any::<Index>(), select(CHARACTERS)).prop_map(|(at, c)| Form::Tampered(at, c)),
        1 => any::<Index>().prop_map(Form::Truncated),
        1 => (0..3_usize, pattern("[A-Za-z0-9_.-]{0,6}"))
            .prop_map(|(at, text)| Form::Segment(at, text)),
        2 => (0..3_usize).prop_map(Form::SpareBits),
        1 => Just(Form::Standard),
        1 => Just(Form::Unsigned),
        2 => Just(Form::None),
    ];
    let others = prop_oneof![
        30 => Just(vec![]),
        1 => vec(select(&["", "Basic eDp5", "Bearer x.y.z"][..]), 1..3),
    ];
    (documents(header_edits(), 8), documents(claim_edits(), 1), forms, others)
        .prop_map(|(header, claims, form, others)| Fields { header, claims, form, others })
}

/// Generates arbitrary text in the fields, or arbitrary JSON as header and claims,
/// correctly signed.
pub(crate) fn anything() -> impl Strategy<Value = Fields> {
    let good = || Just(Document::Edited(vec![], Layout::Compact));
    let document = || {
        prop_oneof![
            3 => json().prop_map(Document::Json),
            1 => vec(any::<u8>(), 0..40).prop_map(Document::Bytes),
            2 => good(),
        ]
    };
    let form = prop_oneof![
        4 => Just(Form::Bearer),
        1 => text().prop_map(Form::Text),
        1 => pattern("[Bb]earer {0,2}[ -~]{0,60}").prop_map(Form::Text),
        1 => pattern("[A-Za-z]{0,8}[ \t:]?\\PC{0,60}").prop_map(Form::Text),
        1 => pattern("[Bb]earer ([A-Za-z0-9_-]{0,30}\\.){2}[A-Za-z0-9_-]{0,44}")
            .prop_map(Form::Text),
    ];
    (document(), document(), form).prop_map(|(header, claims, form)| Fields {
        header,
        claims,
        form,
        others: vec![],
    })
}

/// Generates changed documents. `good` weights the unchanged one.
fn documents(
    edits: impl Strategy<Value = Edit> + Clone,
    good: u32,
) -> impl Strategy<Value = Document> {
    let layout = select(&[Layout::Compact, Layout::Spaced, Layout::Reversed][..]);
    prop_oneof![
        6 * good => Just(Document::Edited(vec![], Layout::Compact)),
        24 => (vec(edits.clone(), 1..4), layout)
            .prop_map(|(edits, layout)| Document::Edited(edits, layout)),
        2 => (vec(edits, 0..2), any::<Index>(), any::<u8>())
            .prop_map(|(edits, at, byte)| Document::Mangled(edits, at, byte)),
    ]
}

fn header_edits() -> impl Strategy<Value = Edit> + Clone {
    let name = || {
        select(&["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5c", "cty", "zip"][..])
            .prop_map(Name::Other)
    };
    let value = prop_oneof![
        4 => select(HEADER_VALUES).prop_map(String::from),
        1 => json(),
    ];
    prop_oneof![
        1 => select(ALGORITHMS).prop_map(|alg| Edit::Set(Name::Other("alg"), quoted(alg))),
        2 => select(TYPES).prop_map(|typ| Edit::Set(Name::Other("typ"), quoted(typ))),
        4 => (name(), value).prop_map(|(name, value)| Edit::Set(name, value)),
        1 => name().prop_map(Edit::Remove),
        1 => (name(), any::<bool>()).prop_map(|(name, escaped)| Edit::Again(name, escaped)),
        1 => (0..130_usize, any::<bool>()).prop_map(|(depth, objects)| Edit::Nest(depth, objects)),
        1 => (select(&[r"\n", "[", "{", ",", r"\u0041"][..]), 250..260_usize)
            .prop_map(|(mark, number)| Edit::Marks(mark, number)),
    ]
    .boxed()
}

fn claim_edits() -> impl Strategy<Value = Edit> + Clone {
    let name = || {
        prop_oneof![
            2 => Just(Name::Uid),
            6 => select(&["exp", "nbf", "iat", "iss", "aud", "sub", "uid", "jti"][..])
                .prop_map(Name::Other),
            1 => select(KINDS).prop_map(Name::Other),
        ]
    };
    let required = || select(&["client_id", "azp", "jti", "sub", "iat", "token_use", "nbf"][..]);
    let kind = || select(KINDS).prop_map(Name::Other);
    let identity = || prop_oneof![Just(Name::Uid), Just(Name::Uid), Just(Name::Other("sub"))];
    let limits = [
        Limit::Epoch,
        Limit::Now,
        Limit::Expired,
        Limit::Future,
        Limit::TooLong,
        Limit::TooLongAgo,
        Limit::Expiry,
    ];
    let by = prop_oneof![
        12 => select(MILLISECONDS).prop_map(|by| by * 1_000_000),
        1 => -2_000..2_000_i64,
        1 => any::<i32>().prop_map(|by| i64::from(by) * 1_000),
    ];
    let style = select(&[Style::Shortest, Style::Shortest, Style::Zeros, Style::Exponent][..]);
    prop_oneof![
        // Makes expired tokens common.
        2 => (0..3_000_i64).prop_map(|by| {
            Edit::Time("exp", Limit::Expired, -by * 1_000_000_000, Style::Shortest)
        }),
        8 => (select(&["exp", "nbf", "iat"][..]), select(limits.to_vec()), by, style)
            .prop_map(|(name, limit, by, style)| Edit::Time(name, limit, by, style)),
        4 => (identity(), select(IDENTITIES))
            .prop_map(|(name, value)| Edit::Set(name, value.into())),
        2 => (select(&["iss", "aud", "client_id", "azp"][..]), select(ORIGINS))
            .prop_map(|(name, value)| Edit::Ours(Name::Other(name), value)),
        2 => (kind(), select(KIND_VALUES))
            .prop_map(|(name, value)| Edit::Set(name, value.into())),
        1 => (any::<Index>(), select(REQUIRED)).prop_map(|(at, value)| Edit::Required(at, value)),
        1 => required().prop_map(|name| Edit::Remove(Name::Other(name))),
        3 => select(MACHINES).prop_map(|(name, value)| Edit::Set(Name::Other(name), value.into())),
        2 => (name(), json()).prop_map(|(name, value)| Edit::Set(name, value)),
        2 => (name(), select(NUMBERS)).prop_map(|(name, value)| Edit::Set(name, value.into())),
        3 => name().prop_map(Edit::Remove),
        1 => (name(), any::<bool>()).prop_map(|(name, escaped)| Edit::Again(name, escaped)),
        1 => (120..130_usize, any::<bool>())
            .prop_map(|(depth, objects)| Edit::Nest(depth, objects)),
        1 => prop_oneof![4 => 0..9_usize, 1 => 5_920..6_020_usize].prop_map(Edit::Pad),
    ]
    .boxed()
}

/// Generates the members of claims that say which scopes a token has: those of RFC 6749, and
/// what others write instead.
pub(crate) fn scopes() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let scope = || {
        prop_oneof![
            8 => select(&["a", "b", "b:c", "openid"][..]).prop_map(String::from),
            2 => select(&["A", "ab", "a:", "B:C", "", "é", "a\"", "a\\", "a,b", "*"][..])
                .prop_map(String::from),
            1 => pattern("[ -~\t\n]{0,3}"),
        ]
    };
    let separator = prop_oneof![12 => Just(" "), 1 => select(&["  ", ",", "\t", "\u{a0}", ""][..])];
    let one = (vec(scope(), 0..5), separator).prop_map(|(all, by)| quoted(&all.join(by)));
    let many = vec(scope(), 0..5).prop_map(|all| serde_json::Value::from(all).to_string());
    let other = select(&["null", "5", "true", "{\"a\":true}", "[[\"a\"]]", "[\"a\",5]"][..]);
    let value = || {
        prop_oneof![
            6 => one.clone(),
            3 => many.clone(),
            1 => other.clone().prop_map(String::from),
        ]
    };
    prop_oneof![
        4 => value().prop_map(|scope| vec![("scope", scope)]),
        4 => value().prop_map(|scp| vec![("scp", scp)]),
        2 => (value(), value()).prop_map(|(scope, scp)| vec![("scope", scope), ("scp", scp)]),
        1 => Just(vec![]),
    ]
}

/// Generates small JSON texts, some with errors.
fn json() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:e}")),
        select(NUMBERS).prop_map(String::from),
        select(IDENTITIES).prop_map(String::from),
        text().prop_map(|text| quoted(&text)),
    ];
    let name = select(NAMES).prop_map(String::from);
    leaf.prop_recursive(2, 12, 5, move |inner| {
        let members = vec((name.clone(), inner.clone()), 0..5);
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            members.prop_map(|members| Layout::Compact.text(members)),
        ]
    })
    .boxed()
}

/// Generates arbitrary characters.
fn text() -> impl Strategy<Value = String> + Clone {
    vec(any::<char>(), 0..30).prop_map(String::from_iter).boxed()
}

/// Generates matches of a regular expression, which it parses only once.
fn pattern(regex: &str) -> impl Strategy<Value = String> {
    string_regex(regex).expect("a regular expression")
}

#[rustfmt::skip]
const AROUND: &[(&str, &str)] = &[
    ("bearer ", ""), ("BEARER   ", "  "), ("Bearer", ""), ("Bearer\t", ""), ("Bearer  ", "\t"),
    (" Bearer ", ""), ("Bearer ", "=="), ("Bearer =", ""), ("Bearer ", ","), ("Bearer ", ".x"),
    ("Bearer .", ""), ("Bearer ", " x"), ("Basic ", ""), ("", ""), ("Bearer \u{a0}", ""),
    ("Bearer \"", "\""), ("Bearer Bearer ", ""),
];

const CHARACTERS: &[char] =
    &['A', 'z', '0', '-', '_', '+', '/', '=', '.', ' ', '~', '!', 'é', '\0'];

#[rustfmt::skip]
const HEADER_VALUES: &[&str] = &[
    "\"x\"", "\"\"", "\"key-1\"", "\"key-2\"", "\"HS256\"", "\"\\u0048S256\"", "\"JWT\"", "\"jwt\"",
    "null", "false", "[]", "[\"exp\"]", "{}", "5", "\"\\ud800\"", "\"../../etc/passwd\"", "{\"kty\":\"oct\",\"k\":\"AA\"}",
];

const ALGORITHMS: &[&str] = &[
    "HS256", "hs256", "HS384", "HS512", "none", "None", "RS256", "ES256", "EdDSA", "Ed25519",
    "HS256 ", "",
];

#[rustfmt::skip]
const TYPES: &[&str] = &[
    "JWT", "jwt", "Jwt", "application/jwt", "APPLICATION/JWT", "at+jwt", "logout+jwt", "JWT ", "",
    "better-auth.session-cache+jwt", "application/at+jwt", "ＪＷＴ",
];

const MILLISECONDS: &[i64] =
    &[0, 0, 0, -1, 1, -250, 250, -500, 500, -999, -1_000, 1_000, 1_001, -60_000, 60_000];

#[rustfmt::skip]
const IDENTITIES: &[&str] = &[
    "\"alice\"", "\"\\u0061lice\"", "\"Alice\"", "\"bob\"", "\"\"", "\" \"", "\"alice \"",
    "\"a/b\"", "\"%61\"", "\"é\"", "\"e\u{301}\"", "\"\\u00e9\"", "\"\u{fffd}\"",
    "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\u0000\"", "\"a\\nb\"", "\"\\u007f\"", "\"\u{85}\"",
    "\"\u{200b}\"", "\"7\"", "\"07\"", "7", "-0", "0", "-7", "7.0", "7e0", "9223372036854775807",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "null", "true", "[\"alice\"]", "{\"uid\":\"alice\"}", "\"alice",
    "\"\\x\"", "\"\t\"", "\"any\"", "\"alice@clients\"", "\"@clients\"", "\"@clientsx\"",
];

#[rustfmt::skip]
const ORIGINS: &[&str] = &[
    "\"ISS\"", "\"AUD\"", "[\"AUD\"]", "[\"x\",\"AUD\"]", "[\"AUD\",5]", "[\"AUD\",null]",
    "[[\"AUD\"]]", "[]", "\"\"", "\"ISS/\"", "\"AUDx\"", "[\"ISS\"]", "{\"AUD\":1}", "null", "5",
    "\"x\"", "[ \"AUD\" , \"y\" ]", "[\"AUD\",\"\\ud800\"]", "\"x,AUD\"",
];

/// Claims that say what kind of token it is.
#[rustfmt::skip]
const KINDS: &[&str] = &[
    "cnf", "nonce", "at_hash", "c_hash", "s_hash", "client_id", "azp", "gty", "idtyp", "token_use",
    "level", "flag", "jti",
];

#[rustfmt::skip]
const KIND_VALUES: &[&str] = &[
    "null", "\"\"", "\"alice\"", "\"\\u0061lice\"", "\"bob\"", "7", "\"7\"", "[\"alice\"]",
    "\"client-credentials\"", "\"client_credentials\"", "\"app\"", "\"App\"", "[\"app\"]", "{}",
    "\"access\"", "\"Access\"", "\"alice@clients\"", "\"\\ud800\"", "true", "\"true\"", "false",
    "[\"id\",\"access\"]", "[\"access\",\"\\ud800\"]", "[[\"access\"]]", "5", "-0", "0", "5.0", "5e0",
    "[5,6]", "[true]",
];

/// Claims that make alice's token a machine's.
const MACHINES: &[(&str, &str)] = &[
    ("client_id", "\"alice\""),
    ("azp", "\"alice\""),
    ("gty", "\"client-credentials\""),
    ("idtyp", "\"app\""),
];

/// Texts with a value that a claim may be required to have.
#[rustfmt::skip]
const REQUIRED: &[&str] = &[
    "ONE", "[ONE]", "[ ONE , 1 ]", "[0,ONE]", "[[ONE]]", "{\"x\":ONE}", "[]", "[ONE,\"\\ud800\"]",
];

#[rustfmt::skip]
const NUMBERS: &[&str] = &[
    "0", "-0", "0.0", "-0e0", "00", "01", "-", "+1", ".5", "1.", "1e", "1e400", "-1e400", "1e308",
    "-1e308", "1e-400", "1e99999999999999999999", "0e99999999999999999999",
    "1e-99999999999999999999", "9007199254740993", "18446744073709551615", "1800000000", "1.8e9",
    "18000000000e-1", "1800000000.0000000000000000001", "1800000900", "1800000900.5", "0x10",
    "NaN", "Infinity", "1_0", "180000000000000000000000000000e-20",
];

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "\"uid\"", "\"sub\"", "\"exp\"", "\"iat\"", "\"nbf\"", "\"aud\"", "\"iss\"", "\"alg\"",
    "\"typ\"", "\"x\"", "\"\"", "\"\\u0075id\"", "\"a\\\"b\"", "\"\\ud800\"", "\"é\"", "uid",
];

/// Generates the moments of the requests, in nanoseconds.
pub(crate) fn moments() -> impl Strategy<Value = i128> {
    let noon = i128::from(NOW) * 1_000_000_000;
    prop_oneof![
        6 => Just(noon),
        1 => select(&[250, 500, 750, 123][..]).prop_map(move |by| noon + by * 1_000_000),
    ]
}

/// A path segment, as it is sent, for a given user.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    /// The user's own, with characters encoded from the first number on, at steps of the
    /// second.
    Own(usize, usize),
    /// The user's own, encoded in lower-case hexadecimal.
    OwnLower,
    /// The user's own, encoded twice.
    Twice,
    /// The user's own, between these two texts.
    Around(&'static str, &'static str),
    OtherCase,
    Text(String),
    Bytes(Vec<u8>),
}

impl Segment {
    pub(crate) fn render(&self, uid: &str) -> String {
        let uid = if uid.is_empty() { "x" } else { uid };
        let encode =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<String>();
        match self {
            Self::Own(from, step) => uid
                .char_indices()
                .enumerate()
                .map(|(n, (at, c))| {
                    let must = !(c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c));
                    match must || (n >= *from && n % step == 0) {
                        true => encode(&uid.as_bytes()[at..at + c.len_utf8()]),
                        false => c.to_string(),
                    }
                })
                .collect(),
            Self::OwnLower => encode(uid.as_bytes()).to_ascii_lowercase(),
            Self::Twice => encode(encode(uid.as_bytes()).as_bytes()),
            Self::Around(before, after) => {
                format!("{before}{}{after}", encode(uid.as_bytes()))
            }
            Self::OtherCase => {
                let other: String = uid
                    .chars()
                    .map(|c| match c.is_ascii_lowercase() {
                        true => c.to_ascii_uppercase(),
                        false => c.to_ascii_lowercase(),
                    })
                    .collect();
                encode(other.as_bytes())
            }
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => encode(bytes),
        }
    }
}

pub(crate) fn segments() -> impl Strategy<Value = Segment> {
    let around = [
        ("", "%20"),
        ("%20", ""),
        ("", "%00"),
        ("", "%2F"),
        ("0", ""),
        ("", ".0"),
        ("+", ""),
        ("", "%CC%81"),
        ("", "%FF"),
        ("", "%E2%80%8B"),
    ];
    prop_oneof![
        8 => (0..6_usize, 1..4_usize).prop_map(|(from, step)| Segment::Own(from, step)),
        1 => Just(Segment::OwnLower),
        1 => Just(Segment::Twice),
        2 => select(around.to_vec()).prop_map(|(before, after)| Segment::Around(before, after)),
        1 => Just(Segment::OtherCase),
        1 => pattern("[A-Za-z0-9._~!$&'()*+,;=:@-]{1,12}").prop_map(Segment::Text),
        1 => vec(any::<u8>(), 1..12).prop_map(Segment::Bytes),
    ]
}
