//! Rule 22: several issuers of the same users' tokens. Each token meets the keys, the type, the
//! audience and the claims of the one issuer that its `iss` (and its `typ`) choose.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use auth_guard::testing::internal::explain_fields;
use auth_guard::testing::{
    Algorithm, Clock, HostileRequest, Issuer, JwksServer, RequestExt, Token, attack_all,
};
use auth_guard::{AuthError, AuthGuard, Verified, Verifier, authorized, user_scoped};
use auth_guard_tests::server::{Server, request};
use auth_guard_tests::*;
use rocket::http::Header;
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, get, routes};
use serde_json::{Value, json};

use crate::launch::App;

/// The `iss` and the `aud` of the session tokens of a Better Auth server.
const ORIGIN: &str = "https://auth.example";
/// The `iss` of the access tokens of its OAuth provider.
const PROVIDER: &str = "https://auth.example/api/auth";
const API: &str = "https://api.example";

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[authorized]
#[get("/issuer")]
fn issuer_name(caller: Verified) -> String {
    caller.issuer().unwrap_or("the first").to_owned()
}

/// What a token is made of. Each issuer's tokens have one combination of these parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parts {
    key: &'static str,
    at_jwt: bool,
    iss: &'static str,
    aud: &'static str,
    /// `true` if the token has the claims that only the agents' issuer requires.
    has_level: bool,
    uid_claim: &'static str,
}

const SESSION: Parts = Parts {
    key: "session",
    at_jwt: false,
    iss: ORIGIN,
    aud: ORIGIN,
    has_level: false,
    uid_claim: "uid",
};

const AGENTS: Parts = Parts {
    key: "agents",
    at_jwt: true,
    iss: PROVIDER,
    aud: API,
    has_level: true,
    uid_claim: "sub",
};

/// An application with two issuers, and their keys.
struct Stage {
    client: Client,
    clock: Clock,
    keys: BTreeMap<&'static str, Issuer>,
    servers: BTreeMap<&'static str, JwksServer>,
}

/// How the first issuer signs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    Secret,
    KeyPair,
    /// With the key pair that the other issuer has, too, as one Better Auth server does.
    SameKeyPair,
}

fn agents_table(server: &JwksServer) -> Value {
    json!({
        "issuer": PROVIDER,
        "audience": API,
        "token_type": "at+jwt",
        "require": { "level": "full" },
        "jwks_url": server.url(),
        "users": "same",
        // `scopes.rs` shows the two side by side with scopes.
        "scopes": "ignored",
    })
}

fn rocket(guard: AuthGuard, table: &Value) -> Rocket<Build> {
    rocket::custom(figment(table)).attach(guard).mount("/api", routes![list, issuer_name])
}

impl Stage {
    fn set(first: First) -> Self {
        Self::with(first, |_| {})
    }

    /// `change` sees the table before the launch.
    fn with(first: First, change: impl FnOnce(&mut Value)) -> Self {
        let clock = Clock::fixed(now());
        let pair = |kid| Issuer::with_key_pair(Algorithm::EdDsa, kid).with_clock(clock.clone());
        let agents = pair("agents");
        let session = match first {
            First::Secret => Issuer::new(&secret()).with_clock(clock.clone()),
            First::KeyPair => pair("session"),
            First::SameKeyPair => agents.clone(),
        };
        let keys = BTreeMap::from([("session", session), ("agents", agents), ("other", pair("x"))]);
        let servers: BTreeMap<_, _> =
            ["session", "agents"].map(|name| (name, JwksServer::start())).into();
        for (name, server) in &servers {
            server.publish(&[&keys[name]]);
        }

        let mut table =
            json!({ "url": ORIGIN, "issuers": { "agents": agents_table(&servers["agents"]) } });
        let mut guard = AuthGuard::fairing().with_clock(clock.clone());
        match first {
            First::Secret => guard = guard.with_secret(secret()),
            First::KeyPair | First::SameKeyPair => {
                table["jwks_url"] = json!(servers["session"].url());
            }
        }
        change(&mut table);
        let rocket = servers["agents"].asked_by(rocket(guard, &json!({})));
        // `asked_by` switches the cooldown off, but the table says where the keys are.
        let rocket = rocket.configure(figment(&table));
        Self { client: launch(rocket), clock, keys, servers }
    }

