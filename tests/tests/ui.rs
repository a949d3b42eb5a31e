//! Checks the compiler's complete output for each mistake.
//!
//! The expected output is that of the compiler named in `tests/README.md`. To update it
//! after a change, run `TRYBUILD=overwrite cargo test -p auth-guard-tests --test ui`, then
//! read the diff as a user would.

#[test]
fn ui() {
    // Without a case that passes, trybuild checks all of them in one run of cargo.
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*.rs");
}
