//! Parses the arguments of the attributes.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitBool, LitStr, Path, Result, Token};

use crate::argument::{separator, set, unknown, written};

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
const SCOPE: &str = "expected a string: `scope = \"tasks:read tasks:write\"`";
const SCOPES: &str = "`scope` takes OAuth scopes of visible ASCII without `\"` and `\\`, and one \
                      space between two: `scope = \"tasks:read tasks:write\"`";
const USER_SCOPED: &str = "expected an argument: `param = \"account_id\"`, `or = Admin`, \
                           `scope = \"tasks:read\"` or `exempt = \"the reason\"`";
const SCOPED: &str = "expected an argument: `or = Admin` or `scope = \"tasks:read\"`";
const SEGMENT: &str = "name a segment, and the type that admits callers to it: \
                       `#[scoped(org_id: Organization)]`";
const AUTHORIZED: &str = "expected a type, which stands first, or an argument: \
                          `#[authorized(Admin, scope = \"tasks:read\", machines = true)]`";

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
            if let Some(unnamed) = unnamed_argument(input)? {
                return Err(unnamed);
            }
            let key = key(input, USER_SCOPED)?;
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
                _ => return Err(unknown(&key, &["param", "or", "scope", "exempt"])),
            }
            separator(input)?;
        }
        args.check()
    }
}

impl UserScopedArgs {
    fn check(self) -> Result<Self> {
        if let Some(param) = &self.param
            && !is_name(&param.value())
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

        check_scopes(self.scope.as_ref())?;
        Ok(self)
    }
}

impl Parse for ScopedArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let segment = segment(input)?;
        let by = scope_type(&segment, input)?;
        separator(input)?;

        let mut args = Self { segment, by, or: None, scope: None };
        while !input.is_empty() {
            let key = key(input, SCOPED)?;
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
                _ => return Err(unknown(&key, &["or", "scope"])),
            }
            separator(input)?;
        }
        check_scopes(args.scope.as_ref())?;
        Ok(args)
    }
}

impl Parse for AuthorizedArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            let message = "a requirement is a type, without quotes: `#[authorized(Admin)]`";
            return Err(Error::new(text.span(), message));
        }
        let is_argument =
            |path: Path| ["machines", "scope", "or"].iter().any(|of| path.is_ident(of));
        let is_argument = input.peek2(Token![=]) || input.fork().parse().is_ok_and(is_argument);
        if !input.is_empty() && !is_argument {
            args.requirement =
                Some(input.parse().map_err(|error| Error::new(error.span(), AUTHORIZED))?);
            separator(input)?;
        }
        while !input.is_empty() {
            let key = key(input, AUTHORIZED)?;
            match key.to_string().as_str() {
                "machines" => set(&mut args.machines, &key, MACHINES, input)?,
                "scope" => set(&mut args.scope, &key, SCOPE, input)?,
                "or" => {
                    let message = "`#[authorized]` has nobody to let others in beside: write a \
                                   requirement that either meets";
                    return Err(Error::new(key.span(), message));
                }
                _ if !input.peek(Token![=]) && args.requirement.is_none() => {
                    let message = "the type stands first: `#[authorized(Admin, machines = true)]`";
                    return Err(Error::new(key.span(), message));
                }
                _ if !input.peek(Token![=]) => {
                    let message = "one requirement is asked: write one that asks for both, or \
                                   mount with `protect(…).require::<…>()`";
                    return Err(Error::new(key.span(), message));
                }
                _ => return Err(unknown(&key, &["scope", "machines"])),
            }
            separator(input)?;
        }
        check_scopes(args.scope.as_ref())?;
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
        input.parse().map(Self)
    }
}

/// Refuses a text that is no list of scopes (RFC 6749 section 3.3).
fn check_scopes(scopes: Option<&Scopes>) -> Result<()> {
    let Some(Scopes(text)) = scopes else { return Ok(()) };
    let is_allowed = |b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    let is_scope = |scope: &str| !scope.is_empty() && scope.bytes().all(is_allowed);
    match text.value().split(' ').all(is_scope) {
        true => Ok(()),
        false => Err(Error::new(text.span(), SCOPES)),
    }
}

/// Returns `true` if a segment may have this name: Rocket refuses `<r#type>`.
fn is_name(name: &str) -> bool {
    syn::parse_str::<Ident>(name).is_ok() && !name.starts_with("r#")
}

/// Parses the name of an argument. A keyword is one that is unknown.
fn key(input: ParseStream<'_>, expected: &str) -> Result<Ident> {
    input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), expected))
}

/// Returns an error if what follows in `#[user_scoped(…)]` is a string or a type without the
/// name of its argument.
fn unnamed_argument(input: ParseStream<'_>) -> Result<Option<Error>> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        let name =
            Some(text.value()).filter(|name| is_name(name)).unwrap_or_else(|| "account_id".into());
        let message = format!("name the argument: `#[user_scoped(param = \"{name}\")]`");
        return Ok(Some(Error::new(text.span(), message)));
    }
    let fork = input.fork();
    let is_named = fork.call(Ident::parse_any).is_ok() && fork.peek(Token![=]);
    let Ok(path) = input.fork().parse::<Path>() else { return Ok(None) };
    let name = path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    let is_known = ["param", "or", "scope", "exempt", "machines"].contains(&&*name);
    if is_named || is_known && path.get_ident().is_some() {
        return Ok(None);
    }
    let message = match name.starts_with(char::is_uppercase) {
        true => {
            let ty = written(&path);
            format!(
                "name the argument: `or = {ty}` lets others than the owner in. To ask for `{ty}` as \
                 well, write `#[authorized({ty})]` below"
            )
        }
        false => format!("name the argument: `#[user_scoped(param = \"{name}\")]`"),
    };
    Ok(Some(Error::new_spanned(path, message)))
}

/// Parses the name of the segment in `#[scoped(org_id: Organization)]`.
fn segment(input: ParseStream<'_>) -> Result<Ident> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        let message = "a segment is named without quotes: `#[scoped(org_id: Organization)]`";
        return Err(Error::new(text.span(), message));
    }
    if input.peek(Token![<]) {
        let message = "a segment is named without `<` and `>`: `#[scoped(org_id: Organization)]`";
        return Err(Error::new(input.span(), message));
    }
    input.parse().map_err(|error| Error::new(error.span(), SEGMENT))
}

/// Parses the `: Organization` after the name of the segment.
fn scope_type(segment: &Ident, input: ParseStream<'_>) -> Result<Path> {
    if input.peek(Token![=]) {
        let message = format!("expected a colon instead: `#[scoped({segment}: Organization)]`");
        return Err(Error::new(input.span(), message));
    }
    let is_type = segment.to_string().starts_with(char::is_uppercase);
    if input.peek(Token![::]) || !input.peek(Token![:]) {
        let message = match is_type {
            true => format!("name the segment, too: `#[scoped(org_id: {segment})]`"),
            false => format!(
                "name the type that admits callers to it, too: `#[scoped({segment}: Organization)]`"
            ),
        };
        return Err(Error::new(segment.span(), message));
    }
    input.parse::<Token![:]>()?;
    let span = if input.is_empty() { segment.span() } else { input.span() };
    input.parse().map_err(|_| {
        let message =
            format!("`{segment}` takes a type, without quotes: `{segment}: Organization`");
        Error::new(span, message)
    })
}
