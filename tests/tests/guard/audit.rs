//! A route that somebody forgot stops the launch.

use auth_guard::{Owner, Policy, Requirements, UserId, Verified, user_scoped};
use auth_guard_tests::*;
use rocket::fairing::AdHoc;
use rocket::http::Method;
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, Route, get, routes};
use serde_json::json;

#[user_scoped]
#[get("/<user_id>/notes")]
fn notes(user_id: &str) -> &str {
    user_id
}

/// The same name, method and path, forgotten.
mod twin {
    #[rocket::get("/<user_id>/notes")]
    pub(crate) fn notes(user_id: &str) -> &str {
        user_id
    }
}

mod keyword {
    #[rocket::get("/<user_id>/notes")]
    pub(crate) fn r#type(user_id: &str) -> &str {
        user_id
    }
}

#[get("/<user_id>/forgotten")]
fn forgotten(user_id: &str) -> &str {
    user_id
}

#[get("/<user_id>/forgotten")]
fn half(user_id: &str, owner: Owner) -> String {
    format!("{user_id} {}", owner.uid())
}

#[user_scoped(exempt = "a public profile")]
#[get("/<user_id>/profile")]
fn profile() -> String {
    user_id.to_string()
}

#[get("/open")]
fn open() -> &'static str {
    "open"
}

fn rocket(routes: Vec<Route>) -> Rocket<Build> {
    rocket::custom(figment(&json!({}))).attach(guard()).mount("/api", routes)
}

fn owner_of(segment: &str) -> Policy {
    let mut requirements = Requirements::default();
    requirements.owner = Some(segment.into());
    Policy::Requires(requirements)
}

fn launches(rocket: Rocket<Build>) -> bool {
    // Rocket's error panics when it is dropped without being looked at.
    Client::untracked(rocket).map_err(|error| error.kind().to_string()).is_ok()
}

#[test]
fn a_forgotten_attribute_stops_the_launch() {
    assert!(launches(rocket(routes![notes, open])));
    assert!(!launches(rocket(routes![notes, forgotten])));
    assert!(!launches(rocket(routes![forgotten])));
    assert!(!launches(rocket(routes![half])));
    assert!(!launches(
        rocket::custom(figment(&json!({}))).mount("/api", routes![forgotten]).attach(guard())
    ));
}

#[test]
fn a_twin_does_not_pass_for_the_scoped_handler() {
    assert!(!launches(rocket(routes![twin::notes])));
    assert!(!launches(rocket(routes![notes]).mount("/v2", routes![twin::notes])));
}

