//! Feeds arbitrary bytes to what reads the documents of an issuer: its metadata and its JWK
//! Set. Neither may panic, and no line for the log may contain a control character or grow
//! with the document's texts.
//!
//! The first byte of the input selects the document and the accepted algorithms.

#![no_main]

use auth_guard::testing::internal::{key_set, metadata};
use libfuzzer_sys::fuzz_target;

const ISSUER: &str = "https://a.example";

/// The most keys of a set that is used.
const MAX_KEYS: usize = 100;
/// The longest line for one entry: its id, its algorithm, and why it is not used.
const MAX_LINE: usize = 2_000;

fuzz_target!(|input: &[u8]| {
    let Some((mode, document)) = input.split_first() else { return };
    if mode.is_ascii_alphabetic() {
        match metadata(document, ISSUER) {
            Ok(url) => {
                let is_loopback = ["http://127.", "http://localhost", "http://[::1]"]
                    .iter()
                    .any(|start| url.starts_with(start));
                assert!(url.starts_with("https://") || is_loopback, "{url}");
            }
            Err(why) => check(&why),
        }
        return;
    }

    let algorithms: &[&str] = match mode {
        b'1' => &["RS256"],
        b'2' => &["EdDSA", "ES512", "PS384"],
        _ => &[],
    };
    let algorithms: Vec<_> = algorithms.iter().map(|name| (*name).to_owned()).collect();
    match key_set(document, &algorithms) {
        Ok((keys, skipped)) => {
            assert!((1..=MAX_KEYS).contains(&keys) && skipped.len() < MAX_KEYS);
            skipped.iter().for_each(|line| check(line));
        }
        Err(why) => why.split("; ").for_each(check),
    }
});

fn check(line: &str) {
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(line.len() <= MAX_LINE, "{line:?}");
}
