//! Values of the figment → the values that settings have.

use rocket::figment::value::{Dict, Num, Value as Raw};

use crate::token::profile::Expected;

/// Returns a text of the figment.
pub(super) fn text_of(raw: &Raw) -> Option<String> {
    match raw {
        Raw::String(_, text) => Some(text.clone()),
        Raw::Char(_, one) => Some(one.to_string()),
        _ => None,
    }
}

/// Reads `{ token_use = "access", amr = ["mfa", "otp"] }`.
pub(super) fn claims_of(raw: &Raw) -> Option<Vec<(String, Vec<Expected>)>> {
    let expected = |raw: &Raw| match raw {
        Raw::Bool(_, flag) => Some(Expected::Flag(*flag)),
        Raw::Num(_, Num::F32(_) | Num::F64(_)) => None,
        Raw::Num(_, number) => integer_of(number).map(Expected::Integer),
        raw => text_of(raw).map(Expected::Text),
    };
    let values = |raw: &Raw| match raw {
        Raw::Array(_, many) if many.is_empty() => None,
        Raw::Array(_, many) => many.iter().map(expected).collect(),
        one => expected(one).map(|one| vec![one]),
    };
    let claim = |(name, raw): (&String, &Raw)| Some((name.clone(), values(raw)?));
    raw.as_dict()?.iter().map(claim).collect()
}

fn integer_of(number: &Num) -> Option<i64> {
    let unsigned = || i64::try_from(number.to_u128()?).ok();
    number.to_i128().and_then(|number| i64::try_from(number).ok()).or_else(unsigned)
}

pub(super) fn whole_number_of(raw: &Raw) -> Option<u32> {
    match raw {
        Raw::Num(_, number) => number.to_u128_lossy()?.try_into().ok(),
        _ => None,
    }
}

/// Reads a table of tables, each with its name.
pub(super) fn tables_of(raw: &Raw) -> Option<Vec<(String, Dict)>> {
    let table = |(name, raw): (&String, &Raw)| Some((name.clone(), raw.as_dict()?.clone()));
    raw.as_dict()?.iter().map(table).collect()
}
