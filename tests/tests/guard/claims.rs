//! Rules 10 to 16: claims.

use std::time::Duration;

use auth_guard::AuthError;
use auth_guard_tests::*;
use rocket::local::blocking::Client;
use serde_json::{Value, json};

const HEADER: &str = r#"{"alg":"HS256"}"#;

/// Requests alice's path with a correctly signed token that has this payload.
fn payload(client: &Client, payload: impl AsRef<[u8]>) -> (u16, String) {
    alice_with(client, issuer().sign(HEADER, payload))
}

/// Requests alice's path with a token that adds `members` to a valid `exp` and `uid`.
fn with(members: &str) -> (u16, String) {
    with_in(&client(), members)
}

fn with_in(client: &Client, members: &str) -> (u16, String) {
    payload(client, format!(r#"{{"exp":{},"uid":"alice",{members}}}"#, NOW + 900))
}

fn expired() -> (u16, String) {
    (401, "token_expired".into())
}

#[test]
fn rule_10_the_payload_is_one_json_object_without_duplicates() {
    let client = client();
    let good = format!(r#""exp":{},"uid":"alice""#, NOW + 900);
    for wrong in [
        String::new(),
        "null".into(),
        "[]".into(),
        format!("[{{{good}}}]"),
        format!("{{{good}"),
        format!("{{{good}}}{{}}"),
        format!("{{{good},}}"),
        format!("\u{feff}{{{good}}}"),
        format!(r#"{{{good},"uid":"alice"}}"#),
        format!(r#"{{{good},"uid":"bob"}}"#),
        format!(r#"{{"uid":"bob",{good}}}"#),
        format!(r#"{{{good},"\u0075id":"alice"}}"#),
        format!(r#"{{{good},"exp":{}}}"#, NOW + 900),
        format!(r#"{{{good},"role":"user","role":"admin"}}"#),
        format!(r#"{{{good},"":1,"":1}}"#),
    ] {
        assert_eq!(payload(&client, &wrong), invalid(), "{wrong}");
    }
    assert_eq!(payload(&client, format!(" {{ {good} }}\n")), accepted());
    assert_eq!(with(r#""a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]"#), accepted());
}

#[test]
fn rule_10_the_payload_is_utf_8() {
    let mut bytes = format!(r#"{{"exp":{},"uid":"alice","x":" "}}"#, NOW + 900).into_bytes();
    assert_eq!(payload(&client(), &bytes), accepted());
    let space = bytes.iter().position(|byte| *byte == b' ').expect("one");
    bytes[space] = 0xFF;
    assert_eq!(payload(&client(), &bytes), invalid());
}

#[test]
fn rule_10_nesting_is_bounded_and_never_crashes() {
    let nested = |depth: usize| format!(r#""x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(with(&nested(100)), accepted());
    assert_eq!(with(&nested(126)), accepted());
    assert_eq!(with(&nested(127)), invalid());
    assert_eq!(with(&nested(2_500)), invalid());
    let objects = format!(r#""x":{}1{}"#, r#"{"a":"#.repeat(900), "}".repeat(900));
    assert_eq!(with(&objects), invalid());
    // Adjacent objects do not nest, and a bracket inside a string closes nothing.
    assert_eq!(with(&format!(r#""x":[{}[]]"#, "[],".repeat(300))), accepted());
    let closed = format!(r#""x":["{}",{}{}]"#, "]".repeat(100), "[".repeat(130), "]".repeat(130));
    assert_eq!(with(&closed), invalid());
    // Brackets in a string are text, even after escaped quotes.
    let text = format!(r#""x":["\"{}\\"]"#, "[".repeat(300));
    assert_eq!(with(&text), accepted());
}

#[test]
fn rule_10_hostile_numbers_never_crash() {
    let long = "9".repeat(4_000);
    for number in ["1e999999999", "-1e400", "1e-999999999", &long, "-0", "0.1e-1"] {
        assert_eq!(with(&format!(r#""x":{number}"#)), accepted());
        for name in ["exp", "nbf", "iat"] {
            let (status, _) = payload(&client(), format!(r#"{{"uid":"alice","{name}":{number}}}"#));
            assert_eq!(status, 401, "{name}: {number}");
        }
    }
}

#[test]
fn rule_11_an_expiry_is_required_and_a_finite_number() {
    let client = client();
    assert_eq!(payload(&client, r#"{"uid":"alice"}"#), invalid());
    let string = format!("\"{}\"", NOW + 900);
    for exp in ["null", "true", "\"\"", &string, "[]", "{}", "1e400", "-1e400"] {
        assert_eq!(
            payload(&client, format!(r#"{{"uid":"alice","exp":{exp}}}"#)),
            invalid(),
            "{exp}"
        );
    }
    for exp in [format!("{}", NOW + 900), format!("{}.75", NOW + 9), "1.8000009e9".into()] {
        assert_eq!(
            payload(&client, format!(r#"{{"uid":"alice","exp":{exp}}}"#)),
            accepted(),
            "{exp}"
        );
    }
}

#[test]
fn rule_11_now_is_before_expiry_plus_leeway() {
    let exp =
        |client: &Client, exp: String| payload(client, format!(r#"{{"uid":"alice","exp":{exp}}}"#));
    let strict = launch(app(&json!({ "leeway": 0 })));
    assert_eq!(exp(&strict, format!("{}", NOW + 1)), accepted());
    assert_eq!(exp(&strict, format!("{NOW}.001")), accepted());
    assert_eq!(exp(&strict, format!("{NOW}")), expired());
    assert_eq!(exp(&strict, format!("{}.999", NOW - 1)), expired());

    let default = client();
    assert_eq!(exp(&default, format!("{}", NOW - 4)), accepted());
    assert_eq!(exp(&default, format!("{}", NOW - 5)), expired());

    let lenient = launch(app(&json!({ "leeway": 300 })));
    assert_eq!(exp(&lenient, format!("{}", NOW - 299)), accepted());
    assert_eq!(exp(&lenient, format!("{}", NOW - 300)), expired());
    for long_ago in ["0", "-1", "-1e300", "1"] {
        assert_eq!(exp(&lenient, long_ago.into()), expired());
    }
}

#[test]
fn rule_11_expiry_is_told_only_if_all_else_is_well() {
    let client = launch(app(&json!({ "issuer": "https://a.example", "audience": "api" })));
    let token =
        issuer().with_issuer("https://a.example").with_audience("api").token("alice").expired();
    assert_eq!(alice_with(&client, token.sign()), expired());
    for wrong in [
        token.clone().claim("iss", "https://b.example"),
        token.clone().without("iss"),
        token.clone().claim("aud", "other"),
        token.clone().without("aud"),
        token.clone().without("uid"),
        token.clone().claim("sub", "bob"),
        token.clone().claim("nbf", NOW + 60),
        token.clone().claim("iat", NOW + 60),
        token.clone().claim("iat", 0),
        token.clone().header("typ", "at+jwt"),
    ] {
        assert_eq!(alice_with(&client, wrong.sign()), invalid());
    }
}

#[test]
fn rule_12_a_token_lives_no_longer_than_the_limit() {
    let client = launch(app(&json!({ "max_lifetime": 600, "leeway": 10 })));
    let exp = |exp: String| payload(&client, format!(r#"{{"uid":"alice","exp":{exp}}}"#));
    assert_eq!(exp(format!("{}", NOW + 610)), accepted());
    assert_eq!(exp(format!("{}.5", NOW + 610)), invalid());
    assert_eq!(exp(format!("{}", NOW + 611)), invalid());
    for forever in ["18446744073709551615", "9007199254740993", "1e300"] {
        assert_eq!(exp(forever.into()), invalid());
    }

    let issued = |iat: String, exp: u64| {
        payload(&client, format!(r#"{{"uid":"alice","exp":{exp},"iat":{iat}}}"#))
    };
    assert_eq!(issued(format!("{}", NOW - 300), NOW + 300), accepted());
    assert_eq!(issued(format!("{}", NOW - 301), NOW + 300), invalid());
    assert_eq!(issued(format!("{}.5", NOW - 301), NOW + 300), invalid());
    assert_eq!(issued("-1e300".into(), NOW + 300), invalid());
    assert_eq!(issued("0".into(), NOW + 300), invalid());
}

#[test]
fn rule_12_by_default_the_limit_is_an_hour() {
    let exp = |exp: u64| payload(&client(), format!(r#"{{"uid":"alice","exp":{exp}}}"#));
    assert_eq!(exp(NOW + 3605), accepted());
    assert_eq!(exp(NOW + 3606), invalid());
    assert_eq!(with(&format!(r#""iat":{}"#, NOW - 2700)), accepted());
    assert_eq!(with(&format!(r#""iat":{}"#, NOW - 2701)), invalid());
}

#[test]
fn rule_13_not_before_and_issued_at_are_not_in_the_future() {
    for name in ["nbf", "iat"] {
        for past in [format!("{NOW}"), format!("{}", NOW + 5), format!("{}.25", NOW - 1)] {
            assert_eq!(with(&format!(r#""{name}":{past}"#)), accepted(), "{name} {past}");
        }
        for future in [format!("{}", NOW + 6), format!("{}.001", NOW + 5), "1e300".into()] {
            assert_eq!(with(&format!(r#""{name}":{future}"#)), invalid(), "{name} {future}");
        }
        let string = format!("\"{NOW}\"");
        for wrong in ["null", "\"\"", &string, "[]", "{}", "false", "1e400"] {
            assert_eq!(with(&format!(r#""{name}":{wrong}"#)), invalid(), "{name} {wrong}");
        }
    }
    assert_eq!(with(r#""nbf":0"#), accepted());
    assert_eq!(with(r#""nbf":-5"#), accepted());
}

#[test]
fn rule_14_a_configured_issuer_must_be_there_and_equal() {
    let client = launch(app(&json!({ "issuer": "https://a.example" })));
    assert_eq!(with_in(&client, r#""iss":"https://a.example""#), accepted());
    assert_eq!(with_in(&client, r#""x":1"#), invalid());
    for iss in [
        "null",
        "5",
        "\"\"",
        r#""https://a.example/""#,
        r#""https://A.example""#,
        r#""https://b.example""#,
        r#"["https://a.example"]"#,
        r#"{"https://a.example":1}"#,
    ] {
        assert_eq!(with_in(&client, &format!(r#""iss":{iss}"#)), invalid(), "{iss}");
    }
}

#[test]
fn rule_14_a_configured_audience_must_be_there_and_contain_ours() {
    let client = launch(app(&json!({ "audience": ["api", "admin"] })));
    for aud in [r#""api""#, r#""admin""#, r#"["api"]"#, r#"["x","admin"]"#, r#"["\u0061pi"]"#] {
        assert_eq!(with_in(&client, &format!(r#""aud":{aud}"#)), accepted(), "{aud}");
    }
    assert_eq!(with_in(&client, r#""x":1"#), invalid());
    for aud in [
        "null",
        "5",
        "\"\"",
        "[]",
        r#""API""#,
        r#""api,admin""#,
        r#""ap""#,
        r#"["x"]"#,
        r#"["api",5]"#,
        r#"["api",null]"#,
        r#"[["api"]]"#,
        r#"{"api":1}"#,
    ] {
        assert_eq!(with_in(&client, &format!(r#""aud":{aud}"#)), invalid(), "{aud}");
    }
}

#[test]
fn rule_14_without_configuration_any_issuer_and_audience_will_do() {
    for member in [r#""iss":5"#, r#""aud":{}"#, r#""iss":"x","aud":["y"]"#] {
        assert_eq!(with(member), accepted());
    }
}

#[test]
fn rule_14_the_url_gives_both() {
    let client = launch(app(&json!({ "url": "https://Auth.example:443/base/path" })));
    let with_both =
        |origin: &str| with_in(&client, &format!(r#""iss":"{origin}","aud":"{origin}""#));
    assert_eq!(with_both("https://auth.example"), accepted());
    assert_eq!(with_both("https://Auth.example:443/base/path"), invalid());
    assert_eq!(with_both("https://auth.example:443"), invalid());
    assert_eq!(with_in(&client, r#""iss":"https://auth.example""#), invalid());
}

#[test]
fn rule_15_a_uid_is_required_and_nothing_stands_in_for_it() {
    let client = client();
    for others in [
        r#""x":1"#,
        r#""sub":"alice""#,
        r#""id":"alice","userId":"alice","user_id":"alice""#,
        r#""Uid":"alice","UID":"alice""#,
        r#""user":{"uid":"alice"}"#,
        r#""email":"a@b.c","userId":"alice""#,
    ] {
        let claims = format!(r#"{{"exp":{},{others}}}"#, NOW + 900);
        assert_eq!(payload(&client, claims), invalid(), "{others}");
    }
}

/// Returns the `uid` that `/api/me` sees, or the status.
fn uid(value: &str) -> Result<String, u16> {
    let token = issuer().sign(HEADER, format!(r#"{{"exp":{},"uid":{value}}}"#, NOW + 900));
    let answer = get_as(&client(), "/api/me", token);
    if answer.status == 200 { Ok(answer.body) } else { Err(answer.status) }
}

#[test]
fn rule_15_a_uid_is_a_string_or_an_integer() {
    for (value, expected) in [
        (r#""alice""#, "alice"),
        (r#""\u0061lice""#, "alice"),
        (r#"" ""#, " "),
        (r#""пользователь""#, "пользователь"),
        (r#""042""#, "042"),
        (r#""a/b""#, "a/b"),
        (r#""\\""#, r"\"),
        (r#""\\\\""#, r"\\"),
        ("42", "42"),
        ("0", "0"),
        ("-0", "0"),
        ("-7", "-7"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        assert_eq!(uid(value).as_deref(), Ok(expected), "{value}");
    }
    for value in [
        "null",
        "true",
        "[]",
        "{}",
        r#"["alice"]"#,
        r#""""#,
        "1.0",
        "1e2",
        "1E2",
        "42.5",
        "-0.0",
        "18446744073709551616",
        "-9223372036854775809",
        r#""a\nb""#,
        r#""\u0000""#,
        r#""a\u007f""#,
        r#""\u0085""#,
        r#""\ud800""#,
    ] {
        assert_eq!(uid(value), Err(401), "{value}");
    }
}

#[test]
fn rule_15_another_claim_may_be_configured() {
    let client = launch(app(&json!({ "uid_claim": "account" })));
    let token = |members: &str| format!(r#"{{"exp":{},{members}}}"#, NOW + 900);
    assert_eq!(payload(&client, token(r#""account":"alice""#)), accepted());
    assert_eq!(payload(&client, token(r#""uid":"alice""#)), invalid());
    assert_eq!(payload(&client, token(r#""account":"alice","sub":"bob""#)), invalid());
}

#[test]
fn rule_16_a_subject_is_the_uid() {
    assert_eq!(with(r#""sub":"alice""#), accepted());
    assert_eq!(with(r#""sub":"\u0061lice""#), accepted());
    for sub in [r#""bob""#, r#""Alice""#, r#""""#, "null", "5", r#"["alice"]"#] {
        assert_eq!(with(&format!(r#""sub":{sub}"#)), invalid(), "{sub}");
    }
    // The subject of an integer `uid` is its decimal form, as a string.
    let client = client();
    let token = |sub: &str| {
        let claims = format!(r#"{{"exp":{},"uid":7,"sub":{sub}}}"#, NOW + 900);
        get_as(&client, "/api/7/tasks", issuer().sign(HEADER, claims)).status
    };
    assert_eq!((token("\"7\""), token("7"), token("\"07\"")), (200, 401, 401));
}

#[test]
fn rule_16_may_be_switched_off_for_issuers_whose_subject_is_something_else() {
    let client = launch(app(&json!({ "match_subject": false })));
    for sub in [r#""bob""#, "5", "null"] {
        assert_eq!(with_in(&client, &format!(r#""sub":{sub}"#)), accepted());
    }
    let by_subject = launch(app(&json!({ "uid_claim": "sub" })));
    let claims = format!(r#"{{"exp":{},"uid":"bob","sub":"alice"}}"#, NOW + 900);
    assert_eq!(payload(&by_subject, claims), accepted());
    let claims = format!(r#"{{"exp":{},"sub":7}}"#, NOW + 900);
    let token = issuer().sign(HEADER, claims);
    assert_eq!(get_as(&by_subject, "/api/7/tasks", token).status, 200);
}

/// The verifier reports which rule was broken, in the log but never to the client.
#[test]
fn the_error_names_the_claim() {
    let table = json!({ "issuer": "https://a.example", "audience": "api" });
    let verifier = guard().verifier(&figment(&table)).expect("a valid configuration");
    let token = issuer().with_issuer("https://a.example").with_audience("api").token("alice");
    let cause = |token: auth_guard::testing::Token| verifier.verify(&token.sign(), now()).err();
    assert_eq!(cause(token.clone()), None);
    for (name, value) in [
        ("exp", json!("x")),
        ("exp", json!(NOW + 99_999)),
        ("nbf", json!("x")),
        ("iat", json!(null)),
        ("iss", json!("x")),
        ("aud", Value::Null),
        ("uid", json!("")),
        ("sub", json!("bob")),
    ] {
        let cause = cause(token.clone().claim(name, value));
        assert_eq!(cause, Some(AuthError::InvalidClaim(name.into())));
    }
    assert_eq!(cause(token.clone().claim("nbf", NOW + 60)), Some(AuthError::NotYetValid));
    assert_eq!(cause(token.clone().expired()), Some(AuthError::Expired));
    assert_eq!(cause(token.clone().header("alg", "none")), Some(AuthError::AlgorithmNotAllowed));
    assert_eq!(cause(token.header("crit", "x")), Some(AuthError::MalformedToken));
}

#[test]
fn extreme_times_do_no_harm() {
    let verifier = guard().verifier(&figment(&json!({}))).expect("a valid configuration");
    let token = issuer().token("alice").sign();
    for now in [
        std::time::SystemTime::UNIX_EPOCH,
        std::time::SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40),
        std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40),
    ] {
        assert!(verifier.verify(&token, now).is_err());
    }
    // Times before 1970 are negative, and otherwise ordinary.
    let at = |exp: i64| issuer().sign(HEADER, format!(r#"{{"uid":"alice","exp":{exp}}}"#));
    let then = std::time::SystemTime::UNIX_EPOCH - Duration::from_secs(100);
    assert!(verifier.verify(&at(-50), then).is_ok());
    assert_eq!(verifier.verify(&at(-105), then).err(), Some(AuthError::Expired));
    let claims = verifier.verify(&token, now()).expect("a valid token");
    assert_eq!(claims.expires_at(), now() + Duration::from_secs(900));
}
