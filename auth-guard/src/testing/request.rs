//! Tokens on Rocket's local requests.

use rocket::Request;
use rocket::http::Header;
use rocket::local::{asynchronous, blocking};
use rocket::serde::Serialize;

use super::issuer::{Issuer, Token};

/// Puts tokens on Rocket's local requests.
pub trait RequestExt: Sized {
    /// Sends `token` as `Authorization: Bearer`.
    #[must_use]
    fn bearer(self, token: impl Into<String>) -> Self;

    /// Sends a token that the application under test accepts, for `uid`.
    ///
    /// # Panics
    ///
    /// When the application has no [`AuthGuard`](crate::AuthGuard) attached, or neither
    /// a secret nor an issuer of the test; see [`Issuer::of`].
    #[must_use]
    #[expect(clippy::wrong_self_convention, reason = "reads as what it does: a request as alice")]
    fn as_user(self, uid: &str) -> Self;

    /// Puts these claims, an object's members, into the token that is sent.
    ///
    /// # Panics
    ///
    /// When there is none yet: [`RequestExt::as_user`] comes first.
    #[must_use]
    fn with_claims(self, claims: impl Serialize) -> Self;

    /// Lets the token that is sent be one that has expired.
    ///
    /// # Panics
    ///
    /// When there is none yet: [`RequestExt::as_user`] comes first.
    #[must_use]
    fn expired(self) -> Self;
}

macro_rules! impl_request_ext {
    ($($Request:ty),*) => {$(
        impl RequestExt for $Request {
            fn bearer(mut self, token: impl Into<String>) -> Self {
                self.add_header(Header::new("Authorization", format!("Bearer {}", token.into())));
                self
            }

            fn as_user(self, uid: &str) -> Self {
                let issuer = Issuer::expect(self.rocket());
                self.bearer(issuer.token(uid))
            }

            fn with_claims(mut self, claims: impl Serialize) -> Self {
                change(self.inner_mut(), |token| token.with_claims(claims));
                self
            }

            fn expired(mut self) -> Self {
                change(self.inner_mut(), Token::expired);
                self
            }
        }
    )*};
}

impl_request_ext!(blocking::LocalRequest<'_>, asynchronous::LocalRequest<'_>);

fn change(request: &mut Request<'_>, change: impl FnOnce(Token) -> Token) {
    let issuer = Issuer::expect(request.rocket());
    let field = request.headers().get_one("Authorization").unwrap_or_default();
    let token = field.strip_prefix("Bearer ").and_then(|token| issuer.read(token));
    let token = change(token.expect("`as_user` comes first")).sign();
    request.replace_header(Header::new("Authorization", format!("Bearer {token}")));
}
