//! Generated requests get the same answer from the library and from an independent [model]
//! of the rules. None panics, and none is answered with a server error.
//!
//! The seed is fixed, so that failures are reproducible. `PROPTEST_RNG_SEED` sets another
//! seed, and `PROPTEST_CASES` another number of cases. `cargo test … -- --nocapture` prints
//! the number of cases of each kind.

mod generate;
mod model;
mod several;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use auth_guard::testing::internal::{explain_fields, verify_fields};
use auth_guard::testing::{self, Clock, Issuer, JwksServer};
use auth_guard::{AuthGuard, Owner, Verified, Verifier, protect};
use auth_guard_tests::corpus::{self, Case};
use auth_guard_tests::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use generate::Signer;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use model::{Key, Required, Settings, Verdict};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use rocket::fairing::AdHoc;
use rocket::local::blocking::Client;
use rocket::{get, routes};
use serde_json::{Value, json};

/// Computes HMAC-SHA256 independently of the library.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = EncodingKey::from_secret(key);
    (DEFAULT_PROVIDER.signer_factory)(&Algorithm::HS256, &key).expect("a signer").sign(message)
}

/// Returns the settings of the servers that receive the requests.
fn settings() -> Vec<Settings> {
    let settings = |issuer: &[&str],
                    audience: &[&str],
                    uid_claim: &str,
                    match_subject,
                    leeway,
                    max_lifetime| {
        Settings {
            issuer: issuer.first().map(|issuer| (*issuer).to_owned()),
            audience: audience.iter().map(|aud| (*aud).to_owned()).collect(),
            uid_claim: uid_claim.to_owned(),
            match_subject,
            leeway,
            max_lifetime,
            ..Settings::default()
        }
    };
    let origin = "https://a.example";
    let text = |text: &str| Required::Text(text.to_owned());
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        settings(&[], &[], "uid", true, 5, 3600),
        settings(&[], &[], "uid", true, 0, 3600),
        settings(&[origin], &[origin], "uid", true, 5, 3600),
        settings(&[origin], &["api", "admin"], "uid", true, 300, 600),
        settings(&[], &["é"], "uid", false, 5, 900),
        settings(&[origin], &[], "sub", true, 0, 1),
        settings(&[], &[], "account", true, 300, 86_400),
        settings(&[], &[], "sub", false, 5, 60),
        Settings { at_jwt: true, ..settings(&[origin], &[origin], "sub", true, 5, 3600) },
        Settings { scopes_enforced: true, ..settings(&[], &[], "uid", true, 5, 3600) },
        Settings {
            at_jwt: true,
            audience_claim: "azp".into(),
            require: vec![("level".into(), vec![Required::Integer(5), Required::Integer(-7)])],
            ..settings(&[origin], &["app", "é"], "uid", false, 0, 900)
        },
        Settings {
            audience_claim: "client_id".into(),
            require: vec![("token_use".into(), vec![text("access"), text("é")])],
            ..settings(&[origin], &["app", "web"], "sub", true, 5, 3600)
        },
        Settings {
            audience_claim: "azp".into(),
            require: vec![
                ("flag".into(), vec![Required::Flag(true)]),
                ("token_use".into(), vec![text("access"), Required::Flag(false)]),
            ],
            required_claims: named(&["jti", "sub", "gty"]),
            ..settings(&[], &["app"], "uid", true, 5, 3600)
        },
        Settings {
            id_tokens: true,
            required_claims: named(&["nonce", "iat"]),
            ..settings(&[origin], &[origin], "sub", true, 5, 3600)
        },
    ]
}

