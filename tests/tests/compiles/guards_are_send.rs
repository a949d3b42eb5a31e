//! A handler may move its guards into a task.
use auth_guard::{AuthError, Claims, Owner, Secret, UserId, Verified, Verifier};

fn owned<T: Send + Sync + 'static>() {}

#[test]
fn compiles() {
    owned::<Verified>();
    owned::<Owner>();
    owned::<UserId>();
    owned::<Claims>();
    owned::<Verifier>();
    owned::<Secret>();
    owned::<AuthError>();
}