#[test]
fn a_keyword_does_not_pass_for_the_mark() {
    assert!(!launches(rocket(routes![keyword::r#type])));
}

#[test]
fn routes_by_hand_and_trailing_users_are_seen() {
    for path in ["/<user_id>/x", "/x/<user_id>", "/<user_id..>", "/x?<user_id>", "/x?a&<user_id..>"]
    {
        let route = Route::new(Method::Get, path, rocket::route::dummy_handler);
        assert!(!launches(rocket(vec![route])), "{path}");
    }
}

#[test]
fn routes_that_other_fairings_mount_are_seen() {
    let late =
        || AdHoc::on_ignite("late", |rocket| async { rocket.mount("/api", routes![forgotten]) });
    let guarded = |rocket: Rocket<Build>| rocket.attach(guard());
    assert!(!launches(guarded(rocket::custom(figment(&json!({}))).attach(late()))));
    assert!(!launches(rocket(routes![notes]).attach(late())));
    assert!(!launches(rocket(routes![]).attach(late())));

    let later = || AdHoc::on_ignite("later", move |rocket| async move { rocket.attach(late()) });
    assert!(!launches(rocket(routes![notes]).attach(later())));
}

/// A warning must not end the audit: what is mounted later may stop the launch.
#[test]
fn routes_that_are_mounted_after_a_warning_are_audited_too() {
    let launches = |routes: Vec<Route>, late: fn() -> Vec<Route>| {
        let late =
            AdHoc::on_ignite("late", move |rocket| async move { rocket.mount("/late", late()) });
        let later = AdHoc::on_ignite("later", move |rocket| async move { rocket.attach(late) });
        let table = json!({ "unscoped": "warn", "undeclared": "deny" });
        let rocket = rocket::custom(figment(&table)).attach(guard()).attach(later);
        launches(rocket.mount("/api", routes))
    };
    for routes in [routes![notes], routes![notes, forgotten]] {
        assert!(!launches(routes.clone(), || routes![open]), "an undeclared route was let pass");
        assert!(launches(routes, || auth_guard::public(routes![open])));
    }
}

/// Without any guard nothing is asked after ignition, so the launch panics.
#[test]
#[should_panic(expected = "auth-guard refuses to launch")]
fn the_last_moment_is_liftoff() {
    let late =
        || AdHoc::on_ignite("late", |rocket| async { rocket.mount("/api", routes![forgotten]) });
    let later = AdHoc::on_ignite("later", move |rocket| async move { rocket.attach(late()) });
    let _ = launches(rocket(routes![open]).attach(later));
}

#[user_scoped(param = "account_id")]
#[get("/accounts/<account_id>/bills")]
fn bills() -> String {
    account_id.to_string()
}

#[get("/accounts/<account_id>")]
fn account(account_id: &str) -> &str {
    account_id
}

#[get("/products/<account_id>")]
fn product(account_id: &str) -> &str {
    account_id
}

#[get("/accounts/<account_id>/<rest..>")]
fn rest(account_id: &str, rest: std::path::PathBuf) -> String {
    format!("{account_id} {}", rest.display())
}

#[get("/accounts/<account_id..>", rank = 9)]
fn trailing(account_id: std::path::PathBuf) -> String {
    account_id.display().to_string()
}

#[test]
fn a_param_condemns_its_like_below_the_same_path_and_no_other() {
    assert!(launches(rocket(routes![bills])));
    assert!(launches(rocket(routes![account])));
    assert!(launches(rocket(routes![bills, product])));
    assert!(!launches(rocket(routes![bills, account])));
    assert!(!launches(rocket(routes![bills, rest])));
    assert!(!launches(rocket(routes![bills, trailing])));
    // Mounted elsewhere, it is another path.
    assert!(launches(rocket(routes![bills]).mount("/public", routes![account])));
    assert!(!launches(rocket(routes![bills]).mount("/api", auth_guard::protect(routes![account]))));
}

#[get("/accounts?<account_id>")]
fn in_query(account_id: &str) -> &str {
    account_id
}

#[get("/accounts/search?<term>&<account_id..>")]
fn in_query_behind(term: &str, account_id: std::collections::HashMap<&str, &str>) -> String {
    format!("{term} {account_id:?}")
}

#[get("/products?<account_id>")]
fn in_query_elsewhere(account_id: &str) -> &str {
    account_id
}

#[user_scoped(param = "account_id", exempt = "anybody may count")]
#[get("/accounts/count?<account_id>")]
fn counted(account_id: &str) -> &str {
    account_id
}

/// A query may be left out, and nothing checks it.
#[test]
fn a_param_condemns_its_like_in_the_query_of_a_path_that_begins_alike() {
    assert!(launches(rocket(routes![in_query])));
    assert!(launches(rocket(routes![bills, in_query_elsewhere, counted])));
    assert!(!launches(rocket(routes![bills, in_query])));
    assert!(!launches(rocket(routes![bills, in_query_behind])));
    assert!(!launches(
        rocket(routes![bills]).mount("/api", auth_guard::protect(routes![in_query]))
    ));
    assert!(launches(rocket(routes![bills]).mount("/public", routes![in_query])));

    let loose = rocket::custom(figment(&json!({ "unscoped": "warn" }))).attach(guard());
    let client = launch(loose.mount("/api", routes![bills, in_query]));
    assert_eq!(auth_guard::audit(client.rocket()).routes()[1].policy, Policy::Unscoped);
}

#[get("/accounts/<account_id>/<user_id>")]
fn two_users(account_id: &str, user_id: &str) -> String {
    format!("{account_id} {user_id}")
}

#[test]
fn a_protected_mount_checks_one_user_and_not_two() {
    let protected = |routes| rocket(routes).mount("/api", auth_guard::protect(routes![two_users]));
    assert!(launches(protected(routes![])));
    assert!(!launches(protected(routes![bills])));
}

/// Named as the attribute would name it, but without the attribute.
mod forged {
    #[rocket::get("/<user_id>/forged")]
    pub(crate) fn r#forged(user_id: &str) -> &str {
        user_id
    }
}

#[test]
#[should_panic(expected = "auth-guard refuses to launch")]
fn a_forged_mark_is_not_believed() {
    let _ = launches(rocket(routes![forged::forged, notes]));
}

mod other_rules {
    #[auth_guard::user_scoped(exempt = "another rule for the same name and path")]
    #[rocket::get("/<user_id>/notes")]
    pub(crate) fn notes(user_id: &str) -> &str {
        user_id
    }
}

mod same_rules {
    #[auth_guard::user_scoped]
    #[rocket::get("/<user_id>/notes")]
    pub(crate) fn notes() -> String {
        user_id.to_string()
    }
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let both = |routes| rocket(self::routes![notes]).mount("/v2", routes);
    assert!(launches(both(routes![same_rules::notes])));
    assert!(!launches(both(routes![other_rules::notes])));
    assert!(launches(rocket(routes![other_rules::notes])));
}

#[user_scoped(exempt = "a search")]
#[get("/search?<user_id>")]
fn search(user_id: Option<&str>) -> &str {
    user_id.unwrap_or("nobody")
}

#[user_scoped(param = "account_id", exempt = "files are public")]
#[get("/files/<account_id>/<rest..>")]
fn files(rest: std::path::PathBuf) -> String {
    format!("{account_id} {}", rest.display())
}

#[test]
fn an_exception_may_have_its_user_anywhere() {
    let client = launch(rocket(routes![search, files]));
    assert_eq!(get_with(&client, "/api/search?user_id=alice", &[]).body, "alice");
    assert_eq!(get_with(&client, "/api/files/alice/x", &[]).body, "alice x");
}

#[test]
fn the_table_is_data_and_text() {
    let client = launch(
        rocket(routes![notes, profile, open, bills, verified])
            .mount("/p", auth_guard::protect(routes![forgotten, open]))
            .mount("/q", auth_guard::public(routes![open])),
    );
    let audit = auth_guard::audit(client.rocket());
    assert_eq!(
        audit.to_string(),
        "GET /api/<user_id>/notes              owner of <user_id>        notes\n\
         GET /api/<user_id>/profile            exempt: a public profile  profile\n\
         GET /api/accounts/<account_id>/bills  owner of <account_id>     bills\n\
         GET /api/open                         undeclared                open\n\
         GET /api/verified                     undeclared                verified\n\
         GET /p/<user_id>/forgotten            owner of <user_id>        forgotten\n\
         GET /p/open                           verified                  open\n\
         GET /q/open                           public                    open\n"
    );
    let route = &audit.routes()[0];
    assert_eq!(route.policy, owner_of("user_id"));
    let (file, line) = route.defined_at.expect("the attribute has seen it");
    assert!(file.ends_with("audit.rs") && line > 0);
    assert!(format!("{audit:#}").contains(&format!("notes ({file}:{line})")));
    assert!(audit.routes().iter().all(|route| route.policy != Policy::Unscoped));
}

/// `FileServer` puts the name of its folder behind its own.
#[test]
fn a_name_that_reads_like_a_declaration_is_none() {
    let folder = |name: &str| {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        rocket::fs::FileServer::from(folder)
    };
    let named = |path: &str, name: &str| {
        let mut route = Route::new(Method::Get, path, rocket::route::dummy_handler);
        route.name = Some(name.to_owned().into());
        vec![route]
    };
    let client = launch(
        rocket(auth_guard::public(routes![open]))
            .mount("/files/a", folder("files [public]"))
            .mount("/files/b", folder("files [protected]"))
            .mount("/files/c", auth_guard::public(folder("files [protected]")))
            .mount("/files/d", auth_guard::protect(folder("files [public]")))
            .mount("/named/a", named("/", "open [public]"))
            .mount("/named/b", named("/", "open [protected]")),
    );
    let audit = auth_guard::audit(client.rocket());
    let policies: Vec<_> =
        audit.routes().iter().map(|route| (&*route.uri, route.policy.clone())).collect();
    assert_eq!(
        policies,
        [
            ("/api/open", Policy::Public),
            ("/files/a/<path..>", Policy::Undeclared),
            ("/files/b/<path..>", Policy::Undeclared),
            ("/files/c/<path..>", Policy::Public),
            ("/files/d/<path..>", Policy::Requires(Requirements::default())),
            ("/named/a", Policy::Undeclared),
            ("/named/b", Policy::Undeclared),
        ]
    );
    assert_eq!(audit.routes()[5].handler.as_deref(), Some("open [public]"));

    // Nor does it close a route that has a user in it.
    assert!(!launches(rocket(named("/<user_id>/x", "x [protected]"))));
}

#[test]
fn the_table_shows_what_a_loosened_audit_lets_pass() {
    let rocket = rocket::custom(figment(&json!({ "unscoped": "allow" }))).attach(guard());
    let client = launch(rocket.mount("/api", routes![forgotten]));
    assert_eq!(auth_guard::audit(client.rocket()).routes()[0].policy, Policy::Unscoped);
}

#[test]
fn an_exception_is_one_and_needs_no_token() {
    let client = launch(rocket(routes![profile, notes]));
    assert_eq!(get_with(&client, "/api/alice/profile", &[]).body, "alice");
    assert_eq!(get_with(&client, "/api/alice/profile", &["Bearer x", "y"]).status, 200);
    assert_eq!(get_with(&client, "/api/alice/notes", &[]).status, 401);
}

#[test]
fn the_audit_may_be_loosened() {
    for unscoped in ["warn", "allow"] {
        let rocket = rocket::custom(figment(&json!({ "unscoped": unscoped }))).attach(guard());
        let client = launch(rocket.mount("/api", routes![forgotten]));
        assert_eq!(get_with(&client, "/api/alice/forgotten", &[]).status, 200);
    }
}

type Me = Result<Verified, auth_guard::AuthError>;

#[get("/verified")]
fn verified(user: Verified) -> String {
    user.uid().to_owned()
}

#[get("/optional")]
fn optional(user: Option<Verified>) -> String {
    user.is_some().to_string()
}

#[get("/alias")]
fn alias(user: Me) -> String {
    user.is_ok().to_string()
}

#[user_scoped]
#[get("/<user_id>/bound")]
fn bound() -> String {
    let user_id: UserId = user_id;
    user_id.into()
}

#[get("/access")]
fn access(access: auth_guard::Access) -> String {
    access.path_user().to_owned()
}

#[test]
fn a_guard_without_the_fairing_stops_the_launch() {
    for routes in [
        routes![verified],
        routes![optional],
        routes![alias],
        routes![bound],
        routes![half],
        routes![access],
    ] {
        let rocket = |figment| rocket::custom(figment).mount("/", routes.clone());
        assert!(!launches(rocket(figment(&json!({})))), "{routes:?}");
        let attached = rocket(figment(&json!({ "unscoped": "allow" }))).attach(guard());
        assert!(launches(attached), "{routes:?}");
    }
}

/// What no sentinel sees: a guard that asks ours by itself.
#[get("/hidden")]
fn hidden(user: Hidden) -> String {
    user.0
}

struct Hidden(String);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Hidden {
    type Error = auth_guard::AuthError;

    async fn from_request(
        request: &'r rocket::Request<'_>,
    ) -> rocket::request::Outcome<Self, Self::Error> {
        request.guard::<Verified>().await.map(|user| Hidden(user.uid().to_owned()))
    }
}

#[test]
fn a_guard_that_runs_without_the_fairing_is_a_500() {
    let client = launch(rocket::custom(figment(&json!({}))).mount("/", routes![hidden]));
    let answer = get_as(&client, "/hidden", issuer().token("alice"));
    assert_eq!((answer.status, answer.challenges), (500, vec![]));

    let client = launch(rocket(routes![hidden]));
    assert_eq!(get_as(&client, "/api/hidden", issuer().token("alice")).body, "alice");
    assert_eq!(get_with(&client, "/api/hidden", &[]).code(), "token_missing");
}

#[user_scoped(param = "account_id")]
#[get("/<org>/<account_id>/tasks", rank = 2)]
fn tasks_of_org(org: &str) -> String {
    format!("{org} {account_id}")
}

#[get("/acme/<account_id>/files")]
fn files_of_acme(account_id: &str) -> &str {
    account_id
}

#[get("/acme?<account_id>")]
fn search_in_acme(account_id: &str) -> &str {
    account_id
}

#[user_scoped(param = "account_id")]
#[get("/acme/<account_id>/bills")]
fn bills_of_acme() -> String {
    account_id.to_string()
}

#[get("/<org>/<account_id>/files", rank = 2)]
fn files_of_org(org: &str, account_id: &str) -> String {
    format!("{org} {account_id}")
}

#[get("/<org>/teams/<account_id>", rank = 3)]
fn team_of_org(org: &str, account_id: &str) -> String {
    format!("{org} {account_id}")
}

/// Both lead to `/acme/alice/…`.
#[test]
fn f13_a_dynamic_segment_is_like_any() {
    assert!(launches(rocket(routes![tasks_of_org])));
    assert!(!launches(rocket(routes![tasks_of_org, files_of_acme])));
    assert!(!launches(rocket(routes![tasks_of_org, search_in_acme])));
    assert!(!launches(rocket(routes![bills_of_acme, files_of_org])));
    // Two segments before the user are another place than one.
    assert!(launches(rocket(routes![tasks_of_org, bills_of_acme, team_of_org])));
}

/// Ten handlers in a module of each name.
macro_rules! modules {
    ($($module:ident)*) => {
        $(
            mod $module {
                use auth_guard::user_scoped;
                use rocket::{Route, get, routes};

                modules!(@handler
                    a0 "/<account_id>/0", a1 "/<account_id>/1", a2 "/<account_id>/2",
                    a3 "/<account_id>/3", a4 "/<account_id>/4", a5 "/<account_id>/5",
                    a6 "/<account_id>/6", a7 "/<account_id>/7", a8 "/<account_id>/8",
                    a9 "/<account_id>/9"
                );

                pub(super) fn routes() -> Vec<Route> {
                    routes![a0, a1, a2, a3, a4, a5, a6, a7, a8, a9]
                }
            }
        )*

        fn modules() -> Vec<(&'static str, Vec<Route>)> {
            vec![$((stringify!($module), $module::routes())),*]
        }
    };
    (@handler $($name:ident $path:literal),*) => {
        $(
            #[user_scoped(param = "account_id")]
            #[get($path)]
            fn $name(account_id: &str) -> &str {
                account_id
            }
        )*
    };
}

modules!(m0 m1 m2 m3 m4 m5 m6 m7 m8 m9);

/// That it is over soon is what is shown; unit tests count the steps.
#[test]
fn f09_a_thousand_scoped_routes_launch() {
    let thousand = || {
        (0..10).fold(rocket(routes![]), |rocket, n| {
            modules().into_iter().fold(rocket, |rocket, (module, routes)| {
                rocket.mount(format!("/{n}/{module}"), routes)
            })
        })
    };
    let client = launch(thousand());
    let audit = auth_guard::audit(client.rocket());
    assert_eq!(audit.routes().len(), 1000);
    let owner = owner_of("account_id");
    assert!(audit.routes().iter().all(|route| route.policy == owner));
    assert_eq!(get_as(&client, "/7/m3/alice/5", issuer().token("alice")).status, 200);
    assert_eq!(get_as(&client, "/7/m3/alice/5", issuer().token("bob")).status, 403);

    // One of them all was forgotten.
    assert!(!launches(thousand().mount("/9", routes![forgotten_account])));
    assert!(launches(thousand().mount("/10", routes![forgotten_account])));
}

#[get("/m9/<account_id>")]
fn forgotten_account(account_id: &str) -> &str {
    account_id
}
