//! A handwritten guard on `jsonwebtoken`: what an application does without auth-guard.

use std::sync::LazyLock;

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{State, async_trait};

use crate::tokens::{Claims, ORIGIN, SECRET};

/// `jsonwebtoken` with its key and validation rules prepared.
pub struct Decoder {
    key: DecodingKey,
    validation: Validation,
}

/// A typical handwritten guard: the token is valid, and its `uid` is in the path.
pub struct ByHand(pub Claims);

impl Decoder {
    /// Creates a decoder for HS256 with the provider `rust_crypto`.
    pub fn hs256() -> Self {
        // With both provider features enabled, jsonwebtoken requires an explicit choice.
        static INSTALLED: LazyLock<()> = LazyLock::new(|| {
            let installed = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default();
            installed.expect("the first provider");
        });
        LazyLock::force(&INSTALLED);

        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 5;
        validation.set_issuer(&[ORIGIN]);
        validation.set_audience(&[ORIGIN]);
        Self { key: DecodingKey::from_secret(SECRET.as_bytes()), validation }
    }

    /// Calls `jsonwebtoken::decode::<Claims>`.
    pub fn decode(&self, token: &str) -> Result<Claims, Error> {
        jsonwebtoken::decode(token, &self.key, &self.validation).map(|token| token.claims)
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for ByHand {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let field = request.headers().get_one("Authorization");
        let Some(token) = field.and_then(|field| field.strip_prefix("Bearer ")) else {
            return Outcome::Error((Status::Unauthorized, ()));
        };
        let Some(decoder) = request.guard::<&State<Decoder>>().await.succeeded() else {
            return Outcome::Error((Status::InternalServerError, ()));
        };
        match decoder.decode(token) {
            Ok(claims) if request.param::<&str>(0) == Some(Ok(&claims.uid)) => {
                Outcome::Success(ByHand(claims))
            }
            Ok(_) => Outcome::Error((Status::Forbidden, ())),
            Err(_) => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}