fn table(settings: &Settings) -> Value {
    let json_of = |value: &Required| match value {
        Required::Text(text) => json!(text),
        Required::Flag(flag) => json!(flag),
        Required::Integer(integer) => json!(integer),
    };
    let require = settings.require.iter().map(|(name, values)| {
        let values: Vec<_> = values.iter().map(json_of).collect();
        (name.clone(), if values.len() == 1 { values[0].clone() } else { json!(values) })
    });
    let mut table = json!({
        "token_type": if settings.at_jwt { "at+jwt" } else { "JWT" },
        "audience_claim": settings.audience_claim,
        "uid_claim": settings.uid_claim,
        "match_subject": settings.match_subject,
        "leeway": settings.leeway,
        "max_lifetime": settings.max_lifetime,
        "scopes": if settings.scopes_enforced { "enforced" } else { "ignored" },
        "id_tokens": if settings.id_tokens { "accepted" } else { "refused" },
    });
    let members = [
        ("issuer", settings.issuer.as_ref().map(|issuer| json!(issuer))),
        ("audience", (!settings.audience.is_empty()).then(|| json!(settings.audience))),
        ("require", (!settings.require.is_empty()).then(|| require.collect())),
        (
            "required_claims",
            (!settings.required_claims.is_empty()).then(|| json!(settings.required_claims)),
        ),
    ];
    for (name, value) in members {
        value.into_iter().for_each(|value| table[name] = value);
    }
    table
}

impl Verdict {
    /// Returns status and code on the user's own path, or `None` if they depend on rounding.
    fn answer(&self) -> Option<(u16, &'static str)> {
        match self {
            Self::Multiple => Some((400, "request_malformed")),
            Self::Missing => Some((401, "token_missing")),
            Self::Invalid => Some((401, "token_invalid")),
            Self::Expired => Some((401, "token_expired")),
            Self::Accepted(_) => Some((200, "")),
            Self::Machine(_) => Some((403, "not_allowed")),
            Self::Unsettled => None,
        }
    }
}

/// The holder of the shared secret.
const SHARED: Signer<'static> = Signer {
    algorithm: "HS256",
    id: None,
    sign: &|message| hmac(SECRET.as_bytes(), message),
    known: b"another secret, of 32 bytes and more as well",
};

/// Calls `f` with the holder of a key pair, the one of RFC 8037, appendix A.
fn with_key_pair<R>(f: impl FnOnce(&Signer<'_>) -> R) -> R {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    // PKCS #8 (RFC 8410): a constant prefix, and the key.
    let der = [bytes("MC4CAQAwBQYDK2VwBCIEIA"), bytes(PRIVATE)].concat();
    let key = EncodingKey::from_ed_der(&der);
    let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::EdDSA, &key).expect("a signer");
    f(&Signer {
        algorithm: "EdDSA",
        id: Some(corpus::KEY_ID),
        sign: &|message| signer.sign(message),
        known: &bytes(PUBLIC),
    })
}

const PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// Asks the model. Signing again verifies a signature, because both kinds of signatures are
/// deterministic.
fn judge(settings: &Settings, signer: &Signer<'_>, fields: &[String], now: i128) -> Verdict {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let verifies = |message: &[u8], tag: &[u8]| (signer.sign)(message) == tag;
    let algorithms = match signer.algorithm {
        "EdDSA" => &["EdDSA", "Ed25519"][..],
        "HS256" => &["HS256"],
        other => panic!("{other}"),
    };
    let key = Key { algorithms, id: signer.id, verifies: &verifies };
    model::judge(settings, &key, &fields, now)
}

#[test]
fn near_misses_get_the_answer_of_the_model() {
    check("near misses", 200_000, generate::near_misses(), |counts| {
        counts.at_least(5, "200");
        counts.at_least(1, "403 not_allowed");
        counts.at_least(3, "401 token_expired");
        counts.at_least(20, "401 token_invalid");
        counts.at_least(1, "401 token_missing");
        counts.at_least(1, "400 request_malformed");
        counts.at_most(3, "unsettled");
    });
}

#[test]
fn any_text_and_any_signed_json_get_the_answer_of_the_model() {
    check("any text, any JSON", 100_000, generate::anything(), |counts| {
        counts.at_least(1, "200");
        counts.at_least(20, "401 token_invalid");
        counts.at_least(5, "401 token_missing");
        counts.at_most(1, "unsettled");
    });
}

