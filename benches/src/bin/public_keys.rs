//! A public-key token at first sight, and once it is remembered: prints a table.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use auth_guard::{AuthError, AuthGuard, Verifier};
use auth_guard_benches::interleave::run;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use jsonwebtoken::crypto::rust_crypto;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rocket::figment::Figment;
use serde_json::{Value, json};

const ISSUER: &str = "https://auth.example";
const ROUNDS: usize = 201;
const TURN: Duration = Duration::from_millis(2);

fn main() {
    // jsonwebtoken would have to choose: both of its providers are in the build.
    let _ = rust_crypto::DEFAULT_PROVIDER.install_default();
    let runtime = rocket::tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _guard = runtime.enter();

    println!(
        "| public keys | first sight, ns | remembered, ns | ratio |\n| --- | --- | --- | --- |"
    );
    for (name, algorithm) in
        [("EdDSA", Algorithm::EdDSA), ("ES256", Algorithm::ES256), ("RS256", Algorithm::RS256)]
    {
        let (token, set) = mint(algorithm);
        let url = serve(set);
        let first = verifier(&url, 0, &token);
        let memo = verifier(&url, 10_000, &token);
        let verify = |verifier: &Verifier, n: u32| {
            for _ in 0..n {
                let result = verifier.verify(black_box(&token), SystemTime::now());
                assert!(black_box(result).is_ok());
            }
        };
        let rounds = run(
            &mut [Box::new(|n| verify(&first, n)), Box::new(|n| verify(&memo, n))],
            ROUNDS,
            TURN,
        );
        println!(
            "| {name} | {:.0} | {:.0} | 1/{:.0} |",
            rounds.median(0),
            rounds.median(1),
            rounds.ratio(|time| time(0) / time(1)),
        );
    }
}

/// As an application gets one, once its keys have come.
fn verifier(url: &str, capacity: u32, token: &str) -> Verifier {
    let table = json!({
        "jwks_url": url, "issuer": ISSUER, "audience": ISSUER, "memo_capacity": capacity,
    });
    let figment = Figment::from(rocket::Config::release_default()).merge(("auth_guard", table));
    let verifier = AuthGuard::fairing().verifier(&figment).expect("a verifier");
    while let Err(error) = verifier.verify(token, SystemTime::now()) {
        assert_eq!(error, AuthError::KeysUnavailable);
        std::thread::sleep(Duration::from_millis(10));
    }
    verifier
}

/// A token as Better Auth mints it, and the set with its key.
fn mint(algorithm: Algorithm) -> (String, String) {
    let key = match algorithm {
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::generate().expect("a key");
            EncodingKey::from_ed_der(pair.to_pkcs8().expect("PKCS 8").as_ref())
        }
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
            EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("PKCS 8").as_ref())
        }
        _ => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
            let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().expect("PKCS 8");
            EncodingKey::from_rsa_der(der.as_ref())
        }
    };
    let kid = "Vx0cJ4uQ2mB7sY9hT1nK6wE3rZ8pL5gA";
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).expect("a JWK"))
        .expect("JSON");
    jwk["kid"] = Value::from(kid);

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_secs();
    let uid = "kQ3xV9mZt7LpRw2YsB8dNf4GhJ6cXa1E";
    let claims = json!({
        "iat": now, "uid": uid, "sub": uid, "exp": now + 900, "iss": ISSUER, "aud": ISSUER,
    });
    let header = Header { typ: None, kid: Some(kid.into()), ..Header::new(algorithm) };
    let token = jsonwebtoken::encode(&header, &claims, &key).expect("a token");
    (token, json!({ "keys": [jwk] }).to_string())
}

/// Answers everybody with this set.
fn serve(set: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:";
            let _ = stream.write_all(format!("{head} {}\r\n\r\n{set}", set.len()).as_bytes());
        }
    });
    url
}
