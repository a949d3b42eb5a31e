//! An independent model of the rules: slow, obvious, written from the verification profile
//! alone, and sharing no code with the library. It uses only `std`, because the fuzz target
//! `authorization` includes it, too.
//!
//! Where the profile leaves a choice, the model chooses:
//!
//! - "No duplicate names" and "bounded nesting" concern the objects of the header and of
//!   the claims. The bound is 126 levels inside them.
//! - `"\ud800"` matches JSON's grammar but is not text: it is not a name, nor a value where
//!   a string is required.
//! - A number is finite if the nearest double is.

/// The server's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `true` if tokens must be access tokens of RFC 9068.
    pub(crate) at_jwt: bool,
    pub(crate) issuer: Option<String>,
    /// The accepted audiences; any, if empty.
    pub(crate) audience: Vec<String>,
    /// The claim that names the audience.
    pub(crate) audience_claim: String,
    pub(crate) uid_claim: String,
    pub(crate) match_subject: bool,
    pub(crate) leeway: u32,
    pub(crate) max_lifetime: u32,
    /// Claims that must have one of these values.
    pub(crate) require: Vec<(String, Vec<Required>)>,
    /// Claims that must be there.
    pub(crate) required_claims: Vec<String>,
    /// `true` if ID tokens are accepted.
    pub(crate) id_tokens: bool,
    /// `true` if a token opens only what names scopes that it has.
    pub(crate) scopes_enforced: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            at_jwt: false,
            issuer: None,
            audience: vec![],
            audience_claim: "aud".into(),
            uid_claim: "uid".into(),
            match_subject: true,
            leeway: 5,
            max_lifetime: 3600,
            require: vec![],
            required_claims: vec![],
            id_tokens: false,
            scopes_enforced: false,
        }
    }
}

/// A value that a claim must have.
#[derive(Clone, Debug)]
pub(crate) enum Required {
    Text(String),
    Flag(bool),
    Integer(i64),
}

/// The verdict on a request, as far as its token decides it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// 400 `request_malformed`.
    Multiple,
    /// 401 `token_missing`.
    Missing,
    /// 401 `token_invalid`.
    Invalid,
    /// 401 `token_expired`.
    Expired,
    /// Accepted as this user's token.
    Accepted(String),
    /// 403 `not_allowed`: valid, but this machine's token.
    Machine(String),
    /// Rounding to a double decides between `token_invalid`, `token_expired` and acceptance,
    /// because a time is within microseconds of a limit and not in whole quarters of a
    /// second. No security depends on a microsecond.
    Unsettled,
}

/// The server's only key.
pub(crate) struct Key<'k> {
    /// The names that a token may use for its algorithm.
    pub(crate) algorithms: &'k [&'k str],
    /// Its key id, or `None` if key ids do not matter.
    pub(crate) id: Option<&'k str>,
    /// Returns `true` if the second argument is the key's signature over the first. Must not
    /// use the library's code.
    pub(crate) verifies: &'k dyn Fn(&[u8], &[u8]) -> bool,
}

