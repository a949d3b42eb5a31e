//! The documents read well on a page of the repository and in rustdoc.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The targets of the links between documents, for rustdoc.
const FOR_RUSTDOC: &str = include_str!("../../../auth-guard/src/docs/links.md");
/// The images of the documents, for rustdoc: `tests/chart` writes it.
const IMAGES: &str = include_str!("../../../auth-guard/src/docs/images.md");
/// The documents in the order in which they are read.
const INDEX: &str = include_str!("../../../auth-guard/src/docs/index.md");
/// The modules that the documents are in rustdoc.
const MODULES: &str = include_str!("../../../auth-guard/src/docs.rs");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth-guard/docs")
}

/// Returns the text of each document, by its name.
fn documents() -> BTreeMap<String, String> {
    let paths = folder().read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    let documents =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let named = documents.map(|path| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        (name, std::fs::read_to_string(path).expect("UTF-8"))
    });
    named.collect()
}

/// Splits a document into its prose, without code, and the lines of its blocks in Rust.
fn split(document: &str) -> (String, Vec<&str>) {
    let (mut prose, mut rust, mut fence) = (String::new(), Vec::new(), None);
    for line in document.lines() {
        match (fence, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (Some(language), None) if language.starts_with("rust") => rust.push(line),
            (Some(_), None) => {}
            (None, None) => {
                // Code in a line may contain brackets that are no link.
                let code = line.split('`').enumerate();
                let text = code.map(|(n, text)| if n % 2 == 0 { text } else { "code" });
                prose += &text.collect::<Vec<_>>().join("`");
                prose.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a block of code does not end");
    (prose, rust)
}

/// Returns the anchors of the headings, as repository pages and rustdoc make them.
fn anchors(document: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let headings = document.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    let anchor = |line: &str| {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let text: String = line.trim_start_matches('#').trim().chars().filter(kept).collect();
        text.to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// Returns the definitions `[label]: target`.
fn definitions(document: &str) -> BTreeMap<&str, &str> {
    let lines = document.lines().filter(|line| line.starts_with('['));
    lines.filter_map(|line| line[1..].split_once("]: ")).collect()
}

/// Returns the targets of `[text](target)`, and the labels of `[text][label]`.
fn links(prose: &str) -> (Vec<&str>, Vec<&str>) {
    let until = |text: &'_ str, end| text.split(end).next().unwrap_or_default().len();
    let after = |mark, end| {
        let found = prose.match_indices(mark).map(move |(at, _)| &prose[at + 2..]);
        found.map(move |text| &text[..until(text, end)]).collect()
    };
    (after("](", ')'), after("][", ']'))
}

#[test]
fn every_document_has_one_title() {
    for (name, document) in documents() {
        let mut lines = document.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("# ")), "{name}: no title");
        assert_eq!(lines.next(), Some(""), "{name}: no line below the title");
        let (prose, _) = split(&document);
        assert_eq!(prose.matches("\n# ").count(), 0, "{name}: a second title");
    }
}

/// A page of the repository shows lines that rustdoc hides.
#[test]
fn no_document_has_a_hidden_line_or_a_link_for_rustdoc_only() {
    for (name, document) in documents() {
        let (prose, rust) = split(&document);
        for line in rust {
            let line = line.trim_start();
            assert!(line != "#" && !line.starts_with("# "), "{name}: hidden: {line}");
        }
        for path in
            ["](crate", "]: crate", "](macro@", "](fn@", "](struct@", "](trait@", "]: macro@"]
        {
            assert!(!prose.contains(path), "{name}: {path}");
        }
        // `[`Owner`]` alone is a link in rustdoc, and brackets elsewhere.
        let defined = definitions(&document);
        for (at, _) in prose.match_indices("`]") {
            let rest = &prose[at + 2..];
            let is_link = rest.starts_with('(') || rest.starts_with('[');
            assert!(is_link, "{name}: brackets: {}", rest.lines().next().unwrap_or_default());
        }
        for label in links(&prose).1 {
            assert!(defined.contains_key(label), "{name}: [{label}] has no target");
        }
    }
}

/// Links between documents have labels, which have one target here and another in rustdoc.
#[test]
fn every_link_of_a_document_leads_somewhere_on_both_kinds_of_page() {
    let documents = documents();
    let (rustdoc, images) = (definitions(FOR_RUSTDOC), definitions(IMAGES));
    let mut used = BTreeSet::new();
    for (name, document) in &documents {
        let (prose, _) = split(document);
        let (targets, labels) = links(&prose);
        for target in targets {
            let is_there = match target.strip_prefix('#') {
                Some(anchor) => anchors(document).contains(anchor),
                None => target.starts_with("https://"),
            };
            assert!(is_there, "{name}: ({target}) is no heading here, and no address");
        }
        let defined = definitions(document);
        for (label, target) in &defined {
            assert!(labels.contains(label), "{name}: nothing links to [{label}]");
            if let Some(image) = images.get(label) {
                let file = std::fs::read(folder().join(target)).expect("an image");
                let copy = image.strip_prefix("data:image/svg+xml;base64,").expect("a copy");
                assert!(STANDARD.decode(copy).is_ok_and(|copy| copy == file), "{label} is another");
                used.insert(*label);
                continue;
            }
            assert!(rustdoc.contains_key(label), "{name}: links.md has no [{label}]");
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            assert!(folder().join(file).exists(), "{name}: there is no {file}");
            if let Some(other) = file.strip_suffix(".md").and_then(|file| documents.get(file)) {
                let is_there = anchor.is_empty() || anchors(other).contains(anchor);
                assert!(is_there, "{name}: {file} has no heading #{anchor}");
                let path = target.replacen(".md", "", 1);
                assert_eq!(*label, path, "{name}");
                let (module, anchor) = path.split_once('#').unwrap_or((&path, ""));
                let hash = if anchor.is_empty() { "" } else { "#" };
                let module = module.replace('-', "_");
                assert_eq!(rustdoc[label], format!("crate::docs::{module}{hash}{anchor}"));
            }
            used.insert(*label);
        }
    }
    let (_, of_the_index) = links(INDEX);
    used.extend(of_the_index);
    let known: BTreeSet<_> = rustdoc.into_keys().chain(images.into_keys()).collect();
    assert_eq!(known.difference(&used).collect::<Vec<_>>(), [&""; 0], "unused in links.md");
}

#[test]
fn the_index_and_rustdoc_have_every_document() {
    let (_, listed) = links(INDEX);
    let listed: BTreeSet<_> = listed.into_iter().map(str::to_owned).collect();
    let names: BTreeSet<_> = documents().into_keys().collect();
    assert_eq!(listed, names);
    for name in names {
        let module = format!("{}: \"{name}.md\",", name.replace('-', "_"));
        assert!(MODULES.contains(&module), "no module {module}");
    }
}