    fn token(&self, parts: &Parts) -> Token {
        self.token_of("alice", parts)
    }

    /// A token that names its owner in the claim of one issuer only.
    fn token_of(&self, uid: &str, parts: &Parts) -> Token {
        let issuer = self.keys[parts.key].clone().with_clock(self.clock.clone());
        let issuer = issuer.with_issuer(parts.iss).with_audience(parts.aud);
        let token = match parts.at_jwt {
            true => issuer.access_token(uid).without("uid"),
            false => issuer.token(uid),
        };
        let token = if parts.has_level { token.claim("level", "full") } else { token };
        match parts.uid_claim {
            "uid" => token.without("sub").claim("uid", uid),
            _ => token.without("uid").claim("sub", uid),
        }
    }

    fn get(&self, token: impl Into<String>) -> (u16, String) {
        alice_with(&self.client, token)
    }

    fn verifier(&self) -> &Verifier {
        self.client.rocket().state().expect("attached")
    }

    fn name_of(&self, token: &Token) -> String {
        get_as(&self.client, "/api/issuer", token.sign()).body
    }
}

const FIRSTS: [First; 3] = [First::Secret, First::KeyPair, First::SameKeyPair];

#[test]
fn rule_22_each_issuers_token_opens_its_owners_path_and_says_whose_it_is() {
    for first in FIRSTS {
        let stage = Stage::set(first);
        for (parts, name) in [(&SESSION, "the first"), (&AGENTS, "agents")] {
            // Once verified, once remembered.
            for _ in 0..2 {
                assert_eq!(stage.get(stage.token(parts)), accepted(), "{first:?} {parts:?}");
                assert_eq!(stage.name_of(&stage.token(parts)), name, "{first:?}");
            }
            let bob = (403, "not_owner".to_owned());
            assert_eq!(stage.get(stage.token_of("bob", parts)), bob, "{first:?} {parts:?}");
            assert_eq!(stage.get(stage.token(parts).expired()), (401, "token_expired".into()));
        }
        let verify = |parts| stage.verifier().verify(&stage.token(parts).sign(), now());
        assert_eq!(verify(&SESSION).expect("a valid token").issuer(), None);
        assert_eq!(verify(&AGENTS).expect("a valid token").issuer(), Some("agents"));
    }
    // With one issuer there is nothing to name.
    let (client, token) = (launch(rocket(guard(), &json!({}))), issuer().token("alice"));
    assert_eq!(get_as(&client, "/api/issuer", token.sign()).body, "the first");
}

/// Every mixture of two issuers' keys, types, `iss`, audiences and claims: only the two that
/// are one issuer's alone are accepted.
#[test]
fn rule_22_no_token_of_one_passes_by_anything_of_the_other() {
    for first in FIRSTS {
        let stage = Stage::set(first);
        // Each issuer's tokens are remembered: that helps no other.
        for parts in [&SESSION, &AGENTS] {
            assert_eq!(stage.get(stage.token(parts)), accepted());
        }
        let mut count = 0;
        for bits in 0..64_u8 {
            let of = |bit: u8| if bits & (1 << bit) == 0 { SESSION } else { AGENTS };
            let parts = Parts {
                key: of(0).key,
                at_jwt: of(1).at_jwt,
                iss: of(2).iss,
                aud: of(3).aud,
                has_level: of(4).has_level,
                uid_claim: of(5).uid_claim,
            };
            let is_key_theirs =
                |whole: &Parts| first == First::SameKeyPair || parts.key == whole.key;
            // A session token may have the claim, too.
            let is_session = Parts { key: "session", has_level: false, ..parts.clone() } == SESSION
                && is_key_theirs(&SESSION);
            let is_agents =
                Parts { key: "agents", ..parts.clone() } == AGENTS && is_key_theirs(&AGENTS);
            let expected = if is_session || is_agents { accepted() } else { invalid() };
            for _ in 0..2 {
                assert_eq!(stage.get(stage.token(&parts)), expected, "{first:?} {parts:?}");
            }
            count += usize::from(expected == accepted());
        }
        // Two session tokens, with and without the level, and one of the agents; with one key
        // for both issuers, each by two names of it.
        assert_eq!(count, if first == First::SameKeyPair { 6 } else { 3 }, "{first:?}");
    }
}

