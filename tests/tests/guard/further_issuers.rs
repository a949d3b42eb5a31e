//! `[<profile>.auth_guard.issuers.<name>]`: every table that stops the launch, with the key at
//! fault and what to write instead.

use auth_guard::{AuthGuard, ConfigError};
use auth_guard_tests::*;
use serde_json::{Value, json};

use crate::launch::App;

const ORIGIN: &str = "https://auth.example";

/// A valid table of a further issuer.
fn agents() -> Value {
    json!({
        "issuer": "https://auth.example/api/auth",
        "audience": "https://api.example",
        "token_type": "at+jwt",
        "jwks_url": "https://auth.example/api/auth/jwks",
        "users": "same",
    })
}

/// Returns the table with these members changed; `null` removes one.
fn changed(changes: &Value) -> Value {
    let mut table = agents();
    for (key, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(table.as_object_mut().expect("an object").remove(key)),
            value => table[key] = value.clone(),
        }
    }
    table
}

fn errors(table: &Value) -> Vec<ConfigError> {
    match guard().verifier(&figment(table)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().collect(),
    }
}

/// Returns the errors about a further issuer's table, beside a valid first issuer.
fn errors_of(issuer: &Value) -> Vec<ConfigError> {
    errors(&json!({ "url": ORIGIN, "issuers": { "agents": issuer } }))
}

/// Checks that there is one error, which names this key and has these words.
#[track_caller]
fn one(errors: &[ConfigError], key: &str, words: &[&str]) {
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].key(), Some(key), "{errors:?}");
    for words in words {
        assert!(errors[0].reason().contains(words), "no {words:?} in {errors:?}");
    }
}

#[test]
fn a_valid_table_launches() {
    for table in [
        json!({}),
        json!({ "jwks_url": null, "discovery": true }),
        json!({ "discovery": false }),
        json!({ "token_type": "JWT", "require": { "token_use": ["access", 1, true] } }),
        json!({ "token_type": "JWT", "required_claims": "jti", "uid_claim": "sub" }),
        json!({ "token_type": "JWT", "id_tokens": "accepted" }),
        json!({ "audience": ["one", "two"], "audience_claim": "client_id", "match_subject": false }),
        json!({ "algorithms": ["ES256", "RS256"], "max_lifetime": 86_400 }),
    ] {
        assert_eq!(errors_of(&changed(&table)), [], "{table}");
    }
    assert_eq!(errors(&json!({ "issuers": {} })), []);
    let names = json!({ "a": changed(&json!({ "issuer": "a" })), "B-2_c": agents() });
    assert_eq!(errors(&json!({ "url": ORIGIN, "issuers": names })), []);
}

#[test]
fn a_further_issuer_without_the_same_users_stops_the_launch_and_says_why() {
    let words = ["must be `same`", "one id to two people", "Write users = \"same\""];
    one(&errors_of(&changed(&json!({ "users": null }))), "issuers.agents.users", &words);
    for users in [json!("other"), json!("Same"), json!(""), json!(true), json!(["same"])] {
        let errors = errors_of(&changed(&json!({ "users": users })));
        one(&errors, "issuers.agents.users", &words);
    }
}

#[test]
fn a_further_issuer_says_what_tells_its_tokens() {
    for (change, key, words) in [
        (json!({ "issuer": null }), "issuer", "Set it to the `iss`"),
        (json!({ "issuer": "" }), "issuer", "must be the `iss`"),
        (json!({ "issuer": ["a", "b"] }), "issuer", "must be the `iss`"),
        (json!({ "audience": null }), "audience", "Set it to the `aud`"),
        (json!({ "audience": [] }), "audience", "must be an `aud`"),
        (json!({ "token_type": null }), "token_type", "Set it to `at+jwt`, or set `require`"),
        (json!({ "token_type": "jwt" }), "token_type", "must be one of `JWT`, `at+jwt`"),
        (json!({ "require": { "iss": "a" } }), "require.iss", "has a rule of its own"),
        (json!({ "max_lifetime": 90_000 }), "max_lifetime", "from 1 to 86400"),
        (json!({ "id_tokens": "yes" }), "id_tokens", "must be one of `refused`, `accepted`"),
        (json!({ "uid_claim": "iss" }), "uid_claim", "must not be `iss`"),
    ] {
        one(&errors_of(&changed(&change)), &format!("issuers.agents.{key}"), &[words]);
    }
    // `azp` says who asked and not for whom, so something else must tell.
    let azp = json!({ "audience_claim": "azp", "token_type": null, "required_claims": "jti" });
    one(&errors_of(&changed(&azp)), "issuers.agents.audience_claim", &["`azp`"]);
}

