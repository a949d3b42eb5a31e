//! Pins who may call which route, so that a change shows up in review.

use crate::handlers::App;
use auth_guard::testing::Algorithm;
use auth_guard::{AuthGuard, Secret};
use rocket::local::blocking::Client;
use rocket::{get, routes};

const POLICY: &str = "\
GET /api/<user_id>/tasks                  owner of <user_id>; scope tasks:read             list
POST /api/<user_id>/tasks                 owner of <user_id>; scope tasks:write            create
DELETE /api/<user_id>/tasks/<id>          owner of <user_id>; scope tasks:write            remove
GET /api/<user_id>/tasks/<id>             owner of <user_id>; scope tasks:read             show
PUT /api/<user_id>/tasks/<id>             owner of <user_id>; scope tasks:write            replace
PATCH /api/<user_id>/tasks/<id>/complete  owner of <user_id>; scope tasks:write            toggle
GET /api/admin/stats                      Admin; scope tasks:read                          stats
GET /api/me                               verified; scope tasks:read                       me
GET /api/orgs/<org_id>/projects           Organization admits <org_id>; scope tasks:read   list
POST /api/orgs/<org_id>/projects          Organization admits <org_id>; scope tasks:write  create
GET /api/status                           verified; scope tasks:read; machines too         status
GET /docs/<path..>                        public                                           page
GET /health                               public                                           health
GET /health/ready                         public                                           ready
GET /openapi.json                         public                                           document
";

#[test]
fn the_policy_is_pinned() {
    let app = App::new();
    assert_eq!(auth_guard::audit(app.client.rocket()).to_string(), POLICY);
}

/// The README lists the same routes, and `/metrics`, which has to be asked for.
#[test]
fn the_readme_lists_every_route() {
    let readme = include_str!("../../README.md");
    let (_, table) = readme.split_once("\n## Routes\n").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let routes = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut routes: Vec<_> = routes.filter(|route| *route != "GET /metrics").collect();
    let mut mounted: Vec<_> =
        POLICY.lines().filter_map(|line| line.split_once("  ")).map(|(route, _)| route).collect();
    routes.sort_unstable();
    mounted.sort_unstable();
    assert_eq!(routes, mounted);
}

#[test]
fn the_table_without_serving_is_the_same() {
    let audit = rocket::execute(example_app::audit()).unwrap();
    assert_eq!(audit.to_string(), POLICY);
}

#[test]
fn a_route_that_nothing_declares_stops_the_launch() {
    #[get("/forgotten")]
    fn forgotten() {}

    let launched = |routes: Vec<rocket::Route>| {
        let directory = tempfile::tempdir().unwrap();
        let guard = AuthGuard::fairing().with_secret(Secret::random());
        let rocket = example_app::rocket(guard, directory.path().join("tasks.sqlite"));
        // Rocket's error panics unless it is looked at.
        Client::untracked(rocket.mount("/", routes)).map_err(|error| error.to_string()).is_ok()
    };
    assert!(launched(auth_guard::public(routes![forgotten])));
    assert!(!launched(routes![forgotten]));
}

/// Sends hundreds of hostile requests to each route. One wrong answer fails the test.
#[test]
fn every_route_withstands_the_attack() {
    let app = App::new();
    app.task_of_alice();
    let table = app.attack().to_string();
    println!("{table}");

    // The table uses the names that the docs give to the answers.
    let docs = include_str!("../../../auth-guard/docs/answers.md");
    let codes = table.lines().next().unwrap().split_whitespace().filter(|word| word.contains('_'));
    assert_eq!(codes.inspect(|code| assert!(docs.contains(&format!("`{code}`")))).count(), 7);
    let policy = POLICY.lines().map(|line| line.rsplit_once("  ").unwrap().0.trim_end());
    for route in policy {
        let row = table.lines().find(|row| row.starts_with(route));
        let row = row.unwrap_or_else(|| panic!("no {route} in\n{table}"));
        assert_eq!(row.ends_with("not attacked"), route.ends_with("public"), "{row}");
    }
}

#[test]
fn every_route_withstands_the_attack_with_public_keys() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256] {
        let app = App::with_public_keys(algorithm);
        app.task_of_alice();
        println!("{}", app.attack());
    }
}
