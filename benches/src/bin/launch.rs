//! Measures the launch of an application by the number of its routes, and prints a table.

use std::hint::black_box;
use std::time::Duration;

use auth_guard::user_scoped;
use auth_guard_benches::interleave::{Contender, run};
use auth_guard_benches::tokens::{figment, guard};
use rocket::{Build, Rocket, Route, get, routes};

/// The numbers of routes that are mounted.
const ROUTES: [usize; 3] = [250, 500, 1_000];
const ROUNDS: usize = 21;
const TURN: Duration = Duration::from_millis(1);

/// Ten handlers, with and without the attribute.
macro_rules! handlers {
    ($($name:ident)*) => {
        mod plain {
            $(#[super::get("/<user_id>/tasks")]
            pub fn $name(user_id: &str) -> &str { user_id })*
        }
        mod scoped {
            use super::user_scoped;
            $(#[user_scoped]
            #[super::get("/<user_id>/tasks")]
            pub fn $name(user_id: &str) -> &str { user_id })*
        }
        fn plain() -> [Vec<Route>; 10] { [$(routes![plain::$name]),*] }
        fn scoped() -> [Vec<Route>; 10] { [$(routes![scoped::$name]),*] }
    };
}

handlers! { a b c d e f g h i j }

fn main() {
    println!("| routes | plain, ms | `#[user_scoped]`, ms | added for each, µs |");
    println!("| --- | --- | --- | --- |");
    for number in ROUTES {
        let launch = |n: u32, handlers: fn() -> [Vec<Route>; 10], is_guarded: bool| {
            for _ in 0..n {
                let rocket = rocket::custom(figment());
                let rocket = if is_guarded { rocket.attach(guard()) } else { rocket };
                black_box(ignite(mounted(rocket, handlers, number)));
            }
        };
        let contenders: &mut [Contender<'_>] =
            &mut [Box::new(|n| launch(n, plain, false)), Box::new(|n| launch(n, scoped, true))];
        let rounds = run(contenders, ROUNDS, TURN);
        let [plain, scoped] = [0, 1].map(|contender| rounds.median(contender) / 1e6);
        let added = (scoped - plain) * 1e3 / number as f64;
        println!("| {number} | {plain:.1} | {scoped:.1} | {added:.1} |");
    }
}

fn mounted(
    rocket: Rocket<Build>,
    handlers: fn() -> [Vec<Route>; 10],
    number: usize,
) -> Rocket<Build> {
    let routes = (0..number / 10).flat_map(|_| handlers()).enumerate();
    routes.fold(rocket, |rocket, (n, routes)| rocket.mount(format!("/{n}"), routes))
}

fn ignite(rocket: Rocket<Build>) -> Rocket<rocket::Ignite> {
    rocket::execute(rocket.ignite()).expect("the application launches")
}
