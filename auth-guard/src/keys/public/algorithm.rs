//! The algorithms of public keys.

use std::fmt;

use aws_lc_rs::signature::{self, RsaParameters};

/// An algorithm of public keys, with its name in RFC 7518 section 3.1, RFC 8037 section 3.1
/// or RFC 9864 section 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "public for tests only"))]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// ECDSA with P-521 and SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
}

/// The algorithms that are accepted: those of the setting `algorithms`, or all.
#[derive(Debug, Clone)]
pub(crate) struct Algorithms {
    accepted: Vec<Algorithm>,
    /// The only one for RSA keys, if the setting names just one.
    only_rsa: Option<Algorithm>,
}

impl Algorithm {
    const ALL: [Self; 10] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
    ];

    /// Parses the exact name in a token's header or a JWK.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "Ed25519" => Some(Self::EdDsa),
            name => Self::ALL.into_iter().find(|algorithm| algorithm.name() == name),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }

    /// Returns how RSA keys verify this algorithm, if they do.
    pub(super) fn rsa(self) -> Option<&'static RsaParameters> {
        match self {
            Self::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
            Self::EdDsa | Self::Es256 | Self::Es384 | Self::Es512 => None,
        }
    }
}

impl Algorithms {
    /// Accepts the algorithms of these names, or all if there are no names.
    pub(super) fn of(names: &[String]) -> Self {
        let all = || Self { accepted: Algorithm::ALL.to_vec(), only_rsa: None };
        if names.is_empty() {
            return all();
        }

        let accepted: Vec<_> = names.iter().filter_map(|name| Algorithm::named(name)).collect();
        let mut rsa = accepted.iter().copied().filter(|algorithm| algorithm.rsa().is_some());
        let only_rsa = rsa.next().filter(|_| rsa.next().is_none());
        Self { accepted, only_rsa }
    }

    /// Returns the algorithm of this name if it is accepted.
    pub(super) fn named(&self, name: &str) -> Option<Algorithm> {
        Algorithm::named(name).filter(|algorithm| self.accepted.contains(algorithm))
    }

    pub(super) fn only_rsa(&self) -> Option<Algorithm> {
        self.only_rsa
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.accepted.iter().map(|algorithm| algorithm.name()).collect();
        f.write_str(&names.join(", "))
    }
}
