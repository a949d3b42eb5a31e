//! Explains tokens on a terminal: what the guards would decide, and what the token contains.

use std::fmt::Write;
use std::time::SystemTime;

use auth_guard::{Decision, Explanation, RouteDecision, Verifier};
use rocket::http::uri::Origin;
use serde_json::Value;

/// Explains what this application would decide about `token` at that moment, on that path.
///
/// # Errors
///
/// Fails if the application could not launch, except for its key settings.
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

/// Returns `true` if the token opens this route.
pub fn is_open(route: &RouteDecision) -> bool {
    route.decision == Decision::Opens
}

/// Returns the header and the claims of a token, unverified.
pub fn contents(token: &str) -> String {
    // This refuses a header that no library would write. There is little to show then.
    match jsonwebtoken::dangerous::insecure_decode::<Value>(token) {
        Ok(token) => {
            let header = serde_json::to_value(&token.header).unwrap_or_default();
            format!(
                "The contents of the token, unverified:\n{}\n{}\n",
                printable(&format!("{header:#}")),
                printable(&format!("{:#}", token.claims))
            )
        }
        Err(error) => format!("The contents of the token cannot be read: {error}.\n"),
    }
}

/// Escapes control and invisible characters: anybody could have made the token, and a
/// terminal obeys control characters.
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

/// Returns `true` for characters that have no width or change the direction of text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
