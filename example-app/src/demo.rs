//! Makes a first run work without setup: a secret for this run, `curl` commands to paste,
//! and a token for the page in the browser. Only in debug, and only if no key source is
//! configured.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use auth_guard::{Secret, Verifier};
use rocket::fairing::{AdHoc, Fairing};
use rocket::figment::Figment;
use rocket::{Orbit, Rocket};

use crate::token::{MintError, mint};

/// The variables that configure a key source. Some of them stop the launch, and the demo's
/// secret must not hide the message.
const KEY_SOURCES: [&str; 7] = [
    "BETTER_AUTH_SECRET",
    "BETTER_AUTH_SECRET_PREVIOUS",
    "BETTER_AUTH_URL",
    "AUTH_GUARD_DISCOVERY",
    "AUTH_GUARD_JWKS_URL",
    "AUTH_SECRET",
    "BETTER_AUTH_SECRETS",
];

const TTL: Duration = Duration::from_secs(15 * 60);

/// Returns a random secret if this is a debug build, in Rocket's `debug` profile, without
/// a key source. Otherwise returns `None`: a deployment that lost its secret must not start.
pub fn secret(figment: &Figment) -> Option<Secret> {
    let is_debug = cfg!(debug_assertions) && figment.profile() == "debug";
    let is_configured = KEY_SOURCES.iter().any(|name| std::env::var_os(name).is_some())
        || ["url", "jwks_url", "discovery"]
            .iter()
            .any(|key| figment.contains(&format!("auth_guard.{key}")));
    (is_debug && !is_configured).then(Secret::random)
}

/// Creates a fairing that prints commands with tokens of `secret` at launch.
pub fn fairing(secret: Secret) -> impl Fairing {
    // The port is known only at liftoff: it may be configured as 0, any free one.
    AdHoc::on_liftoff("demo", |rocket| {
        Box::pin(async move {
            match instructions(rocket, &secret) {
                Ok(instructions) => println!("{instructions}"),
                Err(error) => rocket::error!("Could not mint tokens for the demo: {error}."),
            }
        })
    })
}

/// Returns text to paste into a shell, which fits a terminal of 24 lines and 80 columns. Every
/// line that is not a command starts with `#` and contains nothing that a shell would interpret:
/// zsh has no comments at its prompt.
fn instructions(rocket: &Rocket<Orbit>, secret: &Secret) -> Result<String, MintError> {
    let Some(verifier) = rocket.state::<Verifier>() else { return Ok(String::new()) };
    let ttl = TTL.min(Duration::from_secs(verifier.max_lifetime().into()));
    // With these scopes, the commands work even where scopes are enforced.
    let mint = |uid: &str| mint(verifier, secret, uid, ttl, Some("tasks:read tasks:write"));
    let (alice, bob) = (mint("alice")?, mint("bob")?);
    let server = format!("http://{}", reachable(rocket));
    let lives = humantime::format_duration(ttl);

    Ok(format!(
        r#"
# BETTER_AUTH_SECRET is not set: THIS RUN USES A RANDOM SECRET. These tokens are
# valid for {lives}, and only in this run. Paste all lines into another terminal.
ALICE={alice}
BOB={bob}
TASKS='{server}/api/alice/tasks'
# alice adds a task to her list: 201
curl -i $TASKS -H "Authorization: Bearer $ALICE" -d '{{"title":"milk"}}'
# alice reads her list: 200
curl -i $TASKS -H "Authorization: Bearer $ALICE"
# bob tries to read the list of alice: 403
curl -i $TASKS -H "Authorization: Bearer $BOB"
# a request without a token: 401
curl -i $TASKS
# Or open {server}/docs in a browser, press Authorize, paste
# the token of alice, which is what follows ALICE= above, and try
# GET /api/{{user_id}}/tasks: 200 with the user_id alice, 403 with bob.
"#
    ))
}

/// Returns an address at which this machine reaches the server, even if the server listens
/// on all addresses.
fn reachable(rocket: &Rocket<Orbit>) -> SocketAddr {
    let address = match rocket.config().address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, rocket.config().port)
}
