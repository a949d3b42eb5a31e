//! The layout of the library: imports point downwards only, and nothing is too long.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The floors of the library, from the bottom up. A file may import from its own floor and
/// from those before it. `lib.rs` is the front door and imports from all.
const FLOORS: [&str; 15] = [
    "sync", "clock", "error", "metrics", "token", "keys", "verifier", "route", "guard", "audit",
    "launch", "openapi", "testing", "docs", "lib",
];

/// The longest file, in lines.
const MAX_FILE: usize = 300;
/// The longest function, in lines.
const MAX_FUNCTION: usize = 60;
/// Files that are mostly data.
const DATA: [&str; 0] = [];

/// A path below `src/`, as a module: `guard::answer`.
type Module = Vec<String>;

struct File {
    module: Module,
    path: PathBuf,
    text: String,
    tokens: TokenStream,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth-guard/src")
}

fn files() -> Vec<File> {
    let (mut files, mut folders) = (Vec::new(), vec![source()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a file");
                let tokens = text.parse().expect("tokens");
                files.push(File { module: module(&path), path, text, tokens });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn module(path: &Path) -> Module {
    let path = path.strip_prefix(source()).expect("below src").with_extension("");
    let names = path.iter().map(|name| name.to_string_lossy().into_owned());
    let mut module: Module = names.filter(|name| name != "mod").collect();
    // The twin has the place of the folder it stands in for.
    if module == ["keys", "no_public"] {
        module = vec!["keys".into(), "public".into()];
    }
    module
}

/// Collects every path that begins with `crate`, `super` or `self`, in `use` and elsewhere.
fn paths(tokens: TokenStream, of: &Module, found: &mut Vec<Module>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) if !is_separator(&tokens, index.wrapping_sub(1)) => {
                let start = match ident.to_string().as_str() {
                    "crate" => Some(Vec::new()),
                    "super" => Some(of[..of.len().saturating_sub(1)].to_vec()),
                    "self" => Some(of.clone()),
                    _ => None,
                };
                if let Some(start) = start.filter(|_| is_separator(&tokens, index + 2)) {
                    tree(&tokens[index + 1..], start, found);
                }
            }
            TokenTree::Group(group) => match &tokens[..index] {
                [.., TokenTree::Ident(keyword), TokenTree::Ident(name)] if keyword == "mod" => {
                    let inline = [&of[..], &[name.to_string()]].concat();
                    paths(group.stream(), &inline, found);
                }
                _ => paths(group.stream(), of, found),
            },
            _ => {}
        }
    }
}

/// Returns `true` if the token at `index` is the second colon of `::`.
fn is_separator(tokens: &[TokenTree], index: usize) -> bool {
    let is_colon = |index: usize| matches!(tokens.get(index), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(index) && (is_colon(index.wrapping_sub(1)) || is_colon(index + 1))
}

/// Follows `::a::{b, c::d}` from after its first segment.
fn tree(tokens: &[TokenTree], mut path: Module, found: &mut Vec<Module>) {
    let mut index = 0;
    while is_separator(tokens, index) && is_separator(tokens, index + 1) {
        match tokens.get(index + 2) {
            Some(TokenTree::Ident(ident)) if ident == "super" => drop(path.pop()),
            Some(TokenTree::Ident(ident)) => path.push(ident.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                let is_comma =
                    |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
                for branch in tokens.split(is_comma) {
                    if let Some(TokenTree::Ident(ident)) = branch.first() {
                        let mut path = path.clone();
                        path.push(ident.to_string());
                        tree(&branch[1..], path, found);
                    }
                }
                return;
            }
            _ => break,
        }
        index += 3;
    }
    found.push(path);
}

#[test]
fn imports_point_downwards_only_and_no_two_files_import_each_other() {
    let files = files();
    let modules: BTreeSet<_> = files.iter().map(|file| file.module.clone()).collect();
    let floor = |module: &Module| {
        let name = module.first().map_or("lib", String::as_str);
        let position = FLOORS.iter().position(|floor| *floor == name);
        position.unwrap_or_else(|| panic!("`{name}` has no floor: write it into FLOORS"))
    };

    let (mut faults, mut imports) = (Vec::new(), BTreeMap::<Module, BTreeSet<Module>>::new());
    for file in &files {
        let mut found = Vec::new();
        paths(file.tokens.clone(), &file.module, &mut found);
        for path in found {
            // The longest part of the path that is a file.
            let to = (0..=path.len()).rev().map(|length| path[..length].to_vec());
            let Some(to) = to.into_iter().find(|to| modules.contains(to)) else { continue };
            if to == file.module || file.module == ["lib"] {
                continue;
            }
            if floor(&to) > floor(&file.module) {
                faults.push(format!("{} imports {}", file.path.display(), path.join("::")));
            }
            imports.entry(file.module.clone()).or_default().insert(to);
        }
    }
    assert!(imports.len() > 20, "hardly anything was read: {imports:?}");

    for (from, to) in &imports {
        for to in to.iter().filter(|to| *to > from) {
            if imports.get(to).is_some_and(|back| back.contains(from)) {
                faults.push(format!("{} and {} import each other", from.join("::"), to.join("::")));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn tokens_and_keys_know_nothing_of_rocket() {
    for file in files() {
        let is_below =
            ["token", "keys"].iter().any(|floor| file.module.first().is_some_and(|f| f == floor));
        if is_below {
            let names = file.text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in names {
                assert!(!line.contains("rocket::"), "{}: {line}", file.path.display());
            }
        }
    }
}

#[test]
fn no_file_and_no_function_is_too_long() {
    let mut faults = Vec::new();
    for file in files() {
        let name = file.path.strip_prefix(source()).expect("below src").display().to_string();
        let lines = file.text.lines().count();
        if lines > MAX_FILE && !DATA.contains(&&*name) {
            faults.push(format!("{name} has {lines} lines"));
        }
        functions(file.tokens, &mut |function, lines| {
            if lines > MAX_FUNCTION {
                faults.push(format!("{name}: `{function}` has {lines} lines"));
            }
        });
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Calls `each` with the name of every function and the number of its lines.
fn functions(tokens: TokenStream, each: &mut impl FnMut(&str, usize)) {
    let mut current: Option<(String, usize)> = None;
    let mut is_fn = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if is_fn => {
                current = Some((ident.to_string(), ident.span().start().line));
                is_fn = false;
            }
            TokenTree::Ident(ident) => is_fn = ident == "fn",
            TokenTree::Punct(punct) if punct.as_char() == ';' => current = None,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                if let Some((name, start)) = current.take() {
                    each(&name, group.span_close().end().line - start + 1);
                }
                functions(group.stream(), each);
            }
            _ => is_fn = false,
        }
    }
}
