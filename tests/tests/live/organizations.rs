//! Better Auth's organization and admin plugins, with the claims that
//! `example-app/issuer/organizations.mjs` mints.

use serde_json::{Value, json};

use super::servers::{ExampleApp, Issuer, SECRET, User};

struct Stage {
    issuer: Issuer,
    app: ExampleApp,
}

impl Stage {
    /// Starts both, with a shared secret or, for `jwks`, with public keys.
    fn set(mode: &str) -> Self {
        let issuer = Issuer::start(&[("ISSUER_PLUGIN", "organization"), ("ISSUER_MODE", mode)]);
        let url = ("BETTER_AUTH_URL", &*issuer.url);
        let app = match mode {
            "jwks" => ExampleApp::start(&[url]),
            _ => ExampleApp::start(&[url, ("BETTER_AUTH_SECRET", SECRET)]),
        };
        Self { issuer, app }
    }

    /// Calls Better Auth as this user, and returns its answer.
    fn manage(&self, user: &User, path: &str, body: Value) -> Value {
        let (status, answer) = self.issuer.call("POST", path, Some(&user.session), &body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Creates an organisation, and returns its id.
    fn organization(&self, owner: &User, name: &str) -> String {
        let body = json!({ "name": name, "slug": name });
        let created = self.manage(owner, "organization/create", body);
        created["id"].as_str().expect("an id").to_owned()
    }

    /// Invites a user, who accepts.
    fn join(&self, owner: &User, organization: &str, user: &User, role: Value) {
        let invited = json!({ "organizationId": organization, "email": user.email, "role": role });
        let invitation = self.manage(owner, "organization/invite-member", invited);
        let accepted = json!({ "invitationId": invitation["id"] });
        self.manage(user, "organization/accept-invitation", accepted);
    }

    /// Sends a request with a fresh token of this user.
    fn get(&self, user: &User, path: &str) -> (u16, String) {
        self.get_with(&self.issuer.token(user), path)
    }

    fn get_with(&self, token: &str, path: &str) -> (u16, String) {
        let (status, body) = self.app.call("GET", path, Some(token), Value::Null);
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }
}

const STATS: &str = "/api/admin/stats";

fn projects(organization: &str) -> String {
    format!("/api/orgs/{organization}/projects")
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn not_allowed() -> (u16, String) {
    (403, "not_allowed".to_owned())
}

fn members_come_and_go(mode: &str) {
    let stage = Stage::set(mode);
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| stage.issuer.sign_up(name));
    let (one, two) = (stage.organization(&alice, "one"), stage.organization(&bob, "two"));
    let (of_one, of_two) = (projects(&one), projects(&two));

    // The owner of each opens their own, and nobody opens another.
    for (user, own, other) in [(&alice, &of_one, &of_two), (&bob, &of_two, &of_one)] {
        assert_eq!(stage.get(user, own), ok(), "{mode}");
        assert_eq!(stage.get(user, other), not_allowed(), "{mode}");
    }
    assert_eq!(stage.get(&carol, &of_one), not_allowed(), "{mode}");

    // A member sees what the owner has created.
    stage.join(&alice, &one, &carol, json!("member"));
    let garden = json!({ "name": "garden" });
    let alices = stage.issuer.token(&alice);
    let (status, created) = stage.app.call("POST", &of_one, Some(&alices), garden);
    assert_eq!(status, 201, "{created}");
    let carols = stage.issuer.token(&carol);
    let seen = stage.app.call("GET", &of_one, Some(&carols), Value::Null);
    assert_eq!(seen, (200, json!([created])), "{mode}");
    assert_eq!(stage.get_with(&carols, &of_two), not_allowed(), "{mode}");

    // Neither an owner nor a member of an organisation is an administrator.
    for user in [&alice, &bob, &carol] {
        assert_eq!(stage.get(user, STATS), not_allowed(), "{mode}");
    }

    // A removed member keeps the token in their hands, and gets no other one that opens it.
    // The organisation stays the active one of their session.
    let removed = json!({ "organizationId": one, "memberIdOrEmail": carol.email });
    stage.manage(&alice, "organization/remove-member", removed);
    assert_eq!(stage.get_with(&carols, &of_one), ok(), "{mode}");
    assert_eq!(stage.get(&carol, &of_one), not_allowed(), "{mode}");
    assert_eq!(stage.get(&carol, "/api/me"), ok(), "{mode}");
}

#[test]
fn a_member_opens_their_organisation_and_a_removed_one_only_until_the_next_token() {
    members_come_and_go("hs256");
    members_come_and_go("jwks");
}

/// Better Auth keeps several roles in one string.
#[test]
fn a_member_with_several_roles_is_a_member() {
    let stage = Stage::set("jwks");
    let (alice, bob) = (stage.issuer.sign_up("alice"), stage.issuer.sign_up("bob"));
    let one = stage.organization(&alice, "one");
    stage.join(&alice, &one, &bob, json!(["admin", "member"]));
    assert_eq!(stage.get(&bob, &projects(&one)), ok());
    // An organisation's administrator is none of the application's.
    assert_eq!(stage.get(&bob, STATS), not_allowed());
}

#[test]
fn an_administrator_opens_the_administrators_route_and_not_while_acting_as_a_user() {
    let stage = Stage::set("jwks");
    let [admin, alice, bob] = ["admin", "alice", "bob"].map(|name| stage.issuer.sign_up(name));
    let (one, two) = (stage.organization(&alice, "one"), stage.organization(&bob, "two"));
    assert_eq!(stage.get(&admin, STATS), ok());
    // An administrator is no member.
    assert_eq!(stage.get(&admin, &projects(&one)), not_allowed());

    // While they act as alice, they are alice.
    let body = json!({ "userId": alice.id });
    let answer = stage.manage(&admin, "admin/impersonate-user", body);
    let session = answer["session"]["token"].as_str().expect("a session").to_owned();
    let (id, email) = (alice.id.clone(), alice.email.clone());
    let acting = User { id, email, session, cookies: Vec::new() };
    let token = stage.issuer.token(&acting);
    let me = stage.app.call("GET", "/api/me", Some(&token), Value::Null);
    assert_eq!((me.0, &me.1["uid"]), (200, &json!(alice.id)));
    assert_eq!(stage.get_with(&token, STATS), not_allowed());
    assert_eq!(stage.get_with(&token, &projects(&one)), ok());
    assert_eq!(stage.get_with(&token, &projects(&two)), not_allowed());
    let tasks = |user: &User| format!("/api/{}/tasks", user.id);
    assert_eq!(stage.get_with(&token, &tasks(&alice)), ok());
    assert_eq!(stage.get_with(&token, &tasks(&admin)), (403, "not_owner".to_owned()));

    // Roles are those of the moment: bob becomes an administrator, and stops being one.
    assert_eq!(stage.get(&bob, STATS), not_allowed());
    for (role, expected) in [("admin", ok()), ("user", not_allowed())] {
        stage.manage(&admin, "admin/set-role", json!({ "userId": bob.id, "role": role }));
        assert_eq!(stage.get(&bob, STATS), expected, "{role}");
    }
    let both = json!({ "userId": bob.id, "role": ["user", "admin"] });
    stage.manage(&admin, "admin/set-role", both);
    assert_eq!(stage.get(&bob, STATS), ok());
}
