//! What the log says about public keys. What happened comes first, then what follows from it.

use std::time::Duration;

use log::Level;

use crate::keys::public::set::KeySet;

/// A line for the log.
pub(super) type Line = (Level, String);

pub(super) fn published(address: &str, keys: &KeySet) -> Line {
    (Level::Info, format!("auth-guard: fetched {} from {address}: {keys}.", counted(keys)))
}

pub(super) fn changed(address: &str, keys: &KeySet) -> Line {
    let text = format!("auth-guard: {address} has changed its keys to {}: {keys}.", counted(keys));
    (Level::Info, text)
}

/// Says that a failure is over. `had_keys` is `false` if it was the first fetch that failed.
pub(super) fn recovered(address: &str, keys: &KeySet, had_keys: bool) -> Line {
    let counted = counted(keys);
    let text = match had_keys {
        true => format!("auth-guard: {address} publishes {counted} again: {keys}."),
        false => format!("auth-guard: {address} now publishes {counted}: {keys}."),
    };
    (Level::Warn, text)
}

pub(super) fn unused(address: &str, why: &str) -> Line {
    (Level::Warn, format!("auth-guard: a public key of {address} is not used. {why}."))
}

/// `rest` is the time for which known keys may still be used; `None` if there are none.
pub(super) fn failed(address: &str, why: &str, known: usize, rest: Option<Duration>) -> Line {
    let consequence = match rest {
        Some(rest) => {
            format!("; using the {known} known keys for up to {} s", rest.as_secs())
        }
        None => ". There are none, so tokens that need one are answered 503".into(),
    };
    let text =
        format!("auth-guard: could not fetch public keys from {address}: {why}{consequence}.");
    (Level::Error, text)
}

/// Without a failure it is only that no tokens have arrived for so long.
pub(super) fn too_old(address: &str, age: Duration, has_failed: bool) -> Line {
    let level = if has_failed { Level::Error } else { Level::Info };
    let age = age.as_secs();
    (
        level,
        format!("auth-guard: the public keys from {address} are {age} s old and no longer used."),
    )
}

/// Says that the keys of the only issuer are not used, as there is a shared secret.
pub(super) fn published_in_vain(address: &str, keys: &KeySet) -> Line {
    let text = format!(
        "auth-guard: {address} publishes {}: {keys}. Better Auth signs with public keys by default, \
         and tokens that are signed so are refused: BETTER_AUTH_SECRET is set, so only HS256 with \
         that secret is accepted. Unset BETTER_AUTH_SECRET for this application to accept public \
         keys instead, or set AUTH_GUARD_JWKS_URL to {address} to accept both. If the server does \
         sign with the secret, set AUTH_GUARD_ALGORITHMS to HS256, and this is not asked again.",
        counted(keys)
    );
    (Level::Warn, text)
}

pub(super) fn log(lines: impl IntoIterator<Item = Line>) {
    lines.into_iter().for_each(|(level, line)| log::log!(level, "{line}"));
}

/// Lists the keys in use, or says why there are none, for the launch and explanations.
pub(super) fn current(address: &str, keys: &KeySet, failure: Option<&str>) -> String {
    match (keys.is_empty(), failure) {
        (false, _) => format!("{} from {address}: {keys}", keys.len()),
        (true, None) => format!("none yet; fetching them from {address}"),
        (true, Some(why)) => format!("none; could not fetch them from {address}: {why}"),
    }
}

fn counted(keys: &KeySet) -> String {
    match keys.len() {
        1 => "1 public key".into(),
        count => format!("{count} public keys"),
    }
}
