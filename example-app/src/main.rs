//! The command line: no subcommand serves, `routes` shows who may call what,
//! `token` mints.

use std::process::ExitCode;
use std::time::Duration;

use auth_guard::{AuthGuard, Secret};
use clap::{Parser, Subcommand};
use example_app::{demo, store, token};

/// A task list behind auth-guard. Without a subcommand, it serves.
///
/// BETTER_AUTH_SECRET is the secret shared with the Better Auth server, and
/// EXAMPLE_APP_DATABASE the SQLite file (tasks.sqlite).
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Prints who may call which route
    Routes,
    /// Prints a token for a user, signed with BETTER_AUTH_SECRET
    Token {
        /// The user: what the token's uid, and `<user_id>` in the path, will be
        uid: String,
        /// How long it lives, such as 90s, 15m or 1h
        #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
        ttl: Duration,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        None => serve(),
        Some(Command::Routes) => print_routes(),
        Some(Command::Token { uid, ttl }) => print_token(&uid, ttl),
    };

    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Vec<String>> {
    let database = store::path_from_env();
    let app = match demo::secret(&rocket::Config::figment()) {
        Some(secret) => {
            let guard = AuthGuard::fairing().with_secret(secret.clone());
            example_app::rocket(guard, database).attach(demo::fairing(secret))
        }
        None => example_app::rocket(AuthGuard::fairing(), database),
    };

    match rocket::execute(app.launch()) {
        Ok(_) => Ok(()),
        Err(error) => Err(vec![error.pretty_print().to_owned()]),
    }
}

fn print_routes() -> Result<(), Vec<String>> {
    match rocket::execute(example_app::audit()) {
        Ok(audit) => print!("{audit:#}"),
        Err(error) => return Err(vec![error.pretty_print().to_owned()]),
    }
    Ok(())
}

fn print_token(uid: &str, ttl: Duration) -> Result<(), Vec<String>> {
    // What the server would enforce is what the token must satisfy.
    let verifier = AuthGuard::fairing().verifier(&rocket::Config::figment())?;
    let secret = std::env::var_os("BETTER_AUTH_SECRET").ok_or_else(|| {
        vec!["BETTER_AUTH_SECRET is not set. Set it to the secret that the server has".to_owned()]
    })?;
    let secret = Secret::new(secret.into_encoded_bytes())
        .map_err(|error| vec![format!("BETTER_AUTH_SECRET {error}")])?;

    let token =
        token::mint(&verifier, &secret, uid, ttl).map_err(|error| vec![error.to_string()])?;
    println!("{token}");
    Ok(())
}
