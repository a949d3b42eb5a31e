//! Parses the arguments of the attributes.

use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitBool, LitStr, Path, Result, Token};

/// The arguments of `#[user_scoped(…)]`.
#[derive(Default)]
pub(crate) struct UserScopedArgs {
    /// The name of the segment, if it is not `user_id`.
    pub(crate) param: Option<LitStr>,
    /// The requirement that admits other callers than the owner.
    pub(crate) or: Option<Path>,
    pub(crate) scope: Option<Scopes>,
    /// The reason why nothing is checked.
    pub(crate) exempt: Option<LitStr>,
}

/// The arguments of `#[scoped(…)]`.
pub(crate) struct ScopedArgs {
    /// The name of the segment.
    pub(crate) segment: Ident,
    /// The type that admits callers to it.
    pub(crate) by: Path,
    /// The requirement that admits others.
    pub(crate) or: Option<Path>,
    pub(crate) scope: Option<Scopes>,
}

/// The arguments of `#[authorized(…)]`.
#[derive(Default)]
pub(crate) struct AuthorizedArgs {
    pub(crate) requirement: Option<Path>,
    /// `true` if a machine's token may pass as well.
    pub(crate) machines: Option<LitBool>,
    pub(crate) scope: Option<Scopes>,
}

/// OAuth scopes, as in `scope = "tasks:read tasks:write"`.
pub(crate) struct Scopes(LitStr);

const PARAM: &str = "expected a string: `param = \"user_id\"`";
const OR: &str = "`or` takes a type, without quotes: `or = Admin`";
const EXEMPT: &str = "`exempt` needs a reason: `exempt = \"…\"`";
const MACHINES: &str = "`machines` takes `true` or `false`: `machines = true`";
const SCOPE: &str = "`scope` takes OAuth scopes of visible ASCII without `\"` and `\\`, and one \
                     space between two: `scope = \"tasks:read tasks:write\"`";
const USER_SCOPED: &str = "write `#[user_scoped]`, `#[user_scoped(param = \"account_id\")]`, \
     `#[user_scoped(or = Admin)]`, `#[user_scoped(scope = \"tasks:read\")]` or \
     `#[user_scoped(exempt = \"the reason\")]`";
const SCOPED: &str = "write `#[scoped(org_id: Organization)]`: the name of a segment, without \
                      quotes, and the type that admits callers to it";
const AUTHORIZED: &str = "write `#[authorized]`, `#[authorized(Admin)]` or \
                          `#[authorized(Admin, machines = true)]`";

impl UserScopedArgs {
    /// Returns the name of the segment that holds the user.
    pub(crate) fn param(&self) -> String {
        self.param.as_ref().map_or_else(|| "user_id".into(), LitStr::value)
    }
}

impl Parse for UserScopedArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            if let Ok(unnamed) = input.parse::<LitStr>() {
                return Err(unnamed_argument(&unnamed));
            }
            let key: Ident =
                input.parse().map_err(|error| Error::new(error.span(), USER_SCOPED))?;
            match key.to_string().as_str() {
                "param" => set(&mut args.param, &key, PARAM, input)?,
                "or" => set(&mut args.or, &key, OR, input)?,
                "scope" => set(&mut args.scope, &key, SCOPE, input)?,
                "exempt" => set(&mut args.exempt, &key, EXEMPT, input)?,
                "machines" => {
                    let message = "a machine owns no path, so `#[user_scoped]` lets none in: \
                                   `machines = true` is for `#[authorized]`";
                    return Err(Error::new(key.span(), message));
                }
                _ => return Err(unknown_argument(&key, &["param", "or", "scope", "exempt"])),
            }
            separator(input, USER_SCOPED)?;
        }
        args.check()
    }
}

impl UserScopedArgs {
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
            return Err(Error::new(exempt.span(), EXEMPT));
        }

        if let (Some(or), Some(_)) = (&self.or, &self.exempt) {
            let message = "`exempt` checks nothing, so `or` has nobody to let in: remove one";
            return Err(Error::new_spanned(or, message));
        }

        if let (Some(Scopes(scope)), Some(_)) = (&self.scope, &self.exempt) {
            let message = "`exempt` checks nothing, so `scope` limits nobody: remove one";
            return Err(Error::new(scope.span(), message));
        }

        Ok(self)
    }
}

