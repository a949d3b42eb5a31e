//! Rule 22: two issuers. Requests mix the claims, types and keys of both in any way, and get
//! the answer of the model, which applies the rules of one issuer only.

use std::cell::Cell;

use super::*;

const SESSION: usize = 0;
const AGENTS: usize = 1;

/// Two issuers of one application, and the holders of their keys.
struct Pair {
    settings: [Settings; 2],
    client: Client,
    /// `true` if the first issuer signs with the key pair of the other.
    is_one_key: bool,
}

/// Returns the settings of each pair: of two `iss`, and of one `iss` with two types.
fn pairs() -> Vec<[Settings; 2]> {
    let (origin, provider) = ("https://a.example", "https://a.example/api/auth");
    let session = Settings {
        issuer: Some(origin.into()),
        audience: vec![origin.into()],
        ..Settings::default()
    };
    let agents = Settings {
        at_jwt: true,
        issuer: Some(provider.into()),
        audience: vec!["api".into()],
        uid_claim: "sub".into(),
        max_lifetime: 600,
        require: vec![("level".into(), vec![Required::Integer(5)])],
        ..Settings::default()
    };
    let same_iss = Settings { issuer: session.issuer.clone(), ..agents.clone() };
    let untyped = Settings {
        at_jwt: false,
        required_claims: vec!["jti".into()],
        audience_claim: "client_id".into(),
        ..agents.clone()
    };
    // As a further issuer, it must say what tells its tokens from ID tokens.
    let second = Settings { required_claims: vec!["iat".into()], ..session.clone() };
    vec![
        [session.clone(), agents.clone()],
        [session.clone(), same_iss.clone()],
        [agents, second.clone()],
        [same_iss, second],
        [session, untyped],
    ]
}

impl Pair {
    fn launch(settings: [Settings; 2], is_one_key: bool, keys: &JwksServer) -> Self {
        let mut table = table(&settings[SESSION]);
        let mut further = super::table(&settings[AGENTS]);
        let members = further.as_object_mut().expect("an object");
        // The leeway counts for all issuers, and is set once.
        members.remove("leeway");
        members.insert("users".into(), json!("same"));
        members.insert("jwks_url".into(), json!(keys.url()));
        // This makes the first a Better Auth server, so nothing else must tell its ID tokens.
        table["url"] = json!("https://a.example");
        table["issuers"] = json!({ "agents": further });
        let mut guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
        match is_one_key {
            true => table["jwks_url"] = json!(keys.url()),
            false => guard = guard.with_secret(secret()),
        }
        let rocket = keys.asked_by(app_with(guard, &json!({})));
        let client = launch(rocket.configure(figment(&table)));
        Self { settings, client, is_one_key }
    }

    fn verifier(&self) -> &Verifier {
        self.client.rocket().state().expect("attached")
    }
}

/// Returns the settings that a forger imitates: each part is of one issuer or of the other.
fn mixture(settings: &[Settings; 2], parts: [usize; 5]) -> Settings {
    let [typ, issuer, audience, uid, claims] = parts.map(|part| &settings[part]);
    Settings {
        at_jwt: typ.at_jwt,
        issuer: issuer.issuer.clone(),
        audience: audience.audience.clone(),
        audience_claim: audience.audience_claim.clone(),
        uid_claim: uid.uid_claim.clone(),
        match_subject: uid.match_subject,
        max_lifetime: claims.max_lifetime,
        require: claims.require.clone(),
        required_claims: claims.required_claims.clone(),
        ..Settings::default()
    }
}

/// Generates parts that are often all of one issuer, and otherwise a mixture of both.
fn parts() -> impl Strategy<Value = ([usize; 5], usize)> {
    let whole = (0..2_usize).prop_map(|issuer| ([issuer; 5], issuer));
    let mixed = ([0..2_usize, 0..2, 0..2, 0..2, 0..2], 0..2_usize);
    prop_oneof![2 => whole, 3 => mixed]
}

#[test]
fn rule_22_requests_of_two_issuers_get_the_answer_of_the_model() {
    let keys = JwksServer::start();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": corpus::KEY_ID, "x": PUBLIC });
    keys.answer("200 OK", json!({ "keys": [jwk] }).to_string());
    let servers: Vec<Pair> = [false, true]
        .into_iter()
        .flat_map(|is_one_key| pairs().into_iter().map(move |settings| (settings, is_one_key)))
        .map(|(settings, is_one_key)| Pair::launch(settings, is_one_key, &keys))
        .collect();
    with_key_pair(|pair| check_pairs(&servers, pair));
}

fn check_pairs(servers: &[Pair], pair: &Signer<'_>) {
    let counts = Counts::default();
    let accepted = [Cell::new(0_u32), Cell::new(0)];
    let fields =
        prop_oneof![8 => generate::near_misses().boxed(), 1 => generate::anything().boxed()];
    let strategy = (0..servers.len(), parts(), fields);
    let at = i128::from(NOW) * 1_000_000_000;
    let pair_verifies = |message: &[u8], tag: &[u8]| (pair.sign)(message) == tag;
    let shared_verifies = |message: &[u8], tag: &[u8]| (SHARED.sign)(message) == tag;
    let pair_key = Key { algorithms: &["EdDSA", "Ed25519"], id: pair.id, verifies: &pair_verifies };
    let shared_key = Key { algorithms: &["HS256"], id: None, verifies: &shared_verifies };

    run(30_000, strategy, |(server, (parts, signer), fields)| {
        let Pair { settings, is_one_key, .. } = &servers[server];
        let verifier = servers[server].verifier();
        let first_key = if *is_one_key { &pair_key } else { &shared_key };
        let signer = if signer == SESSION && !is_one_key { &SHARED } else { pair };
        let fields = fields.render(&mixture(settings, parts), signer, at);
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let issuers = [(&settings[SESSION], first_key), (&settings[AGENTS], &pair_key)];
        let (chosen, verdict) = model::judge_several(&issuers, &fields, at);

        // Through the guard, which waits for keys, and then as it is explained.
        let answer = get_with(&servers[server].client, "/api/alice/tasks", &fields);
        let answer = (answer.status, answer.code());
        let explanation = explain_fields(verifier, fields.iter().copied(), now());
        let expected = match &verdict {
            Verdict::Accepted(uid) if uid != "alice" => Some((403, "not_owner")),
            verdict => verdict.answer(),
        };
        counts.add(expected);
        if let Some((status, code)) = expected {
            prop_assert_eq!(answer, (status, code.to_owned()), "{:?} {:?}", fields, parts);
            let is_valid = explanation.claims().is_some();
            prop_assert_eq!(is_valid, [200, 403].contains(&status), "{:?}", fields);
        }
        if let Some(claims) = explanation.claims() {
            let place = if claims.issuer().is_some() { AGENTS } else { SESSION };
            prop_assert_eq!(Some(place), chosen);
            prop_assert!(claims.issuer().is_none_or(|name| name == "agents"));
            accepted[place].set(accepted[place].get() + 1);
        }
        Ok(())
    });
    counts.print("two issuers");
    let accepted = accepted.map(Cell::into_inner);
    println!("two issuers: accepted of each: {accepted:?}");
    assert!(accepted.iter().all(|count| *count > 250), "{accepted:?}");
    counts.at_least(2, "200");
    counts.at_least(1, "401 token_expired");
    counts.at_least(40, "401 token_invalid");
    counts.at_most(3, "unsettled");
}
