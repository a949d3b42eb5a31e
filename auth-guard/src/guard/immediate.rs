//! A future that is ready at once.

use std::future::poll_fn;
use std::task::Poll;

use rocket::futures::future::BoxFuture;

/// Returns a future that is ready at once. If the closure captures nothing, the future
/// has no size and boxing it allocates nothing: every request and every response has one.
pub(crate) fn immediate<'f, T>(value: impl Fn() -> T + Send + 'f) -> BoxFuture<'f, T> {
    Box::pin(poll_fn(move |_| Poll::Ready(value())))
}
