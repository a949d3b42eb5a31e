//! Tokens on Rocket's local requests.

use rocket::Request;
use rocket::http::Header;
use rocket::local::{asynchronous, blocking};
use rocket::serde::Serialize;

use super::issuer::Issuer;
use super::token::Token;

/// Sends tokens with the requests of Rocket's local clients, blocking and asynchronous.
///
/// ```rust
/// # use auth_guard::{AuthGuard, Secret, user_scoped};
/// # use rocket::local::blocking::Client;
/// use auth_guard::testing::{RequestExt, assert_refused};
/// use serde_json::json;
///
/// # #[user_scoped]
/// # #[rocket::get("/<user_id>/tasks")]
/// # fn list(user_id: &str) -> &str {
/// #     user_id
/// # }
/// # let guard = AuthGuard::fairing().with_secret(Secret::random());
/// # let rocket = rocket::build().attach(guard).mount("/api", rocket::routes![list]);
/// # let client = Client::untracked(rocket).expect("a valid Rocket");
/// let list = || client.get("/api/alice/tasks");
///
/// assert_eq!(list().as_user("alice").dispatch().status().code, 200);
/// let admin = list().as_user("alice").with_claims(json!({ "role": "admin" }));
/// assert_eq!(admin.dispatch().status().code, 200);
/// assert_refused!(list().as_user("alice").expired().dispatch(), Expired);
/// assert_refused!(list().bearer("not a token").dispatch(), MalformedToken);
/// ```
pub trait RequestExt: Sized {
    /// Sends `token` as `Authorization: Bearer`.
    #[must_use]
    fn bearer(self, token: impl Into<String>) -> Self;

    /// Sends a token for `uid` that the application under test accepts.
    ///
    /// # Panics
    ///
    /// Panics if the application has no [`AuthGuard`](crate::AuthGuard) attached, or
    /// neither a secret nor an issuer of the test; see [`Issuer::of`].
    #[must_use]
    #[expect(clippy::wrong_self_convention, reason = "reads as what it does: a request as alice")]
    fn as_user(self, uid: &str) -> Self;

    /// Adds claims, the members of an object, to the token that is sent.
    ///
    /// # Panics
    ///
    /// Panics if there is no token yet: call [`RequestExt::as_user`] first.
    #[must_use]
    fn with_claims(self, claims: impl Serialize) -> Self;

    /// Gives the token that is sent these OAuth scopes and no others; see [`Token::scope`].
    ///
    /// # Panics
    ///
    /// Panics if there is no token yet: call [`RequestExt::as_user`] first.
    #[must_use]
    fn with_scope(self, scopes: &str) -> Self;

    /// Makes the token that is sent an expired one.
    ///
    /// # Panics
    ///
    /// Panics if there is no token yet: call [`RequestExt::as_user`] first.
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

            fn with_scope(mut self, scopes: &str) -> Self {
                change(self.inner_mut(), |token| token.scope(scopes));
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
    let token = change(token.expect("call `as_user` first")).sign();
    request.replace_header(Header::new("Authorization", format!("Bearer {token}")));
}
