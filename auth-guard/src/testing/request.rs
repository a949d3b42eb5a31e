//! Tokens on Rocket's local requests.

use rocket::http::Header;
use rocket::local::{asynchronous, blocking};

use super::issuer::Issuer;

/// Puts tokens on Rocket's local requests.
pub trait RequestExt: Sized {
    /// Sends `token` as `Authorization: Bearer`.
    #[must_use]
    fn bearer(self, token: impl Into<String>) -> Self;

    /// Sends a token that the application under test accepts, for `uid`.
    ///
    /// # Panics
    ///
    /// When the application has no [`AuthGuard`](crate::AuthGuard) attached.
    #[must_use]
    #[expect(clippy::wrong_self_convention, reason = "reads as what it does: a request as alice")]
    fn as_user(self, uid: &str) -> Self;
}

macro_rules! impl_request_ext {
    ($($Request:ty),*) => {$(
        impl RequestExt for $Request {
            fn bearer(mut self, token: impl Into<String>) -> Self {
                self.add_header(Header::new("Authorization", format!("Bearer {}", token.into())));
                self
            }

            fn as_user(self, uid: &str) -> Self {
                let issuer = Issuer::of(self.rocket()).expect("the application attaches AuthGuard");
                self.bearer(issuer.token(uid))
            }
        }
    )*};
}

impl_request_ext!(blocking::LocalRequest<'_>, asynchronous::LocalRequest<'_>);
