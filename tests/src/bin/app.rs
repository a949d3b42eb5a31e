//! An application for the launch tests, configured by its environment as a user would.
//! For each line on its standard input (`<path> <token>`) it prints the status of that
//! request. With the argument `serve`, it listens on a port instead, which it prints.

use std::io::Read;

use auth_guard::testing::{Clock, RequestExt};
use auth_guard::{
    Access, AuthGuard, Owner, Requirement, Scope, Unavailable, Verified, authorized, protect,
    scoped, user_scoped,
};
use auth_guard_tests::now;
use rocket::fairing::AdHoc;
use rocket::local::blocking::Client;
use rocket::{get, routes};

#[user_scoped(scope = "tasks:read")]
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

#[rocket::async_trait]
impl Requirement for Support {
    async fn is_met_by(caller: &Verified, _: &rocket::Request<'_>) -> Result<bool, Unavailable> {
        Ok(caller.uid() == "support")
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

#[authorized]
#[get("/<user_id>/unowned")]
fn unowned(user_id: &str) -> &str {
    user_id
}

struct Team;

#[rocket::async_trait]
impl Scope for Team {
    async fn admits(_: &Verified, _: &str, _: &rocket::Request<'_>) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

#[scoped(team_id: Team)]
#[get("/teams/<team_id>")]
fn team(team_id: &str) -> &str {
    team_id
}

#[user_scoped(param = "account_id")]
#[get("/accounts/<account_id>")]
fn account(account_id: &str) -> &str {
    account_id
}

/// Routes that name what handlers elsewhere are scoped by.
mod reserved {
    use super::get;

    #[get("/teams/<team_id>/forgotten")]
    pub(super) fn team_forgotten(team_id: &str) -> &str {
        team_id
    }

    #[get("/search?<team_id>")]
    pub(super) fn team_in_the_query(team_id: &str) -> &str {
        team_id
    }

    #[get("/accounts/<account_id>/forgotten")]
    pub(super) fn account_forgotten(account_id: &str) -> &str {
        account_id
    }
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
    let mut rocket = match is_given("scopeless") {
        true => rocket::build().mount("/api", routes![helped]),
        false => rocket::build().mount("/api", routes![list, profile, helped, nobody, me]),
    };
    if !is_given("unattached") {
        let mut guard = AuthGuard::fairing().with_clock(Clock::fixed(now()));
        if is_given("testing-in-release") {
            guard = guard.allow_testing_in_release();
        }
        if is_given("with-check") {
            guard = guard.with_check(|_, _| Box::pin(async { Ok(()) }));
        }
        rocket = rocket.attach(guard);
    }
    if is_given("malformed-scope") {
        rocket = rocket.mount("/ops", protect(routes![me]).require_scope("ops, \"all\""));
    }
    if is_given("serve") {
        rocket = rocket.mount("/protected", protect(routes![me]));
    }
    if is_given("twice") {
        rocket = rocket.attach(AuthGuard::fairing());
    }
    if is_given("replaced") {
        rocket = rocket.attach(AdHoc::on_ignite("another Rocket", |rocket| async move {
            rocket::custom(rocket.figment())
        }));
    }
    if is_given("forgotten") {
        rocket = rocket.mount("/api", routes![forgotten]);
    }

    let undeclared =
        std::env::args().find_map(|given| given.strip_prefix("undeclared=")?.parse().ok());
    for n in 1..=undeclared.unwrap_or(0) {
        rocket = rocket.mount(format!("/{n}"), routes![me]);
    }
    if is_given("reserved-team") {
        use reserved::{team_forgotten, team_in_the_query};
        rocket = rocket.mount("/r", routes![team, team_forgotten, team_in_the_query]);
    }
    if is_given("reserved-account") {
        rocket = rocket.mount("/r", routes![account, reserved::account_forgotten]);
    }
    if is_given("protected") {
        rocket = rocket.mount("/protected", protect(routes![me]));
    }
    if is_given("unowned") {
        rocket = rocket.mount("/api", routes![unowned]);
    }
    if is_given("late") {
        let late =
            AdHoc::on_ignite("late", |rocket| async { rocket.mount("/late", routes![forgotten]) });
        rocket = rocket.attach(AdHoc::on_ignite("later", |rocket| async { rocket.attach(late) }));
    }

    if is_given("serve") {
        let announce = AdHoc::on_liftoff("the port", |rocket| {
            Box::pin(async move { println!("port {}.", rocket.config().port) })
        });
        let served = rocket::execute(rocket.attach(announce).launch());
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
