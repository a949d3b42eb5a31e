//! Tokens that a real Better Auth server signs with the same secret for other purposes are
//! refused everywhere. Its access tokens are accepted in every shape they have.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::ROUTES;
use super::servers::{ExampleApp, Issuer, SECRET, User};

/// Returns the header and the payload, each `Null` if it is missing.
fn parts(token: &str) -> [Value; 2] {
    let mut segments = token.split('.').map(|segment| URL_SAFE_NO_PAD.decode(segment));
    std::array::from_fn(|_| {
        let json = segments.next().and_then(Result::ok).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    })
}

/// Returns `true` if a verifier that checks only the signature would accept the token.
fn is_signed_with_the_secret(token: &str) -> bool {
    let Some((input, tag)) = token.rsplit_once('.') else { return false };
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.chain_update(input).verify_slice(&tag).is_ok()
}

/// Starts the example app in every configuration that might accept such a token.
fn apps(issuer: &Issuer) -> [ExampleApp; 4] {
    let secret = ("BETTER_AUTH_SECRET", SECRET);
    let url = ("BETTER_AUTH_URL", issuer.url.as_str());
    let uid_claim = |name| ("AUTH_GUARD_UID_CLAIM", name);
    [
        ExampleApp::start(&[secret, url]),
        // Any issuer, any audience.
        ExampleApp::start(&[secret]),
        ExampleApp::start(&[secret, uid_claim("sub")]),
        // E-mail tokens have this claim; requiring an issuer keeps them out.
        ExampleApp::start(&[secret, url, uid_claim("userId")]),
    ]
}

/// Sends the token to every guarded route of every app. Returns the number of refusals.
fn refused_everywhere(apps: &[ExampleApp], user: &User, purpose: &str, token: &str) -> usize {
    let own = ROUTES.map(|(method, path)| (method, format!("/api/{}/{path}", user.id)));
    let routes = own.into_iter().chain([("GET", "/api/me".to_owned())]);
    let mut count = 0;
    for (method, path) in routes {
        for app in apps {
            let (status, body) = app.call(method, &path, Some(token), json!({ "title": "milk" }));
            let got = (status, body["code"].as_str().unwrap_or_default());
            assert_eq!(got, (401, "token_invalid"), "{purpose}: {method} {path}");
            count += 1;
        }
    }
    count
}

/// Returns every token that Better Auth can mail, with the purpose in its payload.
fn mailed(issuer: &Issuer, alice: &User) -> Vec<(String, String)> {
    let session = Some(alice.session.as_str());
    let post = |path: &str, body: Value| {
        let (status, answer) = issuer.call("POST", path, session, &body);
        assert_eq!(status, 200, "{path}: {answer}");
    };
    let verify = |token: &str| {
        let path = format!("verify-email?token={token}");
        let (status, answer) = issuer.call("GET", &path, session, &Value::Null);
        assert_eq!(status, 200, "{answer}");
    };
    let last = || issuer.outbox().pop().expect("a mail").1;

    // Once before the address is verified, and once after.
    post("send-verification-email", json!({ "email": alice.email }));
    let verification = last();
    post("change-email", json!({ "newEmail": "new@example.com" }));
    verify(&verification);
    post("change-email", json!({ "newEmail": "newer@example.com" }));
    verify(&last());
    post("request-password-reset", json!({ "email": alice.email }));
    post("delete-user", json!({}));

    let mails = issuer.outbox().into_iter();
    mails
        .map(|(purpose, token)| match parts(&token)[1]["requestType"].as_str() {
            Some(request_type) => (request_type.to_owned(), token),
            None => (purpose, token),
        })
        .collect()
}

