//! A stream of events that ends when its token does.

use std::time::{Duration, SystemTime};

use auth_guard::{Owner, user_scoped};
use rocket::futures::stream::{Stream, StreamExt};
use rocket::response::stream::{Event, EventStream, stream};
use rocket::tokio::sync::broadcast::{Sender, error::RecvError};
use rocket::tokio::time::{Sleep, sleep};
use rocket::{Route, State, get, routes};

/// Stands in for whatever tells your application the news: for whom, and what.
#[derive(Debug)]
pub struct Feed(pub Sender<(String, String)>);

impl Feed {
    /// Returns the news for this user, from now on.
    pub fn of(&self, user_id: &str) -> impl Stream<Item = String> + use<> {
        let (user_id, mut news) = (user_id.to_owned(), self.0.subscribe());
        stream! {
            loop {
                match news.recv().await {
                    Ok((user, text)) if user == user_id => yield text,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break,
                }
            }
        }
    }
}

/// How often something is sent to a client for whom there is no news, so that no proxy takes
/// the connection for dead.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// Waits until then, or not at all if that is past.
pub fn until(then: SystemTime) -> Sleep {
    sleep(then.duration_since(SystemTime::now()).unwrap_or_default())
}

#[user_scoped(scope = "news")]
#[get("/<user_id>/events")]
fn events(user_id: &str, owner: Owner, feed: &State<Feed>) -> EventStream![] {
    let news = feed.of(user_id).take_until(until(owner.expires_at()));
    EventStream::from(news.map(Event::data)).heartbeat(HEARTBEAT)
}

/// Returns the routes of this module.
pub fn routes() -> Vec<Route> {
    routes![events]
}