/// Applies rules 1 to 16 and 19 to 21 to the `Authorization` fields of a request at `now`, in
/// nanoseconds since 1970.
pub(crate) fn judge(settings: &Settings, key: &Key<'_>, fields: &[&str], now: i128) -> Verdict {
    // Rule 1.
    if fields.len() > 1 {
        return Verdict::Multiple;
    }
    let Some(field) = fields.first() else { return Verdict::Missing };

    // Rule 2.
    let scheme: String = field.chars().take_while(|c| *c != ' ').collect();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Verdict::Missing;
    }
    let token = field[scheme.len()..].trim_start_matches(' ').trim_end_matches(' ');
    let mut padding = false;
    for c in token.chars() {
        let is_b64token_character =
            c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/');
        if c == '=' {
            padding = true;
        } else if padding || !is_b64token_character {
            return Verdict::Invalid;
        }
    }

    // Rule 3.
    if token.len() > 8 * 1024 {
        return Verdict::Invalid;
    }

    // Rule 4.
    let segments: Vec<&str> = token.split('.').collect();
    if segments.len() != 3 {
        return Verdict::Invalid;
    }
    let decoded: Vec<Option<Vec<u8>>> = segments.iter().map(|text| base64url(text)).collect();
    let [Some(header), Some(payload), Some(signature)] = &decoded[..] else {
        return Verdict::Invalid;
    };

    // Rules 5 and 6.
    let marks = header.iter().filter(|byte| br"\[{,".contains(byte)).count();
    let Some(header) = object(header) else { return Verdict::Invalid };
    if header.len() > 64 || marks > 256 {
        return Verdict::Invalid;
    }
    if !key.algorithms.iter().any(|name| get(&header, "alg") == Some(&text(name))) {
        return Verdict::Invalid;
    }
    if get(&header, "crit").is_some() || get(&header, "b64").is_some() {
        return Verdict::Invalid;
    }
    let types = match settings.at_jwt {
        true => ["at+jwt", "application/at+jwt"],
        false => ["jwt", "application/jwt"],
    };
    match get(&header, "typ") {
        None if !settings.at_jwt => {}
        Some(Json::String(Some(typ))) if types.contains(&&*typ.to_ascii_lowercase()) => {}
        None | Some(_) => return Verdict::Invalid,
    }
    match get(&header, "kid") {
        None => {}
        Some(Json::String(Some(kid))) if key.id.is_none_or(|id| id == kid) => {}
        Some(_) => return Verdict::Invalid,
    }

    // Rules 7 to 9.
    let signed = format!("{}.{}", segments[0], segments[1]);
    if !(key.verifies)(signed.as_bytes(), signature) {
        return Verdict::Invalid;
    }

    // Rule 10.
    let Some(claims) = object(payload) else { return Verdict::Invalid };
    judge_claims(settings, &claims, now)
}