/// Compares the library with the model from the fields to the claims, without a request.
fn check(
    name: &str,
    cases: u32,
    fields: impl Strategy<Value = generate::Fields>,
    expected: impl Fn(&Counts),
) {
    let servers: Vec<(Settings, Verifier)> = settings()
        .into_iter()
        .map(|settings| {
            let verifier = guard().verifier(&figment(&table(&settings)));
            (settings, verifier.expect("a valid configuration"))
        })
        .collect();
    let counts = Counts::default();
    let strategy = (0..servers.len(), generate::moments(), fields);

    let signer = &SHARED;
    run(cases, strategy, |(server, now, fields)| {
        let (settings, verifier) = &servers[server];
        let fields = fields.render(settings, signer, now);
        let verdict = judge(settings, signer, &fields, now);

        let time = SystemTime::UNIX_EPOCH + nanoseconds(now);
        let result = verify_fields(verifier, fields.iter().map(String::as_str), time);
        let answer = match &result {
            // The guards refuse it.
            Ok(claims) if claims.is_machine() => (403, "not_allowed"),
            Ok(_) => (200, ""),
            Err(error) => (error.status(), error.code()),
        };
        counts.add(verdict.answer());
        prop_assert!(answer.0 < 500);
        if let Some(expected) = verdict.answer() {
            prop_assert_eq!(answer, expected, "{:?}", fields);
        }
        if let (Ok(claims), Verdict::Accepted(uid) | Verdict::Machine(uid)) = (&result, &verdict) {
            prop_assert_eq!(claims.uid(), uid);
        }
        // The explanation agrees with the library, and so with the model.
        let explanation = explain_fields(verifier, fields.iter().map(String::as_str), time);
        prop_assert_eq!(explanation.refusal(), result.as_ref().err(), "{:?}", fields);
        prop_assert_eq!(explanation.rule().is_some(), result.is_err());
        Ok(())
    });
    counts.print(name);
    expected(&counts);
}

/// From a request to its answer, with any path segment.
#[test]
fn requests_get_the_answer_of_the_model() {
    let launch = |settings: Settings| {
        let client = launch(app(&table(&settings)));
        (settings, client)
    };
    let servers = settings().into_iter().map(launch).collect();
    check_requests("requests", 30_000, servers, &SHARED);
}

/// From a request to its answer, if the server has the public key of an issuer's key pair.
#[test]
fn requests_with_a_public_key_get_the_answer_of_the_model() {
    let key_server = JwksServer::start();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": corpus::KEY_ID, "x": PUBLIC });
    key_server.answer("200 OK", json!({ "keys": [jwk] }).to_string());
    let launch = |mut settings: Settings| {
        // With public keys, both are required.
        settings.issuer.get_or_insert_with(|| "https://auth.example".into());
        if settings.audience.is_empty() {
            settings.audience.push("https://auth.example".into());
        }
        let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
        let client = launch(key_server.asked_by(app_with(guard, &table(&settings))));
        (settings, client)
    };
    let servers = settings().into_iter().map(launch).collect();
    with_key_pair(|signer| check_requests("requests, EdDSA", 10_000, servers, signer));
}

fn check_requests(name: &str, cases: u32, servers: Vec<(Settings, Client)>, signer: &Signer<'_>) {
    let counts = Counts::default();
    let fields =
        prop_oneof![6 => generate::near_misses().boxed(), 1 => generate::anything().boxed()];
    let strategy = (0..servers.len(), fields, generate::segments());
    let now = i128::from(NOW) * 1_000_000_000;

    run(cases, strategy, |(server, fields, segment)| {
        let (settings, client) = &servers[server];
        let fields = fields.render(settings, signer, now);
        let verdict = judge(settings, signer, &fields, now);
        let uid = match &verdict {
            Verdict::Accepted(uid) | Verdict::Machine(uid) => uid,
            _ => "alice",
        };
        let segment = segment.render(uid);
        let expected = match verdict.answer() {
            Some((200, _)) if !model::owns(&segment, uid) => Some((403, "not_owner")),
            // The route names no scope.
            Some((200, _)) if settings.scopes_enforced => Some((403, "not_allowed")),
            answer => answer,
        };

        let authorization: Vec<&str> = fields.iter().map(String::as_str).collect();
        let answer = get_with(client, &format!("/api/{segment}/tasks"), &authorization);
        counts.add(expected);
        prop_assert!(answer.status < 500);
        if let Some((status, code)) = expected {
            prop_assert_eq!((answer.status, &*answer.code()), (status, code), "{}", segment);
        }
        if answer.status == 200 {
            prop_assert_eq!(&answer.body, uid);
        }
        Ok(())
    });
    counts.print(name);
    counts.at_least(2, "200");
    counts.at_least(2, "403 not_owner");
    counts.at_least(3, "401 token_expired");
    counts.at_least(20, "401 token_invalid");
    counts.at_least(1, "401 token_missing");
    counts.at_least(1, "400 request_malformed");
    counts.at_most(3, "unsettled");
}

