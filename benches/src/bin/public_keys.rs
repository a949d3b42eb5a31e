//! Measures public-key tokens, memoized and with many keys, and prints tables.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use auth_guard::{AuthError, AuthGuard, Verifier};
use auth_guard_benches::interleave::{Contender, run};
use auth_guard_benches::tokens;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::figment::Figment;
use serde_json::{Value, json};

const ISSUER: &str = "https://auth.example";
const ROUNDS: usize = 201;
const TURN: Duration = Duration::from_millis(2);

fn main() {
    let runtime = rocket::tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _guard = runtime.enter();

    memory();
    look_up();
    threads();
    growth();
}

/// Compares a new token with a memoized one.
fn memory() {
    println!(
        "| public keys | first sight, ns | remembered, ns | ratio |\n| --- | --- | --- | --- |"
    );
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let (key, jwk) = Key::generate(algorithm, 0);
        let (token, url) = (key.mint(), serve(&[jwk]));
        let [first, remembered] = [0, 10_000].map(|capacity| verifier(&url, capacity, &token));
        let rounds = run(
            &mut [
                Box::new(|n| verify(&first, &token, n)),
                Box::new(|n| verify(&remembered, &token, n)),
            ],
            ROUNDS,
            TURN,
        );
        println!(
            "| {algorithm} | {:.0} | {:.0} | 1/{:.0} |",
            rounds.median(0),
            rounds.median(1),
            rounds.ratio(|time| time(0) / time(1)),
        );
    }
}

/// Compares a remembered token with the plainest way to remember one.
fn look_up() {
    let (key, jwk) = Key::generate("EdDSA", 0);
    let url = serve(&[jwk]);
    println!(
        "\n| remembered tokens | ns | one look-up in a `RwLock<HashMap>` of them, ns | ratio |"
    );
    println!("| --- | --- | --- | --- |");
    for number in [1, 10_000] {
        let tokens: Vec<_> = (0..number).map(|id| key.mint_for(id)).collect();
        let verifier = verifier(&url, 20_000, &tokens[0]);
        tokens.iter().for_each(|token| verify(&verifier, token, 1));
        let map: HashMap<String, Arc<str>> =
            tokens.iter().map(|token| (token.clone(), "claims".into())).collect();
        let map = RwLock::new(map);
        let mut one = cycle(&tokens, 0);
        let mut other = cycle(&tokens, 0);
        let rounds = run(
            &mut [
                Box::new(|n| (0..n).for_each(|_| verify(&verifier, one(), 1))),
                Box::new(|n| {
                    for _ in 0..n {
                        let map = map.read().expect("no panic");
                        assert!(black_box(map.get(black_box(other())).cloned()).is_some());
                    }
                }),
            ],
            ROUNDS,
            TURN,
        );
        println!(
            "| {number} | {:.0} | {:.0} | {:.2} |",
            rounds.median(0),
            rounds.median(1),
            rounds.ratio(|time| time(0) / time(1)),
        );
    }
}

/// Compares the throughput of two threads with that of one.
fn threads() {
    let (key, jwk) = Key::generate("EdDSA", 0);
    let remembered: Vec<_> = (0..10_000).map(|id| key.mint_for(id)).collect();
    let public = verifier(&serve(&[jwk]), 20_000, &remembered[0]);
    remembered.iter().for_each(|token| verify(&public, token, 1));
    let secret = tokens::verifier();
    println!("\n| two threads | throughput ÷ one |\n| --- | --- |");
    for (name, verifier, tokens) in [
        ("10,000 remembered tokens", &public, &remembered),
        ("one HS256 token", &secret, &vec![tokens::valid(tokens::USUAL)]),
        ("1,000 HS256 tokens", &secret, &tokens::different(1000)),
    ] {
        let work = |n: u32, start: usize| {
            let mut next = cycle(tokens, start);
            (0..n).for_each(|_| verify(verifier, next(), 1));
        };
        let rounds = run(
            &mut [
                Box::new(|n| work(n, 0)),
                Box::new(|n| {
                    std::thread::scope(|scope| {
                        scope.spawn(|| work(n, 0));
                        // Elsewhere, since two threads mostly serve different users.
                        work(n, tokens.len() / 2);
                    });
                }),
            ],
            ROUNDS / 4,
            // Longer turns, because threads take a while to start.
            TURN * 20,
        );
        println!("| {name} | {:.2} |", rounds.ratio(|time| 2.0 * time(0) / time(1)));
    }
}

