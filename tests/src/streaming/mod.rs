//! The application of `docs/streaming.md`, to the letter: a stream of events, and a WebSocket.

pub mod events;
pub mod socket;

use auth_guard::{AuthGuard, public};
use rocket::figment::Figment;
use rocket::http::ContentType;
use rocket::response::content::RawHtml;
use rocket::tokio::sync::broadcast::Sender;
use rocket::{Build, Rocket, get, routes};

use self::events::Feed;

/// The channel of the news: for whom, and what.
pub type News = Sender<(String, String)>;

/// The page's part of the document.
#[get("/streaming.mjs")]
fn script() -> (ContentType, &'static str) {
    (ContentType::JavaScript, include_str!("../../browser/streaming.mjs"))
}

#[get("/")]
fn page() -> RawHtml<&'static str> {
    RawHtml("<!doctype html><title>Streams</title><link rel=\"icon\" href=\"data:,\"><pre></pre>")
}

/// Answers the health checks of a proxy.
#[get("/health")]
fn health() -> &'static str {
    "ok"
}

/// Builds the application, and a page that may use it. A route that nothing declares would stop
/// its launch. `news` is sent to it.
pub fn app(guard: AuthGuard, figment: &Figment, news: &News) -> Rocket<Build> {
    rocket::custom(figment.clone().merge(("auth_guard.undeclared", "deny")))
        .attach(guard)
        .manage(Feed(news.clone()))
        .mount("/api", events::routes())
        .mount("/api", socket::routes())
        .mount("/", public(routes![page, script, health]))
}
