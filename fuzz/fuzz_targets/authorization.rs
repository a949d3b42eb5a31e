//! Feeds arbitrary `Authorization` fields to the code that the guards run. It must never
//! panic, and must reach the verdict of the model that the property tests use. That model
//! checks the HMAC of every accepted token with an independent implementation.
//!
//! The first byte of the input selects its format and the server's settings. After a
//! digit, each line is one field. After a letter come a header, a line feed, and claims,
//! which are signed here, because no fuzzer finds an HMAC by itself. After a capital letter,
//! the server also has a second issuer, whose keys nobody knows: no token counts as one of that issuer.

#![no_main]

#[path = "../../tests/tests/properties/model.rs"]
#[expect(dead_code, reason = "paths are judged by the property tests")]
mod model;

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use auth_guard::testing::Issuer;
use auth_guard::testing::internal::verify_fields;
use auth_guard::{AuthGuard, Secret, Verifier};
use libfuzzer_sys::fuzz_target;
use model::{Key, Required, Settings, Verdict};
use rocket::figment::Figment;
use rocket::figment::value::{Dict, Value};

const SECRET: &str = "a secret of the fuzzer, 32 bytes and more";
const NOW: u64 = 1_800_000_000;

struct Server {
    settings: Settings,
    /// What the tokens of the second issuer must say, if there is one.
    further: Option<Settings>,
    verifier: Verifier,
}

static SERVERS: LazyLock<Vec<Server>> = LazyLock::new(|| {
    let plain = Settings::default();
    let origin = || "https://a.example".to_owned();
    let named = Settings {
        issuer: Some(origin()),
        audience: vec![origin()],
        uid_claim: "sub".into(),
        match_subject: false,
        leeway: 300,
        ..plain.clone()
    };
    let values = vec![Required::Text("access".into()), Required::Flag(true), Required::Integer(5)];
    let access = Settings {
        at_jwt: true,
        audience_claim: "azp".into(),
        require: vec![("token_use".into(), values)],
        required_claims: vec!["level".into()],
        id_tokens: true,
        ..named.clone()
    };
    [plain, named, access].map(|settings| Server::new(settings, None)).into()
});

static OF_TWO_ISSUERS: LazyLock<Server> = LazyLock::new(|| {
    let origin = "https://a.example".to_owned();
    let first =
        Settings { issuer: Some(origin.clone()), audience: vec![origin], ..Settings::default() };
    let further = Settings { at_jwt: true, uid_claim: "sub".into(), ..first.clone() };
    Server::new(first, Some(further))
});

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(&secret()));

fuzz_target!(|input: &[u8]| {
    let Some((mode, input)) = input.split_first() else { return };
    let server = match mode {
        b'A'..=b'Z' => &OF_TWO_ISSUERS,
        mode => &SERVERS[usize::from(*mode) % SERVERS.len()],
    };
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
    fn new(settings: Settings, further: Option<Settings>) -> Self {
        let id_tokens = if settings.id_tokens { "accepted" } else { "refused" };
        let token_type = if settings.at_jwt { "at+jwt" } else { "JWT" };
        let mut table = Dict::from([
            ("token_type".into(), Value::from(token_type)),
            ("audience_claim".into(), Value::from(settings.audience_claim.clone())),
            ("uid_claim".into(), Value::from(settings.uid_claim.clone())),
            ("match_subject".into(), Value::from(settings.match_subject)),
            ("leeway".into(), Value::from(settings.leeway)),
            ("max_lifetime".into(), Value::from(settings.max_lifetime)),
            ("id_tokens".into(), Value::from(id_tokens)),
        ]);
        if let Some(issuer) = &settings.issuer {
            table.insert("issuer".into(), issuer.clone().into());
            table.insert("audience".into(), settings.audience.clone().into());
        }
        if !settings.required_claims.is_empty() {
            table.insert("required_claims".into(), settings.required_claims.clone().into());
        }
        let require = settings.require.iter().map(|(name, values)| {
            let values = values.iter().map(|value| match value {
                Required::Text(text) => Value::from(text.clone()),
                Required::Flag(flag) => Value::from(*flag),
                Required::Integer(integer) => Value::from(*integer),
            });
            (name.clone(), values.collect::<Vec<_>>().into())
        });
        let require: Dict = require.collect();
        if !require.is_empty() {
            table.insert("require".into(), require.into());
        }
        if let Some(Settings { issuer, audience, .. }) = &further {
            let agents = Dict::from([
                ("issuer".into(), issuer.clone().unwrap_or_default().into()),
                ("audience".into(), audience.clone().into()),
                ("token_type".into(), "at+jwt".into()),
                ("users".into(), "same".into()),
                // Nobody answers there.
                ("jwks_url".into(), "http://127.0.0.1:9/keys".into()),
            ]);
            table.insert("issuers".into(), Dict::from([("agents".into(), agents.into())]).into());
        }
        let figment = Figment::from(rocket::Config::debug_default()).merge(("auth_guard", table));
        let guard = AuthGuard::fairing().with_secret(secret());
        let verifier = guard.verifier(&figment).expect("a valid configuration");
        Self { settings, further, verifier }
    }

    fn check(&self, fields: &[&str]) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let result = verify_fields(&self.verifier, fields.iter().copied(), now);
        let nanoseconds = i128::from(NOW) * 1_000_000_000;
        let verifies = |message: &[u8], tag: &[u8]| hmac_sha256::HMAC::mac(message, SECRET) == tag;
        let key = Key { algorithms: &["HS256"], id: None, verifies: &verifies };
        let nobody = Key { algorithms: &[], id: None, verifies: &|_, _| false };
        let mut issuers = vec![(&self.settings, &key)];
        issuers.extend(self.further.as_ref().map(|settings| (settings, &nobody)));
        let (chosen, verdict) = match &*issuers {
            [_] => (None, model::judge(&self.settings, &key, fields, nanoseconds)),
            several => model::judge_several(several, fields, nanoseconds),
        };

        let answer = result.as_ref().map(|claims| claims.uid()).map_err(|error| error.code());
        match &verdict {
            Verdict::Multiple => assert_eq!(answer, Err("request_malformed")),
            Verdict::Missing => assert_eq!(answer, Err("token_missing")),
            Verdict::Invalid if chosen == Some(1) => {
                assert!([Err("token_invalid"), Err("keys_unavailable")].contains(&answer));
            }
            Verdict::Invalid => assert_eq!(answer, Err("token_invalid")),
            Verdict::Expired => assert_eq!(answer, Err("token_expired")),
            Verdict::Accepted(uid) | Verdict::Machine(uid) => assert_eq!(answer, Ok(&**uid)),
            Verdict::Unsettled => {}
        }
        if let Ok(claims) = &result {
            let is_machine = matches!(verdict, Verdict::Machine(_));
            assert!(claims.is_machine() == is_machine || verdict == Verdict::Unsettled);
        }
        // Accepted claims can be read, and printing them reveals nothing.
        if let Ok(claims) = result {
            assert!(claims.expires_at() > now - Duration::from_secs(301));
            assert_eq!(format!("{claims:?}"), "Claims(..)");
        }
    }
}

fn secret() -> Secret {
    Secret::new(SECRET).expect("a valid secret")
}