impl Parse for ScopedArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let segment: Ident = input.parse().map_err(|error| Error::new(error.span(), SCOPED))?;
        input.parse::<Token![:]>().map_err(|_| Error::new(segment.span(), SCOPED))?;
        let by = input.parse().map_err(|error| Error::new(error.span(), SCOPED))?;
        separator(input, SCOPED)?;

        let mut args = Self { segment, by, or: None, scope: None };
        while !input.is_empty() {
            let key: Ident = input.parse().map_err(|error| Error::new(error.span(), SCOPED))?;
            if input.peek(Token![:]) {
                let message = "one segment is scoped by one attribute: for a second one, let the \
                               type look at it in the request";
                return Err(Error::new(key.span(), message));
            }
            match key.to_string().as_str() {
                "or" => set(&mut args.or, &key, OR, input)?,
                "scope" => set(&mut args.scope, &key, SCOPE, input)?,
                "machines" => {
                    let message = "`machines = true` is for `#[authorized]`: if this type may also admit \
                                   machines, add `#[authorized(machines = true)]` below";
                    return Err(Error::new(key.span(), message));
                }
                _ => return Err(unknown_argument(&key, &["or", "scope"])),
            }
            separator(input, SCOPED)?;
        }
        Ok(args)
    }
}

impl Parse for AuthorizedArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        if let Ok(text) = input.parse::<LitStr>() {
            let message = "a requirement is a type, without quotes: `#[authorized(Admin)]`";
            return Err(Error::new(text.span(), message));
        }
        if !input.is_empty() && !input.peek2(Token![=]) {
            args.requirement =
                Some(input.parse().map_err(|error| Error::new(error.span(), AUTHORIZED))?);
            separator(input, AUTHORIZED)?;
        }
        while !input.is_empty() {
            let key: Ident = input.parse().map_err(|error| Error::new(error.span(), AUTHORIZED))?;
            match key.to_string().as_str() {
                "machines" => set(&mut args.machines, &key, MACHINES, input)?,
                "scope" => set(&mut args.scope, &key, SCOPE, input)?,
                "or" => {
                    let message = "`#[authorized]` has nobody to let others in beside: write a \
                                   requirement that either meets";
                    return Err(Error::new(key.span(), message));
                }
                _ if !input.peek(Token![=]) => {
                    let message = "one requirement is asked: write one that asks for both, or \
                                   mount with `protect(…).require::<…>()`";
                    return Err(Error::new(key.span(), message));
                }
                _ => return Err(unknown_argument(&key, &["scope", "machines"])),
            }
            separator(input, AUTHORIZED)?;
        }
        Ok(args)
    }
}

impl Scopes {
    pub(crate) fn value(&self) -> String {
        self.0.value()
    }
}

impl Parse for Scopes {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let text: LitStr = input.parse()?;
        // RFC 6749 section 3.3.
        let is_allowed = |b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let is_scope = |scope: &str| !scope.is_empty() && scope.bytes().all(is_allowed);
        match text.value().split(' ').all(is_scope) {
            true => Ok(Self(text)),
            false => Err(Error::new(text.span(), SCOPE)),
        }
    }
}

/// Parses what follows `key` into an argument that must not be given yet.
fn set<T: Parse>(
    argument: &mut Option<T>,
    key: &Ident,
    message: &str,
    input: ParseStream<'_>,
) -> Result<()> {
    input.parse::<Token![=]>().map_err(|_| Error::new(key.span(), message))?;
    let span = if input.is_empty() { key.span() } else { input.span() };
    let value = input.parse().map_err(|_| Error::new(span, message))?;
    match argument.replace(value) {
        Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice"))),
        None => Ok(()),
    }
}

fn separator(input: ParseStream<'_>, usage: &str) -> Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>().map_err(|error| Error::new(error.span(), usage))?;
    }
    Ok(())
}

fn unnamed_argument(value: &LitStr) -> Error {
    let name = Some(value.value()).filter(|name| syn::parse_str::<Ident>(name).is_ok());
    let name = name.unwrap_or_else(|| "account_id".into());
    Error::new(value.span(), format!("name the argument: `#[user_scoped(param = \"{name}\")]`"))
}

fn unknown_argument(key: &Ident, known: &[&str]) -> Error {
    let near =
        known.iter().find(|known| strsim::osa_distance(known, &key.to_string()) <= known.len() / 2);
    let expected = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of `{}`", known.join("`, `")),
    };
    Error::new(key.span(), format!("unknown argument `{key}`; {expected}"))
}