#[test]
fn a_further_issuer_has_public_keys_from_one_address() {
    for (change, key, words) in [
        (json!({ "jwks_url": null }), "discovery", "no keys. Set one of them"),
        (json!({ "discovery": true }), "discovery", "cannot be used with `jwks_url`. Remove one"),
        (json!({ "jwks_url": "http://keys.example" }), "jwks_url", "must begin with https"),
        (json!({ "jwks_url": "keys" }), "jwks_url", "must be the http or https URL"),
        (json!({ "jwks_url": "" }), "jwks_url", "must be the http or https URL"),
        (json!({ "algorithms": ["HS256"] }), "algorithms", "a further issuer has public keys only"),
        (json!({ "algorithms": ["HS256", "EdDSA"] }), "algorithms", "names HS256"),
        (json!({ "algorithms": ["ES256K"] }), "algorithms", "must be one or several of"),
        (
            json!({ "jwks_url": null, "discovery": true, "issuer": "http://a.example" }),
            "issuer",
            "must begin with https",
        ),
    ] {
        one(&errors_of(&changed(&change)), &format!("issuers.agents.{key}"), &[words]);
    }
    // An error in a setting of all issuers names the key in the first issuer's table.
    let table = json!({
        "url": ORIGIN, "jwks_max_age": 600, "jwks_max_stale": 60,
        "issuers": { "agents": agents(), "robots": changed(&json!({ "issuer": "x" })) },
    });
    one(&errors(&table), "jwks_max_stale", &["must not be less than `jwks_max_age`"]);
    let table = json!({
        "url": ORIGIN, "jwks_insecure": true,
        "issuers": { "agents": changed(&json!({ "jwks_url": "http://keys.example" })) },
    });
    assert_eq!(errors(&table), []);
}

#[test]
fn a_secret_anywhere_in_the_table_of_a_further_issuer_stops_the_launch() {
    let words = ["looks like a secret", "public keys only. Remove it", "`discovery` or `jwks_url`"];
    for (change, key) in [
        (json!({ "secret": SECRET }), "secret"),
        (json!({ "SECRET_PREVIOUS": SECRET }), "SECRET_PREVIOUS"),
        (json!({ "better_auth_secret": SECRET }), "better_auth_secret"),
        (json!({ "require": { "secret": SECRET } }), "require.secret"),
        (
            json!({ "require": { "a": { "b": { "client_secret": SECRET } } } }),
            "require.a.b.client_secret",
        ),
        (json!({ "algorithms": [{ "secret": SECRET }] }), "algorithms.0.secret"),
    ] {
        let errors = errors_of(&changed(&change));
        one(&errors, &format!("auth_guard.issuers.agents.{key}"), &words);
        assert!(!format!("{errors:?}").contains(SECRET));
    }
    let table = json!({ "url": ORIGIN, "issuers": { "secret": SECRET } });
    one(&errors(&table), "auth_guard.issuers.secret", &words);

    // A secret is refused even in a profile that is not selected.
    let toml = format!("[staging.auth_guard.issuers.agents]\nsecret = \"{SECRET}\"");
    let ended = App::new().env("BETTER_AUTH_SECRET", SECRET).toml(&toml).run();
    assert!(!ended.launched && !ended.output.contains(SECRET), "{}", ended.output);
    assert!(ended.output.contains("`auth_guard.issuers.agents.secret` in"), "{}", ended.output);
    assert!(ended.output.contains(".toml looks like a secret"), "{}", ended.output);
}

#[test]
fn an_unknown_key_of_a_further_issuer_stops_the_launch() {
    for (wrong, right) in [("isuer", "issuer"), ("token_typ", "token_type"), ("user", "users")] {
        let errors = errors_of(&changed(&json!({ wrong: "a" })));
        one(
            &errors,
            &format!("issuers.agents.{wrong}"),
            &["is unknown", &format!("Did you mean `{right}`?")],
        );
    }
    // The settings of the application are not an issuer's.
    for key in ["leeway", "url", "realm", "unscoped", "jwks_cooldown", "memo_capacity", "resource"]
    {
        let errors = errors_of(&changed(&json!({ key: "a" })));
        let keys = "The keys of this table are issuer, audience, audience_claim, token_type";
        one(&errors, &format!("issuers.agents.{key}"), &["is unknown", keys]);
    }
    one(
        &errors(&json!({ "url": ORIGIN, "issuer_s": {} })),
        "issuer_s",
        &["Did you mean `issuers`?"],
    );
    for wrong in [json!("agents"), json!(["agents"]), json!({ "agents": "https://a.example" })] {
        let errors = errors(&json!({ "url": ORIGIN, "issuers": wrong }));
        one(
            &errors,
            "issuers",
            &["must be a table of tables", "[default.auth_guard.issuers.agents]"],
        );
    }
    let ended = App::new()
        .env("BETTER_AUTH_SECRET", SECRET)
        .env("BETTER_AUTH_URL", ORIGIN)
        .toml("[default.auth_guard.issuers.agents]\nisuer = \"a\"")
        .run();
    let line = "`issuers.agents.isuer` in TOML file";
    assert!(!ended.launched && ended.output.contains(line), "{}", ended.output);
}

