//! The recipes of `docs/issuers.md`. Their settings are read out of the document, and tokens
//! of the shape that the issuer mints are sent to an application with these settings.

use std::collections::BTreeSet;

use auth_guard::testing::{Algorithm, Clock, Issuer, JwksServer, RequestExt};
use auth_guard::{AuthError, AuthGuard, Claims, Verifier};
use auth_guard_tests::{Answer, NOW, figment, launch, now, secret};
use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use rocket::local::blocking::Client;
use rocket::{get, routes};
use serde_json::{Value, json};

const DOCS: &str = include_str!("../../auth-guard/docs/issuers.md");

/// The headings of the recipes, each of which has a test below.
const RECIPES: [&str; 15] = [
    "Better Auth: oauthProvider()",
    "Better Auth: mcp()",
    "Better Auth: session tokens beside oauthProvider()",
    "oidc-provider",
    "Keycloak",
    "Zitadel",
    "Auth0",
    "Auth0: default profile",
    "Supabase",
    "Amazon Cognito",
    "Microsoft Entra ID",
    "Firebase",
    "Logto",
    "Neon Auth",
    "Clerk: session token",
];

/// The recipes whose tokens are given to OAuth clients and need scopes.
const NEED_SCOPES: [&str; 8] = [
    "Better Auth: oauthProvider()",
    "Better Auth: mcp()",
    "oidc-provider",
    "Keycloak",
    "Auth0",
    "Auth0: default profile",
    "Microsoft Entra ID",
    "Logto",
];

#[auth_guard::user_scoped(scope = "tasks:read")]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[auth_guard::user_scoped]
#[get("/<user_id>/scopeless")]
fn scopeless(user_id: &str) -> &str {
    user_id
}

/// Returns the settings under a heading of the document.
fn settings(heading: &str) -> &'static str {
    let section = DOCS.split("\n### ").find(|section| section.lines().next() == Some(heading));
    let section = section.unwrap_or_else(|| panic!("no recipe {heading:?}"));
    let (_, block) = section.split_once("```toml\n").expect("settings");
    block.split("```").next().expect("an end")
}

/// An application with the settings of a recipe, and its issuer.
struct Recipe {
    client: Client,
    issuer: Issuer,
    /// Signs under the same names with another key.
    forger: Issuer,
    alg: Value,
    /// The header of an access token, without `alg` and `kid`.
    header: Value,
    /// The claims of an access token.
    claims: Value,
    uid_claim: String,
    needs_scopes: bool,
}

impl Recipe {
    /// Follows the recipe with this heading. `claims` are those of an access token that lives
    /// for `lifetime` seconds, without its times.
    fn follow(heading: &str, algorithm: Algorithm, lifetime: u64, claims: Value) -> Self {
        Self::with(heading, algorithm, lifetime, claims, "", |jwk| jwk)
    }

    /// Follows a recipe with `added` settings, and with keys that are published as `publish`
    /// changes them.
    fn with(
        heading: &str,
        algorithm: Algorithm,
        lifetime: u64,
        mut claims: Value,
        added: &str,
        publish: fn(Value) -> Value,
    ) -> Self {
        let written = figment(&json!({}));
        let written = written.merge(Toml::string(settings(heading)).nested());
        let written =
            written.merge(Toml::string(&format!("[default.auth_guard]\n{added}")).nested());
        AuthGuard::fairing().verifier(&written).expect("a launch with the recipe as it is written");

        let [issuer, forger] = [(); 2].map(|()| Issuer::with_key_pair(algorithm, "key"));
        let jwk = issuer.jwk().expect("a key pair");
        let alg = jwk["alg"].clone();
        let keys = JwksServer::start();
        keys.answer("200 OK", json!({ "keys": [publish(jwk)] }).to_string());
        let typ = written.extract_inner::<String>("auth_guard.token_type");
        let typ = typ.unwrap_or_else(|_| "JWT".into());
        let served = serve(written, &keys, &mut claims);

        let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
        let rocket = rocket::custom(served).attach(guard).mount("/api", routes![list, scopeless]);
        let client = launch(rocket);
        let uid_claim = verifier(&client).uid_claim().to_owned();
        claims = patched(&claims, &json!({ "iat": NOW - 10, "exp": NOW - 10 + lifetime }));
        let header = json!({ "typ": typ });
        let needs_scopes = NEED_SCOPES.contains(&heading);
        Self { client, issuer, forger, alg, header, claims, uid_claim, needs_scopes }
    }

