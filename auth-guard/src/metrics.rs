//! Not part of the pipeline: counts, with the feature `metrics`, for an application that
//! installs a recorder of the crate `metrics`. Labels are bounded: none comes from a request.

use std::sync::Arc;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const DECISIONS: &str = "auth_guard_decisions_total";
const KEYS: &str = "auth_guard_keys";

/// Says what the numbers are, once there is somebody to hear it.
pub(crate) fn describe() {
    describe_counter!(DECISIONS, Unit::Count, "Requests that a guard has let in or refused.");
    describe_gauge!(KEYS, Unit::Count, "Keys that tokens are verified with.");
}

/// `reason` is the code of a refusal, or what opened the route.
pub(crate) fn count(outcome: &'static str, reason: &'static str) {
    counter!(DECISIONS, "outcome" => outcome, "reason" => reason).increment(1);
}

/// Records how many keys of this kind are known. A further issuer has a name, the key of its
/// table.
pub(crate) fn keys(kind: &'static str, issuer: Option<Arc<str>>, count: usize) {
    let gauge = match issuer {
        Some(issuer) => gauge!(KEYS, "kind" => kind, "issuer" => issuer),
        None => gauge!(KEYS, "kind" => kind),
    };
    gauge.set(count as f64);
}
