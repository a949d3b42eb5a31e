//! Parses what stands between the parentheses of `#[user_scoped(…)]`.

use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Result, Token};

/// The arguments, as far as they are given.
#[derive(Default)]
pub(crate) struct Args {
    /// The segment's name, if it is not `user_id`.
    pub(crate) param: Option<LitStr>,
    /// Why nothing is to be checked.
    pub(crate) exempt: Option<LitStr>,
}

const USAGE: &str = "write `#[user_scoped]`, `#[user_scoped(param = \"account_id\")]` or \
                     `#[user_scoped(exempt = \"the reason\")]`";

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
            let slot = match key.to_string().as_str() {
                "param" => &mut args.param,
                "exempt" => &mut args.exempt,
                _ => {
                    return Err(Error::new(
                        key.span(),
                        format!("unknown argument `{key}`: {USAGE}"),
                    ));
                }
            };
            if slot.is_some() {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }

            let value = input.parse::<Token![=]>().and_then(|_| input.parse::<LitStr>());
            let value = value
                .map_err(|_| Error::new(key.span(), format!("`{key}` needs a string: {USAGE}")))?;
            *slot = Some(value);
            if !input.is_empty() {
                input.parse::<Token![,]>().map_err(|error| Error::new(error.span(), USAGE))?;
            }
        }

        args.check()
    }
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

        Ok(self)
    }
}
