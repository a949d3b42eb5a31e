//! The command line: no subcommand serves, `routes` shows who may call what,
//! `token` mints, `explain` says why a token is accepted or refused.

use std::io::Read;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use auth_guard::{AuthGuard, Secret};
use clap::{Args, Parser, Subcommand};
use example_app::cors::Cors;
use example_app::{demo, explain, metrics, store, token};
use rocket::http::uri::Origin;
use rocket::time::OffsetDateTime;
use rocket::time::format_description::well_known::Rfc3339;

/// A task list behind auth-guard. Without a subcommand, it serves.
///
/// BETTER_AUTH_SECRET is the secret shared with the Better Auth server,
/// EXAMPLE_APP_DATABASE the SQLite file (tasks.sqlite), EXAMPLE_APP_ORIGINS which
/// other origins' pages may call it from a browser, such as
/// https://app.example.com with commas between (none), and EXAMPLE_APP_METRICS
/// whether there is `GET /metrics` (false).
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
    /// Says check by check why a token is accepted or refused, without a server
    Explain(Explain),
}

#[derive(Args)]
struct Explain {
    /// The token; `-` reads it from standard input, which no shell keeps
    token: String,
    /// Which routes of this path it opens, such as /api/alice/tasks
    #[arg(long, value_parser = parse_path)]
    path: Option<Origin<'static>>,
    /// As of this moment, such as 2026-11-21T12:00:00Z (now)
    #[arg(long, value_parser = parse_moment)]
    at: Option<SystemTime>,
    /// Prints its header and its claims as well
    #[arg(long)]
    claims: bool,
}

fn parse_path(path: &str) -> Result<Origin<'static>, String> {
    Origin::parse_owned(path.to_owned()).map_err(|error| error.to_string())
}

fn parse_moment(text: &str) -> Result<SystemTime, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|error| error.to_string())?;
    Ok(moment.into())
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        None => serve(),
        Some(Command::Routes) => print_routes(),
        Some(Command::Token { uid, ttl }) => print_token(&uid, ttl),
        Some(Command::Explain(request)) => return print_explanation(request),
    };
    report(result.map(|()| ExitCode::SUCCESS))
}

fn report(result: Result<ExitCode, Vec<String>>) -> ExitCode {
    match result {
        Ok(code) => code,
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
    let app = match Cors::from_env().map_err(|error| vec![error])? {
        Some(cors) => app.attach(cors),
        None => app,
    };
    let app = match metrics::are_wanted().map_err(|error| vec![error])? {
        true => app.attach(metrics::fairing().map_err(|error| vec![error])?),
        false => app,
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

/// Succeeds where the token is accepted, and opens the path if one is given.
fn print_explanation(request: Explain) -> ExitCode {
    let explain = || {
        let verifier = AuthGuard::fairing().verifier(&rocket::Config::figment())?;
        let token = match &*request.token {
            "-" => read_token().map_err(|error| vec![format!("no token to read: {error}")])?,
            token => token.to_owned(),
        };
        let at = request.at.unwrap_or_else(SystemTime::now);
        let explanation =
            rocket::execute(explain::explain(&verifier, &token, request.path.as_ref(), at))
                .map_err(|error| vec![error.pretty_print().to_owned()])?;

        print!("{explanation}");
        if request.claims {
            print!("{}", explain::contents(&token));
        }
        let is_open = match request.path {
            Some(_) => explanation.doors().iter().any(explain::is_open),
            None => explanation.claims().is_some(),
        };
        Ok(if is_open { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    };
    report(explain())
}

fn read_token() -> std::io::Result<String> {
    let mut token = String::new();
    std::io::stdin().lock().read_to_string(&mut token)?;
    Ok(token.trim().to_owned())
}
