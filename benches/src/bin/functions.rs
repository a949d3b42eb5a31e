//! Measures functions inside this process and prints a table.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, SystemTime};

use auth_guard_benches::interleave::{Contender, run};
use auth_guard_benches::{apps, peers, tokens};
use rocket::http::Header;
use rocket::local::asynchronous::Client;
use rocket::{Build, Rocket};

const ROUNDS: usize = 401;
const TURN: Duration = Duration::from_millis(2);

fn main() {
    println!("| in process | ns | compared | ns | ratio |\n| --- | --- | --- | --- | --- |");
    verifications();
    requests();
    hostile_tokens();
}

/// Compares `Verifier::verify` with `jsonwebtoken::decode`.
fn verifications() {
    let usual = [tokens::valid(tokens::USUAL)];
    row("accepted", &usual, true, 1);
    row("a bad signature", &[tokens::badly_signed(&usual[0])], false, 1);
    row("expired", &[tokens::expired()], false, 1);
    row("2 different tokens", &tokens::different(2), true, 1);
    row("1,000 different tokens", &tokens::different(1000), true, 1);
    row("on 2 threads", &usual, true, 2);
    for length in &tokens::LENGTHS[1..] {
        row(&format!("{length} bytes"), &[tokens::valid(*length)], true, 1);
    }
}

fn row(name: &str, tokens: &[String], accepted: bool, threads: usize) {
    let (verifier, decoder) = (tokens::verifier(), peers::Decoder::hs256());
    let repeat = |n: u32, is_accepted: &(dyn Fn(&str) -> bool + Sync)| {
        on_threads(threads, &|| {
            for token in tokens.iter().cycle().take(n as usize) {
                assert_eq!(is_accepted(black_box(token)), accepted);
            }
        });
    };
    // Longer turns, because threads take a while to start.
    let (rounds, turn) = if threads > 1 { (ROUNDS / 8, TURN * 10) } else { (ROUNDS, TURN) };
    let rounds = run(
        &mut [
            Box::new(|n| {
                repeat(n, &|token| black_box(verifier.verify(token, SystemTime::now())).is_ok());
            }),
            Box::new(|n| repeat(n, &|token| black_box(decoder.decode(token)).is_ok())),
        ],
        rounds,
        turn,
    );
    println!(
        "| `verify`, {name} | {:.0} | `jsonwebtoken::decode` | {:.0} | {:.2} |",
        rounds.median(0),
        rounds.median(1),
        rounds.ratio(|time| time(0) / time(1)),
    );
}

/// Runs `work` on `threads` threads at once.
fn on_threads(threads: usize, work: &(dyn Fn() + Sync)) {
    thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
}

/// Measures what the guards add to a request that Rocket dispatches without a socket.
fn requests() {
    let runtime = rocket::tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = |app: fn(rocket::figment::Figment) -> Rocket<Build>| {
        let client = runtime.block_on(Client::untracked(app(tokens::figment())));
        client.expect("it launches")
    };
    let clients = [
        client(apps::rocket_plain),
        client(apps::rocket_by_hand),
        client(apps::rocket_scoped),
        client(apps::rocket_scoped_and_asked),
        client(apps::rocket_authorized),
    ];
    let field = format!("Bearer {}", tokens::valid(tokens::USUAL));
    let (path, field) = (apps::path(), &field);
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for client in &clients {
        let (runtime, path) = (&runtime, &path);
        contenders.push(Box::new(move |n| {
            runtime.block_on(async {
                for _ in 0..n {
                    let request = client.get(path.as_str());
                    let request = request.header(Header::new("Authorization", field.clone()));
                    assert_eq!(request.dispatch().await.status().code, 200);
                }
            });
        }));
    }

    let rounds = run(&mut contenders, ROUNDS, TURN);
    let added = |guard: usize| rounds.ratio(|time| time(guard) - time(0));
    for (name, guard) in [
        ("`#[user_scoped]`", 2),
        ("`#[user_scoped]`, `Owner`, `Verified`", 3),
        ("`#[authorized(Admin)]`", 4),
    ] {
        println!(
            "| {name}, added to Rocket's plain route ({:.0}) | {:.0} | a guard by hand on \
             `jsonwebtoken` | {:.0} | {:.2} |",
            rounds.median(0),
            added(guard),
            added(1),
            rounds.ratio(|time| (time(guard) - time(0)) / (time(1) - time(0))),
        );
    }
}

/// Compares the most expensive hostile tokens with a valid one of the same length.
fn hostile_tokens() {
    let length = tokens::LENGTHS[tokens::LENGTHS.len() - 1];
    let mut named = vec![("accepted", tokens::valid(length))];
    named.extend(tokens::hostile(length));
    let verifier = tokens::verifier();
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (_, token) in &named {
        let verifier = &verifier;
        contenders.push(Box::new(move |n| {
            for _ in 0..n {
                drop(black_box(verifier.verify(black_box(token), SystemTime::now())));
            }
        }));
    }

    let rounds = run(&mut contenders, ROUNDS / 4, TURN);
    println!("\n| {length} bytes | ns | ÷ a good one |\n| --- | --- | --- |");
    for (number, (name, _)) in named.iter().enumerate() {
        let ratio = rounds.ratio(|time| time(number) / time(0));
        println!("| {name} | {:.0} | {ratio:.2} |", rounds.median(number));
    }
}
