//! What the compiler says to a mistake, and that it says nothing else.
//!
//! The texts are those of the compiler named in `tests/README.md`. To renew them
//! after a change: `TRYBUILD=overwrite cargo test -p auth-guard-tests --test ui`,
//! then read the difference as a user would.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