/// Applies rule 22, and then the rules of the chosen issuer and nothing of any other. Returns
/// its place among `issuers`, if one was chosen.
pub(crate) fn judge_several(
    issuers: &[(&Settings, &Key<'_>)],
    fields: &[&str],
    now: i128,
) -> (Option<usize>, Verdict) {
    // What no token says is the same for all issuers.
    let (settings, key) = issuers[0];
    let verdict = judge(settings, key, fields, now);
    if matches!(verdict, Verdict::Multiple | Verdict::Missing) {
        return (None, verdict);
    }

    let token = fields[0].split(' ').find(|word| word.contains('.')).unwrap_or_default();
    let segments: Vec<&str> = token.split('.').collect();
    let object_of = |segment: &str| object(&base64url(segment)?);
    let [header, payload, _] = segments[..] else { return (None, Verdict::Invalid) };
    let Some(claims) = object_of(payload) else { return (None, Verdict::Invalid) };
    let Some(Json::String(Some(iss))) = get(&claims, "iss") else {
        return (None, Verdict::Invalid);
    };

    let mut chosen: Vec<usize> = Vec::new();
    for (place, (settings, _)) in issuers.iter().enumerate() {
        if settings.issuer.as_ref() == Some(iss) {
            chosen.push(place);
        }
    }
    if chosen.len() > 1 {
        let typ = object_of(header).and_then(|header| match get(&header, "typ") {
            Some(Json::String(Some(typ))) => Some(typ.to_ascii_lowercase()),
            _ => None,
        });
        let is_at_jwt = matches!(typ.as_deref(), Some("at+jwt" | "application/at+jwt"));
        chosen.retain(|place| issuers[*place].0.at_jwt == is_at_jwt);
    }
    let Some(&place) = chosen.first() else { return (None, Verdict::Invalid) };
    let (settings, key) = issuers[place];
    (Some(place), judge(settings, key, fields, now))
}

/// Applies rules 11 to 16 and 19 to 21.
fn judge_claims(settings: &Settings, claims: &[(String, Json)], now: i128) -> Verdict {
    // Rule 14.
    if let Some(issuer) = &settings.issuer
        && get(claims, "iss") != Some(&text(issuer))
    {
        return Verdict::Invalid;
    }
    let has_aud = get(claims, "aud").is_some();
    if !settings.audience.is_empty() && settings.audience_claim != "aud" {
        match get(claims, &settings.audience_claim) {
            Some(Json::String(Some(client))) if settings.audience.contains(client) => {}
            _ => return Verdict::Invalid,
        }
    }
    if !settings.audience.is_empty() && (settings.audience_claim == "aud" || has_aud) {
        let theirs = match get(claims, "aud") {
            Some(Json::String(Some(one))) => vec![one.clone()],
            Some(Json::Array(many)) => {
                let mut strings = Vec::new();
                for one in many {
                    let Json::String(Some(one)) = one else { return Verdict::Invalid };
                    strings.push(one.clone());
                }
                strings
            }
            _ => return Verdict::Invalid,
        };
        if !theirs.iter().any(|aud| settings.audience.contains(aud)) {
            return Verdict::Invalid;
        }
    }

    // Rule 15.
    let uid = match get(claims, &settings.uid_claim) {
        Some(Json::String(Some(uid))) if !uid.is_empty() => uid.clone(),
        Some(Json::Number(number)) => match integer(number) {
            Some(uid) => uid,
            None => return Verdict::Invalid,
        },
        _ => return Verdict::Invalid,
    };
    // Unicode's category Cc.
    if uid.chars().any(|c| matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}')) {
        return Verdict::Invalid;
    }

    // Rule 16.
    if settings.match_subject
        && settings.uid_claim != "sub"
        && let Some(sub) = get(claims, "sub")
        && *sub != text(&uid)
    {
        return Verdict::Invalid;
    }

    // Rule 14, what else access tokens of this issuer say.
    if settings.at_jwt {
        let has = |name| get(claims, name).is_some();
        if !has("sub") || !has("iat") || !has("jti") || !(has("client_id") || has("azp")) {
            return Verdict::Invalid;
        }
    }
    if settings.required_claims.iter().any(|name| get(claims, name).is_none()) {
        return Verdict::Invalid;
    }
    for (name, values) in &settings.require {
        let theirs = match get(claims, name) {
            None => return Verdict::Invalid,
            Some(Json::Array(many)) => many.clone(),
            Some(one) => vec![one.clone()],
        };
        let is_one = |theirs: &Json| values.iter().any(|value| value.is(theirs));
        if !theirs.iter().any(is_one) {
            return Verdict::Invalid;
        }
    }

    // Rules 19 and 20.
    if get(claims, "cnf").is_some() {
        return Verdict::Invalid;
    }
    for name in ["nonce", "at_hash", "c_hash", "s_hash"] {
        if get(claims, name).is_some() && !settings.id_tokens {
            return Verdict::Invalid;
        }
    }

    // Rules 11 to 13.
    let mut times = [None; 3];
    for (time, name) in times.iter_mut().zip(["exp", "nbf", "iat"]) {
        *time = match get(claims, name) {
            None => None,
            Some(Json::Number(number)) if number.parse().is_ok_and(f64::is_finite) => {
                Some(nanoseconds(number))
            }
            Some(_) => return Verdict::Invalid,
        };
    }
    let [Some(exp), nbf, iat] = times else { return Verdict::Invalid };
    let now = Time::new(now);
    let leeway = i128::from(settings.leeway) * SECOND;
    let max_lifetime = i128::from(settings.max_lifetime) * SECOND;

    let lives_too_long = exp.is_later_than(now, max_lifetime + leeway);
    let was_to_live_too_long = iat.map(|iat| exp.is_later_than(iat, max_lifetime));
    let begins_later = nbf.map(|nbf| nbf.is_later_than(now, leeway));
    let was_issued_later = iat.map(|iat| iat.is_later_than(now, leeway));
    let is_valid_still = exp.is_later_than(now, -leeway);

    let refusals = [Some(lives_too_long), was_to_live_too_long, begins_later, was_issued_later]
        .map(|given| given.unwrap_or(Later::No));
    match is_valid_still {
        _ if refusals.contains(&Later::Yes) => Verdict::Invalid,
        _ if refusals.contains(&Later::TooNearToTell) => Verdict::Unsettled,
        Later::TooNearToTell => Verdict::Unsettled,
        Later::Yes if is_machine(claims, &uid) => Verdict::Machine(uid),
        Later::Yes => Verdict::Accepted(uid),
        Later::No => Verdict::Expired,
    }
}

/// Applies rule 21.
fn is_machine(claims: &[(String, Json)], uid: &str) -> bool {
    let mut names = vec![text(uid)];
    if let Some(sub @ Json::String(Some(_))) = get(claims, "sub") {
        names.push(sub.clone());
    }
    for name in names {
        if get(claims, "client_id") == Some(&name) || get(claims, "azp") == Some(&name) {
            return true;
        }
        if matches!(name, Json::String(Some(name)) if name.ends_with("@clients")) {
            return true;
        }
    }
    get(claims, "gty") == Some(&text("client-credentials"))
        || get(claims, "idtyp") == Some(&text("app"))
}

impl Required {
    fn is(&self, json: &Json) -> bool {
        match (self, json) {
            (Self::Text(ours), theirs) => *theirs == text(ours),
            (Self::Flag(ours), Json::Bool(theirs)) => ours == theirs,
            (Self::Integer(ours), Json::Number(theirs)) => {
                integer(theirs) == Some(ours.to_string())
            }
            _ => false,
        }
    }
}

/// Applies rule 17: returns `true` if a path segment, as it was sent, is this user's.
pub(crate) fn owns(segment: &str, uid: &str) -> bool {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let digit = |byte: &u8| (*byte as char).to_digit(16);
        match (first, after.first().and_then(digit), after.get(1).and_then(digit)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(16 * high + low).expect("two digits"));
                rest = &after[2..];
            }
            _ => bytes.push(*first),
        }
    }
    // Rocket passes it to handlers like this.
    String::from_utf8_lossy(&bytes) == uid
}

