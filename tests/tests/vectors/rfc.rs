//! The compact examples of RFC 7515 appendix A, RFC 7520 section 4 and RFC 8037
//! appendix A. Not among them: ES512 (RFC 7515 A.4, RFC 7520 4.3) and PS384 (4.2),
//! which are not supported, and those in JSON serialization.

use auth_guard::AuthError;
use auth_guard::testing::internal::{verify_jws, verify_jws_with_jwk};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::verifies;

const A_1_KEY: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

/// The payload of RFC 7515 A.1 to A.3 and A.5, as a segment.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// The payload of RFC 7520 section 4, as a segment.
const FRODO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4g\
                     WW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwg\
                     dGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

#[test]
fn rfc_7515_a_1_hs256() {
    let key = decode(A_1_KEY);
    // Its header has line breaks in it: `{"typ":"JWT",\r\n "alg":"HS256"}`.
    let header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    let token = format!("{header}.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(verify_jws(&token, &key), Ok(decode(JOE)));
    assert_eq!(verify_jws(&token, &key[1..]), Err(AuthError::InvalidSignature));
}

#[test]
fn rfc_7515_a_2_rs256() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0\
         Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXnd\
         S5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5Ihl\
         JH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF\
                     5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK\
                     5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt\
                     FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB\
                     p0igcN_IoypGlUPQGe77Rw";
    is_signed(&rsa("RS256", n), &format!("eyJhbGciOiJSUzI1NiJ9.{JOE}"), signature);
}

#[test]
fn rfc_7515_a_3_es256() {
    let (x, y) = (
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    );
    let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y });
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K\
                     g6NU1Q";
    is_signed(&key, &format!("eyJhbGciOiJFUzI1NiJ9.{JOE}"), signature);
}

#[test]
fn rfc_7515_a_5_unsecured_is_refused() {
    let token = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    assert_eq!(verify_jws(&token, &decode(A_1_KEY)), Err(AuthError::AlgorithmNotAllowed));
}

#[test]
fn rfc_7520_4_1_rs256() {
    let n = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_A\
         JmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7\
         Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L\
         _vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
    let header = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9";
    let signature = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx\
                     996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHR\
                     D68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrD\
                     aLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH8\
                     4ogoree7vjbU5y18kDquDg";
    is_signed(&rsa("RS256", n), &format!("{header}.{FRODO}"), signature);
}

#[test]
fn rfc_7520_4_4_hs256_and_4_5_detached() {
    let key = decode("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg");
    let header = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9";
    let signature = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    let token = format!("{header}.{FRODO}.{signature}");
    assert_eq!(verify_jws(&token, &key), Ok(decode(FRODO)));
    // Without its payload it says nothing.
    let detached = format!("{header}..{signature}");
    assert_eq!(verify_jws(&detached, &key), Err(AuthError::InvalidSignature));
}

#[test]
fn rfc_8037_a_4_eddsa() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x });
    let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_M\
                     uM0KAg";
    is_signed(&key, input, signature);
}

fn rsa(alg: &str, n: &str) -> Value {
    json!({ "kty": "RSA", "alg": alg, "n": n, "e": "AQAB" })
}

/// Checks that the signature is valid for this input alone, as a token and by itself.
fn is_signed(jwk: &Value, input: &str, signature: &str) {
    let mut bytes = decode(signature);
    assert!(verifies(jwk, input.as_bytes(), &bytes));
    assert!(!verifies(jwk, &input.as_bytes()[1..], &bytes));
    bytes[0] ^= 1;
    assert!(!verifies(jwk, input.as_bytes(), &bytes));

    // With the key's id, where the header has one.
    let (header, payload) = input.split_once('.').expect("two segments");
    let header: Value = serde_json::from_slice(&decode(header)).expect("a header");
    let mut jwk = jwk.clone();
    jwk["kid"] = header["kid"].clone();
    if header["kid"].is_null() {
        jwk.as_object_mut().expect("an object").remove("kid");
    }
    let token = format!("{input}.{signature}");
    assert_eq!(verify_jws_with_jwk(&token, &jwk), Ok(decode(payload)));
    assert_eq!(verify_jws(&token, &decode(A_1_KEY)), Err(AuthError::AlgorithmNotAllowed));
}