#[test]
fn every_other_token_of_the_same_secret_is_refused_everywhere() {
    let mut tokens = 0;
    let mut same_secret = 0;
    let mut requests = 0;
    let mut purposes = Vec::new();
    let mut refuse = |apps: &[ExampleApp], user: &User, purpose: &str, token: &str| {
        tokens += 1;
        same_secret += usize::from(is_signed_with_the_secret(token));
        requests += refused_everywhere(apps, user, purpose, token);
        purposes.push(purpose.to_owned());
    };

    for variant in ["mail,cookie-jwt", "cookie-jwe", "cookie-compact"] {
        let issuer = Issuer::start(&[("ISSUER_VARIANT", variant)]);
        let apps = apps(&issuer);
        let alice = issuer.sign_up("alice");
        refuse(&apps, &alice, "session token", &alice.session);
        for cookie in &alice.cookies {
            let (name, value) = cookie.split_once('=').expect("a cookie");
            refuse(&apps, &alice, &format!("{name} of {variant}"), value);
            if variant.contains("cookie-jwt") && name.ends_with("session_data") {
                let [header, payload] = parts(value);
                assert_eq!(header, json!({ "alg": "HS256" }));
                assert_eq!(payload["user"]["id"], json!(alice.id));
                assert!(is_signed_with_the_secret(value));
            }
        }
        if variant.starts_with("mail") {
            for (purpose, token) in mailed(&issuer, &alice) {
                refuse(&apps, &alice, &purpose, &token);
            }
        }
    }

    // The cookie cache and the access token of the mode with public keys: with a shared
    // secret only, the app has no key for their algorithm.
    for algorithm in ["EdDSA", "ES256", "RS256", "PS256"] {
        let issuer = Issuer::start(&[
            ("ISSUER_MODE", "jwks"),
            ("ISSUER_JWKS_ALG", algorithm),
            ("ISSUER_VARIANT", "cookie-jwks"),
        ]);
        let apps = apps(&issuer);
        let alice = issuer.sign_up("alice");
        let is_cache = |cookie: &&String| cookie.contains("session_data=");
        let cache = alice.cookies.iter().find(is_cache).expect("a cookie cache");
        let cache = cache.split_once('=').expect("a cookie").1;
        assert_eq!(parts(cache)[0]["typ"], "better-auth.session-cache+jwt");
        refuse(&apps, &alice, &format!("cookie cache, {algorithm}"), cache);
        refuse(&apps, &alice, &format!("access token, {algorithm}"), &issuer.token(&alice));
    }

    // Without `definePayload`, Better Auth puts in the whole user and no `uid`.
    let issuer = Issuer::start(&[("ISSUER_VARIANT", "whole-user")]);
    let alice = issuer.sign_up("alice");
    let token = issuer.token(&alice);
    assert_eq!(parts(&token)[1]["email"], json!(alice.email));
    refuse(&apps(&issuer)[..2], &alice, "access token without uid", &token);

    for purpose in [
        "verification",
        "change-email-verification",
        "change-email-confirmation",
        "password reset",
        "deletion of the account",
        "better-auth.session_token of mail,cookie-jwt",
        "better-auth.session_data of mail,cookie-jwt",
        "better-auth.session_data of cookie-jwe",
        "better-auth.session_data of cookie-compact",
    ] {
        assert!(purposes.iter().any(|known| known == purpose), "no {purpose} among {purposes:?}");
    }
    println!(
        "tokens of other purposes refused: {tokens} ({same_secret} of them signed with the very \
         secret), by {requests} requests"
    );
    assert!(same_secret >= 7, "{same_secret}");
}

#[test]
fn real_access_tokens_are_accepted_in_every_shape() {
    type Shape = fn(&Value, &Value) -> bool;
    let shapes: [(&str, Shape); 8] = [
        ("", |header, claims| header["typ"] == "JWT" && claims["iat"].is_u64()),
        ("aud-array", |_, claims| claims["aud"].is_array()),
        ("no-typ", |header, _| *header == json!({ "alg": "HS256" })),
        ("fractional", |_, claims| claims["iat"].is_f64() && claims["exp"].is_f64()),
        ("no-iat", |_, claims| claims.get("iat").is_none()),
        ("uuid", |_, claims| claims["uid"].as_str().is_some_and(|uid| uid.len() == 36)),
        ("serial", |_, claims| claims["uid"] == "1"),
        ("aud-array,no-typ,fractional,serial", |header, claims| {
            claims["uid"] == "1" && claims["aud"].is_array() && header.get("typ").is_none()
        }),
    ];
    for (variant, is_so) in shapes {
        let settings: &[_] = match variant {
            "" => &[],
            _ => &[("ISSUER_VARIANT", variant)],
        };
        let issuer = Issuer::start(settings);
        let app =
            ExampleApp::start(&[("BETTER_AUTH_SECRET", SECRET), ("BETTER_AUTH_URL", &issuer.url)]);
        let (alice, bob) = (issuer.sign_up("alice"), issuer.sign_up("bob"));
        let token = issuer.token(&alice);
        let [header, claims] = parts(&token);
        assert!(is_so(&header, &claims), "{variant}: {header} {claims}");

        let (status, me) = app.call("GET", "/api/me", Some(&token), Value::Null);
        assert_eq!((status, &me["uid"]), (200, &json!(alice.id)), "{variant}: {claims}");
        let get = |user: &User| {
            app.call("GET", &format!("/api/{}/tasks", user.id), Some(&token), Value::Null).0
        };
        assert_eq!((get(&alice), get(&bob)), (200, 403), "{variant}");
    }
    println!("shapes of real access tokens accepted: {}", shapes.len());
}