#[auth_guard::user_scoped(scope = "a")]
#[get("/<user_id>/one")]
fn one(user_id: &str) -> &str {
    user_id
}

#[auth_guard::user_scoped(scope = "a b:c")]
#[get("/<user_id>/two")]
fn two(user_id: &str, caller: Verified) -> String {
    format!("{user_id} {}", caller.uid())
}

#[get("/<user_id>/three")]
fn three(user_id: &str, owner: Owner) -> String {
    format!("{user_id} {}", owner.uid())
}

/// Whatever a token says of its scopes, it opens what the model says.
#[test]
fn tokens_of_any_scopes_get_the_answer_of_the_model() {
    let launch = |settings: Settings| {
        let mounted = protect(routes![two, three]).require_scope("b");
        let rocket = app(&table(&settings)).mount("/api", routes![one]).mount("/b", mounted);
        (settings, launch(rocket))
    };
    let enforced = Settings { scopes_enforced: true, ..Settings::default() };
    let at_jwt = Settings { at_jwt: true, uid_claim: "sub".into(), ..enforced.clone() };
    let servers: Vec<_> = [Settings::default(), enforced, at_jwt].into_iter().map(launch).collect();
    let routes: [(&str, &str, &[&str]); 4] = [
        ("/api/", "one", &["a"]),
        ("/b/", "two", &["a", "b:c", "b"]),
        ("/b/", "three", &["b"]),
        ("/api/", "tasks", &[]),
    ];
    let counts = Counts::default();
    let weighted = prop_oneof![1 => Just(0_usize), 4 => Just(1), 4 => Just(2)];
    let owner = prop_oneof![9 => Just("alice"), 1 => Just("bob")];
    run(
        20_000,
        (weighted, 0..routes.len(), owner, generate::scopes()),
        |(server, at, owner, scopes)| {
            let (settings, client) = &servers[server];
            let (mount, route, needed) = routes[at];
            let uid = &settings.uid_claim;
            let mut claims = format!(
                r#"{{"{uid}":"alice","iat":{NOW},"exp":{},"jti":"a","client_id":"app""#,
                NOW + 60
            );
            if uid != "sub" {
                claims += r#","sub":"alice""#;
            }
            scopes.iter().for_each(|(name, value)| claims += &format!(",\"{name}\":{value}"));
            claims += "}";
            let typ = if settings.at_jwt { "at+jwt" } else { "JWT" };
            let header = json!({ "alg": "HS256", "typ": typ }).to_string();
            let expected = model::answer_by_scopes(settings, claims.as_bytes(), owner, needed);
            let answer =
                get_as(client, &format!("{mount}{owner}/{route}"), issuer().sign(header, &claims));
            counts.add(Some(expected));
            prop_assert_eq!((answer.status, &*answer.code()), expected, "{} {}", route, claims);
            Ok(())
        },
    );
    counts.print("scopes");
    counts.at_least(10, "200");
    counts.at_least(20, "403 insufficient_scope");
    counts.at_least(10, "403 not_allowed");
    counts.at_least(5, "403 not_owner");
}

