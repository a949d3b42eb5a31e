//! Any `Authorization` fields → claims, as the guards go: never a panic, and the
//! same verdict as that of the model which the property tests judge by. Whatever
//! is accepted has the HMAC that somebody else's code gives.
//!
//! The input's first byte says what follows. A digit: one field a line. A letter:
//! a header, a line feed, and claims, which are signed here, since no fuzzer finds
//! an HMAC by itself. Which of them, says how the server is set up.

#![no_main]

#[path = "../../tests/tests/properties/model.rs"]
#[expect(dead_code, reason = "paths are judged by the property tests")]
mod model;

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use auth_guard::testing::{Issuer, verify_fields};
use auth_guard::{AuthGuard, Secret, Verifier};
use libfuzzer_sys::fuzz_target;
use model::{Key, Settings, Verdict};
use rocket::figment::Figment;
use rocket::figment::value::{Dict, Value};

const SECRET: &str = "a secret of the fuzzer, 32 bytes and more";
const NOW: u64 = 1_800_000_000;

struct Server {
    settings: Settings,
    verifier: Verifier,
}

static SERVERS: LazyLock<Vec<Server>> = LazyLock::new(|| {
    [(None, "uid", true, 5), (Some("https://a.example"), "sub", false, 300)]
        .map(|(origin, uid_claim, match_subject, leeway)| {
            Server::new(Settings {
                issuer: origin.map(Into::into),
                audience: origin.map(Into::into).into_iter().collect(),
                uid_claim: uid_claim.into(),
                match_subject,
                leeway,
                max_lifetime: 3600,
            })
        })
        .into()
});

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(&secret()));

fuzz_target!(|input: &[u8]| {
    let Some((mode, input)) = input.split_first() else { return };
    let server = &SERVERS[usize::from(*mode) % SERVERS.len()];
    if mode.is_ascii_alphabetic() {
        let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (header, claims) = input.split_at(line);
        let token = ISSUER.sign(header, claims.get(1..).unwrap_or_default());
        server.check(&[&format!("Bearer {token}")]);
    } else {
        // Rocket drops a field that is not UTF-8.
        let fields = input.split(|byte| *byte == b'\n');
        let fields: Vec<_> = fields.filter_map(|field| str::from_utf8(field).ok()).collect();
        server.check(&fields);
    }
});

impl Server {
    fn new(settings: Settings) -> Self {
        let Settings { issuer, audience, uid_claim, match_subject, leeway, max_lifetime } =
            settings.clone();
        let mut table = Dict::from([
            ("uid_claim".into(), Value::from(uid_claim)),
            ("match_subject".into(), Value::from(match_subject)),
            ("leeway".into(), Value::from(leeway)),
            ("max_lifetime".into(), Value::from(max_lifetime)),
        ]);
        if let Some(issuer) = issuer {
            table.insert("issuer".into(), issuer.into());
            table.insert("audience".into(), audience.into());
        }
        let figment = Figment::from(rocket::Config::debug_default()).merge(("auth_guard", table));
        let guard = AuthGuard::fairing().with_secret(secret());
        Self { settings, verifier: guard.verifier(&figment).expect("a good configuration") }
    }

    fn check(&self, fields: &[&str]) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let result = verify_fields(&self.verifier, fields.iter().copied(), now);
        let nanoseconds = i128::from(NOW) * 1_000_000_000;
        let verifies = |message: &[u8], tag: &[u8]| hmac_sha256::HMAC::mac(message, SECRET) == tag;
        let key = Key { algorithms: &["HS256"], id: None, verifies: &verifies };
        let verdict = model::judge(&self.settings, &key, fields, nanoseconds);

        let answer = result.as_ref().map(|claims| claims.uid()).map_err(|error| error.code());
        match &verdict {
            Verdict::Multiple => assert_eq!(answer, Err("request_malformed")),
            Verdict::Missing => assert_eq!(answer, Err("token_missing")),
            Verdict::Invalid => assert_eq!(answer, Err("token_invalid")),
            Verdict::Expired => assert_eq!(answer, Err("token_expired")),
            Verdict::Accepted(uid) => assert_eq!(answer, Ok(&**uid)),
            Verdict::Unsettled => {}
        }
        // What passed can be read, and printing it gives nothing away.
        if let Ok(claims) = result {
            assert!(claims.expires_at() > now - Duration::from_secs(301));
            assert_eq!(format!("{claims:?}"), "Claims(..)");
        }
    }
}

fn secret() -> Secret {
    Secret::new(SECRET).expect("a good secret")
}
