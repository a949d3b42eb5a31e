//! The proof that no guard is `Owner` takes every type that a handler can.
#![deny(warnings, clippy::all, clippy::pedantic)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(unused_results, single_use_lifetimes, unnameable_types, private_interfaces)]
#![deny(elided_lifetimes_in_paths)]

use auth_guard::{Access, AuthError, Requirement, Unavailable, Verified, user_scoped};
use rocket::form::Form;
use rocket::http::CookieJar;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{FromForm, State, async_trait, post, routes};

struct Admin;

#[rocket::async_trait]
impl Requirement for Admin {
    async fn is_met_by(_: &Verified, _: &Request<'_>) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

/// A type of the application's own, whatever it is called.
struct Owner<'r>(&'r str);

#[async_trait]
impl<'r> FromRequest<'r> for Owner<'r> {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        Outcome::Success(Self(request.uri().path().as_str()))
    }
}

#[derive(FromForm)]
struct Task<'r> {
    title: &'r str,
}

type Parse = for<'a> fn(&'a str) -> &'a str;

#[user_scoped(or = Admin)]
#[post("/<user_id>/tasks/<id>?<page>", data = "<task>")]
async fn handler<'r>(
    id: &'r str,
    page: Option<u8>,
    access: Access,
    owner: Owner<'r>,
    jar: &'r CookieJar<'_>,
    parse: &State<Parse>,
    names: &'r State<Vec<&'static str>>,
    task: Result<Form<Task<'r>>, rocket::form::Errors<'r>>,
) -> String {
    let title = task.map(|task| parse(task.title).to_owned()).unwrap_or_default();
    let names = names.len() + jar.iter().count();
    format!("{user_id} {id} {page:?} {} {} {names} {title}", access.path_user(), owner.0)
}

fn main() {
    let _ = routes![handler];
}
