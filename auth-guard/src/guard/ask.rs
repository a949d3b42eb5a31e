//! Asks code of the application: its check, a requirement, a scope. Fails closed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rocket::Request;
use rocket::futures::future::BoxFuture;
use rocket::tokio::time::timeout;

use crate::error::AuthError;

/// The longest that a request waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The check of [`AuthGuard::with_check`](crate::AuthGuard::with_check).
    Check,
    /// A requirement or a scope.
    Requirement,
}

/// A question that is being asked, for a request at this address.
#[derive(Clone, Copy)]
struct Running {
    asked: Asked,
    request: usize,
    /// `true` once the code that is asked has asked for the guard that asks it.
    has_asked_itself: bool,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

/// Asks, and waits for 5 s at most. A panic, a time-out and a question that asks itself are
/// errors.
pub(super) async fn ask<'r, T>(
    request: &Request<'_>,
    asked: Asked,
    question: impl FnOnce() -> BoxFuture<'r, T> + Unpin,
) -> Result<T, AuthError> {
    let running = Running { asked, request: address(request), has_asked_itself: false };
    let mut asking = Asking { running, question: Some(question), answer: None };
    // Mostly the answer is there at once, and then it needs no timer.
    let answer = match poll_now(&mut asking) {
        Poll::Ready(answer) => answer,
        Poll::Pending => match timeout(TIMEOUT, &mut asking).await {
            Ok(answer) => answer,
            Err(_) => Err(AuthError::CheckUnavailable),
        },
    };
    // Whatever it made of the guard's refusal.
    if asking.running.has_asked_itself { Err(AuthError::Misconfigured) } else { answer }
}

/// Returns `true` if a requirement of this very request is asking.
pub(super) fn is_asking(request: &Request<'_>) -> bool {
    RUNNING.get().is_some_and(|running| running.request == address(request))
}

fn poll_now<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns `true` if what is asked for this very request asks for the guard that asks it.
/// Answering would mean asking again, without end.
pub(super) fn is_asking_itself(request: &Request<'_>, asked: Asked) -> bool {
    RUNNING.with(|cell| match cell.get() {
        Some(running) if running.asked == asked && running.request == address(request) => {
            cell.set(Some(Running { has_asked_itself: true, ..running }));
            true
        }
        _ => false,
    })
}

struct Asking<'r, T, Q> {
    running: Running,
    question: Option<Q>,
    answer: Option<BoxFuture<'r, T>>,
}

impl<'r, T, Q: FnOnce() -> BoxFuture<'r, T> + Unpin> Future for Asking<'r, T, Q> {
    type Output = Result<T, AuthError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let before = RUNNING.replace(Some(this.running));
        // The call itself may panic, as well as the future it returns.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Some(question) = this.question.take() {
                this.answer = Some(question());
            }
            this.answer.as_mut().map(|answer| answer.as_mut().poll(context))
        }));
        if let Some(running) = RUNNING.replace(before) {
            this.running = running;
        }
        match polled {
            Ok(Some(answer)) => answer.map(Ok),
            Ok(None) | Err(_) => Poll::Ready(Err(AuthError::CheckUnavailable)),
        }
    }
}

/// Returns the address, which identifies a request or a route for as long as it lives.
pub(super) fn address<T>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}