fn cycle<'a>(tokens: &'a [String], start: usize) -> impl FnMut() -> &'a str {
    let mut tokens = tokens.iter().cycle().skip(start);
    move || tokens.next().expect("an endless iterator")
}

/// Measures how the number of keys matters to a token that is not memoized.
fn growth() {
    println!("\n| EdDSA at first sight, keys held | ns | ÷ one |\n| --- | --- | --- |");
    let (keys, set): (Vec<_>, Vec<_>) = (0..100).map(|id| Key::generate("EdDSA", id)).unzip();
    let numbers = [1, 10, 100];
    let verifiers = numbers.map(|number| {
        // Signed by the last key, the worst case of a linear search.
        let token = keys[number - 1].mint();
        (verifier(&serve(&set[..number]), 0, &token), token)
    });
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (verifier, token) in &verifiers {
        contenders.push(Box::new(move |n| verify(verifier, token, n)));
    }

    let rounds = run(&mut contenders, ROUNDS, TURN);
    for (turn, number) in numbers.into_iter().enumerate() {
        let ratio = rounds.ratio(|time| time(turn) / time(0));
        println!("| {number} | {:.0} | {ratio:.2} |", rounds.median(turn));
    }
}

fn verify(verifier: &Verifier, token: &str, times: u32) {
    for _ in 0..times {
        assert!(black_box(verifier.verify(black_box(token), SystemTime::now())).is_ok());
    }
}

/// Builds a verifier as an application does, and waits for its keys.
fn verifier(url: &str, capacity: u32, token: &str) -> Verifier {
    let table = json!({
        "jwks_url": url, "issuer": ISSUER, "audience": ISSUER, "memo_capacity": capacity,
        "required_claims": ["iat"],
    });
    let figment = Figment::from(rocket::Config::release_default()).merge(("auth_guard", table));
    let verifier = AuthGuard::fairing().verifier(&figment).expect("a verifier");
    while let Err(error) = verifier.verify(token, SystemTime::now()) {
        assert_eq!(error, AuthError::KeysUnavailable);
        std::thread::sleep(Duration::from_millis(10));
    }
    verifier
}

/// A private key and its id.
struct Key {
    algorithm: &'static str,
    kid: String,
    sign: Sign,
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

impl Key {
    /// Generates a key and returns it with its public half as a JWK.
    fn generate(algorithm: &'static str, id: usize) -> (Self, Value) {
        let random = SystemRandom::new();
        let (sign, mut jwk): (Sign, _) = match algorithm {
            "EdDSA" => {
                let pair = Ed25519KeyPair::generate().expect("a key");
                let x = text(pair.public_key());
                let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
                (Box::new(move |input| pair.sign(input).as_ref().to_vec()), jwk)
            }
            "ES256" => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
                // The first byte only announces an uncompressed point: both coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let jwk = json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) });
                let sign =
                    move |input: &[u8]| pair.sign(&random, input).map(|s| s.as_ref().to_vec());
                (Box::new(move |input| sign(input).expect("a signature")), jwk)
            }
            "RS256" => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let n = text(n.big_endian_without_leading_zero());
                let e = text(e.big_endian_without_leading_zero());
                let jwk = json!({ "kty": "RSA", "alg": algorithm, "n": n, "e": e });
                let sign = move |input: &[u8]| {
                    let mut signature = vec![0; pair.public_modulus_len()];
                    pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature).map(|()| signature)
                };
                (Box::new(move |input| sign(input).expect("a signature")), jwk)
            }
            other => panic!("there is no {other} here"),
        };
        // The length of Better Auth's key ids.
        let kid = format!("Vx0cJ4uQ2mB7sY9hT1nK6wE3rZ8pL5{id:02}");
        jwk["kid"] = Value::from(&*kid);
        (Self { algorithm, kid, sign }, jwk)
    }

    /// Mints a token as Better Auth does.
    fn mint(&self) -> String {
        self.mint_for(0)
    }

    /// Mints the token of one of many users.
    fn mint_for(&self, id: usize) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
        let (now, uid) = (now.as_secs(), format!("kQ3xV9mZt7LpRw2YsB8dNf4GhJ6{id:05}"));
        let header = json!({ "alg": self.algorithm, "kid": self.kid });
        let claims = json!({
            "iat": now, "uid": uid, "sub": uid, "exp": now + 900, "iss": ISSUER, "aud": ISSUER,
        });
        let input = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        let signature = (self.sign)(input.as_bytes());
        format!("{input}.{}", text(signature))
    }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Starts a server that answers every request with this set, and returns its URL.
fn serve(keys: &[Value]) -> String {
    let set = json!({ "keys": keys }).to_string();
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