    /// Signs an access token with these changes of header and claims; `null` removes.
    fn token(&self, header: &Value, claims: &Value) -> String {
        let names = json!({ "alg": self.alg, "kid": "key" });
        let header = patched(&patched(&self.header, &names), header);
        self.issuer.sign(header.to_string(), patched(&self.claims, claims).to_string())
    }

    /// Verifies such a token, and sends it to the path of the user that it names.
    fn ask(&self, header: Value, claims: Value) -> (Answer, Result<Claims, AuthError>) {
        let token = self.token(&header, &claims);
        let answer = self.get("tasks", &token, &claims);
        (answer, verifier(&self.client).verify(&token, now()))
    }

    /// Sends a token with changed `claims` to a path of the user that it names.
    fn get(&self, path: &str, token: &str, claims: &Value) -> Answer {
        let uid = patched(&self.claims, claims)[&self.uid_claim].clone();
        let uid = uid.as_str().unwrap_or("nobody").replace('|', "%7C");
        self.client.get(format!("/api/{uid}/{path}")).bearer(token).dispatch().into()
    }

    /// A token without the scope that a route names does not open it, and none opens a route that
    /// names no scope; or scopes count for nothing.
    #[track_caller]
    fn has_scopes_that_count(&self) {
        let claim = if self.claims["scp"].is_null() { "scope" } else { "scp" };
        let lacks = json!({ claim: "openid" });
        let answer = self.get("tasks", &self.token(&json!({}), &lacks), &lacks);
        let unnamed = self.get("scopeless", &self.token(&json!({}), &json!({})), &json!({}));
        if self.needs_scopes {
            assert!(answer.is_refusal(&AuthError::InsufficientScope), "{answer:?}");
            assert!(unnamed.is_refusal(&AuthError::NotAllowed), "{unnamed:?}");
        } else {
            assert_eq!((answer.status, unnamed.status), (200, 200), "{answer:?} {unnamed:?}");
        }
    }

    #[track_caller]
    fn accepts(&self, header: Value, claims: Value) {
        let (answer, result) = self.ask(header, claims);
        assert_eq!(answer.status, 200, "{:?}", result.err());
    }

    #[track_caller]
    fn refuses(&self, what: &str, header: Value, claims: Value, error: AuthError) {
        let (answer, result) = self.ask(header, claims);
        assert_eq!(result.err(), Some(error.clone()), "{what}");
        assert!(answer.is_refusal(&error), "{what}: {answer:?}");
    }

    /// The token is refused because of a claim.
    #[track_caller]
    fn refuses_claim(&self, what: &str, claims: Value, claim: &'static str) {
        self.refuses(what, json!({}), claims, AuthError::InvalidClaim(claim.into()));
    }

    /// The token is a machine's: valid, and it opens nothing.
    #[track_caller]
    fn refuses_machine(&self, claims: Value) {
        let (answer, result) = self.ask(json!({}), claims);
        assert!(result.is_ok_and(|claims| claims.is_machine()));
        assert!(answer.is_refusal(&AuthError::NotAllowed), "{answer:?}");
    }

