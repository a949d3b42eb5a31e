//! Parses what stands between the parentheses of `#[user_scoped(…)]`.

use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Path, Result, Token};

/// The arguments, as far as they are given.
#[derive(Default)]
pub(crate) struct Args {
    /// The segment's name, if it is not `user_id`.
    pub(crate) param: Option<LitStr>,
    /// Who passes besides the owner.
    pub(crate) or: Option<Path>,
    /// Why nothing is to be checked.
    pub(crate) exempt: Option<LitStr>,
}

const USAGE: &str = "write `#[user_scoped]`, `#[user_scoped(param = \"account_id\")]`, \
                     `#[user_scoped(or = Admin)]` or `#[user_scoped(exempt = \"the reason\")]`";

impl Args {
    /// The name of the segment that holds the user.
    pub(crate) fn param(&self) -> String {
        self.param.as_ref().map_or_else(|| "user_id".into(), LitStr::value)
    }
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse().map_err(|error| Error::new(error.span(), USAGE))?;
            let is_second = match key.to_string().as_str() {
                "param" => args.param.replace(value(&key, "a string", input)?).is_some(),
                "or" => args.or.replace(value(&key, "a type", input)?).is_some(),
                "exempt" => args.exempt.replace(value(&key, "a string", input)?).is_some(),
                _ => {
                    return Err(Error::new(
                        key.span(),
                        format!("unknown argument `{key}`: {USAGE}"),
                    ));
                }
            };
            if is_second {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>().map_err(|error| Error::new(error.span(), USAGE))?;
            }
        }

        args.check()
    }
}

/// What stands behind `key =`.
fn value<T: Parse>(key: &Ident, expected: &str, input: ParseStream<'_>) -> Result<T> {
    let value = input.parse::<Token![=]>().and_then(|_| input.parse());
    value.map_err(|_| Error::new(key.span(), format!("`{key}` needs {expected}: {USAGE}")))
}

impl Args {
    fn check(self) -> Result<Self> {
        if let Some(param) = &self.param
            && syn::parse_str::<Ident>(&param.value()).is_err()
        {
            let message = "`param` is the name of a segment, without `<` and `>`: write \
                           `param = \"account_id\"` for `<account_id>`";
            return Err(Error::new(param.span(), message));
        }

        if let Some(exempt) = &self.exempt
            && exempt.value().trim().is_empty()
        {
            let message = "an exception needs its reason: write `exempt = \"the reason\"`";
            return Err(Error::new(exempt.span(), message));
        }

        if let (Some(or), Some(_)) = (&self.or, &self.exempt) {
            let message = "`exempt` checks nothing, so `or` has nobody to let in: remove one";
            return Err(Error::new_spanned(or, message));
        }

        Ok(self)
    }
}