/// Returns status and code on a path of `owner`'s, for the valid token of a user with these
/// claims. The route names `needed`, or no scope.
pub(crate) fn answer_by_scopes(
    settings: &Settings,
    claims: &[u8],
    owner: &str,
    needed: &[&str],
) -> (u16, &'static str) {
    let claims = object(claims).expect("valid claims");
    if get(&claims, &settings.uid_claim) != Some(&text(owner)) {
        return (403, "not_owner");
    }
    if !settings.scopes_enforced {
        return (200, "");
    }
    if needed.is_empty() {
        return (403, "not_allowed");
    }
    let granted = granted(&claims).unwrap_or_default();
    match needed.iter().all(|scope| granted.iter().any(|theirs| theirs == scope)) {
        true => (200, ""),
        false => (403, "insufficient_scope"),
    }
}

/// Returns the scopes of a token, or `None` if there are none, or they are malformed.
fn granted(claims: &[(String, Json)]) -> Option<Vec<String>> {
    let one_or_many = |text: &String| text.split(' ').map(str::to_owned).collect();
    let scopes: Vec<String> = match (get(claims, "scope"), get(claims, "scp")) {
        (Some(Json::String(Some(text))), _) => one_or_many(text),
        (Some(_), _) | (None, None) => return None,
        (None, Some(Json::String(Some(text)))) => one_or_many(text),
        (None, Some(Json::Array(many))) => {
            let one = |one: &Json| match one {
                Json::String(Some(one)) => Some(one.clone()),
                _ => None,
            };
            many.iter().map(one).collect::<Option<_>>()?
        }
        (None, Some(_)) => return None,
    };
    // RFC 6749 section 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
    let is_token = |scope: &String| {
        !scope.is_empty() && scope.chars().all(|c| matches!(c, '!'..='~') && c != '"' && c != '\\')
    };
    scopes.iter().all(is_token).then_some(scopes)
}

