//! What the launch makes of routes that nothing declares, and of segments that are scoped
//! elsewhere.

use auth_guard::{
    AuthGuard, Requirement, Scope, Unavailable, Verified, authorized, protect, public, scoped,
    user_scoped,
};
use auth_guard_tests::*;
use rocket::fairing::AdHoc;
use rocket::local::blocking::Client;
use rocket::{Build, Request, Rocket, Route, async_trait, get, routes};
use serde_json::json;

struct Admin;

#[async_trait]
impl Requirement for Admin {
    async fn is_met_by(_: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

struct Organization;

#[async_trait]
impl Scope for Organization {
    async fn admits(_: &Verified, _: &str, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

#[scoped(org_id: Organization)]
#[get("/orgs/<org_id>/projects")]
fn projects(org_id: &str) -> &str {
    org_id
}

#[scoped(org_id: Organization, or = Admin)]
#[authorized(Admin, machines = true)]
#[user_scoped(or = Admin)]
#[get("/orgs/<org_id>/of/<user_id>")]
fn all(org_id: &str) -> String {
    format!("{org_id} {user_id}")
}

#[scoped(team: Organization)]
#[get("/teams/<team>")]
fn team(team: &str) -> &str {
    team
}

#[authorized]
#[get("/me")]
fn me() {}

#[authorized(Admin)]
#[get("/stats")]
fn stats() {}

#[get("/open")]
fn open() {}

#[get("/<_..>")]
fn fallback() {}

fn rocket(undeclared: &str, guard: AuthGuard, routes: Vec<Route>) -> Rocket<Build> {
    let figment = figment(&json!({ "undeclared": undeclared }));
    rocket::custom(figment).attach(guard).mount("/api", routes)
}

fn with(routes: Vec<Route>) -> Rocket<Build> {
    rocket("allow", guard(), routes)
}

fn launches(rocket: Rocket<Build>) -> bool {
    // Rocket's error panics when it is dropped without being looked at.
    Client::untracked(rocket).map_err(|error| error.kind().to_string()).is_ok()
}

#[authorized]
#[get("/unused/<user_id>")]
fn unused(user_id: &str) -> &str {
    user_id
}

#[get("/orgs/<org_id>/open")]
fn org_open(org_id: &str) -> &str {
    org_id
}

/// Each handler is looked at as it becomes known, and not only once all are.
#[test]
fn a_fault_that_a_later_handler_brings_stops_the_launch_before_liftoff() {
    let ignites = |routes: Vec<Route>| {
        let ignited = rocket::execute(with(routes).ignite());
        ignited.map_err(|error| error.kind().to_string()).is_ok()
    };
    assert!(ignites(routes![me, stats, projects, team]));
    assert!(!ignites(routes![me, stats, unused]), "nobody asks about the user");
    assert!(!ignites(routes![me, stats, org_open, projects]), "the segment is scoped elsewhere");
}

fn files() -> rocket::fs::FileServer {
    rocket::fs::FileServer::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn with_deny_one_undeclared_route_is_no_launch_whoever_mounts_it() {
    let declared = || {
        rocket("deny", guard().public_below("/docs"), routes![projects, all, me, stats])
            .mount("/held", protect(routes![open]))
            .mount("/admin", protect(routes![open]).require::<Admin>())
            .mount("/open", public(routes![open]))
            .mount("/files", public(files()))
            .mount("/docs", routes![open, fallback])
    };
    assert!(launches(declared()));
    assert!(!launches(declared().mount("/", routes![open])));
    assert!(!launches(declared().mount("/docs2", routes![open])));
    assert!(!launches(declared().mount("/files2", files())));
    let mounting =
        || AdHoc::on_ignite("mounts", |rocket| async { rocket.mount("/late", routes![open]) });
    assert!(!launches(declared().attach(mounting())));
    assert!(!launches(
        rocket::custom(figment(&json!({ "undeclared": "deny" })))
            .attach(mounting())
            .attach(guard())
    ));
    for undeclared in ["warn", "allow"] {
        assert!(launches(rocket(undeclared, guard(), routes![open, projects])));
    }
}

#[get("/plain")]
fn plain() {}

fn at(path: &str) -> Vec<Route> {
    let mut routes = routes![plain];
    routes[0].uri = Route::new(rocket::http::Method::Get, path, rocket::route::dummy_handler).uri;
    routes
}

#[test]
fn a_scoped_segment_is_reserved() {
    for path in [
        // The same place, by any name.
        "/orgs/<org_id>/forgotten",
        "/orgs/<id>/forgotten",
        "/orgs/<id>",
        "/orgs/<_>/forgotten",
        "/orgs/<path..>",
        "/orgs/<_..>",
        // A name that ends in `_id`, anywhere.
        "/else/<org_id>",
        "/<org_id>",
        "/else/<org_id..>",
        "/else?<org_id>",
        // The same place for a name that does not end so.
        "/teams/<team>/forgotten",
        "/teams/<id>",
        "/teams/x?<team>",
    ] {
        let mounts: [fn(Vec<Route>) -> Vec<Route>; 3] =
            [|routes| routes, |routes| protect(routes).into(), |routes| public(routes)];
        for mount in mounts {
            let rocket = with(routes![projects, team]).mount("/api", mount(at(path)));
            assert!(!launches(rocket), "{path}");
        }
    }
    for path in ["/orgs", "/orgs/new", "/else/<team>", "/else?<team>", "/else/<id>", "/<any>"] {
        assert!(launches(with(routes![projects, team]).mount("/api", at(path))), "{path}");
    }
    // Only an attribute that says so scopes it.
    assert!(!launches(with(routes![projects, unscoped_authorized])));
    assert!(!launches(with(routes![unscoped_authorized, projects])));
    assert!(launches(with(routes![unscoped_authorized])));
}

#[authorized(Admin)]
#[get("/orgs/<org_id>/authorized")]
fn unscoped_authorized(org_id: &str) -> &str {
    org_id
}

mod twin {
    use super::{Admin, Organization};

    #[auth_guard::scoped(org_id: Organization, or = Admin)]
    #[rocket::get("/orgs/<org_id>/projects")]
    pub(super) fn projects(org_id: &str) -> &str {
        org_id
    }
}

mod equal {
    use super::Organization;

    #[auth_guard::scoped(org_id: Organization)]
    #[rocket::get("/orgs/<org_id>/projects")]
    pub(super) fn projects(org_id: &str) -> &str {
        org_id
    }
}

#[test]
fn twins_that_differ_do_not_launch() {
    let both = |twin: Vec<Route>| with(routes![projects]).mount("/v2", twin);
    assert!(launches(both(routes![equal::projects])));
    assert!(!launches(both(routes![twin::projects])));
    assert!(!launches(with(routes![twin::projects]).mount("/v2", routes![projects])));
}

#[test]
fn the_table_says_all_that_is_required() {
    let client = launch(
        with(routes![projects, all, me, stats, open])
            .mount("/admin", protect(routes![open, me]).require::<Admin>())
            .mount("/public", public(routes![open])),
    );
    let table = auth_guard::audit(client.rocket()).to_string();
    for line in [
        "GET /admin/me Admin me",
        "GET /admin/open Admin open",
        "GET /api/me verified me",
        "GET /api/open undeclared open",
        "GET /api/orgs/<org_id>/of/<user_id> owner of <user_id> or Admin; Organization admits \
         <org_id> or Admin; Admin; machines too all",
        "GET /api/orgs/<org_id>/projects Organization admits <org_id> projects",
        "GET /api/stats Admin stats",
        "GET /public/open public open",
    ] {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(table.lines().any(|row| words(row) == line), "no {line:?} in:\n{table}");
    }
}
