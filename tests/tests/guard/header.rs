//! Rules 4 to 6: from the token to its header.

use auth_guard_tests::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn payload() -> String {
    json!({ "uid": "alice", "exp": NOW + 900 }).to_string()
}

/// Sends a correctly signed token with this header.
fn header(header: &str) -> (u16, String) {
    alice_with(&client(), issuer().sign(header, payload()))
}

#[test]
fn rule_04_there_are_exactly_three_segments() {
    let token = issuer().token("alice").sign();
    let segments: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = segments[..] else { panic!("three segments") };
    for wrong in [
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{signature}.{header}.{payload}"),
        "..".into(),
        ".".into(),
    ] {
        assert_eq!(alice_with(&client(), wrong), invalid());
    }
}

#[test]
fn rule_04_base64url_is_strict() {
    let client = client();
    // Signs what it sends, so that only the encoding can be wrong.
    let token = |encode: &dyn Fn(&str) -> String| {
        let input = format!("{}.{}", encode(HEADER), encode(&payload()));
        format!("{input}.{}", signature(&input))
    };
    let strict = |text: &str| URL_SAFE_NO_PAD.encode(text);
    assert_eq!(alice_with(&client, token(&strict)), accepted());

    let padded = |text: &str| URL_SAFE.encode(format!("{text} "));
    assert!(padded(HEADER).contains('=') || padded(&payload()).contains('='));
    assert_eq!(alice_with(&client, token(&padded)), invalid());

    // `???` and `>>>` need the two characters in which the alphabets differ.
    let standard =
        |text: &str| STANDARD.encode(text.replace('}', r#","x":"???>>>"}"#)).replace('=', "");
    assert!(standard(HEADER).contains(['+', '/']) || standard(&payload()).contains(['+', '/']));
    assert_eq!(alice_with(&client, token(&standard)), invalid());

    // Each segment in turn with a spare bit set in its last character.
    let good = token(&strict);
    for segment in 0..3 {
        let mut segments: Vec<_> = good.split('.').map(str::to_owned).collect();
        segments[segment] = with_spare_bits(segments[segment].clone());
        let input = format!("{}.{}", segments[0], segments[1]);
        if segment < 2 {
            segments[2] = signature(&input);
        }
        assert_eq!(alice_with(&client, format!("{input}.{}", segments[2])), invalid(), "{segment}");
    }
}

/// Signs an input that `Issuer::sign` would not produce.
fn signature(input: &str) -> String {
    use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
    use jsonwebtoken::{Algorithm, EncodingKey};

    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::HS256, &key).expect("a signer");
    URL_SAFE_NO_PAD.encode(signer.sign(input.as_bytes()))
}

/// Sets a spare bit, which must be zero, in the last character of a segment.
fn with_spare_bits(segment: String) -> String {
    let spaces = ["", " ", "  "];
    let text = URL_SAFE_NO_PAD.decode(&segment).expect("base64url");
    let text = spaces.iter().map(|spaces| [&text[..], spaces.as_bytes()].concat());
    // Only a length that is not a multiple of three has spare bits. JSON can be padded
    // with white space; a signature has such a length anyway.
    let text = text.into_iter().find(|text| text.len() % 3 != 0).expect("one in three");
    let mut encoded = URL_SAFE_NO_PAD.encode(text).into_bytes();
    let last = encoded.last_mut().expect("a character");
    *last = match *last {
        b'9' => b'-',
        b'Z' => b'a',
        b'z' => b'0',
        other => other + 1,
    };
    String::from_utf8(encoded).expect("ASCII")
}

#[test]
fn rule_05_the_header_is_one_json_object_without_duplicates() {
    for wrong in [
        "",
        "null",
        "[]",
        r#"["alg","HS256"]"#,
        r#""HS256""#,
        "{",
        "{}",
        r#"{"alg":"HS256"}{"alg":"HS256"}"#,
        r#"{"alg":"HS256"} x"#,
        r#"{"alg":"HS256",}"#,
        r#"{'alg':'HS256'}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","x":1,"x":1}"#,
        "\u{feff}{\"alg\":\"HS256\"}",
    ] {
        assert_eq!(header(wrong), invalid(), "{wrong}");
    }
    for right in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        " {\"typ\" : \"JWT\",\r\n\t\"alg\" : \"HS256\"} ",
        r#"{"\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","x":{"x":1,"y":[{"x":2}]},"y":null}"#,
    ] {
        assert_eq!(header(right), accepted(), "{right}");
    }
}