/// Decodes strict base64url: no padding, no other alphabet, no nonzero spare bits.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // The bits that do not fill a byte yet, and their number.
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }

    // Six remaining bits would be a character without meaning.
    (count < 6 && bits == 0).then_some(bytes)
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    /// The text of the number.
    Number(String),
    /// `None` if it is not Unicode text.
    String(Option<String>),
    Array(Vec<Json>),
    Object(Vec<(Option<String>, Json)>),
}

fn text(text: &str) -> Json {
    Json::String(Some(text.to_owned()))
}

fn get<'a>(members: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Parses exactly one JSON object without duplicate names into its members.
fn object(bytes: &[u8]) -> Option<Vec<(String, Json)>> {
    let mut parser = Parser { rest: std::str::from_utf8(bytes).ok()? };
    let value = parser.value(0)?;
    parser.skip_white_space();
    let (Json::Object(members), "") = (value, parser.rest) else { return None };

    let mut unique: Vec<(String, Json)> = Vec::new();
    for (name, value) in members {
        let name = name?;
        if get(&unique, &name).is_some() {
            return None;
        }
        unique.push((name, value));
    }
    Some(unique)
}

/// A recursive descent parser for RFC 8259.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_white_space();
        // The outermost object is level 0.
        if depth > 126 && self.rest.starts_with(['[', '{']) {
            return None;
        }
        match self.rest.chars().next()? {
            'n' => self.take("null").then_some(Json::Null),
            't' => self.take("true").then_some(Json::Bool(true)),
            'f' => self.take("false").then_some(Json::Bool(false)),
            '"' => self.string().map(Json::String),
            '[' => {
                let mut items = Vec::new();
                self.list('[', ']', |parser| {
                    items.push(parser.value(depth + 1)?);
                    Some(())
                })?;
                Some(Json::Array(items))
            }
            '{' => {
                let mut members = Vec::new();
                self.list('{', '}', |parser| {
                    let name = parser.string()?;
                    parser.skip_white_space();
                    parser.take(":").then_some(())?;
                    members.push((name, parser.value(depth + 1)?));
                    Some(())
                })?;
                Some(Json::Object(members))
            }
            _ => self.number(),
        }
    }

    /// Parses a list between brackets, separated by commas.
    fn list(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(&open.to_string()).then_some(())?;
        self.skip_white_space();
        if self.take(&close.to_string()) {
            return Some(());
        }
        loop {
            self.skip_white_space();
            item(self)?;
            self.skip_white_space();
            if self.take(&close.to_string()) {
                return Some(());
            }
            self.take(",").then_some(())?;
        }
    }

    fn string(&mut self) -> Option<Option<String>> {
        self.take("\"").then_some(())?;
        // UTF-16 code units, because each escape is one.
        let mut units = Vec::new();
        loop {
            let c = self.next()?;
            match c {
                '"' => return Some(String::from_utf16(&units).ok()),
                '\\' => match self.next()? {
                    c @ ('"' | '\\' | '/') => units.push(c as u16),
                    'b' => units.push(8),
                    'f' => units.push(12),
                    'n' => units.push(10),
                    'r' => units.push(13),
                    't' => units.push(9),
                    'u' => {
                        let mut unit = 0;
                        for _ in 0..4 {
                            unit = 16 * unit + self.next()?.to_digit(16)? as u16;
                        }
                        units.push(unit);
                    }
                    _ => return None,
                },
                '\0'..='\u{1f}' => return None,
                c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn number(&mut self) -> Option<Json> {
        let mut number = String::new();
        if self.take("-") {
            number.push('-');
        }
        let integer = self.digits()?;
        if integer.len() > 1 && integer.starts_with('0') {
            return None;
        }
        number += &integer;
        if self.take(".") {
            number.push('.');
            number += &self.digits()?;
        }
        if self.take("e") || self.take("E") {
            number.push('e');
            if self.take("-") {
                number.push('-');
            } else {
                self.take("+");
            }
            number += &self.digits()?;
        }
        Some(Json::Number(number))
    }

    fn digits(&mut self) -> Option<String> {
        let digits: String = self.rest.chars().take_while(char::is_ascii_digit).collect();
        self.rest = &self.rest[digits.len()..];
        (!digits.is_empty()).then_some(digits)
    }

    fn skip_white_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }
}

/// Returns the canonical form of a number that has neither fraction nor exponent and fits
/// in an `i64` or a `u64`.
fn integer(number: &str) -> Option<String> {
    if number.contains(['.', 'e']) {
        return None;
    }
    // No number of this length fits.
    if number.len() > 25 {
        return None;
    }
    let value: i128 = number.parse().ok()?;
    let fits = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value);
    fits.then(|| value.to_string())
}

