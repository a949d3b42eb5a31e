//! What a test signs with: a shared secret, or a key pair.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::keys::secret::{self, Secret};

#[cfg(feature = "jwks")]
pub(super) use public::PublicSigner;

#[derive(Clone)]
pub(super) enum Signer {
    Hs256(Hmac<Sha256>),
    #[cfg(feature = "jwks")]
    Public(std::sync::Arc<PublicSigner>),
}

impl Signer {
    pub(super) fn of_secret(secret: &Secret) -> Self {
        Self::Hs256(secret::keyed(secret))
    }

    /// Returns an HS256 signer with a key of any bytes.
    pub(super) fn of_bytes(key: &[u8]) -> Self {
        Self::Hs256(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// Signs any header and any payload: the compact serialization.
    pub(super) fn sign_token(&self, header: &[u8], payload: &[u8]) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        self.sign_input(&format!("{}.{}", encode(header), encode(payload)))
    }

    /// Signs `input`, whatever it is, and appends the signature.
    pub(super) fn sign_input(&self, input: &str) -> String {
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.sign(input.as_bytes())))
    }

    fn sign(&self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Hs256(key) => key.clone().chain_update(input).finalize().into_bytes().to_vec(),
            #[cfg(feature = "jwks")]
            Self::Public(key) => key.sign(input),
        }
    }

    /// Returns the `alg` and the `kid` of the key.
    pub(super) fn names(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Hs256(_) => ("HS256", None),
            #[cfg(feature = "jwks")]
            Self::Public(key) => (key.algorithm.name(), Some(&key.kid)),
        }
    }

    /// Returns a signer with another key under the same names.
    pub(super) fn another(&self) -> Self {
        match self {
            Self::Hs256(_) => Self::of_secret(&Secret::random()),
            #[cfg(feature = "jwks")]
            Self::Public(key) => {
                Self::Public(PublicSigner::generate(key.algorithm, &key.kid).into())
            }
        }
    }

    /// Returns the public key in every form that a verifier might mistake for a shared
    /// secret, each with its name. A shared
    /// secret has no public key, so another one takes its place.
    pub(super) fn public_key_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        match self {
            Self::Hs256(_) => vec![
                ("PEM", SOME_PUBLIC_KEY.into()),
                ("PEM, without its last line end,", SOME_PUBLIC_KEY.trim_end().into()),
            ],
            #[cfg(feature = "jwks")]
            Self::Public(key) => key.public_key_forms(),
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

    use crate::keys::public::algorithm::Algorithm;

    /// A key pair and its id.
    pub(in crate::testing) struct PublicSigner {
        pub(super) algorithm: Algorithm,
        pub(super) kid: String,
        pair: Pair,
    }

    enum Pair {
        Ed25519(Ed25519KeyPair),
        /// On the curve of this name, with coordinates of this length.
        Ec(EcdsaKeyPair, &'static str, usize),
        Rsa(RsaKeyPair),
    }

    impl PublicSigner {
        /// Generates a key pair. Panics if the operating system has no random numbers.
        pub(in crate::testing) fn generate(algorithm: Algorithm, kid: &str) -> Self {
            const GENERATED: &str = "a key is generated";
            let ec = |algorithm, curve, length| {
                Pair::Ec(EcdsaKeyPair::generate(algorithm).expect(GENERATED), curve, length)
            };
            let pair = match algorithm {
                Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().expect(GENERATED)),
                Algorithm::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", 32),
                Algorithm::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384", 48),
                Algorithm::Es512 => ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521", 66),
                Algorithm::Rs256
                | Algorithm::Rs384
                | Algorithm::Rs512
                | Algorithm::Ps256
                | Algorithm::Ps384
                | Algorithm::Ps512 => {
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
                Pair::Ec(pair, ..) => pair.sign(&random, input).expect(SIGNED).as_ref().to_vec(),
                Pair::Rsa(pair) => {
                    let padding: &dyn signature::RsaEncoding = match self.algorithm {
                        Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
                        Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                        Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
                        Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
                        _ => &signature::RSA_PKCS1_SHA256,
                    };
                    let mut tag = vec![0; pair.public_modulus_len()];
                    pair.sign(padding, &random, input, &mut tag).expect(SIGNED);
                    tag
                }
            }
        }

        /// Returns the public key as Better Auth publishes it.
        pub(in crate::testing) fn jwk(&self) -> Value {
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let (alg, kid) = (self.algorithm.name(), &self.kid);
            match &self.pair {
                Pair::Ed25519(pair) => {
                    let x = encode(pair.public_key().as_ref());
                    json!({ "alg": alg, "crv": "Ed25519", "x": x, "kty": "OKP", "kid": kid })
                }
                Pair::Ec(pair, curve, length) => {
                    let (x, y) = pair.public_key().as_ref()[1..].split_at(*length);
                    let (x, y) = (encode(x), encode(y));
                    json!({ "alg": alg, "crv": curve, "x": x, "y": y, "kty": "EC", "kid": kid })
                }
                Pair::Rsa(pair) => {
                    let key = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                    let (n, e) = (encode(&key.n), encode(&key.e));
                    json!({ "alg": alg, "n": n, "e": e, "kty": "RSA", "kid": kid })
                }
            }
        }

        pub(super) fn public_key_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
            let (der, bytes) = match &self.pair {
                Pair::Ed25519(pair) => (der(pair.public_key()), pair.public_key().as_ref()),
                Pair::Ec(pair, ..) => (der(pair.public_key()), pair.public_key().as_ref()),
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

    /// Encodes a key as a SubjectPublicKeyInfo (RFC 5280 section 4.1).
    fn der(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
        let der = key.as_der().expect("a key that was generated is encoded");
        der.as_ref().to_vec()
    }
}
