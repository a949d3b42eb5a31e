//! Who may call what. A change here is one that a reviewer wants to see.

use crate::handlers::App;
use auth_guard::testing::{Algorithm, attack_all};

const POLICY: &str = "\
GET /api/<user_id>/tasks                  owner of <user_id>  list
POST /api/<user_id>/tasks                 owner of <user_id>  create
DELETE /api/<user_id>/tasks/<id>          owner of <user_id>  remove
GET /api/<user_id>/tasks/<id>             owner of <user_id>  show
PUT /api/<user_id>/tasks/<id>             owner of <user_id>  replace
PATCH /api/<user_id>/tasks/<id>/complete  owner of <user_id>  toggle
GET /api/me                               verified            me
GET /docs/<path..>                        public              page
GET /health                               public              health
GET /openapi.json                         public              document
";

#[test]
fn the_policy_is_pinned() {
    let app = App::new();
    assert_eq!(auth_guard::audit(app.client.rocket()).to_string(), POLICY);
}

#[test]
fn the_table_without_serving_is_the_same() {
    let audit = rocket::execute(example_app::audit()).unwrap();
    assert_eq!(audit.to_string(), POLICY);
}

/// Hundreds of hostile requests to each route; a wrong answer to one fails this.
#[test]
fn every_route_withstands_the_attack() {
    let app = App::new();
    app.task_of_alice();
    let table = attack_all(&app.client).to_string();
    println!("{table}");

    // It speaks of answers as the README does.
    let readme = include_str!("../../../README.md");
    let codes = table.lines().next().unwrap().split_whitespace().filter(|word| word.contains('_'));
    assert_eq!(codes.inspect(|code| assert!(readme.contains(&format!("`{code}`")))).count(), 5);
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
        println!("{}", attack_all(&app.client));
    }
}
