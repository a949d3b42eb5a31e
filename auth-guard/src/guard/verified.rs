//! Step 5: claims → guard.

use std::fmt::{self, Display};
#[cfg(feature = "jwks")]
use std::sync::Arc;
use std::time::SystemTime;

use rocket::request::{FromRequest, Outcome, Request};
use rocket::serde::Deserialize;
use rocket::{Ignite, Rocket, Sentinel, async_trait};

use super::{abort, authenticate_once, open, outcome};
use crate::error::AuthError;
use crate::guard::events::By;
#[cfg(feature = "jwks")]
use crate::keys::public::jwk::PublicKey;
use crate::token::check::Progress;
use crate::token::claims::{Claims, ClaimsError};

/// A request guard: the caller has a valid token.
///
/// ```rust
/// use auth_guard::Verified;
///
/// #[rocket::get("/me")]
/// fn me(user: Verified) -> String {
///     user.uid().to_owned()
/// }
/// # fn main() { let _ = rocket::routes![me]; }
/// ```
///
/// # Failing
///
/// It never forwards. It fails with
///
/// | status | when |
/// | --- | --- |
/// | 401 | there is no token, or it is refused |
/// | 400 | there is more than one `Authorization` header field |
/// | 503 | the keys to check tokens with cannot be had, or the application's own check gives no answer |
/// | 500 | the fairing is not attached (a launch refuses that wherever it can be seen) |
///
/// # Optional authentication
///
/// `Result<Verified, AuthError>` as an argument lets the handler decide.
/// `Option<Verified>` makes a *bad* token look like no token.
#[derive(Clone)]
pub struct Verified {
    claims: Claims,
    /// The public key that the signature was checked with in this request.
    #[cfg(feature = "jwks")]
    key: Option<Arc<PublicKey>>,
}

impl Verified {
    pub(super) fn new(claims: Claims, _progress: Progress) -> Self {
        Self {
            claims,
            #[cfg(feature = "jwks")]
            key: _progress.key,
        }
    }

    #[cfg(feature = "jwks")]
    pub(super) fn key(&self) -> Option<&dyn Display> {
        self.key.as_deref().map(|key| key as _)
    }

    #[cfg(not(feature = "jwks"))]
    pub(super) fn key(&self) -> Option<&dyn Display> {
        None
    }

    /// Who the token was issued to; see [`Claims::uid`].
    pub fn uid(&self) -> &str {
        self.claims.uid()
    }

    /// Reads all claims as the application's own type.
    ///
    /// # Errors
    ///
    /// [`ClaimsError`] when the verified claims do not have that shape.
    pub fn claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ClaimsError> {
        self.claims.claims()
    }

    /// When the token expires, without leeway.
    pub fn expires_at(&self) -> SystemTime {
        self.claims.expires_at()
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Verified {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        let caller = authenticate_once(request).await.cloned();
        outcome(request, caller.inspect(|caller| open(request, By::Token, caller)))
    }
}

impl Sentinel for Verified {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("the guard `Verified`", rocket)
    }
}

/// On the error as well, so that `type Me = Result<Verified, AuthError>` counts:
/// Rocket asks an alias only if both of its types can be asked.
impl Sentinel for AuthError {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort("`AuthError`", rocket)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified(..)")
    }
}
