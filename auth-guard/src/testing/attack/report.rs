//! What an attack found.

use std::collections::BTreeMap;
use std::fmt;

use rocket::http::Method;

use crate::audit::Policy;

/// The result of [`attack_all`](crate::testing::attack_all). Its `Display` is a table:
/// for each route, how many hostile requests got which answer, and the status that its
/// owner got.
#[derive(Clone, Debug)]
pub struct AttackReport {
    pub(super) rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) method: Method,
    pub(super) uri: String,
    pub(super) policy: Policy,
    pub(super) result: Outcome,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Guarded {
        /// The number of requests that got the answer of each code.
        refused: BTreeMap<&'static str, usize>,
        /// The status of the owner's request.
        owner: u16,
        wrong: Vec<String>,
    },
    /// Open to anybody: by declaration, or as this status of an undeclared route shows.
    Open(Option<u16>),
}

impl AttackReport {
    /// Returns how many hostile requests were sent.
    pub fn requests(&self) -> usize {
        let counts = self.rows.iter().map(|row| match &row.result {
            Outcome::Guarded { refused, wrong, .. } => {
                refused.values().sum::<usize>() + wrong.len()
            }
            Outcome::Open(_) => 0,
        });
        counts.sum()
    }

    pub(super) fn is_any_guarded(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.result, Outcome::Guarded { .. }))
    }

    /// Returns `true` if every answer is the documented one.
    pub(super) fn is_kept(&self) -> bool {
        self.rows.iter().all(|row| match &row.result {
            Outcome::Guarded { wrong, .. } => wrong.is_empty(),
            Outcome::Open(_) => true,
        })
    }
}

const CODES: [&str; 7] = [
    "token_missing",
    "request_malformed",
    "token_invalid",
    "token_expired",
    "not_owner",
    "not_allowed",
    "insufficient_scope",
];

impl fmt::Display for AttackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.rows.iter().map(|r| format!("{} {}", r.method, r.uri)).collect();
        let policies: Vec<_> = self.rows.iter().map(|row| row.policy.to_string()).collect();
        let width = |cells: &[String]| cells.iter().map(|cell| cell.chars().count()).max();
        let (name, policy) =
            (width(&names).unwrap_or_default(), width(&policies).unwrap_or_default());

        write!(f, "{:name$}  {:policy$}", "route", "who may call it")?;
        CODES.iter().try_for_each(|code| write!(f, "  {code}"))?;
        writeln!(f, "  valid token")?;
        for ((route, declared), row) in names.iter().zip(&policies).zip(&self.rows) {
            write!(f, "{route:name$}  {declared:policy$}")?;
            match &row.result {
                Outcome::Guarded { refused, owner, wrong } => {
                    for code in CODES {
                        let count = refused.get(code).copied().unwrap_or_default();
                        write!(f, "  {count:>0$}", code.len())?;
                    }
                    write!(f, "  {owner:>11}")?;
                    match wrong.len() {
                        0 => writeln!(f)?,
                        wrong => writeln!(f, "  WRONG: {wrong}")?,
                    }
                }
                Outcome::Open(None) => writeln!(f, "  not attacked")?,
                Outcome::Open(Some(status)) => writeln!(f, "  open: {status} without a token")?,
            }
        }
        for row in &self.rows {
            let Outcome::Guarded { wrong, .. } = &row.result else { continue };
            for wrong in wrong.iter().take(SHOWN) {
                writeln!(f, "    {wrong}")?;
            }
            if wrong.len() > SHOWN {
                writeln!(f, "    and {} more of {} {}", wrong.len() - SHOWN, row.method, row.uri)?;
            }
        }
        Ok(())
    }
}

/// The number of wrong answers that are shown for each route.
const SHOWN: usize = 5;
