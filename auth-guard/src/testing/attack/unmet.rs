//! Callers who meet all but one of the things that a route requires.

use serde_json::Value;

use super::callers::{Claims, merge, other_cases, similar};
use super::requests::{Attempt, OTHER, OWNER, Plan};
use super::target::{SEGMENT, Target, encoded};
use crate::error::AuthError;

impl<'t> Target<'t> {
    /// Returns requests of callers who meet all but one of the things that are required.
    pub(super) fn attempts(&self, plan: &Plan) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        if let Some(scope) = self.scope()
            && let Some((_, admitted)) = self.callers.admitted(scope.by)
        {
            attempts.extend(self.without(plan, scope.by, admitted));
            attempts.extend(self.other_segments(plan));
        }
        let mut names = self.requirements.requirements.clone();
        names.dedup();
        for name in names {
            if let Some(met) = self.callers.meeting(name) {
                attempts.extend(self.without(plan, name, met));
            }
        }
        attempts.extend(self.almost_admitted_instead(plan));
        attempts.extend(self.other_scopes(plan));
        attempts
    }

    /// Leaves out each OAuth scope that is needed, and sends similar ones.
    fn other_scopes(&self, plan: &Plan) -> Vec<Attempt> {
        let needed = self.needed_scopes();
        let mut attempts = Vec::new();
        for scope in needed {
            let others: Vec<_> = needed.iter().filter(|other| *other != scope).cloned().collect();
            let mut attempt = |how: &str, name: &str, value: Value| {
                let how = format!("a token without the scope `{scope}`: {how}");
                let mut claims = self.valid_claims();
                claims.insert("scope".into(), Value::Null);
                claims.insert(name.into(), value);
                let due = AuthError::InsufficientScope;
                attempts.push(plan.request(self, &how, OWNER, &claims, due));
            };
            let text = |scope: &str| [&others[..], &[scope.to_owned()]].concat().join(" ");
            attempt("it has the others", "scope", others.join(" ").into());
            if scope != "openid" {
                attempt("it has `openid`", "scope", text("openid").into());
            }
            for similar in similar_scopes(scope) {
                attempt(&format!("{similar:?}"), "scope", text(&similar).into());
            }
            attempt("it has a list in `scope`", "scope", needed.into());
            attempt("it has tabs in place of spaces", "scope", format!("openid\t{scope}").into());
            attempt("it has it in `scp`, beside `scope`", "scp", needed.into());
        }
        attempts
    }

    /// Leaves out the claims by which a requirement is met, and sends similar ones.
    fn without(&self, plan: &Plan, name: &str, met: &Claims) -> Vec<Attempt> {
        let others = self.claims(|required| required == name);
        let attempt = |how: &str, claims: &Claims| {
            let how = format!("a token that does not meet `{name}`: {how}");
            plan.request(self, &how, OWNER, claims, AuthError::NotAllowed)
        };
        let mut attempts = vec![attempt("without its claims", &others)];
        attempts.extend(similar(met).into_iter().map(|(how, similar)| {
            let mut claims = others.clone();
            merge(&mut claims, &similar);
            attempt(&format!("it says {how}"), &claims)
        }));
        attempts
    }

    /// Asks for other segments than the one that the caller is admitted to.
    fn other_segments(&self, plan: &Plan) -> Vec<Attempt> {
        let segment = self.segment();
        let decoded = self.scope().and_then(|scope| self.callers.admitted(scope.by));
        let decoded = decoded.map_or(SEGMENT, |(segment, _)| segment);
        let cut_off = decoded.char_indices().next_back().map_or("", |(end, _)| &decoded[..end]);
        let mut others = vec![
            ("another".to_owned(), "another-of-the-test".to_owned()),
            ("one that goes on".into(), format!("{segment}s")),
            ("with a space".into(), format!("{segment}%20")),
            ("with a NUL".into(), format!("{segment}%00")),
            ("with a slash".into(), format!("{segment}%2F")),
            ("after another and a slash".into(), format!("another%2F{segment}")),
            ("after another and a comma".into(), format!("another,{segment}")),
            ("encoded twice".into(), encoded(&segment)),
            ("with a combining accent".into(), format!("{segment}%CC%81")),
            ("a wildcard".into(), "*".into()),
        ];
        others.extend(other_cases(decoded).map(|case| ("another case".into(), encoded(&case))));
        if !cut_off.is_empty() {
            others.push(("cut off".into(), encoded(cut_off)));
        }
        // Without a character to encode, it is the same.
        others.retain(|(_, other)| *other != segment);
        let claims = self.valid_claims();
        let attempts = others.into_iter().map(|(how, other)| Attempt {
            path: plan.path(self, OWNER, &other),
            ..plan.request(
                self,
                &format!("a valid token, its segment {how}"),
                OWNER,
                &claims,
                AuthError::NotAllowed,
            )
        });
        attempts.collect()
    }

    /// Sends what almost meets the requirements that admit others.
    fn almost_admitted_instead(&self, plan: &Plan) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        if let Some((name, met)) = self.known(self.requirements.owner_or) {
            for (how, claims) in similar(met) {
                let how = format!("another user's token that does not meet `{name}`: {how}");
                attempts.push(plan.request(self, &how, OTHER, &claims, AuthError::NotOwner));
            }
        }
        if let Some((name, met)) = self.known(self.scope().and_then(|scope| scope.or)) {
            for (how, claims) in similar(met) {
                let how = format!("a token that does not meet `{name}` instead: {how}");
                attempts.push(plan.request(self, &how, OWNER, &claims, AuthError::NotAllowed));
            }
        }
        attempts
    }

    fn known(&self, name: Option<&'static str>) -> Option<(&'static str, &'t Claims)> {
        name.and_then(|name| Some((name, self.callers.meeting(name)?)))
    }
}

/// Returns scopes that a careless comparison takes for this one.
fn similar_scopes(scope: &str) -> impl Iterator<Item = String> {
    let longer = ["s", ":all", ",other", "*"].map(|end| format!("{scope}{end}"));
    let longer = longer.into_iter().chain(["x", "not:", "other,"].map(|s| format!("{s}{scope}")));
    let shorter = scope.char_indices().next_back().filter(|(end, _)| *end > 0);
    let shorter = shorter.map(|(end, _)| scope[..end].to_owned());
    longer.chain(shorter).chain(other_cases(scope))
}
