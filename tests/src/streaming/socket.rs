//! A WebSocket whose first message is a token.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use auth_guard::{AuthError, Claims, Verifier, user_scoped};
use rocket::futures::{SinkExt, StreamExt};
use rocket::tokio::select;
use rocket::tokio::time::{interval, timeout};
use rocket::{Route, State, get, routes};
use rocket_ws::frame::{CloseCode, CloseFrame};
use rocket_ws::stream::DuplexStream;
use rocket_ws::{Channel, Config, Message, WebSocket, result};

use super::events::{Feed, HEARTBEAT, until};

/// How long a client may take to send its token, and to answer when it is told to go.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest message. A token has at most 8 KiB, and the default is 64 MiB for anybody.
pub const LONGEST: usize = 16 << 10;

#[user_scoped(exempt = "the first message is the token")]
#[get("/socket")]
fn socket<'r>(ws: WebSocket, verifier: &'r State<Verifier>, feed: &'r State<Feed>) -> Channel<'r> {
    let config = Config {
        max_message_size: Some(LONGEST),
        max_frame_size: Some(LONGEST),
        ..Config::default()
    };
    ws.config(config).channel(move |mut socket| {
        Box::pin(async move {
            let end = match caller(&mut socket, verifier).await {
                Err(error) => Some(error),
                Ok(caller) => select! {
                    biased;
                    () = until(caller.expires_at()) => Some(AuthError::Expired),
                    // A client that is gone is no error: Rocket would log it as one.
                    _ = converse(&mut socket, caller.uid(), feed) => None,
                },
            };
            if let Some(error) = end {
                let _ = timeout(PATIENCE, close(&mut socket, &error)).await;
            }
            Ok(())
        })
    })
}

/// Reads the first message, which must be a token.
async fn caller(socket: &mut DuplexStream, verifier: &Verifier) -> Result<Claims, AuthError> {
    let Ok(Some(Ok(Message::Text(token)))) = timeout(PATIENCE, socket.next()).await else {
        return Err(AuthError::MissingToken);
    };
    let caller = verifier.verify(&token, SystemTime::now())?;
    // The guards ask both by themselves, but no guard is at work here.
    match (caller.is_machine(), caller.allows_scopes("news")) {
        (true, _) => Err(AuthError::NotAllowed),
        (false, false) => Err(AuthError::InsufficientScope),
        (false, true) => Ok(caller),
    }
}

/// Sends the user's news, and takes more of it, until the client leaves.
async fn converse(socket: &mut DuplexStream, uid: &str, feed: &Feed) -> result::Result<()> {
    let mut news = pin!(feed.of(uid));
    let mut heartbeat = interval(HEARTBEAT);
    loop {
        select! {
            _ = heartbeat.tick() => socket.send(Message::Ping(Vec::new())).await?,
            Some(text) = news.next() => socket.send(Message::Text(text)).await?,
            message = socket.next() => match message.transpose()? {
                // An error only says that nobody listens.
                Some(Message::Text(text)) => drop(feed.0.send((uid.to_owned(), text))),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// Says why, and waits until the client has closed as well (RFC 6455, section 7.1.1).
async fn close(socket: &mut DuplexStream, error: &AuthError) -> result::Result<()> {
    let code = match error {
        // A verifier never waits for a key, but fetches it: the next try may find it.
        AuthError::NoMatchingKey | AuthError::KeysUnavailable => CloseCode::Again,
        _ => CloseCode::Policy,
    };
    socket.close(Some(CloseFrame { code, reason: error.code().into() })).await?;
    while socket.next().await.transpose()?.is_some() {}
    Ok(())
}

/// Returns the routes of this module.
pub fn routes() -> Vec<Route> {
    routes![socket]
}
