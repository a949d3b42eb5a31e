//! What `#[user_scoped]` goes with. What it refuses is in `tests/ui`.

use auth_guard::testing::RequestExt;
use auth_guard::{Owner, Verified, user_scoped};
use auth_guard_tests::*;
use rocket::http::Method;
use rocket::serde::json::Json;
use rocket::{FromForm, State, routes, uri};
use serde_json::{Value, json};

struct Db(&'static str);

#[derive(FromForm)]
struct Page<'r> {
    page: u8,
    tag: &'r str,
}

#[user_scoped]
#[rocket::get("/<user_id>/borrowed")]
fn borrowed(user_id: &str) -> &str {
    user_id
}

#[user_scoped]
#[rocket::get("/<user_id>/state/<id>")]
async fn state<'r>(id: &'r str, db: &'r State<Db>) -> String {
    format!("{user_id} {id} {}", db.0)
}

#[user_scoped]
#[rocket::get("/<user_id>/query?fixed&<flag>&<page..>")]
fn query(page: Page<'_>, flag: Option<bool>) -> String {
    let length = user_id.len();
    format!("{user_id} {length} {} {} {flag:?}", page.page, page.tag)
}

#[auth_guard::user_scoped]
#[rocket::put("/<user_id>/data", format = "json", data = "<body>", rank = 3)]
async fn data(body: Json<Value>) -> Json<Value> {
    Json(json!({ "owner": user_id.as_ref() as &str, "body": body.into_inner() }))
}

#[user_scoped]
#[rocket::route(DELETE, uri = "/<user_id>/route/<rest..>")]
fn route(rest: std::path::PathBuf) -> String {
    format!("{user_id} {}", rest.display())
}

#[user_scoped(param = "account_id")]
#[rocket::patch("/accounts/<_tenant>/<account_id>")]
fn other_name(_tenant: &str, owner: Owner, user: Verified) -> String {
    format!("{account_id} {} {}", owner.uid(), user.uid())
}

/// A handler with documentation, attributes and seven arguments of its own.
#[allow(unused_mut)]
#[user_scoped]
#[rocket::post("/<user_id>/many/<a>/<b>/<c>/<d>/<e>/<f>")]
#[must_use]
#[allow(clippy::many_single_char_names)]
fn many(a: u8, b: u8, c: u8, d: u8, e: u8, mut f: u8, owner: Owner) -> String {
    format!("{user_id} {} {}", owner.uid(), a + b + c + d + e + f)
}

mod inner {
    use super::user_scoped;

    pub(super) fn routes() -> Vec<rocket::Route> {
        rocket::routes![same_name]
    }

    #[user_scoped]
    #[rocket::head("/<user_id>/inner")]
    fn same_name() {}
}

macro_rules! handler {
    ($name:ident, $path:literal) => {
        #[user_scoped]
        #[rocket::options($path)]
        fn $name(user_id: &str) -> &str {
            user_id
        }
    };
}

handler!(by_macro, "/<user_id>/macro");

fn client() -> rocket::local::blocking::Client {
    let routes = routes![borrowed, state, query, data, route, other_name, many, by_macro];
    launch(
        rocket::custom(figment(&json!({})))
            .manage(Db("db"))
            .attach(guard())
            .mount("/api/v1", routes)
            .mount("/api/v1", inner::routes()),
    )
}

#[test]
fn it_goes_with_all_that_rocket_allows() {
    let client = client();
    for (method, path, body) in [
        (Method::Get, "/api/v1/alice/borrowed", "alice"),
        (Method::Get, "/api/v1/alice/state/7", "alice 7 db"),
        (Method::Get, "/api/v1/alice/query?fixed&page=2&tag=x", "alice 5 2 x None"),
        (Method::Delete, "/api/v1/alice/route/a/b", "alice a/b"),
        (Method::Delete, "/api/v1/alice/route", "alice "),
        (Method::Patch, "/api/v1/accounts/bob/alice", "alice alice alice"),
        (Method::Post, "/api/v1/alice/many/1/2/3/4/5/6", "alice alice 21"),
        (Method::Options, "/api/v1/alice/macro", "alice"),
        (Method::Head, "/api/v1/alice/inner", ""),
    ] {
        let answer =
            |uid: &str| -> Answer { client.req(method, path).as_user(uid).dispatch().into() };
        assert_eq!((answer("alice").status, &*answer("alice").body), (200, body), "{path}");
        assert_eq!(answer("bob").status, 403, "{path}");
        assert_eq!(send(&client, method, path, &[]).status, 401, "{path}");
    }
}

#[test]
fn it_goes_with_a_body() {
    let client = client();
    let put = |uid: &str, body: &str| {
        let request = client.put("/api/v1/alice/data").header(rocket::http::ContentType::JSON);
        Answer::from(request.body(body).as_user(uid).dispatch())
    };
    assert_eq!(put("alice", "[1]").body, r#"{"body":[1],"owner":"alice"}"#);
    assert_eq!(put("alice", "[").status, 400);
    assert_eq!(put("bob", "[").status, 403);
}

#[test]
fn what_it_binds_is_used_as_text() {
    use auth_guard::UserId;
    let bound = |text: &str| -> UserId {
        rocket::request::FromParam::from_param(text).expect("any segment")
    };
    assert!(bound("alice") == "alice" && bound("alice") == *"alice");
    assert!(bound("alice") != "bob" && bound("alice") != *"bob");
    assert_eq!(String::from(bound("alice")), "alice");
    assert_eq!(format!("{} {:?}", bound("alice"), bound("alice")), "alice PathSegment(..)");
    let rows = std::collections::HashMap::from([(bound("alice"), 1), (bound("bob"), 2)]);
    assert_eq!((rows.get("alice"), rows.get("carol")), (Some(&1), None));
}

#[test]
fn it_goes_with_uri() {
    assert_eq!(uri!("/api", borrowed("a b")).to_string(), "/api/a%20b/borrowed");
    assert_eq!(uri!("/api", borrowed(user_id = "alice")).to_string(), "/api/alice/borrowed");
    assert_eq!(uri!(state(user_id = "alice", id = "7")).to_string(), "/alice/state/7");
    let bound = |user_id: auth_guard::UserId| {
        let by_reference = uri!(borrowed(user_id = &user_id)).to_string();
        (by_reference, uri!(borrowed(user_id)).to_string())
    };
    let user_id = rocket::request::FromParam::from_param("a/b").expect("any segment");
    assert_eq!(bound(user_id), ("/a%2Fb/borrowed".into(), "/a%2Fb/borrowed".into()));
    let name = String::from("a/b");
    assert_eq!(uri!(state("1", &name)).to_string(), "/1/state/a%2Fb");
    assert_eq!(uri!(other_name("t", &name)).to_string(), "/accounts/t/a%2Fb");
    assert_eq!(uri!(other_name("t", name)).to_string(), "/accounts/t/a%2Fb");
}
