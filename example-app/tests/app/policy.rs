//! Who may call what. A change here is one that a reviewer wants to see.

use crate::handlers::App;

const POLICY: &str = "\
GET /api/<user_id>/tasks                  owner of <user_id>  list
POST /api/<user_id>/tasks                 owner of <user_id>  create
DELETE /api/<user_id>/tasks/<id>          owner of <user_id>  remove
GET /api/<user_id>/tasks/<id>             owner of <user_id>  show
PUT /api/<user_id>/tasks/<id>             owner of <user_id>  replace
PATCH /api/<user_id>/tasks/<id>/complete  owner of <user_id>  toggle
GET /api/me                               verified            me
GET /health                               public              health
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
