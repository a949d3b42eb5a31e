//! The command line. Without a subcommand it serves; `routes` prints who may call which
//! route, `token` mints a token, and `explain` says why one is accepted or refused.

use std::io::Read;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use auth_guard::{AuthGuard, Secret, Verifier};
use clap::{Args, Parser, Subcommand};
use example_app::cors::Cors;
use example_app::{demo, explain, metrics, store, token};
use rocket::http::uri::Origin;
use rocket::time::OffsetDateTime;
use rocket::time::format_description::well_known::Rfc3339;

/// A task list behind auth-guard. Without a subcommand, it serves.
///
/// Its settings are environment variables: BETTER_AUTH_SECRET is the secret shared with
/// the Better Auth server, EXAMPLE_APP_DATABASE the SQLite file (default: tasks.sqlite),
/// EXAMPLE_APP_ORIGINS the origins whose pages may call it from a browser, such as
/// https://app.example.com, separated by commas (default: none), and EXAMPLE_APP_METRICS
/// whether to serve `GET /metrics` (default: false).
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
        /// The user id, for the token's `uid` and `<user_id>` in the path
        uid: String,
        /// How long the token is valid, such as 90s, 15m or 1h
        #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
        ttl: Duration,
        /// The OAuth scopes of the token, such as "tasks:read tasks:write" (default: none)
        #[arg(long)]
        scope: Option<String>,
    },
    /// Explains check by check why a token is accepted or refused, without a server
    Explain(Explain),
}

#[derive(Args)]
struct Explain {
    /// The token, or `-` to read it from standard input and keep it out of the shell's history
    token: String,
    /// Also explains which routes the token opens on this path, such as /api/alice/tasks
    #[arg(long, value_parser = parse_path)]
    path: Option<Origin<'static>>,
    /// The moment to judge the token at, such as 2026-11-21T12:00:00Z (default: now)
    #[arg(long, value_parser = parse_moment)]
    at: Option<SystemTime>,
    /// Also prints the header and the claims
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
        Some(Command::Token { uid, ttl, scope }) => print_token(&uid, ttl, scope.as_deref()),
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

/// Returns a verifier with the server's settings.
fn configured() -> Result<Verifier, Vec<String>> {
    let verifier = AuthGuard::fairing().verifier(&rocket::Config::figment());
    verifier.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn print_routes() -> Result<(), Vec<String>> {
    match rocket::execute(example_app::audit()) {
        Ok(audit) => print!("{audit:#}"),
        Err(error) => return Err(vec![error.pretty_print().to_owned()]),
    }
    Ok(())
}

fn print_token(uid: &str, ttl: Duration, scope: Option<&str>) -> Result<(), Vec<String>> {
    // Reads the server's settings, so that the token satisfies them.
    let verifier = configured()?;
    let secret = std::env::var_os("BETTER_AUTH_SECRET").ok_or_else(|| {
        vec!["BETTER_AUTH_SECRET is not set. Set it to the server's secret".to_owned()]
    })?;
    let secret = Secret::new(secret.into_encoded_bytes())
        .map_err(|error| vec![format!("BETTER_AUTH_SECRET: {error}")])?;

    let token = token::mint(&verifier, &secret, uid, ttl, scope)
        .map_err(|error| vec![error.to_string()])?;
    println!("{token}");
    Ok(())
}

/// Prints the explanation. Succeeds if the token is accepted and, given a path, opens it.
fn print_explanation(request: Explain) -> ExitCode {
    let explain = || {
        let verifier = configured()?;
        let token = match &*request.token {
            "-" => read_token().map_err(|error| vec![format!("cannot read the token: {error}")])?,
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
            Some(_) => explanation.routes().iter().any(explain::is_open),
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
