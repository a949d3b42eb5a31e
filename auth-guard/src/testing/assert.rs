//! The assertion on a refusal.

use super::answer::{Answer, due};
use crate::error::AuthError;

/// Asserts that a response is the documented answer to an [`AuthError`], which is given
/// as its variant. Compares the status, the challenge and, unless the application's own
/// catcher writes another body, the code.
///
/// ```rust
/// # use auth_guard::{AuthGuard, Secret, user_scoped};
/// # use rocket::local::blocking::Client;
/// use auth_guard::testing::{RequestExt, assert_refused};
///
/// # #[user_scoped]
/// # #[rocket::get("/<user_id>/tasks")]
/// # fn list(user_id: &str) -> &str {
/// #     user_id
/// # }
/// # let guard = AuthGuard::fairing().with_secret(Secret::random());
/// # let rocket = rocket::build().attach(guard).mount("/api", rocket::routes![list]);
/// # let client = Client::untracked(rocket).expect("a valid Rocket");
/// let response = client.get("/api/alice/tasks").as_user("bob").dispatch();
/// assert_refused!(response, NotOwner);
///
/// let response = client.get("/api/alice/tasks").as_user("alice").expired().dispatch();
/// assert_refused!(response, Expired);
/// ```
///
/// All causes of `token_invalid` have one answer, so this assertion cannot distinguish
/// them. For an asynchronous client, write
/// `assert_refused!(Answer::read(response).await, NotOwner)`; see [`Answer::read`].
///
/// # Panics
///
/// Panics if the answer is another one; the message shows both.
#[doc(inline)]
pub use crate::__assert_refused as assert_refused;

#[doc(hidden)]
#[macro_export]
macro_rules! __assert_refused {
    ($response:expr, $($error:tt)+) => {
        $crate::testing::__check_refused($response.into(), &$crate::AuthError::$($error)+)
    };
}

#[doc(hidden)]
#[track_caller]
pub fn __check_refused(answer: Answer, error: &AuthError) {
    assert!(
        answer.is_refusal(error),
        "refused as {error:?}?\n  due:       {}\n  came back: {answer}",
        due(error)
    );
}