    /// Accepts the access token, and none of the neighbours that every issuer has.
    /// `audience` is the claim that names the audience.
    #[track_caller]
    fn is_strict(&self, audience: &'static str) {
        self.accepts(json!({}), json!({}));
        self.has_scopes_that_count();
        let token = self.token(&json!({}), &json!({}));
        let bobs: Answer = self.client.get("/api/bob/tasks").bearer(token).dispatch().into();
        assert!(bobs.is_refusal(&AuthError::NotOwner), "{bobs:?}");

        let iss = self.claims["iss"].as_str().expect("an issuer");
        let slash = match iss.strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{iss}/"),
        };
        self.refuses_claim("another slash", json!({ "iss": slash }), "iss");
        self.refuses_claim("another tenant", json!({ "iss": format!("{iss}2") }), "iss");
        self.refuses_claim("another client or API", json!({ audience: "another" }), audience);
        self.refuses_claim("for nobody", json!({ audience: null }), audience);
        self.refuses_claim("bound to a key", json!({ "cnf": { "jkt": "a" } }), "cnf");
        self.refuses_claim("older than allowed", json!({ "exp": NOW + 90_000 }), "exp");
        let expired = json!({ "iat": NOW - 100, "exp": NOW - 10 });
        self.refuses("expired", json!({}), expired, AuthError::Expired);

        let other = if self.header["typ"] == "JWT" { "at+jwt" } else { "JWT" };
        for typ in [other, "logout+jwt", "dpop+jwt"] {
            let header = json!({ "typ": typ });
            self.refuses(typ, header, json!({}), AuthError::MalformedToken);
        }
        let header = patched(&self.header, &json!({ "alg": self.alg, "kid": "key" }));
        let forged = self.forger.sign(header.to_string(), self.claims.to_string());
        let verify = |token: &str| verifier(&self.client).verify(token, now()).err();
        assert_eq!(verify(&forged), Some(AuthError::InvalidSignature));
        let opaque = "D1YfDx9IbnO5cF8SsDtPzYx0CsAz1aBc";
        assert_eq!(verify(opaque), Some(AuthError::MalformedToken));
    }
}

/// Returns the settings with `keys` in place of the issuer's own server. If the issuer is to
/// be discovered, it moves to this machine, and `claims` are those of the moved one.
fn serve(written: Figment, keys: &JwksServer, claims: &mut Value) -> Figment {
    if !written.extract_inner::<bool>("auth_guard.discovery").unwrap_or_default() {
        return written.merge(("auth_guard.jwks_url", keys.url()));
    }

    let metadata = JwksServer::start();
    let origin = metadata.url().trim_end_matches("/jwks");
    let moved = |issuer: &str| {
        let path = issuer.splitn(4, '/').nth(3).map(|path| format!("/{path}"));
        format!("{origin}{}", path.unwrap_or_default())
    };
    let issuer = written.extract_inner::<String>("auth_guard.issuer").expect("an issuer");
    let issuer = moved(&issuer);
    claims["iss"] = json!(moved(claims["iss"].as_str().expect("an issuer")));
    let document = json!({ "issuer": issuer, "jwks_uri": keys.url() });
    metadata.answer("200 OK", document.to_string());
    written.merge(("auth_guard.issuer", issuer))
}

fn verifier(client: &Client) -> &Verifier {
    client.rocket().state().expect("attached")
}

/// Returns an object with these members replaced; `null` removes one.
fn patched(object: &Value, changes: &Value) -> Value {
    let mut object = object.as_object().expect("an object").clone();
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    Value::Object(object)
}

/// The audience of every recipe for an API of one's own.
const API: &str = "https://api.example.com";

#[test]
fn every_recipe_of_the_document_is_followed() {
    let written = DOCS.split("\n### ").filter(|section| section.contains("```toml"));
    let written: BTreeSet<_> = written.filter_map(|section| section.lines().next()).collect();
    assert_eq!(written, BTreeSet::from(RECIPES));
    assert_eq!(DOCS.matches("```toml").count(), RECIPES.len());
    let source = include_str!("recipes.rs");
    for heading in RECIPES {
        let settings = settings(heading);
        assert!(settings.starts_with("[default.auth_guard]\n"), "{heading}");
        let uses = source.matches(&format!("\"{heading}\"")).count();
        assert!(uses > 1, "no test follows {heading:?}");
    }
}