#[test]
fn the_name_of_a_further_issuer_is_a_label() {
    for name in ["", "a b", "a.b", "é", "a\"b", "a\nb", &"a".repeat(65)] {
        let errors = errors(&json!({ "url": ORIGIN, "issuers": { name: agents() } }));
        assert_eq!(errors.len(), 1, "{name:?}: {errors:?}");
        assert!(errors[0].reason().contains("must be of 1 to 64 letters"), "{errors:?}");
        assert!(!errors[0].reason().contains('\n'));
    }
}

#[test]
fn two_issuers_that_cannot_be_told_apart_stop_the_launch() {
    let words = ["so their tokens cannot be told apart", "another `issuer` or `token_type`"];
    let first = |token_type: &str| {
        json!({
            "issuer": "https://auth.example/api/auth", "audience": "a", "token_type": token_type,
            "issuers": { "agents": agents() },
        })
    };
    let of = |errors: Vec<ConfigError>, other: &str| {
        one(&errors, "issuers.agents", &words);
        assert!(errors[0].reason().contains(other), "{errors:?}");
    };
    of(errors(&first("at+jwt")), "of the first issuer");
    assert_eq!(errors(&first("JWT")), []);

    let other = changed(&json!({ "audience": "b", "jwks_url": "https://b.example" }));
    let both = json!({ "url": ORIGIN, "issuers": { "agents": agents(), "robots": other } });
    one(&errors(&both), "issuers.robots", &words);
    assert!(errors(&both)[0].reason().contains("of `agents`"));

    // The first must say which `iss` is its own.
    let nameless = json!({ "issuers": { "agents": agents() } });
    one(&errors(&nameless), "issuer", &["the `iss` says whose a token is", "BETTER_AUTH_URL"]);
}

#[test]
fn all_faults_of_all_issuers_are_told_at_once() {
    let faulty = changed(&json!({ "users": null, "audience": null, "jwks_url": null }));
    let other = changed(&json!({ "issuer": "x", "leeway": 5 }));
    let errors =
        errors(&json!({ "url": ORIGIN, "leeway": 301, "issuers": { "a": faulty, "b": other } }));
    let keys: Vec<_> = errors.iter().map(|error| error.key().unwrap_or_default()).collect();
    let expected = [
        "leeway",
        "issuers.a.users",
        "issuers.a.audience",
        "issuers.a.discovery",
        "issuers.b.leeway",
    ];
    assert_eq!(keys, expected, "{errors:?}");
}

/// The environment can give the tables, as it can any value of Rocket's figment.
#[test]
fn the_tables_may_come_from_the_environment() {
    let table = r#"{url="https://auth.example",issuers={agents={issuer="https://a.example",audience="b",token_type="at+jwt",discovery=true,users="same"}}}"#;
    let app = || App::new().env("BETTER_AUTH_SECRET", SECRET);
    let ended = app().env("ROCKET_AUTH_GUARD", table).run();
    assert!(ended.launched, "{}", ended.output);
    assert!(ended.output.contains("further issuer `agents`"), "{}", ended.output);
    let ended = app().env("ROCKET_AUTH_GUARD", table.replace("same", "mine")).run();
    assert!(
        !ended.launched && ended.output.contains("`issuers.agents.users` in"),
        "{}",
        ended.output
    );
}

/// An access token's audience is the API itself, unless another is named.
#[test]
fn the_resource_is_the_default_audience_of_issuers_of_access_tokens_only() {
    let table = |issuer: Value| json!({ "url": ORIGIN, "resource": "https://api.example", "issuers": { "agents": issuer } });
    let without = |change: Value| {
        let mut change = change;
        change["audience"] = Value::Null;
        changed(&change)
    };
    assert_eq!(errors(&table(without(json!({})))), []);
    let untyped = without(json!({ "token_type": "JWT", "required_claims": "jti" }));
    one(&errors(&table(untyped)), "issuers.agents.audience", &["is not set"]);

    let audience = |table: Value| {
        let verifier = AuthGuard::fairing().with_secret(secret()).verifier(&figment(&table));
        verifier.expect("valid").audience().to_vec()
    };
    let resource = "https://api.example";
    let typed = json!({ "url": ORIGIN, "resource": resource, "token_type": "at+jwt" });
    assert_eq!(audience(typed), [resource]);
    assert_eq!(audience(json!({ "url": ORIGIN, "resource": resource })), [ORIGIN]);
    assert_eq!(audience(json!({ "resource": resource })), [""; 0]);
    let other = json!({ "resource": resource, "token_type": "at+jwt", "audience": "other" });
    assert_eq!(audience(other), ["other"]);
}
