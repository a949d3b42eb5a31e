//! Rules 1 to 3: from the header field to the token.

use auth_guard_tests::*;

fn tasks(authorization: &[&str]) -> (u16, String) {
    let answer = get_with(&client(), "/api/alice/tasks", authorization);
    (answer.status, answer.code())
}

fn missing() -> (u16, String) {
    (401, "token_missing".into())
}

#[test]
fn rule_01_no_empty_or_other_scheme_is_a_missing_token() {
    let token = issuer().token("alice").sign();
    for authorization in [
        vec![],
        vec![String::new()],
        vec!["   ".into()],
        vec!["Basic YWxpY2U6cHc=".into()],
        vec![format!("Basic {token}")],
        vec![format!("Token {token}")],
        vec![token.clone()],
        vec![format!("Bearers {token}")],
    ] {
        let fields: Vec<_> = authorization.iter().map(String::as_str).collect();
        assert_eq!(tasks(&fields), missing(), "{} fields", fields.len());
    }
}

#[test]
fn rule_01_more_than_one_field_is_a_malformed_request() {
    let token = issuer().token("alice").sign();
    let (bearer, basic) = (format!("Bearer {token}"), "Basic YWxpY2U6cHc=".to_owned());
    for pair in [[&bearer, &bearer], [&bearer, &basic], [&basic, &bearer], [&basic, &basic]] {
        let answer = get_with(&client(), "/api/alice/tasks", &pair.map(String::as_str));
        assert_eq!((answer.status, &*answer.code()), (400, "request_malformed"));
    }
}

#[test]
fn rule_02_the_scheme_is_compared_without_case_and_spaces_may_be_many() {
    let token = issuer().token("alice").sign();
    for field in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("bEaReR {token}"),
        format!("Bearer     {token}"),
        format!("Bearer {token}   "),
    ] {
        assert_eq!(tasks(&[&field]), accepted(), "{}", field.replace(&token, "…"));
    }
}

#[test]
fn rule_02_bearer_without_one_token_is_invalid() {
    let token = issuer().token("alice").sign();
    for field in [
        "Bearer".into(),
        "bearer ".into(),
        "Bearer    ".into(),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token},"),
        format!("Bearer \"{token}\""),
        format!("Bearer \t{token}"),
        format!("Bearer {token}\t"),
        format!("Bearer ={token}"),
        "Bearer ====".into(),
        format!("Bearer {token}é"),
    ] {
        assert_eq!(tasks(&[&field]), invalid(), "{}", field.replace(&token, "…"));
    }
}

#[test]
fn rule_02_bearer_without_a_space_is_another_scheme() {
    let token = issuer().token("alice").sign();
    for field in [format!("Bearer{token}"), format!("Bearer:{token}"), format!("Bearer\t{token}")] {
        assert_eq!(tasks(&[&field]), missing());
    }
}

#[test]
fn rule_03_a_token_of_8_kib_is_read_and_a_longer_one_is_not() {
    // base64url has no text of some lengths, so these are the nearest ones.
    let padded = |n| issuer().token("alice").claim("padding", "x".repeat(n)).sign();
    let tokens: Vec<_> = (5_700..6_100).map(padded).collect();
    let longest = tokens.iter().rfind(|token| token.len() <= 8192).expect("one");
    let longer = tokens.iter().find(|token| token.len() > 8192).expect("one");
    assert!(longest.len() > 8190 && longer.len() < 8195);
    assert_eq!(tasks(&[&format!("Bearer {longest}")]), accepted());
    assert_eq!(tasks(&[&format!("Bearer {longer}")]), invalid());
}
