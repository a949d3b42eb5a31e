//! An application that is configured as a user would, by its environment, for
//! the tests of the launch. It answers the requests that stand on its standard
//! input, one a line (`<path> <token>`), with one status a line; or, given
//! `serve`, those of a port that it names.

use std::io::Read;

use auth_guard::testing::{Clock, RequestExt};
use auth_guard::{Access, AuthGuard, Exception, Owner, Verified, user_scoped};
use auth_guard_tests::now;
use rocket::fairing::AdHoc;
use rocket::local::blocking::Client;
use rocket::{get, routes};

#[user_scoped]
#[get("/<user_id>/tasks")]
fn list(user_id: &str) -> &str {
    user_id
}

#[user_scoped(exempt = "profiles are public")]
#[get("/<user_id>/profile")]
fn profile(user_id: &str) -> &str {
    user_id
}

struct Support;

impl Exception for Support {
    fn applies(caller: &Verified) -> bool {
        caller.uid() == "support"
    }
}

#[user_scoped(or = Support)]
#[get("/<user_id>/helped")]
fn helped(access: Access) -> String {
    access.by_exception().to_string()
}

#[get("/<user_id>/forgotten")]
fn forgotten(user_id: &str) -> &str {
    user_id
}

#[get("/nobody")]
fn nobody(owner: Owner) -> String {
    owner.uid().to_owned()
}

#[get("/me")]
fn me(user: Verified) -> String {
    user.uid().to_owned()
}

fn main() -> Result<(), String> {
    let is_given = |argument: &str| std::env::args().any(|given| given == argument);
    let mut rocket = rocket::build().mount("/api", routes![list, profile, helped, nobody, me]);
    if !is_given("unattached") {
        let mut guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
        if is_given("testing-in-release") {
            guard = guard.allow_testing_in_release();
        }
        rocket = rocket.attach(guard);
    }
    if is_given("forgotten") {
        rocket = rocket.mount("/api", routes![forgotten]);
    }

    if is_given("serve") {
        let told = AdHoc::on_liftoff("the port", |rocket| {
            Box::pin(async move { println!("port {}.", rocket.config().port) })
        });
        let served = rocket::execute(rocket.attach(told).launch());
        return served.map(drop).map_err(|error| error.to_string());
    }

    let client = Client::untracked(rocket).map_err(|error| error.to_string())?;
    let mut requests = String::new();
    std::io::stdin().read_to_string(&mut requests).map_err(|error| error.to_string())?;
    for (path, token) in requests.lines().filter_map(|line| line.split_once(' ')) {
        let response = client.get(path.to_owned()).bearer(token).dispatch();
        println!("status {}", response.status().code);
    }
    Ok(())
}
