//! A subscriber receives each field of an event by its name and type. The test needs a
//! separate process, because a subscriber keeps events away from `log`.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Mutex;

use auth_guard::testing::RequestExt;
use auth_guard_tests::*;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static EVENTS: Mutex<Vec<Value>> = Mutex::new(Vec::new());

struct Collector;

#[derive(Default)]
struct Fields(BTreeMap<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().into(), json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), json!(value));
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "auth_guard::decision"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.0.insert("level".into(), json!(event.metadata().level().to_string()));
        EVENTS.lock().expect("no panic").push(json!(fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_gets_each_field() {
    tracing::subscriber::set_global_default(Collector).expect("the first subscriber");
    let client = client();
    client.get("/api/alice/tasks").as_user("alice").dispatch();
    client.get("/api/alice/tasks").as_user("bob").dispatch();
    client.post("/api/alice/tasks").as_user("alice").with_claims(json!({ "aud": 5 })).dispatch();
    client.post("/api/alice/tasks").as_user("alice").with_claims(json!({ "nbf": "x" })).dispatch();

    let told = std::mem::take(&mut *EVENTS.lock().expect("no panic"));
    let allowed = |method: &str| {
        json!({
            "level": "TRACE",
            "message": "auth-guard: allowed",
            "outcome": "allowed",
            "by": "owner",
            "method": method,
            "route": "/api/<user_id>/tasks",
        })
    };
    let refused = |level: &str, reason: &str, cause: &str, rule: u8, method: &str| {
        json!({
            "level": level,
            "message": "auth-guard: refused",
            "outcome": "refused",
            "reason": reason,
            "cause": cause,
            "rule": rule,
            "method": method,
            "route": "/api/<user_id>/tasks",
        })
    };
    assert_eq!(
        told,
        [
            allowed("GET"),
            refused("WARN", "not_owner", "NotOwner", 17, "GET"),
            allowed("POST"),
            refused("DEBUG", "token_invalid", "InvalidClaim(\"nbf\")", 13, "POST"),
        ]
    );
}
