//! Lets a first run work without any set-up: a secret for this run, `curl` lines to
//! paste, and a token for the page in the browser. Only in debug, and only where no key source is configured.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use auth_guard::{Secret, Verifier};
use rocket::fairing::{AdHoc, Fairing};
use rocket::figment::Figment;
use rocket::{Orbit, Rocket};

use crate::token::{MintError, mint};

/// What says where keys come from. Some of these stop the launch, with a message
/// that a made-up secret must not hide.
const KEY_SOURCES: [&str; 6] = [
    "BETTER_AUTH_SECRET",
    "BETTER_AUTH_SECRET_PREVIOUS",
    "BETTER_AUTH_URL",
    "AUTH_GUARD_JWKS_URL",
    "AUTH_SECRET",
    "BETTER_AUTH_SECRETS",
];

const TTL: Duration = Duration::from_secs(15 * 60);

/// A new secret, if this is a debug build, in Rocket's profile `debug`, and no key
/// source is configured. A deployment that has lost its secret must not start.
pub fn secret(figment: &Figment) -> Option<Secret> {
    let is_debug = cfg!(debug_assertions) && figment.profile() == "debug";
    let is_configured = KEY_SOURCES.iter().any(|name| std::env::var_os(name).is_some())
        || figment.contains("auth_guard.url")
        || figment.contains("auth_guard.jwks_url");
    (is_debug && !is_configured).then(Secret::random)
}

/// Says at launch that `secret` was made up, and what to do with it.
pub fn fairing(secret: Secret) -> impl Fairing {
    // At liftoff the port is known, even if any was asked for.
    AdHoc::on_liftoff("demo", |rocket| {
        Box::pin(async move {
            rocket::warn!(
                "BETTER_AUTH_SECRET is not set: THIS RUN HAS MADE A RANDOM SECRET FOR ITSELF. \
                 Tokens from elsewhere are refused."
            );
            match instructions(rocket, &secret) {
                Ok(instructions) => println!("{instructions}"),
                Err(error) => rocket::error!("There is nothing to paste: {error}."),
            }
        })
    })
}

/// For a shell: `#` before everything but the commands, and no quotes there.
fn instructions(rocket: &Rocket<Orbit>, secret: &Secret) -> Result<String, MintError> {
    let Some(verifier) = rocket.state::<Verifier>() else { return Ok(String::new()) };
    let ttl = TTL.min(Duration::from_secs(verifier.max_lifetime().into()));
    let mint = |uid: &str| mint(verifier, secret, uid, ttl);
    let header = |token: &str| format!("-H 'Authorization: Bearer {token}'");
    let token = mint("alice")?;
    let (alice, bob) = (header(&token), header(&mint("bob")?));
    let server = format!("http://{}", reachable(rocket));
    let url = format!("'{server}/api/alice/tasks'");
    let lives = humantime::format_duration(ttl);

    Ok(format!(
        r#"
# BETTER_AUTH_SECRET is not set: this run has made a random secret for itself.
# Its tokens live for {lives}, and not beyond this run. Paste these lines into a shell.
#
# alice adds a task to her list: 201
curl -i {alice} -H 'Content-Type: application/json' -d '{{"title":"milk"}}' {url}
# alice reads her list: 200
curl -i {alice} {url}
# bob reads the list of alice: 403
curl -i {bob} {url}
# nobody in particular reads the list of alice: 401
curl -i {url}
#
# Or open {server}/docs in a browser, press Authorize, and paste this token of alice:
# {token}
# Then try GET /api/{{user_id}}/tasks: 200 with the user_id alice, 403 with bob.
"#
    ))
}

/// Where this machine reaches the server, which may listen on all addresses.
fn reachable(rocket: &Rocket<Orbit>) -> SocketAddr {
    let address = match rocket.config().address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, rocket.config().port)
}