/// Two issuers may have one `iss`: then the type alone says whose a token is.
#[test]
fn rule_22_two_issuers_of_one_iss_differ_by_their_type() {
    let agents = Parts { iss: ORIGIN, ..AGENTS };
    for first in FIRSTS {
        let stage = Stage::with(first, |table| {
            table["issuers"]["agents"]["issuer"] = json!(ORIGIN);
        });
        assert_eq!(stage.get(stage.token(&SESSION)), accepted(), "{first:?}");
        assert_eq!(stage.get(stage.token(&agents)), accepted(), "{first:?}");
        assert_eq!(stage.name_of(&stage.token(&agents)), "agents");
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
            let (session, agents) = (stage.token(&SESSION), stage.token(&agents));
            assert_eq!(stage.get(session.header("typ", typ)), invalid(), "{first:?} {typ}");
            assert_eq!(stage.get(agents.header("typ", typ)), accepted(), "{first:?} {typ}");
        }
        for typ in [json!("JWT"), json!("id+jwt"), json!(""), json!(["at+jwt"]), json!(null)] {
            let agents = stage.token(&agents).header("typ", typ.clone());
            assert_eq!(stage.get(agents), invalid(), "{first:?} {typ}");
        }
        let other = Parts { iss: PROVIDER, ..agents.clone() };
        assert_eq!(stage.get(stage.token(&other)), invalid(), "{first:?}");
    }
}

/// A JSON payload whose `iss` is written as `iss` says.
fn payload(iss: &str) -> String {
    let rest = format!(
        r#""aud":"{API}","sub":"alice","level":"full","jti":"1","client_id":"app","iat":{NOW},"exp":{}"#,
        NOW + 60
    );
    if iss.is_empty() { format!("{{{rest}}}") } else { format!("{{{iss},{rest}}}") }
}

