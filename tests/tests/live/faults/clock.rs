//! The clock of the machine jumps.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use auth_guard::testing::Token;

use super::{Stage, folder, get, issuer};
use crate::servers::ExampleApp;

const HOUR: i64 = 3600;

/// Returns the library that Debian's package `faketime` installs.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a folder").flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    libraries.find(|file| file.exists()).expect("faketime is installed")
}

/// Moves the wall clock of the application. The monotonic clock stays.
fn jump(file: &Path, seconds: i64) {
    std::fs::write(file, format!("{seconds:+}\n")).expect("a file");
}

/// A token that was issued so long ago, by the right clock, and lives for 15 minutes.
fn issued(token: Token, ago: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let issued = now.as_secs() as i64 - ago;
    token.claim("iat", issued).claim("exp", issued + 900).sign()
}

#[test]
#[ignore = "needs faketime"]
fn a_jump_of_the_clock_moves_the_times_of_tokens_and_not_the_ages_of_keys() {
    let (stage, file) = (Stage::set(), folder("clock").join("offset"));
    jump(&file, 0);
    let library = library();
    // By the wall clock, an hour would make the keys too old.
    let app = ExampleApp::deploy(&stage.settings(&[
        ("LD_PRELOAD", library.to_str().expect("UTF-8")),
        ("FAKETIME_TIMESTAMP_FILE", file.to_str().expect("UTF-8")),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("AUTH_GUARD_JWKS_MAX_STALE", "1800"),
    ]));
    let token = |ago| issued(stage.issuer.token("alice"), ago);
    let [old, fresh, early] = [HOUR + 300, 0, -HOUR].map(token);
    let answers = || {
        [&old, &fresh, &early].map(|token| {
            let (status, code) = get(&app, "/api/alice/tasks", token);
            if code.is_empty() { status.to_string() } else { code }
        })
    };

    let right = ["token_expired", "200", "token_invalid"];
    assert_eq!(answers(), right);
    let fetches = stage.keys.fetches();
    jump(&file, -HOUR);
    assert_eq!(answers(), ["200", "token_invalid", "token_invalid"]);
    jump(&file, 0);
    assert_eq!(answers(), right);
    jump(&file, HOUR);
    assert_eq!(answers(), ["token_expired", "token_expired", "200"]);
    assert_eq!(stage.keys.fetches(), fetches, "no key has aged");

    // A cooldown by the wall clock would last an hour now.
    jump(&file, 0);
    let second = issuer("second");
    stage.keys.publish(&[&stage.issuer, &second]);
    let started = Instant::now();
    assert_eq!(get(&app, "/api/me", &issued(second.token("alice"), 0)).0, 200);
    let third = issuer("third");
    stage.keys.publish(&[&stage.issuer, &third]);
    jump(&file, -HOUR);
    assert_eq!(get(&app, "/api/me", &issued(third.token("alice"), HOUR)).0, 200);
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    println!("clock: new keys after two jumps took {:?}", started.elapsed());
}