/// The access token of Better Auth's plugins, and the tokens that it signs beside.
fn better_auth(heading: &str, resource: &str, added: &str) -> Recipe {
    let claims = json!({
        "iss": "https://auth.example.com/api/auth", "sub": "D1YfDx9I", "azp": "ACFI", "jti": "iB-X",
        "aud": [resource, "https://auth.example.com/api/auth/oauth2/userinfo"],
        "client_id": "ACFI", "scope": "openid profile tasks:read", "sid": "jDPp",
    });
    Recipe::with(heading, Algorithm::EdDsa, 3_600, claims, added, |jwk| jwk)
}

/// An ID token, and one whose client has the id of the API.
#[track_caller]
fn refuses_untyped_id_tokens(recipe: &Recipe) {
    let of_id_token = json!({
        "aud": "ACFI", "nonce": "n0nce", "at_hash": "cSNg", "auth_time": NOW, "jti": null,
        "client_id": null, "azp": null, "scope": null,
    });
    let for_us = patched(&of_id_token, &json!({ "aud": recipe.claims["aud"] }));
    let plain = patched(&for_us, &json!({ "nonce": null, "at_hash": null }));
    for claims in [of_id_token, for_us, plain] {
        let (untyped, typed) = (json!({ "typ": null }), json!({ "typ": "JWT" }));
        recipe.refuses("ID token", untyped, claims.clone(), AuthError::MalformedToken);
        recipe.refuses("ID token", typed, claims, AuthError::MalformedToken);
    }
}

#[test]
fn better_auth_oauth_provider() {
    let recipe = better_auth("Better Auth: oauthProvider()", API, "");
    recipe.is_strict("aud");
    // Without the scope `openid`, and from the device grant.
    recipe.accepts(json!({}), json!({ "aud": API, "sid": null }));
    refuses_untyped_id_tokens(&recipe);
    recipe.refuses_machine(json!({ "sub": "ACFI", "aud": API, "sid": null }));

    let origin = recipe.claims["iss"].as_str().and_then(|iss| iss.strip_suffix("/api/auth"));
    let session = json!({ "iss": origin, "aud": origin, "uid": "D1YfDx9I", "azp": null });
    recipe.refuses("session token", json!({ "typ": null }), session, AuthError::MalformedToken);
    let other = json!({ "aud": ["https://other.example.com"] });
    recipe.refuses_claim("another resource's", other, "aud");
}

#[test]
fn better_auth_mcp() {
    let resource = "https://api.example.com/mcp";
    let recipe = better_auth("Better Auth: mcp()", resource, "");
    recipe.is_strict("aud");
    refuses_untyped_id_tokens(&recipe);
    recipe.refuses_machine(json!({ "sub": "ACFI", "aud": resource, "sid": null }));
    recipe.refuses_claim("another resource's", json!({ "aud": API }), "aud");
}

