//! The segment, as the attribute binds it.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use rocket::http::impl_from_uri_param_identity;
use rocket::http::uri::fmt::{Formatter, FromUriParam, Path, UriDisplay};
use rocket::request::FromParam;

/// The text of a path segment: what `#[user_scoped]` and `#[scoped]` bind if the handler does
/// not name the segment.
///
/// With the attribute, the caller has been checked against it. **By itself it proves
/// nothing**: in any other handler it is text from the path, unverified. Proofs are
/// [`Owner`](crate::Owner) and [`Verified`](crate::Verified).
///
/// It dereferences to `str`, is owned, and can be given to `uri!`. Its `Display` is the
/// segment itself; its `Debug` is not.
///
/// ```rust
/// use auth_guard::user_scoped;
///
/// #[user_scoped]
/// #[rocket::get("/<user_id>/tasks")]
/// fn list() -> String {
///     format!("the tasks of {user_id}")
/// }
/// # fn main() { let _ = rocket::routes![list]; }
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathSegment(String);

/// The segment that names a user, as `#[user_scoped]` binds it.
pub type UserId = PathSegment;

impl Deref for PathSegment {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for PathSegment {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for PathSegment {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq<str> for PathSegment {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for PathSegment {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl From<PathSegment> for String {
    fn from(user_id: PathSegment) -> String {
        user_id.0
    }
}

impl fmt::Display for PathSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for PathSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathSegment(..)")
    }
}

impl FromParam<'_> for PathSegment {
    type Error = std::convert::Infallible;

    fn from_param(segment: &str) -> Result<Self, Self::Error> {
        Ok(Self(segment.to_owned()))
    }
}

impl UriDisplay<Path> for PathSegment {
    fn fmt(&self, f: &mut Formatter<'_, Path>) -> fmt::Result {
        f.write_value(&self.0)
    }
}

impl_from_uri_param_identity!([Path] PathSegment);

impl<'a> FromUriParam<Path, &'a str> for PathSegment {
    type Target = &'a str;

    fn from_uri_param(param: &'a str) -> &'a str {
        param
    }
}

impl FromUriParam<Path, String> for PathSegment {
    type Target = String;

    fn from_uri_param(param: String) -> String {
        param
    }
}

impl<'a> FromUriParam<Path, &'a String> for PathSegment {
    type Target = &'a str;

    fn from_uri_param(param: &'a String) -> &'a str {
        param
    }
}

/// For the URI of a handler that names the segment, in one where it is bound.
impl<'a> FromUriParam<Path, &'a PathSegment> for &str {
    type Target = &'a str;

    fn from_uri_param(param: &'a PathSegment) -> &'a str {
        param
    }
}

impl FromUriParam<Path, PathSegment> for &str {
    type Target = PathSegment;

    fn from_uri_param(param: PathSegment) -> PathSegment {
        param
    }
}
