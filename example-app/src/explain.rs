//! Explains tokens, for a terminal: what the guards would say, and what is in them.

use std::fmt::Write;
use std::time::SystemTime;

use auth_guard::{Door, Explanation, Verdict, Verifier};
use rocket::http::uri::Origin;
use serde_json::Value;

/// What this application would say to `token` at that moment, on that path.
///
/// # Errors
///
/// Everything but settings of keys that would stop the launch.
pub async fn explain(
    verifier: &Verifier,
    token: &str,
    path: Option<&Origin<'_>>,
    at: SystemTime,
) -> Result<Explanation, Box<rocket::Error>> {
    let explanation = verifier.explain(token, at).await;
    Ok(match path {
        Some(path) => explanation.on_path(&crate::ignited().await?, path),
        None => explanation,
    })
}

/// Whether the token opens this route.
pub fn is_open(door: &Door) -> bool {
    door.verdict == Verdict::Opens
}

/// The header and the claims of a token, whether they are true or not.
pub fn contents(token: &str) -> String {
    // It refuses a header that no library would make; then there is little to see.
    match jsonwebtoken::dangerous::insecure_decode::<Value>(token) {
        Ok(token) => {
            let header = serde_json::to_value(&token.header).unwrap_or_default();
            format!(
                "What it says of itself:\n{}\n{}\n",
                printable(&format!("{header:#}")),
                printable(&format!("{:#}", token.claims))
            )
        }
        Err(error) => format!("What it says of itself cannot be read: {error}.\n"),
    }
}

/// A token may come from anybody, and a terminal obeys control characters.
fn printable(text: &str) -> String {
    text.chars().fold(String::new(), |mut printable, c| {
        let is_plain = c == '\n' || !c.is_control() && !is_invisible(c);
        let _ = match is_plain {
            true => write!(printable, "{c}"),
            false => write!(printable, "{}", c.escape_unicode()),
        };
        printable
    })
}

/// What turns the direction of text round, or takes no room.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