/// The two kinds of tokens of one server, whose one key pair signs both.
#[test]
fn better_auth_session_tokens_beside_oauth_provider() {
    let heading = "Better Auth: session tokens beside oauthProvider()";
    let written = figment(&json!({})).merge(Toml::string(settings(heading)).nested());
    AuthGuard::fairing().verifier(&written).expect("a launch with the recipe as it is written");

    // The same keys, on this machine.
    let issuer = Issuer::with_key_pair(Algorithm::EdDsa, "key");
    let keys = JwksServer::start();
    keys.publish(&[&issuer]);
    let served = written
        .merge(("auth_guard.jwks_url", keys.url()))
        .merge(("auth_guard.issuers.agents.discovery", false))
        .merge(("auth_guard.issuers.agents.jwks_url", keys.url()));
    let guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
    let client = launch(rocket::custom(served).attach(guard).mount("/api", routes![list]));

    let origin = "https://auth.example.com";
    let times = json!({ "iat": NOW - 10, "exp": NOW + 600, "sub": "D1YfDx9I" });
    let session = patched(&times, &json!({ "uid": "D1YfDx9I", "iss": origin, "aud": origin }));
    let access = json!({
        "iss": format!("{origin}/api/auth"), "azp": "ACFI", "jti": "iB-X", "client_id": "ACFI",
        "aud": [API, format!("{origin}/api/auth/oauth2/userinfo")], "scope": "openid tasks:read",
    });
    let access = patched(&times, &access);
    let ask = |typ: Value, claims: &Value, changes: Value| {
        let header = patched(&json!({ "alg": "EdDSA", "kid": "key" }), &json!({ "typ": typ }));
        let token = issuer.sign(header.to_string(), patched(claims, &changes).to_string());
        // First the request, which waits for the keys.
        let answer = client.get("/api/D1YfDx9I/tasks").bearer(&token).dispatch().status().code;
        let result = verifier(&client).verify(&token, now());
        let name = result.as_ref().map(|claims| claims.issuer().map(str::to_owned));
        (answer, name.map_err(Clone::clone))
    };
    let invalid = |name: &'static str| (401, Err(AuthError::InvalidClaim(name.into())));
    let malformed = || (401, Err(AuthError::MalformedToken));
    let (at_jwt, none) = (json!("at+jwt"), Value::Null);
    assert_eq!(ask(none.clone(), &session, json!({})).0, 200);
    assert_eq!(ask(at_jwt.clone(), &access, json!({})), (200, Ok(Some("agents".into()))));
    assert_eq!(ask(none.clone(), &session, json!({})), (200, Ok(None)));

    // Neither passes for the other, and an ID token passes for neither.
    assert_eq!(ask(at_jwt.clone(), &session, json!({})), malformed());
    assert_eq!(ask(none.clone(), &access, json!({})), malformed());
    let id_token = json!({ "aud": "ACFI", "azp": null, "client_id": null, "jti": null });
    assert_eq!(ask(none.clone(), &access, id_token.clone()), malformed());
    let as_session = patched(&id_token, &json!({ "iss": origin, "uid": "D1YfDx9I" }));
    assert_eq!(ask(none.clone(), &access, as_session), invalid("aud"));
    assert_eq!(ask(at_jwt.clone(), &access, json!({ "aud": origin })), invalid("aud"));
    assert_eq!(ask(none.clone(), &session, json!({ "aud": API })), invalid("aud"));
    assert_eq!(ask(none, &session, json!({ "iss": "https://other.example" })), invalid("iss"));
    let machine = ask(at_jwt, &access, json!({ "sub": "ACFI" }));
    assert_eq!(machine, (403, Ok(Some("agents".into()))));
}

#[test]
fn a_client_may_be_pinned() {
    let mine = "require = { client_id = \"ACFI\" }";
    let recipe = better_auth("Better Auth: oauthProvider()", API, mine);
    recipe.is_strict("aud");
    let others = json!({ "client_id": "other", "azp": "other" });
    recipe.refuses_claim("another client's", others.clone(), "client_id");
    better_auth("Better Auth: oauthProvider()", API, "").accepts(json!({}), others);
}

#[test]
fn better_auth_with_a_shared_secret() {
    let written = Toml::string(settings("Better Auth: oauthProvider()")).nested();
    let figment = figment(&json!({})).merge(written).merge(("auth_guard.discovery", false));
    let guard = AuthGuard::fairing().with_secret(secret());
    let verifier = guard.verifier(&figment).expect("a valid configuration");
    let issuer = Issuer::new(&secret());
    let verify = |typ: &str| {
        let header = json!({ "typ": typ, "alg": "HS256" });
        let claims = json!({
            "iss": "https://auth.example.com/api/auth", "aud": API, "sub": "alice", "jti": "a",
            "azp": "ACFI", "iat": NOW, "exp": NOW + 3_600,
        });
        verifier.verify(&issuer.sign(header.to_string(), claims.to_string()), now())
    };
    assert_eq!(verify("at+jwt").expect("an access token").uid(), "alice");
    assert_eq!(verify("JWT").err(), Some(AuthError::MalformedToken));
}

#[test]
fn oidc_provider() {
    let claims = json!({
        "iss": "https://auth.example.com", "aud": API, "sub": "alice", "client_id": "web",
        "jti": "Ec_P", "scope": "tasks:read",
    });
    let without_alg = |jwk| patched(&jwk, &json!({ "alg": null }));
    for publish in [|jwk| jwk, without_alg] {
        let claims = claims.clone();
        let recipe = Recipe::with("oidc-provider", Algorithm::Rs256, 3_600, claims, "", publish);
        recipe.is_strict("aud");
        refuses_untyped_id_tokens(&recipe);
        recipe.refuses_machine(json!({ "sub": "web" }));
    }
}

