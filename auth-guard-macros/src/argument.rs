//! One argument of an attribute: its name, its value, and the comma after it.

use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, Path, Result, Token};

/// Parses what follows `key` into an argument that must not be given yet.
pub(crate) fn set<T: Parse>(
    argument: &mut Option<T>,
    key: &Ident,
    message: &str,
    input: ParseStream<'_>,
) -> Result<()> {
    input.parse::<Token![=]>().map_err(|_| Error::new(key.span(), message))?;
    let span = if input.is_empty() { key.span() } else { input.span() };
    let value = input.parse().map_err(|_| Error::new(span, message))?;
    match argument.replace(value) {
        Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice: remove one"))),
        None => Ok(()),
    }
}

/// Parses the comma before another argument.
pub(crate) fn separator(input: ParseStream<'_>) -> Result<()> {
    if !input.is_empty() && input.parse::<Token![,]>().is_err() {
        return Err(input.error("expected a comma before this"));
    }
    Ok(())
}

/// Returns an error for an argument that the attribute does not have.
pub(crate) fn unknown(key: &Ident, known: &[&str]) -> Error {
    let name = key.to_string();
    let nearest = known.iter().min_by_key(|known| distance(known, &name));
    let expected = match nearest.filter(|known| distance(known, &name) <= known.len() / 2) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of `{}`", known.join("`, `")),
    };
    Error::new(key.span(), format!("unknown argument `{name}`; {expected}"))
}

/// Returns a type as it is written.
pub(crate) fn written(ty: &Path) -> String {
    ty.to_token_stream().to_string().replace(' ', "")
}

/// Returns in how many letters two names differ.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}