#[test]
fn rule_22_an_iss_that_is_not_one_string_of_ours_is_refused() {
    let long = format!(r#""iss":"{PROVIDER}{}""#, "/".repeat(5_500));
    let hostile = [
        String::new(),
        format!(r#""iss":["{PROVIDER}"]"#),
        format!(r#""iss":["{ORIGIN}","{PROVIDER}"]"#),
        format!(r#""iss":{{"iss":"{PROVIDER}"}}"#),
        format!(r#""iss":"{PROVIDER}","iss":"{PROVIDER}""#),
        format!(r#""iss":"{PROVIDER}","iss":"{ORIGIN}""#),
        format!(r#""iss":"{ORIGIN}","iss":"{PROVIDER}""#),
        format!(r#""iss":"{PROVIDER}","\u0069ss":"{PROVIDER}""#),
        format!(r#""iss":"{PROVIDER}","other":1,"other":2"#),
        r#""iss":null"#.into(),
        r#""iss":true"#.into(),
        r#""iss":22"#.into(),
        r#""iss":"""#.into(),
        r#""iss":"\ud800""#.into(),
        r#""iss":"agents""#.into(),
        format!(r#""iss":"{PROVIDER}/""#),
        format!(r#""iss":" {PROVIDER}""#),
        format!(r#""iss":"{PROVIDER}\u0000""#),
        format!(r#""iss":"{}""#, PROVIDER.to_uppercase()),
        format!(r#""iss":"{ORIGIN}/""#),
        format!(r#""ISS":"{PROVIDER}""#),
        format!(r#""iss":{}"{PROVIDER}"{}"#, "[".repeat(500), "]".repeat(500)),
        format!(r#""iss":{}"{PROVIDER}"{}"#, r#"{"iss":"#.repeat(200), "}".repeat(200)),
        long,
    ];
    for first in FIRSTS {
        let stage = Stage::set(first);
        let key = &stage.keys["agents"];
        let header = r#"{"alg":"EdDSA","kid":"agents","typ":"at+jwt"}"#;
        let sign = |payload: &str| key.sign(header, payload);
        let escaped = PROVIDER.replace('/', "\\/");
        for iss in [PROVIDER, &escaped] {
            let token = sign(&payload(&format!(r#""iss":"{iss}""#)));
            assert_eq!(stage.get(token), accepted(), "{first:?} {iss}");
        }
        for iss in &hostile {
            let token = sign(&payload(iss));
            assert!(token.len() <= 8 * 1024, "{} bytes", token.len());
            let explanation =
                explain_fields(stage.verifier(), [&*format!("Bearer {token}")], now());
            assert_eq!(explanation.rule(), Some(22), "{iss}");
            assert_eq!(stage.get(token), invalid(), "{first:?} {iss}");
        }
        for payload in ["", "[]", "null", "\"\"", "{", "{}", "{\"iss\"}", "\u{feff}{}"] {
            assert_eq!(stage.get(sign(payload)), invalid(), "{first:?} {payload:?}");
        }
        assert_eq!(stage.get(key.sign(header, [0xff, 0xfe])), invalid());
        // 8 KiB of `iss` make a longer token than rule 3 allows.
        let token = sign(&payload(&format!(r#""iss":"{}""#, "x".repeat(8 * 1024))));
        assert_eq!(stage.get(token), invalid());
        // A token may lack segments, or have too many.
        for token in ["", "a", "a.b", "..", "a.b.c.d", ".eyJpc3MiOiJhIn0.", "%%.%%.%%"] {
            assert_eq!(stage.get(token), invalid(), "{token:?}");
        }
    }
}

/// The choice is made without a signature, so it decides nothing else.
#[test]
fn rule_22_the_choice_grants_nothing() {
    for first in FIRSTS {
        let stage = Stage::set(first);
        for parts in [&SESSION, &AGENTS] {
            let token = stage.token(parts);
            let stranger = Parts { key: "other", ..parts.clone() };
            assert_eq!(stage.get(stage.token(&stranger)), invalid());
            assert_eq!(stage.get(token.tampered()), invalid());
            assert_eq!(stage.get(token.unsigned()), invalid());
            let shared = token.clone().header("alg", "HS256").signed_with(&secret());
            let expected = match (first, parts.at_jwt) {
                (First::Secret, false) => accepted(),
                (_, _) => invalid(),
            };
            assert_eq!(stage.get(shared), expected, "{first:?} {parts:?}");
            // The payload of one under the signature of the other.
            for of in [&SESSION, &AGENTS] {
                let (token, other) = (token.sign(), stage.token(of).claim("n", 1).sign());
                let (input, _) = token.rsplit_once('.').expect("a token");
                let (_, signature) = other.rsplit_once('.').expect("a token");
                assert_eq!(stage.get(format!("{input}.{signature}")), invalid());
            }
        }
    }
}

#[test]
fn rule_22_machines_bound_tokens_and_id_tokens_are_refused_of_each_issuer() {
    let stage = Stage::set(First::KeyPair);
    for parts in [&SESSION, &AGENTS] {
        let machine = stage.token(parts).claim("client_id", "alice");
        assert_eq!(stage.get(machine), (403, "not_allowed".into()), "{parts:?}");
        assert_eq!(stage.get(stage.token(parts).bound()), invalid(), "{parts:?}");
        assert_eq!(stage.get(stage.token(parts).claim("nonce", "n")), invalid(), "{parts:?}");
    }
}

/// Each issuer has its own greatest lifetime, and all share the leeway.
#[test]
fn rule_22_each_issuer_has_its_own_lifetime_and_algorithms() {
    let stage = Stage::with(First::KeyPair, |table| {
        table["issuers"]["agents"]["max_lifetime"] = json!(60);
        table["issuers"]["agents"]["algorithms"] = json!(["ES256"]);
        table["leeway"] = json!(0);
    });
    let short = stage.token(&AGENTS).lifetime(Duration::from_secs(60));
    assert_eq!(stage.get(short), invalid(), "an algorithm that this issuer must not use");
    assert_eq!(stage.get(stage.token(&SESSION)), accepted());

    let stage = Stage::with(First::KeyPair, |table| {
        table["issuers"]["agents"]["max_lifetime"] = json!(60);
        table["leeway"] = json!(0);
    });
    let lives = |parts, seconds| stage.token(parts).lifetime(Duration::from_secs(seconds));
    assert_eq!(stage.get(lives(&AGENTS, 60)), accepted());
    assert_eq!(stage.get(lives(&AGENTS, 61)), invalid());
    assert_eq!(stage.get(lives(&SESSION, 61)), accepted());
    let (agents, session) = (lives(&AGENTS, 60), lives(&SESSION, 60));
    assert_eq!((stage.get(agents.clone()), stage.get(session.clone())), (accepted(), accepted()));
    stage.clock.advance(Duration::from_secs(60));
    let expired = (401, "token_expired".to_owned());
    assert_eq!((stage.get(agents), stage.get(session)), (expired.clone(), expired));
}

/// What is remembered ends with the key of its own issuer.
#[test]
fn rule_22_a_remembered_token_ends_with_the_key_of_its_own_issuer() {
    let stage = Stage::set(First::KeyPair);
    let (session, agents) = (stage.token(&SESSION).sign(), stage.token(&AGENTS).sign());
    let both = |session: &str, agents: &str| (stage.get(session), stage.get(agents));
    assert_eq!(both(&session, &agents), (accepted(), accepted()));
    let fetches = || ["session", "agents"].map(|name| stage.servers[name].fetches());
    let before = fetches();
    assert_eq!(both(&session, &agents), (accepted(), accepted()));
    assert_eq!(fetches(), before, "nothing is fetched for what is known");

    // The agents' issuer changes its keys; another token of its makes that known.
    let next = Issuer::with_key_pair(Algorithm::EdDsa, "next").with_clock(stage.clock.clone());
    stage.servers["agents"].publish(&[&next]);
    let fresh = next.with_issuer(PROVIDER).with_audience(API).access_token("alice");
    assert_eq!(stage.get(fresh.claim("level", "full")), accepted());
    assert_eq!(both(&session, &agents), (accepted(), invalid()));
}

fn is_ready(stage: &Stage) -> bool {
    stage.verifier().is_ready()
}

#[test]
fn rule_22_the_first_issuers_keys_make_the_application_ready() {
    let stage = Stage::with(First::Secret, |_| {});
    stage.servers["agents"].fail();
    assert!(is_ready(&stage), "a shared secret is always there");

    // The keys of the further issuer alone are not enough.
    let stage = Stage::set(First::KeyPair);
    stage.servers["session"].fail();
    let stale = Duration::from_secs(90_000);
    stage.clock.advance(stale);
    assert_eq!(stage.get(stage.token(&AGENTS)), accepted());
    assert_eq!(stage.get(stage.token(&SESSION)).0, 503);
    assert!(!is_ready(&stage));
    let explain = || explain_fields(stage.verifier(), ["Bearer x.y.z"], now()).to_string();
    let text = explain();
    assert!(text.contains("\nPublic keys: none; could not fetch them from http://"), "{text}");
    assert!(text.contains("\nPublic keys of `agents`: 1 from http://"), "{text}");

    // And those of the first are.
    stage.servers["agents"].fail();
    stage.servers["session"].publish(&[&stage.keys["session"]]);
    stage.clock.advance(stale);
    assert_eq!(stage.get(stage.token(&SESSION)), accepted());
    assert_eq!(stage.get(stage.token(&AGENTS)).0, 503);
    assert!(is_ready(&stage));
    let text = explain();
    assert!(text.contains("\nPublic keys: 1 from http://"), "{text}");
    assert!(text.contains("\nPublic keys of `agents`: none; could not fetch"), "{text}");
}

/// No request for one issuer waits for another issuer, over a real connection.
#[test]
fn rule_22_an_issuer_whose_keys_hang_delays_nobody_elses_token() {
    let clock = Clock::fixed(now());
    let pair = |kid| Issuer::with_key_pair(Algorithm::EdDsa, kid).with_clock(clock.clone());
    let keys = BTreeMap::from([("session", pair("session")), ("agents", pair("agents"))]);
    for hanging in ["session", "agents"] {
        let servers = BTreeMap::from(["session", "agents"].map(|name| (name, JwksServer::start())));
        for (name, server) in &servers {
            server.publish(&[&keys[name]]);
        }
        servers[hanging].delay(Duration::from_secs(30));
        let table = json!({
            "url": ORIGIN,
            "jwks_url": servers["session"].url(),
            "issuers": { "agents": agents_table(&servers["agents"]) },
        });
        let guard = AuthGuard::fairing().with_clock(clock.clone());
        let server = Server::start(rocket(guard, &table), figment(&table));
        let token = |name: &str| {
            let parts = if name == "session" { SESSION } else { AGENTS };
            let issuer = keys[name].clone().with_issuer(parts.iss).with_audience(parts.aud);
            match parts.at_jwt {
                true => issuer.access_token("alice").claim("level", "full").sign(),
                false => issuer.token("alice").sign(),
            }
        };
        let ask = |name: &str| {
            let field = format!("Authorization: Bearer {}\r\n", token(name));
            let started = Instant::now();
            let reply = server.send(&request("GET", "/api/alice/tasks", &field, ""), 1).remove(0);
            (reply.status, reply.code(), started.elapsed())
        };
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| ask(hanging));
            let prompt = if hanging == "session" { "agents" } else { "session" };
            for _ in 0..20 {
                let (status, code, took) = ask(prompt);
                assert_eq!((status, &*code), (200, ""), "{hanging} hangs");
                assert!(took < Duration::from_secs(3), "{prompt} took {took:?}: {hanging} hangs");
            }
            let (status, code, took) = slow.join().expect("an answer");
            assert_eq!((status, &*code), (503, "keys_unavailable"), "{hanging}");
            assert!(took > Duration::from_secs(3), "{took:?}: it did not wait");
        });
    }
}

/// Each issuer's outage is its own: who is affected, what is logged, and when to try again.
#[test]
fn rule_22_an_outage_of_one_issuer_is_answered_503_to_its_tokens_only() {
    let server = JwksServer::start();
    let agents = Issuer::with_key_pair(Algorithm::EdDsa, "agents").with_issuer(PROVIDER);
    let agents = agents.with_audience(API).with_clock(Clock::fixed(now()));
    let toml = format!(
        "[default.auth_guard]\nissuer = \"{ORIGIN}\"\njwks_cooldown = 3600\n\
         [default.auth_guard.issuers.agents]\nissuer = \"{PROVIDER}\"\naudience = \"{API}\"\n\
         token_type = \"at+jwt\"\njwks_url = \"{}\"\nusers = \"same\"\nscopes = \"ignored\"\n",
        server.url()
    );
    let session = issuer().with_issuer(ORIGIN);
    let path = "/api/alice/tasks";
    let app = App::new().env("BETTER_AUTH_SECRET", SECRET).toml(&toml);
    let app = app.get(path, agents.access_token("alice")).get(path, session.token("alice"));
    let ended = app.get(path, agents.access_token("alice")).run();
    assert_eq!(ended.statuses, [503, 200, 503], "{}", ended.output);
    let events = ended.output.lines().filter(|line| line.contains("keys_unavailable"));
    let events: Vec<_> = events.collect();
    assert!(events.len() == 1 && events[0].contains("issuer=\"agents\""), "{events:?}");
    for line in [
        "further issuer `agents`, tokens: ",
        &format!("`agents` issuer: {PROVIDER}"),
        &format!("`agents` audience: {API}"),
        "`agents` type: `at+jwt`; ID tokens: refused",
        "`agents` owner: claim `sub`",
        "public keys of `agents`: none",
    ] {
        assert!(ended.output.contains(line), "no {line:?} in:\n{}", ended.output);
    }

    let stage = Stage::set(First::Secret);
    stage.servers["agents"].fail();
    // The fetch of the launch may have ended before: only another key needs another fetch.
    let token = stage.token(&AGENTS).header("kid", "unknown").sign();
    let answer = get_as(&stage.client, path, token);
    assert_eq!((answer.status, &*answer.code()), (503, "keys_unavailable"));
    assert!(answer.retry_after.is_some_and(|seconds| seconds.parse().is_ok_and(|s: u64| s > 0)));
    assert_eq!(stage.get(stage.token(&SESSION)), accepted());
}

#[test]
fn rule_22_an_explanation_says_which_issuer_was_chosen() {
    let stage = Stage::set(First::Secret);
    let explain = |token: &Token| {
        explain_fields(stage.verifier(), [&*format!("Bearer {}", token.sign())], now())
    };
    // The keys are known once they were asked for.
    assert_eq!(stage.get(stage.token(&AGENTS)), accepted());
    let text = explain(&stage.token(&AGENTS)).to_string();
    for line in [
        "passed  rule 22  `iss`, unverified, equal to `https://auth.example` (JWT) or \
         `https://auth.example/api/auth` (at+jwt, `agents`): it chooses the rules below\n",
        "passed  rule  5  `typ` equal to `at+jwt`\n",
        "passed  rule 14  `iss` equal to `https://auth.example/api/auth`\n",
        "The rules are those of the issuer `agents`.\nThe token is accepted.\n",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    let text = explain(&stage.token(&Parts { aud: ORIGIN, ..AGENTS })).to_string();
    assert!(
        text.contains("FAILED  rule 14  `aud` equal to, or a list with, `https://api.example`")
    );
    assert!(text.contains("The rules are those of the issuer `agents`.\n"), "{text}");
    let text = explain(&stage.token(&Parts { aud: API, ..SESSION })).to_string();
    assert!(
        text.contains("FAILED  rule 14  `aud` equal to, or a list with, `https://auth.example`")
    );
    assert!(!text.contains("of the issuer"), "{text}");
    let explanation = explain(&stage.token(&Parts { iss: API, ..AGENTS }));
    assert_eq!(explanation.refusal(), Some(&AuthError::InvalidClaim("iss".into())));
    assert!(explanation.to_string().contains("FAILED  rule 22  "), "{explanation}");

    // With one issuer, nothing is chosen.
    let one = guard().verifier(&figment(&json!({}))).expect("valid");
    let text = explain_fields(&one, ["Bearer x"], now()).to_string();
    assert!(!text.contains("rule 22"), "{text}");
}

/// A further issuer has a table, and no variables.
#[test]
fn rule_22_an_explanation_names_the_settings_of_the_chosen_issuer() {
    let stage = Stage::with(First::Secret, |table| {
        table["issuers"]["agents"]["scopes"] = json!("enforced");
    });
    let explain = |token: &Token| {
        let field = format!("Bearer {}", token.sign());
        explain_fields(stage.verifier(), [&*field], now()).to_string()
    };
    let unknown = explain(&stage.token(&AGENTS).header("kid", "unknown"));
    assert!(unknown.contains("[`issuers.agents.jwks_url`, `issuers.agents.discovery`, "));
    assert!(!unknown.contains("BETTER_AUTH_SECRET"), "{unknown}");
    // The keys are known once they were asked for.
    assert_eq!(stage.get(stage.token(&AGENTS)).0, 403);
    for (token, settings) in [
        (stage.token(&AGENTS), "[`issuers.agents.scopes`]\n"),
        (
            stage.token(&Parts { aud: ORIGIN, ..AGENTS }),
            "[`issuers.agents.audience`, `issuers.agents.audience_claim`]\n",
        ),
        (
            stage.token(&Parts { has_level: false, ..AGENTS }),
            "[`issuers.agents.require`, `issuers.agents.required_claims`, \
             `issuers.agents.token_type`]\n",
        ),
        // This one counts for every issuer.
        (stage.token(&AGENTS).expired(), "[`leeway` (AUTH_GUARD_LEEWAY)]\n"),
        (
            stage.token(&Parts { aud: API, ..SESSION }),
            "[`audience` (AUTH_GUARD_AUDIENCE), `audience_claim` (AUTH_GUARD_AUDIENCE_CLAIM), `url` (BETTER_AUTH_URL)]\n",
        ),
    ] {
        let text = explain(&token);
        assert!(text.contains(settings), "no {settings:?} in:\n{text}");
        assert_eq!(text.matches('[').count(), 1, "{text}");
    }

    stage.servers["agents"].fail();
    let stale = Duration::from_secs(90_000);
    stage.clock.advance(stale);
    assert_eq!(stage.get(stage.token(&AGENTS)).0, 503);
    let text = explain(&stage.token(&AGENTS));
    assert!(text.contains("set `issuers.agents.jwks_url` to its address.\n"), "{text}");
}

#[test]
fn rule_22_the_attack_finds_nothing_with_two_issuers() {
    let stage = Stage::set(First::Secret);
    let report = attack_all(&stage.client);
    println!("{report}");
    let answer = stage.client.get("/api/alice/tasks").as_user("alice").dispatch();
    assert_eq!(answer.status().code, 200, "the kit speaks for the first issuer");
    let issuer = Issuer::of(stage.client.rocket()).expect("the first");
    let list = HostileRequest::all(stage.verifier(), &issuer, "alice");
    assert_eq!(list.iter().filter(|request| request.rule == 22).count(), 2);
    let one = guard().verifier(&figment(&json!({ "url": ORIGIN }))).expect("valid");
    let list = HostileRequest::all(&one, &issuer, "alice");
    assert_eq!(list.iter().filter(|request| request.rule == 22).count(), 0);
}

/// Two fields, one of each issuer, are two fields.
#[test]
fn rule_22_two_tokens_are_still_one_too_many() {
    let stage = Stage::set(First::KeyPair);
    let mut request = stage.client.get("/api/alice/tasks");
    for parts in [&SESSION, &AGENTS] {
        let field = format!("Bearer {}", stage.token(parts).sign());
        request.add_header(Header::new("Authorization", field));
    }
    assert_eq!(request.dispatch().status().code, 400);
}

#[test]
fn rule_22_the_time_is_checked_again_by_the_rules_of_the_same_issuer() {
    let stage = Stage::with(First::KeyPair, |table| {
        table["issuers"]["agents"]["max_lifetime"] = json!(900);
    });
    let token = stage.token(&AGENTS).lifetime(Duration::from_secs(900)).sign();
    let at = |seconds: i64| match u64::try_from(seconds) {
        Ok(later) => now() + Duration::from_secs(later),
        Err(_) => now() - Duration::from_secs(seconds.unsigned_abs()),
    };
    let verify = |time: SystemTime| stage.verifier().verify(&token, time);
    assert_eq!(stage.get(&*token), accepted());
    assert!(verify(at(904)).is_ok());
    assert_eq!(verify(at(905)).err(), Some(AuthError::Expired));
    assert!(verify(at(-5)).is_ok());
    // The first issuer would allow 3600 s.
    assert_eq!(verify(at(-6)).err(), Some(AuthError::InvalidClaim("exp".into())));
}