#[test]
fn keycloak() {
    let claims = json!({
        "iss": "https://keycloak.example.com/realms/REALM", "aud": [API, "account"],
        "sub": "f7c1b8a2-0c55-4d0e-8f7b-0f2d6c1f5a11", "typ": "Bearer", "azp": "web",
        "sid": "a", "jti": "onrtac:1", "scope": "profile tasks:read",
        "realm_access": { "roles": ["user"] },
    });
    let follow =
        |added| Recipe::with("Keycloak", Algorithm::Rs256, 300, claims.clone(), added, |jwk| jwk);
    let recipe = follow("");
    recipe.is_strict("aud");
    let id = json!({ "typ": "ID", "aud": "web", "at_hash": "a" });
    recipe.refuses_claim("ID token", id, "aud");
    let for_us = json!({ "typ": "ID", "aud": API });
    recipe.refuses_claim("ID token of a client with the API's name", for_us, "typ");
    recipe.refuses_claim("refresh token", json!({ "typ": "Refresh" }), "typ");
    recipe.refuses_claim("without the mapper", json!({ "aud": "account" }), "aud");
    // A service account: it cannot be told apart, as the recipe says.
    recipe.accepts(json!({}), json!({ "sub": "0b6c6d2e-8c4d-4c7e-9e55-1f5d1c0e7a9b" }));

    recipe.refuses_claim("Keycloak 24", json!({ "nonce": "n" }), "nonce");
    let old = follow("id_tokens = \"accepted\"");
    old.accepts(json!({}), json!({ "nonce": "n" }));
    old.refuses_claim("ID token", json!({ "nonce": "n", "typ": "ID" }), "typ");
    let pinned = follow("require.typ = \"Bearer\"\nrequire.azp = \"web\"");
    pinned.is_strict("aud");
    pinned.refuses_claim("another client's", json!({ "azp": "other" }), "azp");
}

#[test]
fn zitadel() {
    let claims = json!({
        "iss": "https://zitadel.example.com", "sub": "251742921387442177", "jti": "V2_2",
        "aud": ["257787934502682625@app", "PROJECT_ID"], "nbf": NOW - 10,
    });
    let recipe = Recipe::follow("Zitadel", Algorithm::Rs256, 43_200, claims);
    recipe.is_strict("aud");
    let id = json!({ "jti": null, "nbf": null, "at_hash": "a", "amr": ["pwd"], "auth_time": NOW });
    recipe.refuses_claim("ID token", id.clone(), "at_hash");
    let plain = patched(&id, &json!({ "at_hash": null }));
    recipe.refuses_claim("ID token without `at_hash`", plain, "jti");
    let other = json!({ "aud": ["257787934502682625@app", "another project"] });
    recipe.refuses_claim("another project's", other, "aud");
    // A machine user: it cannot be told apart, as the recipe says.
    recipe.accepts(json!({}), json!({ "sub": "251742921387442199" }));
}

/// The claims of Auth0's access tokens, whatever the profile.
fn auth0() -> Value {
    json!({
        "iss": "https://TENANT.eu.auth0.com/", "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": [API, "https://TENANT.eu.auth0.com/userinfo"], "scope": "openid tasks:read",
    })
}

#[test]
fn auth0_with_the_profile_of_rfc_9068() {
    let claims = patched(&auth0(), &json!({ "client_id": "web", "jti": "a" }));
    let recipe = Recipe::follow("Auth0", Algorithm::Rs256, 86_400, claims);
    recipe.is_strict("aud");
    refuses_untyped_id_tokens(&recipe);
    recipe.refuses_machine(json!({ "sub": "web@clients", "aud": API }));
}

