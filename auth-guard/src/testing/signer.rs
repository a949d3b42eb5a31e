//! What an issuer signs with.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::keys::{self, Secret};

#[cfg(feature = "jwks")]
pub(super) use public::PublicSigner;

#[derive(Clone)]
pub(super) enum Signer {
    Hs256(Hmac<Sha256>),
    #[cfg(feature = "jwks")]
    Public(std::sync::Arc<PublicSigner>),
}

impl Signer {
    pub(super) fn sign(&self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Hs256(key) => key.clone().chain_update(input).finalize().into_bytes().to_vec(),
            #[cfg(feature = "jwks")]
            Self::Public(key) => key.sign(input),
        }
    }

    /// `alg` and `kid`.
    pub(super) fn names(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Hs256(_) => ("HS256", None),
            #[cfg(feature = "jwks")]
            Self::Public(key) => (key.algorithm.name(), Some(&key.kid)),
        }
    }

    /// Somebody else's, by the same names.
    pub(super) fn another(&self) -> Self {
        match self {
            Self::Hs256(_) => Self::Hs256(keys::keyed(&Secret::random())),
            #[cfg(feature = "jwks")]
            Self::Public(key) => {
                Self::Public(PublicSigner::generate(key.algorithm, &key.kid).into())
            }
        }
    }

    /// What everybody knows of the key, and a verifier that mixes keys up may take for
    /// a shared secret; what it is, and its bytes.
    pub(super) fn known(&self) -> Vec<(&'static str, Vec<u8>)> {
        match self {
            Self::Hs256(_) => vec![
                ("PEM", SOME_PUBLIC_KEY.into()),
                ("PEM, without its last line end,", SOME_PUBLIC_KEY.trim_end().into()),
            ],
            #[cfg(feature = "jwks")]
            Self::Public(key) => key.known(),
        }
    }
}

const SOME_PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

#[cfg(feature = "jwks")]
mod public {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents,
    };
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use crate::keys::public::jwk::Algorithm;

    /// A key pair of its own.
    pub(in crate::testing) struct PublicSigner {
        pub(super) algorithm: Algorithm,
        pub(super) kid: String,
        pair: Pair,
    }

    enum Pair {
        Ed25519(Ed25519KeyPair),
        P256(EcdsaKeyPair),
        Rsa(RsaKeyPair),
    }

    impl PublicSigner {
        /// Panics when the operating system has no random numbers to give.
        pub(in crate::testing) fn generate(algorithm: Algorithm, kid: &str) -> Self {
            const GENERATED: &str = "a key is generated";
            let pair = match algorithm {
                Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().expect(GENERATED)),
                Algorithm::Es256 => Pair::P256(
                    EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)
                        .expect(GENERATED),
                ),
                Algorithm::Rs256 | Algorithm::Ps256 => {
                    Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect(GENERATED))
                }
            };
            Self { algorithm, kid: kid.into(), pair }
        }

        pub(super) fn sign(&self, input: &[u8]) -> Vec<u8> {
            const SIGNED: &str = "a key that was generated signs";
            let random = SystemRandom::new();
            match &self.pair {
                Pair::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
                Pair::P256(pair) => pair.sign(&random, input).expect(SIGNED).as_ref().to_vec(),
                Pair::Rsa(pair) => {
                    let padding = match self.algorithm {
                        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                        _ => &signature::RSA_PKCS1_SHA256 as &dyn signature::RsaEncoding,
                    };
                    let mut tag = vec![0; pair.public_modulus_len()];
                    pair.sign(padding, &random, input, &mut tag).expect(SIGNED);
                    tag
                }
            }
        }

        /// As Better Auth publishes it.
        pub(in crate::testing) fn jwk(&self) -> Value {
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let (alg, kid) = (self.algorithm.name(), &self.kid);
            match &self.pair {
                Pair::Ed25519(pair) => {
                    let x = encode(pair.public_key().as_ref());
                    json!({ "alg": alg, "crv": "Ed25519", "x": x, "kty": "OKP", "kid": kid })
                }
                Pair::P256(pair) => {
                    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                    let (x, y) = (encode(x), encode(y));
                    json!({ "alg": alg, "crv": "P-256", "x": x, "y": y, "kty": "EC", "kid": kid })
                }
                Pair::Rsa(pair) => {
                    let key = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                    let (n, e) = (encode(&key.n), encode(&key.e));
                    json!({ "alg": alg, "n": n, "e": e, "kty": "RSA", "kid": kid })
                }
            }
        }

        pub(super) fn known(&self) -> Vec<(&'static str, Vec<u8>)> {
            let (der, bytes) = match &self.pair {
                Pair::Ed25519(pair) => (der(pair.public_key()), pair.public_key().as_ref()),
                Pair::P256(pair) => (der(pair.public_key()), pair.public_key().as_ref()),
                Pair::Rsa(pair) => (der(pair.public_key()), pair.public_key().as_ref()),
            };
            let base64 = STANDARD.encode(&der).into_bytes();
            let lines: Vec<_> = base64.chunks(64).collect();
            let pem = [
                &b"-----BEGIN PUBLIC KEY-----\n"[..],
                &lines.join(&b'\n'),
                b"\n-----END PUBLIC KEY-----\n",
            ];
            vec![
                ("PEM", pem.concat()),
                ("PEM, without its last line end,", pem.concat().trim_ascii_end().to_vec()),
                ("DER", der),
                ("bytes", bytes.to_vec()),
                ("JWK", self.jwk().to_string().into_bytes()),
            ]
        }
    }

    /// SubjectPublicKeyInfo (RFC 5280 section 4.1).
    fn der(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
        let der = key.as_der().expect("a key that was generated is encoded");
        der.as_ref().to_vec()
    }
}