/// A point in time, exact to the nanosecond, and bounded far beyond any clock.
#[derive(Clone, Copy)]
struct Time {
    nanoseconds: i128,
    /// `true` if a double represents it without rounding, for times within a million years.
    exact: bool,
}

#[derive(PartialEq)]
enum Later {
    No,
    Yes,
    TooNearToTell,
}

const SECOND: i128 = 1_000_000_000;

/// The bound, in nanoseconds: 3 × 10^20 years. All later times count as equal.
const FAR: i128 = i128::MAX / 16;

impl Time {
    fn new(nanoseconds: i128) -> Self {
        Self {
            nanoseconds,
            exact: nanoseconds % (SECOND / 4) == 0 && nanoseconds.abs() < SECOND << 45,
        }
    }

    /// Compares this time with `other` plus `by` nanoseconds.
    fn is_later_than(self, other: Time, by: i128) -> Later {
        let difference = self.nanoseconds - (other.nanoseconds + by);
        // The distance between neighbouring doubles of this size, with room for a few
        // roundings.
        let largest = self.nanoseconds.abs().max(other.nanoseconds.abs());
        let near = 1_000 + largest / (1 << 50);
        let exact = self.exact && other.exact;
        match difference {
            _ if difference.abs() < near && !exact => Later::TooNearToTell,
            1.. => Later::Yes,
            _ => Later::No,
        }
    }
}

/// Converts a JSON number of seconds, in decimal arithmetic.
fn nanoseconds(number: &str) -> Time {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let negative = mantissa.starts_with('-');
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = integer.trim_start_matches('-').to_owned() + fraction;

    // The value is `digits` × 10^scale nanoseconds.
    let exponent: i128 = exponent.parse().unwrap_or(match exponent.starts_with('-') {
        true => i128::from(i64::MIN),
        false => i128::from(i64::MAX),
    });
    let scale = exponent.clamp(i64::MIN.into(), i64::MAX.into()) - fraction.len() as i128 + 9;
    let significant = digits.trim_start_matches('0');
    let length = significant.len() as i128 + scale;
    if significant.is_empty() || length <= 0 {
        // Zero, or less than a nanosecond.
        return Time { nanoseconds: 0, exact: significant.is_empty() };
    }
    if length > 36 {
        return Time { nanoseconds: if negative { -FAR } else { FAR }, exact: false };
    }

    let mut shifted: String = significant.chars().take(length as usize).collect();
    let lost = significant.chars().skip(length as usize).any(|digit| digit != '0');
    shifted.extend(std::iter::repeat_n('0', length as usize - shifted.len()));
    let nanoseconds: i128 = shifted.parse().expect("36 digits");
    let time = Time::new(if negative { -nanoseconds } else { nanoseconds });
    Time { exact: time.exact && !lost, ..time }
}
