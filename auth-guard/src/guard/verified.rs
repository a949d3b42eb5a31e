//! Step 5: claims → `Verified`.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use rocket::serde::Deserialize;

use crate::keys::public::PublicKey;
use crate::token::claims::{Claims, ClaimsError};
use crate::verifier::Accepted;

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
/// | 403 | the token is a machine's (rule 21); or its OAuth scopes are enforced, and the route names none, or one that the token lacks |
/// | 503 | the issuer's public keys cannot be fetched, or the application's own check gives no answer |
/// | 500 | the fairing is not attached (the launch is refused wherever that can be seen), or the application's own check asks for this guard |
///
/// # Optional authentication
///
/// `Result<Verified, AuthError>` as an argument lets the handler decide.
/// `Option<Verified>` makes an *invalid* token look like no token. If the handler then
/// answers 401, or another status that the error has, by itself, the answer still gets
/// the error's challenge, and its body where the application has no catcher: Rocket does
/// not say who chose the status.
#[derive(Clone)]
pub struct Verified {
    claims: Claims,
    /// The public key that verified the signature in this request.
    key: Option<Arc<PublicKey>>,
}

impl Verified {
    pub(super) fn new(Accepted { claims, key }: Accepted) -> Self {
        Self { claims, key }
    }

    pub(super) fn public_key(&self) -> Option<&Arc<PublicKey>> {
        self.key.as_ref()
    }

    /// Returns the user the token was issued to; see [`Claims::uid`].
    pub fn uid(&self) -> &str {
        self.claims.uid()
    }

    /// Reads all claims as the application's own type.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimsError`] if the verified claims do not have that shape.
    pub fn claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ClaimsError> {
        self.claims.deserialize()
    }

    /// Returns `true` if the top-level claim of this name is this string, or a list with it.
    ///
    /// ```rust
    /// # fn f(caller: auth_guard::Verified) {
    /// let is_admin = caller.has("roles", "admin");
    /// # }
    /// ```
    ///
    /// Strings are compared as a whole, byte for byte, and never split: a role called
    /// `not admin` is not `admin`. Better Auth's roles are strings with commas, so its
    /// `definePayload` should return lists.
    pub fn has(&self, claim: &str, value: &str) -> bool {
        self.has_at(&[claim], value)
    }

    /// Does the same further down: each name of `path` leads into the object of the one
    /// before it.
    ///
    /// ```rust
    /// # fn f(caller: auth_guard::Verified, org_id: &str) {
    /// let is_admin = caller.has_at(&["realm_access", "roles"], "admin");
    /// let is_owner = caller.has_at(&["orgs", org_id], "owner");
    /// # }
    /// ```
    ///
    /// A name is only ever a name: nothing in it is parsed, so a segment of the path can be
    /// one. Returns `false` if a name is missing, or stands twice in its object.
    pub fn has_at(&self, path: &[&str], value: &str) -> bool {
        self.claims.has_at(path, value)
    }

    /// Returns the name of the issuer whose token this is; see [`Claims::issuer`].
    ///
    /// ```rust
    /// # fn f(caller: auth_guard::Verified) {
    /// let is_from_an_agent = caller.issuer() == Some("agents");
    /// # }
    /// ```
    pub fn issuer(&self) -> Option<&str> {
        self.claims.issuer()
    }

    /// Returns `true` if the token is a machine's; see [`Claims::is_machine`]. On a route that says
    /// `machines = true`, it tells them from people.
    ///
    /// ```rust
    /// use auth_guard::{Requirement, Unavailable, Verified};
    /// use rocket::{Request, async_trait};
    ///
    /// struct OnlyMachines;
    ///
    /// #[async_trait]
    /// impl Requirement for OnlyMachines {
    ///     async fn is_met_by(caller: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
    ///         Ok(caller.is_machine())
    ///     }
    /// }
    /// ```
    pub fn is_machine(&self) -> bool {
        self.claims.is_machine()
    }

    /// Returns `true` if the token may be used for all of these OAuth scopes; see
    /// [`Claims::allows_scopes`]. It is for handlers that need more scopes for some requests
    /// than their route names.
    pub fn allows_scopes(&self, needed: &str) -> bool {
        self.claims.allows_scopes(needed)
    }

    /// Returns `true` if the token opens only routes that name OAuth scopes.
    pub(super) fn enforces_scopes(&self) -> bool {
        self.claims.enforces_scopes()
    }

    /// Returns when the token expires, without leeway.
    pub fn expires_at(&self) -> SystemTime {
        self.claims.expires_at()
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified(..)")
    }
}
