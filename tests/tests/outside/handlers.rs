//! Sends requests to the handlers of `docs/authorization.md`. `tests/outside.rs` copies this
//! file into a crate whose modules are the examples.

use auth_guard::testing::{RequestExt, assert_refused};
use auth_guard::{AuthGuard, Secret};
use outside::{admin, both, caller, current_user, editor, group, members, row};
use rocket::Route;
use rocket::http::Method::{self, Get, Post, Put};
use rocket::local::blocking::Client;
use rocket::serde::json::{Value, json};

struct App(Client);

/// Launches the routes. A route that nothing declares would stop the launch.
fn app(routes: impl Into<Vec<Route>>) -> App {
    let figment = rocket::Config::figment()
        .merge(("log_level", "off"))
        .merge(("auth_guard.undeclared", "deny"));
    let notes = row::Notes([((1, "alice".to_owned()), "milk".to_owned())].into());
    let rocket = rocket::custom(figment)
        .attach(AuthGuard::fairing().with_secret(Secret::random()))
        .manage(notes)
        .mount("/", routes.into());
    App(Client::untracked(rocket).expect("it launches"))
}

impl App {
    /// Returns the status and the body of the answer to a caller with these claims.
    fn call(&self, method: Method, path: &str, user: &str, claims: Value) -> (u16, String) {
        let request = self.0.req(method, path.to_owned()).as_user(user).with_claims(claims);
        let response = request.dispatch();
        (response.status().code, response.into_string().unwrap_or_default())
    }

    #[track_caller]
    fn admits(&self, method: Method, path: &str, user: &str, claims: Value, body: &str) {
        assert_eq!(self.call(method, path, user, claims), (200, body.to_owned()));
        // Nobody gets in without a token.
        assert_refused!(self.0.req(method, path.to_owned()).dispatch(), MissingToken);
    }

    #[track_caller]
    fn refuses(&self, method: Method, path: &str, user: &str, claims: Value) {
        let request = self.0.req(method, path.to_owned()).as_user(user).with_claims(claims);
        assert_refused!(request.dispatch(), NotAllowed);
    }

    #[track_caller]
    fn is_not_the_owners(&self, method: Method, path: &str, user: &str, claims: Value) {
        let request = self.0.req(method, path.to_owned()).as_user(user).with_claims(claims);
        assert_refused!(request.dispatch(), NotOwner);
    }
}

fn nothing() -> Value {
    json!({})
}

fn roles(role: &str) -> Value {
    json!({ "roles": [role] })
}

fn member_of(organization: &str) -> Value {
    json!({ "orgs": { organization: ["member"] } })
}

#[test]
fn any_valid_token_opens_a_group() {
    let app = app(group::routes());
    app.admits(Get, "/me", "alice", nothing(), "alice");
    app.admits(Get, "/news", "bob", nothing(), "There are no news.");
}

#[test]
fn only_an_administrator_opens_the_administrators_routes() {
    let app = app(admin::routes());
    for (method, path, body) in [(Get, "/admin/stats", "42"), (Post, "/admin/reindex", "started")] {
        app.admits(method, path, "root", roles("admin"), body);
        app.admits(method, path, "root", json!({ "roles": "admin" }), body);
        for role in ["user", "Admin", "admins", "admin ", "not admin", "user,admin"] {
            app.refuses(method, path, "root", roles(role));
            app.refuses(method, path, "root", json!({ "roles": role }));
        }
        app.refuses(method, path, "admin", nothing());
    }
}

#[test]
fn only_members_open_the_path_of_their_organisation() {
    let app = app(members::routes());
    let path = "/orgs/acme/projects";
    app.admits(Get, path, "alice", member_of("acme"), "the projects of acme");
    app.admits(Post, path, "alice", member_of("acme"), "a new project of acme");
    for method in [Get, Post] {
        app.refuses(method, path, "alice", member_of("other"));
        app.refuses(method, path, "alice", member_of("Acme"));
        app.refuses(method, path, "acme", nothing());
        app.refuses(method, path, "alice", json!({ "orgs": ["acme"] }));
    }
}

#[test]
fn both_the_organisation_and_the_user_must_be_the_callers() {
    let app = app(both::routes());
    let path = "/orgs/acme/members/alice/hours";
    app.admits(Get, path, "alice", member_of("acme"), "the hours of alice for acme");
    app.refuses(Get, path, "alice", member_of("other"));
    app.is_not_the_owners(Get, path, "bob", member_of("acme"));
    app.is_not_the_owners(Get, path, "bob", nothing());
}

#[test]
fn a_row_of_another_user_is_not_there() {
    let app = app(row::routes());
    app.admits(Get, "/notes/1", "alice", nothing(), "milk");
    assert_eq!(app.call(Get, "/notes/1", "bob", nothing()).0, 404);
    assert_eq!(app.call(Get, "/notes/2", "alice", nothing()).0, 404);
}

#[test]
fn a_caller_is_anonymous_or_known_and_never_has_a_bad_token() {
    let app = app(caller::routes());
    let greeting = |request: rocket::local::blocking::LocalRequest<'_>| {
        request.dispatch().into_string().unwrap_or_default()
    };
    assert_eq!(greeting(app.0.get("/greeting")), "Hello!");
    assert_eq!(greeting(app.0.get("/greeting").as_user("alice")), "Hello, alice!");
    assert_refused!(app.0.get("/greeting").bearer("x").dispatch(), MalformedToken);
    assert_refused!(app.0.get("/greeting").as_user("alice").expired().dispatch(), Expired);
}

#[test]
fn the_current_user_has_the_roles_of_the_token() {
    let app = app(current_user::routes());
    let claims = json!({ "roles": ["user", "editor"] });
    app.admits(Get, "/whoami", "alice", claims, "alice user editor");
    for claims in [nothing(), json!({ "roles": "user" })] {
        assert_eq!(app.call(Get, "/whoami", "alice", claims).0, 500);
    }
}

#[test]
fn an_owner_must_be_an_editor_as_well() {
    let app = app(editor::routes());
    let path = "/alice/article";
    app.admits(Put, path, "alice", roles("editor"), "the article of alice");
    app.refuses(Put, path, "alice", roles("user"));
    app.refuses(Put, path, "alice", nothing());
    app.is_not_the_owners(Put, path, "bob", roles("editor"));
}