/// Any bytes that HTTP allows in a header field, over a real connection.
#[test]
fn any_bytes_in_the_field_get_the_answer_of_the_model() {
    let server = Server::start();
    let (settings, signer) = (&settings()[0], &SHARED);
    let now = i128::from(NOW) * 1_000_000_000;
    let counts = Counts::default();
    // Everything but control characters, and tab (RFC 9110 section 5.5).
    let byte = prop_oneof![3 => 0x20..0x7F_u8, 2 => 0x80..=0xFF_u8, 1 => Just(b'\t')];
    let some = proptest::collection::vec(byte, 0..40);
    let place = any::<prop::sample::Index>();
    let strategy = (generate::near_misses(), some, place, 0..4_u8);

    run(4_000, strategy, |(fields, some, place, how)| {
        let token = fields.render(settings, signer, now).into_iter().next().unwrap_or_default();
        let mut field = token.into_bytes();
        field.retain(|byte| *byte >= 0x20 && *byte != 0x7F || *byte == b'\t');
        match how {
            0 => field.clone_from(&some),
            1 => {
                let place = place.index(field.len() + 1);
                field.splice(place..place, some.iter().take(2).copied());
            }
            2 => field.splice(0..0, b"  \t".iter().copied()).for_each(drop),
            _ => {}
        }

        // Rocket drops a field that is not UTF-8, and HTTP the white space around a value.
        let text = std::str::from_utf8(&field).map(|text| text.trim_matches([' ', '\t']));
        let fields: Vec<String> = text.into_iter().map(str::to_owned).collect();
        let verdict = judge(settings, signer, &fields, now);
        let expected = match (verdict.answer(), &verdict) {
            (Some(_), Verdict::Accepted(uid)) if uid != "alice" => Some((403, "not_owner")),
            (answer, _) => answer,
        };

        let answer = server.ask(&field);
        counts.add(expected);
        if let Some((status, code)) = expected {
            prop_assert_eq!((answer.0, &*answer.1), (status, code));
        }
        prop_assert!(answer.0 < 500);
        Ok(())
    });
    counts.print("raw bytes");
    counts.at_least(2, "200");
    counts.at_least(20, "401 token_invalid");
    counts.at_least(10, "401 token_missing");
}

/// The guard, the explanation and the model agree on the hostile list, with a shared secret
/// and with each kind of public key.
#[test]
fn the_hostile_list_gets_the_answer_of_the_model_whatever_the_key_is() {
    let hs256 = |message: &[u8], tag: &[u8]| hmac(SECRET.as_bytes(), message) == tag;
    let key = Key { algorithms: &["HS256"], id: None, verifies: &hs256 };
    judge_cases("HS256", &corpus::client(), corpus::cases(), &key);

    for (algorithm, names, theirs) in [
        (testing::Algorithm::EdDsa, &["EdDSA", "Ed25519"][..], Algorithm::EdDSA),
        (testing::Algorithm::Es256, &["ES256"], Algorithm::ES256),
        (testing::Algorithm::Rs256, &["RS256"], Algorithm::RS256),
        (testing::Algorithm::Ps256, &["PS256"], Algorithm::PS256),
        (testing::Algorithm::Es384, &["ES384"], Algorithm::ES384),
        (testing::Algorithm::Rs384, &["RS384"], Algorithm::RS384),
        (testing::Algorithm::Rs512, &["RS512"], Algorithm::RS512),
        (testing::Algorithm::Ps384, &["PS384"], Algorithm::PS384),
        (testing::Algorithm::Ps512, &["PS512"], Algorithm::PS512),
    ] {
        let (client, cases) = corpus::with_public_key(algorithm);
        let issuer = Issuer::of(client.rocket()).expect("the one that is trusted");
        let jwk = serde_json::from_value(issuer.jwk().expect("a key pair")).expect("a JWK");
        let key = DecodingKey::from_jwk(&jwk).expect("a key");
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&theirs, &key).expect("a verifier");
        let verifies = |message: &[u8], tag: &[u8]| verifier.verify(message, &tag.to_vec()).is_ok();
        let key = Key { algorithms: names, id: Some(corpus::KEY_ID), verifies: &verifies };
        judge_cases(names[0], &client, cases, &key);
    }
}

fn judge_cases(name: &str, client: &Client, cases: Vec<Case>, key: &Key<'_>) {
    let origin = corpus::URL.to_owned();
    let settings =
        Settings { issuer: Some(origin.clone()), audience: vec![origin], ..Settings::default() };
    let verifier: &Verifier = client.rocket().state().expect("the guard is attached");
    let counts = Counts::default();
    for case in cases {
        let verdict = model::judge(&settings, key, &case.fields(), i128::from(NOW) * 1_000_000_000);
        let segment = case.path.trim_start_matches("/api/").trim_end_matches("/tasks");
        let segment = segment.trim_start_matches('/');
        let expected = match (&verdict, verdict.answer()) {
            (Verdict::Accepted(uid), _) if !model::owns(segment, uid) => (403, "not_owner"),
            (_, answer) => answer.expect("no rounding"),
        };
        let answer = case.get(client);
        assert_eq!((answer.status, &*answer.code()), expected, "{name}: {}", case.name);
        let explanation = explain_fields(verifier, case.fields(), now());
        let is_machine = explanation.claims().is_some_and(|claims| claims.is_machine());
        let accepted = if is_machine { (403, "not_allowed") } else { (200, "") };
        let explained = explanation.refusal().map_or(accepted, |e| (e.status(), e.code()));
        assert_eq!(explained, verdict.answer().expect("no rounding"), "{name}: {}", case.name);
        counts.add(Some(expected));
    }
    counts.print(&format!("hostile list, {name}"));
    counts.at_least(60, "401 token_invalid");
    counts.at_least(1, "403 not_allowed");
}