#[test]
fn auth0_with_its_default_profile() {
    let claims = patched(&auth0(), &json!({ "azp": "web" }));
    let recipe = Recipe::follow("Auth0: default profile", Algorithm::Rs256, 86_400, claims);
    recipe.is_strict("aud");
    let id = json!({ "aud": "web", "azp": null, "scope": null, "nonce": "n" });
    recipe.refuses_claim("ID token", id, "aud");
    let for_us = json!({ "aud": API, "azp": null, "scope": null });
    recipe.refuses_claim("ID token of a client with the API's name", for_us, "azp");
    let machine = json!({ "sub": "web@clients", "aud": API, "gty": "client-credentials" });
    recipe.refuses_machine(machine);
    recipe.refuses_machine(json!({ "gty": "client-credentials" }));
}

#[test]
fn supabase() {
    let claims = json!({
        "iss": "https://PROJECT.supabase.co/auth/v1", "aud": "authenticated", "aal": "aal1",
        "sub": "3f1c2d9e-6b1a-4d0a-9a5f-6a5d0c1b2e3f", "role": "authenticated",
        "is_anonymous": false, "app_metadata": { "provider": "email" },
    });
    let follow = |algorithm, added| {
        Recipe::with("Supabase", algorithm, 3_600, claims.clone(), added, |jwk| jwk)
    };
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let recipe = follow(algorithm, "");
        recipe.is_strict("aud");
        let id = json!({ "aud": "client", "role": null, "nonce": "n" });
        recipe.refuses_claim("ID token", id, "aud");
        let for_us = json!({ "role": null });
        recipe.refuses_claim("ID token of a client `authenticated`", for_us, "role");
        recipe.refuses_claim("another role", json!({ "role": "service_role" }), "role");
        // A third party's client: it cannot be told apart, as the recipe says.
        recipe.accepts(json!({}), json!({ "client_id": "a third party's" }));
        recipe.accepts(json!({}), json!({ "is_anonymous": true }));
    }

    let strict = "require.role = \"authenticated\"\nrequire.is_anonymous = false";
    let recipe = follow(Algorithm::Es256, strict);
    recipe.is_strict("aud");
    recipe.refuses_claim("anonymous", json!({ "is_anonymous": true }), "is_anonymous");
}

#[test]
fn cognito() {
    let claims = json!({
        "iss": "https://cognito-idp.REGION.amazonaws.com/POOL_ID", "client_id": "CLIENT_ID",
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "username": "alice", "token_use": "access",
        "scope": "aws.cognito.signin.user.admin", "cognito:groups": ["users"], "jti": "a",
    });
    // Hosted login, with a scope of your API's.
    let added = "scopes = \"enforced\"";
    let follow =
        |claims| Recipe::with("Amazon Cognito", Algorithm::Rs256, 3_600, claims, added, |jwk| jwk);
    let (answer, result) = follow(claims.clone()).ask(json!({}), json!({}));
    assert!(result.is_ok() && answer.is_refusal(&AuthError::InsufficientScope), "{answer:?}");
    follow(claims.clone()).accepts(json!({}), json!({ "scope": "openid tasks:read" }));

    let without_alg = |jwk| patched(&jwk, &json!({ "alg": null }));
    for publish in [|jwk| jwk, without_alg] {
        let claims = claims.clone();
        let recipe = Recipe::with("Amazon Cognito", Algorithm::Rs256, 3_600, claims, "", publish);
        recipe.is_strict("client_id");
        recipe.accepts(json!({ "typ": null }), json!({}));
        let id = json!({ "token_use": "id", "aud": "CLIENT_ID", "client_id": null });
        recipe.refuses_claim("ID token", id, "client_id");
        recipe.refuses_claim("ID token", json!({ "token_use": "id" }), "token_use");
        recipe.refuses_claim("bound to another resource", json!({ "aud": API }), "aud");
        recipe.refuses_machine(json!({ "sub": "CLIENT_ID", "username": null }));
    }
}

