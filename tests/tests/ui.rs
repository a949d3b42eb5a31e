//! Checks the compiler's complete output for each mistake.
//!
//! The expected output is that of the compiler named in `tests/README.md`. To update it
//! after a change, run `TRYBUILD=overwrite cargo test -p auth-guard-tests --test ui`, then
//! read the diff as a user would.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