#[test]
fn rule_05_the_header_has_at_most_64_members() {
    let with = |others: usize| {
        let others: String = (0..others).map(|n| format!(r#","x{n}":{n}"#)).collect();
        header(&format!(r#"{{"alg":"HS256"{others}}}"#))
    };
    assert_eq!(with(63), accepted());
    assert_eq!(with(64), invalid());
}

#[test]
fn rule_05_the_header_has_at_most_256_backslashes_brackets_and_commas() {
    // The header's own bracket, and the comma after `alg`, are the first two.
    let with =
        |mark: &str, n: usize| header(&format!(r#"{{"alg":"HS256","kid":"{}"}}"#, mark.repeat(n)));
    for mark in [r"\n", "[", "{", ","] {
        assert_eq!(with(mark, 254), accepted(), "{mark}");
        assert_eq!(with(mark, 255), invalid(), "{mark}");
    }
    // Text without them may be as long as a token.
    assert_eq!(with("k", 5000), accepted());
}

#[test]
fn rule_05_the_header_is_utf_8() {
    let mut bytes = br#"{"alg":"HS256","x":" "}"#.to_vec();
    assert_eq!(alice_with(&client(), issuer().sign(&bytes, payload())), accepted());
    let space = bytes.iter().position(|byte| *byte == b' ').expect("one");
    bytes[space] = 0xFF;
    assert_eq!(alice_with(&client(), issuer().sign(&bytes, payload())), invalid());
}

#[test]
fn rule_05_the_algorithm_is_the_one_of_the_key() {
    for alg in [
        "none", "None", "NONE", "nOnE", "hs256", "Hs256", "HS256 ", " HS256", "", "HS384", "HS512",
        "RS256", "ES256", "EdDSA", "PS256", "dir", "A128KW",
    ] {
        assert_eq!(header(&json!({ "alg": alg }).to_string()), invalid(), "{alg}");
    }
    for alg in ["null", "256", "true", "{}", r#"["HS256"]"#, r#"{"HS256":1}"#] {
        assert_eq!(header(&format!(r#"{{"alg":{alg}}}"#)), invalid(), "{alg}");
    }
}

#[test]
fn rule_05_an_unsigned_token_is_refused() {
    for alg in ["none", "None", "NONE", "HS256"] {
        let signed = issuer().sign(json!({ "alg": alg }).to_string(), payload());
        let (input, _) = signed.rsplit_once('.').expect("three segments");
        assert_eq!(alice_with(&client(), format!("{input}.")), invalid(), "{alg}");
    }
}

#[test]
fn rule_05_critical_extensions_are_refused_in_any_form() {
    for member in [
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["b64"],"b64":true"#,
        r#""crit":["x"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""crit":"""#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""b64":null"#,
    ] {
        assert_eq!(header(&format!(r#"{{"alg":"HS256",{member}}}"#)), invalid(), "{member}");
    }
}

#[test]
fn rule_05_the_type_is_absent_or_jwt() {
    for typ in ["JWT", "jwt", "Jwt", "application/jwt", "APPLICATION/JWT"] {
        assert_eq!(header(&json!({ "alg": "HS256", "typ": typ }).to_string()), accepted(), "{typ}");
    }
    for typ in [
        json!("better-auth.session-cache+jwt"),
        json!("logout+jwt"),
        json!("at+jwt"),
        json!("JWT "),
        json!("JOSE"),
        json!(""),
        json!(null),
        json!(1),
        json!(["JWT"]),
    ] {
        assert_eq!(header(&json!({ "alg": "HS256", "typ": typ }).to_string()), invalid(), "{typ}");
    }
}

#[test]
fn rule_06_keys_in_the_header_are_never_used() {
    // Each header points to a key of the attacker's. Only a signature with the secret is
    // accepted, and none with the attacker's key.
    let attacker = auth_guard::testing::Issuer::new(&auth_guard::Secret::random());
    for member in [
        r#""jku":"http://127.0.0.1:1/keys""#,
        r#""x5u":"http://127.0.0.1:1/cert""#,
        r#""x5c":["MIIB"]"#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
    ] {
        let header_text = format!(r#"{{"alg":"HS256",{member}}}"#);
        assert_eq!(header(&header_text), accepted(), "{member}");
        let forged = attacker.sign(&header_text, payload());
        assert_eq!(alice_with(&client(), forged), invalid(), "{member}");
    }
}

#[test]
fn rule_06_the_key_id_may_be_any_string() {
    let long = "k".repeat(4_000);
    for kid in ["", "1", "../../etc/passwd", "' OR 1=1 --", "\u{0}\n", "ключ", &long] {
        assert_eq!(header(&json!({ "alg": "HS256", "kid": kid }).to_string()), accepted());
    }
    for kid in [json!(null), json!(1), json!(["1"]), json!({})] {
        assert_eq!(header(&json!({ "alg": "HS256", "kid": kid }).to_string()), invalid(), "{kid}");
    }
}