#[test]
fn entra() {
    let claims = json!({
        "iss": "https://login.microsoftonline.com/TENANT_ID/v2.0", "aud": "API_CLIENT_ID",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "sub": "pairwise", "scp": "tasks:read",
        "azp": "web", "tid": "TENANT_ID", "ver": "2.0", "nbf": NOW - 10,
    });
    let without_alg = |jwk| patched(&jwk, &json!({ "alg": null }));
    let recipe =
        Recipe::with("Microsoft Entra ID", Algorithm::Rs256, 5_400, claims, "", without_alg);
    recipe.is_strict("aud");
    let id = json!({ "aud": "web", "scp": null, "azp": null, "nonce": "n" });
    recipe.refuses_claim("ID token", id, "aud");
    let of_the_api = json!({ "scp": null, "azp": null });
    recipe.refuses_claim("ID token of the API's own registration", of_the_api, "scp");
    let machine = json!({ "scp": null, "roles": ["tasks.all"] });
    recipe.refuses_claim("application", machine.clone(), "scp");
    recipe.refuses_machine(json!({ "idtyp": "app" }));
    recipe.refuses_claim("continuous access evaluation", json!({ "exp": NOW + 86_400 }), "exp");
    let v1 = json!({ "iss": "https://sts.windows.net/TENANT_ID/" });
    recipe.refuses_claim("version 1", v1, "iss");
}

#[test]
fn firebase() {
    let claims = json!({
        "iss": "https://securetoken.google.com/PROJECT_ID", "aud": "PROJECT_ID",
        "sub": "alice", "user_id": "alice", "auth_time": NOW - 10,
        "firebase": { "sign_in_provider": "password" },
    });
    let recipe = Recipe::follow("Firebase", Algorithm::Rs256, 3_600, claims);
    recipe.is_strict("aud");
    recipe.accepts(json!({ "typ": null }), json!({ "nonce": "n" }));
    // All projects have the same keys.
    let iss = "https://securetoken.google.com/other";
    recipe.refuses_claim("another project's", json!({ "iss": iss, "aud": "other" }), "iss");
    let cookie = json!({ "iss": "https://session.firebase.google.com/PROJECT_ID" });
    recipe.refuses_claim("session cookie", cookie, "iss");
    // It cannot be told apart, as the recipe says.
    recipe.accepts(json!({}), json!({ "firebase": { "sign_in_provider": "anonymous" } }));
}

#[test]
fn logto() {
    let claims = json!({
        "iss": "https://TENANT.logto.app/oidc", "aud": API, "sub": "alice", "client_id": "web",
        "jti": "a", "scope": "tasks:read",
    });
    for algorithm in [Algorithm::Es384, Algorithm::Es256, Algorithm::Rs256] {
        let recipe = Recipe::follow("Logto", algorithm, 3_600, claims.clone());
        recipe.is_strict("aud");
        refuses_untyped_id_tokens(&recipe);
        recipe.refuses_machine(json!({ "sub": "web" }));
    }
}

#[test]
fn neon_auth() {
    let origin = "https://NEON_AUTH_HOST";
    let claims = json!({
        "iss": origin, "aud": origin, "sub": "alice", "id": "alice", "role": "authenticated",
    });
    let recipe = Recipe::follow("Neon Auth", Algorithm::EdDsa, 900, claims);
    recipe.is_strict("aud");
    recipe.accepts(json!({ "typ": null }), json!({}));
    recipe.refuses_claim("another role", json!({ "role": "anonymous" }), "role");
    recipe.refuses_claim("of Better Auth without Neon", json!({ "role": null }), "role");
}

#[test]
fn clerk_session() {
    let claims = json!({
        "iss": "https://clerk.example.com", "aud": API, "sub": "user_alice", "sid": "sess_a",
        "azp": "https://app.example.com", "nbf": NOW - 20,
    });
    let recipe = Recipe::follow("Clerk: session token", Algorithm::Rs256, 60, claims);
    recipe.is_strict("aud");
    recipe.accepts(json!({}), json!({ "azp": null }));
    let machine = json!({ "sub": "mch_a", "sid": null, "azp": null });
    recipe.refuses_claim("machine", machine, "sid");
    let oauth = json!({ "client_id": "web", "jti": "a" });
    let header = json!({ "typ": "at+jwt" });
    recipe.refuses("OAuth access token", header, oauth, AuthError::MalformedToken);
}