/// Runs a property over generated cases. Panics with the smallest failure.
fn run<S: Strategy>(
    cases: u32,
    strategy: S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if !is_set("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !is_set("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(7519);
    }
    if let Err(error) = TestRunner::new(config).run(&strategy, property) {
        panic!("{error}");
    }
}

fn nanoseconds(now: i128) -> Duration {
    Duration::from_nanos(now.try_into().expect("after 1970"))
}

/// The number of cases of each kind.
#[derive(Default)]
struct Counts(RefCell<BTreeMap<String, u32>>);

impl Counts {
    fn add(&self, answer: Option<(u16, &str)>) {
        let class = answer.map(|(status, code)| format!("{status} {code}"));
        let class = class.unwrap_or_else(|| "unsettled".into()).trim_end().to_owned();
        *self.0.borrow_mut().entry(class).or_default() += 1;
    }

    fn print(&self, name: &str) {
        let counts = self.0.borrow();
        println!("{name}: {} cases", counts.values().sum::<u32>());
        counts.iter().for_each(|(class, count)| println!("  {count:7}  {class}"));
    }

    fn at_least(&self, percent: u32, class: &str) {
        let (count, all) = self.count(class);
        assert!(
            all < 1_000 || count >= u64::from(percent) * all / 100,
            "too few {class}: {count} of {all}"
        );
    }

    fn at_most(&self, percent: u32, class: &str) {
        let (count, all) = self.count(class);
        assert!(
            all < 1_000 || count <= u64::from(percent) * all / 100,
            "too many {class}: {count} of {all}"
        );
    }

    fn count(&self, class: &str) -> (u64, u64) {
        let counts = self.0.borrow();
        let count = counts.get(class).copied().unwrap_or_default();
        (count.into(), counts.values().copied().map(u64::from).sum())
    }
}

/// A server on a real port, shut down on drop.
struct Server {
    address: SocketAddr,
    shutdown: rocket::Shutdown,
    connection: RefCell<Option<BufReader<TcpStream>>>,
}

impl Server {
    fn start() -> Self {
        let (ready, started) = mpsc::channel();
        let figment = figment(&json!({})).merge(("port", 0));
        let liftoff = AdHoc::on_liftoff("ready", |rocket| {
            Box::pin(async move {
                let address = SocketAddr::new(rocket.config().address, rocket.config().port);
                ready.send((address, rocket.shutdown())).expect("the test waits");
            })
        });
        let rocket = app(&json!({})).configure(figment).attach(liftoff);
        std::thread::spawn(|| drop(rocket::execute(rocket.launch())));
        let (address, shutdown) = started.recv().expect("the server starts");
        Self { address, shutdown, connection: RefCell::default() }
    }

    /// Requests `/api/alice/tasks` with this field. Returns status and code.
    fn ask(&self, field: &[u8]) -> (u16, String) {
        let mut connection = self.connection.borrow_mut();
        let reader = connection.get_or_insert_with(|| {
            let stream = TcpStream::connect(self.address).expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            BufReader::new(stream)
        });

        let head = b"GET /api/alice/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: ";
        let request = [head, field, b"\r\n\r\n"].concat();
        reader.get_mut().write_all(&request).expect("the server reads");

        let (mut status, mut length) = (String::new(), 0);
        reader.read_line(&mut status).expect("a status line");
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header line");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let code = problem["code"].as_str().unwrap_or_default().to_owned();
        (status[9..12].parse().expect("a status"), code)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}
