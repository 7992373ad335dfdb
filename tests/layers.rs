//! The layers: who may use whom, where `unsafe` may stand, and what the library never touches.
//!
//! The sources are read as text, without comments, strings and test modules. Every rule is also shown to catch a violation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PICTURE: &str = include_str!("../docs/ARCHITECTURE.md");

/// Which layers a layer may use, itself aside: the rows of the table under `| layer | may use |`.
fn arrows() -> Vec<(String, Vec<String>)> {
    let table = PICTURE.split("| layer | may use |").nth(1).expect("the table of the arrows");
    let rows = table.lines().skip(2).take_while(|row| row.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(|cell| cell.trim().trim_matches('`').to_owned());
        let layer = cells.next().expect("a layer");
        let uses = cells.next().expect("what it uses");
        (
            layer,
            uses.split(", ")
                .filter(|used| !used.is_empty())
                .map(|used| used.trim_matches('`').to_owned())
                .collect(),
        )
    })
    .collect()
}

/// Words that every layer may use; `failure` and `smp` name each other's errors, so they stand outside of the order.
const COMMON: [&str; 3] = ["status", "failure", "json"];

/// What a library without I/O never names.
const NEVER: &[&str] = &[
    "std::time",
    "std::thread",
    "std::net",
    "std::process",
    "std::env",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "rand",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "dbg!",
];

/// The command `smpfota`: a program beside the library, not one of its layers. It may do what a library without I/O may not, and
/// uses the library from outside, by its public names.
const PROGRAM: &str = "cli/";

/// The one file that opens files, and how often it says so.
const OPENS_FILES: (&str, usize) = ("firmware/mod.rs", 1);

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What the sources are held against.
struct Rules {
    layers: Vec<(String, Vec<String>)>,
    /// What lib.rs gives out, and the layer it comes from.
    exports: BTreeMap<String, String>,
}

fn rules() -> Rules {
    Rules { layers: arrows(), exports: reexports(include_str!("../src/lib.rs")) }
}

/// The code alone: comments, strings and characters become blanks.
fn code_of(source: &str) -> String {
    let bytes: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    let blank = |code: &mut String, part: &[char]| {
        part.iter().for_each(|c| code.push(if *c == '\n' { '\n' } else { ' ' }))
    };
    while at < bytes.len() {
        let rest = &bytes[at..];
        let after_word = at > 0 && is_word(bytes[at - 1]);
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => {
                let end = rest.windows(2).position(|pair| pair == ['*', '/']);
                end.map_or(rest.len(), |end| end + 2)
            }
            ['r', '"' | '#', ..] if !after_word => raw_string(&rest[1..]).map_or(0, |length| length + 1),
            ['b', 'r', '"' | '#', ..] if !after_word => raw_string(&rest[2..]).map_or(0, |length| length + 2),
            ['"', ..] => quoted(rest, '"'),
            ['\'', '\\', ..] => quoted(rest, '\''),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if length == 0 {
            code.push(rest[0]);
            at += 1;
        } else {
            blank(&mut code, &rest[..length]);
            at += length;
        }
    }
    code
}

/// The length of `#"..."#` or `"..."`, if it is one.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    (rest.get(hashes) == Some(&'"')).then(|| {
        let mut end = vec!['"'];
        end.extend(std::iter::repeat_n('#', hashes));
        let body = &rest[hashes + 1..];
        let length = body.windows(end.len()).position(|window| window == end).unwrap_or(body.len());
        hashes + 1 + length + end.len()
    })
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.iter().enumerate().skip(1) {
        if escaped {
            escaped = false;
        } else if *c == '\\' {
            escaped = true;
        } else if *c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// Without what is compiled for tests alone: each `#[cfg(test)]` and the braces behind it.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let open = rest.find('{').unwrap_or(rest.len());
        let semicolon = rest.find(';').unwrap_or(rest.len());
        let end = if semicolon < open { semicolon + 1 } else { block_end(rest, open) };
        rest = &rest[end..];
    }
    kept + rest
}

fn block_end(text: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in text[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at + 1;
        }
    }
    text.len()
}

/// The places where `path::` is followed by something; the somethings, groups in braces taken apart.
fn followers(code: &str, path: &str) -> Vec<String> {
    let dense: String =
        code.split_whitespace().collect::<Vec<_>>().join(" ").replace(" :: ", "::").replace(":: ", "::");
    let mut found = Vec::new();
    for (at, _) in dense.match_indices(path) {
        if dense[..at].ends_with(is_word) || dense[..at].ends_with("::") {
            continue;
        }
        let rest = &dense[at + path.len()..];
        if rest.starts_with('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in rest[..block_end(rest, 0)].chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => found.push(std::mem::take(&mut item)),
                    _ if depth == 1 => item.push(c),
                    _ => {}
                }
            }
            found.push(item);
        } else {
            found.push(rest.split(|c| !is_word(c)).next().unwrap_or("").to_owned());
        }
    }
    let first = |item: String| item.trim().split(|c| !is_word(c)).next().unwrap_or("").to_owned();
    found.into_iter().map(first).filter(|item| !item.is_empty()).collect()
}

/// What lib.rs gives out under the crate's own name, and the layer it comes from.
fn reexports(lib: &str) -> BTreeMap<String, String> {
    let code = code_of(lib);
    let mut names = BTreeMap::new();
    for part in code.split("pub use ").skip(1) {
        let part = part.split(';').next().unwrap_or("");
        let (layer, items) = part.split_once("::").expect("a path");
        for item in items.split(|c| !is_word(c)).filter(|item| !item.is_empty()) {
            names.insert(item.to_owned(), layer.trim().to_owned());
        }
    }
    names
}

/// The layers that a source file of `depth` folders below src/ names.
fn used_layers(code: &str, depth: usize, rules: &Rules) -> Vec<String> {
    let mut names = followers(code, "crate::");
    // `super` as often as the module lies deep leads to the root of the crate.
    names.extend(followers(code, &"super::".repeat(depth)));
    let layer = |name: String| match rules.exports.get(&name) {
        Some(layer) => Some(layer.clone()),
        None => rules.layers.iter().any(|(layer, _)| *layer == name).then_some(name),
    };
    let mut layers: Vec<String> = names.into_iter().filter_map(layer).collect();
    layers.sort();
    layers.dedup();
    layers
}

/// Everything wrong in one file; `path` is relative to src/.
fn violations(path: &str, source: &str, rules: &Rules) -> Vec<String> {
    let code = without_tests(&code_of(source));
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    let layer = parts[0];
    let mut wrong = Vec::new();
    if layer != "lib" {
        let Some((_, allowed)) = rules.layers.iter().find(|(name, _)| name == layer) else {
            return vec![format!("{path}: there is no layer {layer}")];
        };
        for used in used_layers(&code, parts.len(), rules) {
            if used != layer && !COMMON.contains(&used.as_str()) && !allowed.contains(&used) {
                wrong.push(format!("{path}: {layer} uses {used}, which no arrow allows"));
            }
        }
    }
    if layer != "ffi" && code.split(|c| !is_word(c)).any(|word| word == "unsafe") {
        wrong.push(format!("{path}: unsafe outside of src/ffi"));
    }
    for name in NEVER {
        if mentions(&code, name) > 0 {
            wrong.push(format!("{path}: {name} in a library without I/O"));
        }
    }
    let files = mentions(&code, "std::fs");
    if files > if path == OPENS_FILES.0 { OPENS_FILES.1 } else { 0 } {
        wrong.push(format!("{path}: std::fs outside of the one place that opens a file"));
    }
    wrong
}

/// How often the code names it, also as `use std::{name, ...}`.
fn mentions(code: &str, name: &str) -> usize {
    let plain = code
        .match_indices(name)
        .filter(|(at, _)| !code[..*at].ends_with(is_word) && !code[at + name.len()..].starts_with(is_word))
        .count();
    let grouped = name.strip_prefix("std::").map_or(0, |item| {
        let groups = code.match_indices("std::{").map(|(at, _)| &code[at..]);
        groups
            .map(|group| {
                followers(&group[..block_end(group, 5)], "std::").iter().filter(|used| *used == item).count()
            })
            .sum()
    });
    plain + grouped
}

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let source = std::fs::read_to_string(&path).expect("UTF-8");
            (path.strip_prefix(&root).expect("below").display().to_string().replace('\\', "/"), source)
        })
        .filter(|(path, _)| !path.starts_with(PROGRAM))
        .collect()
}

#[test]
fn no_import_goes_against_the_arrows() {
    let rules = rules();
    let sources = sources();
    assert!(sources.len() > 50, "the sources were not found");
    let wrong: Vec<String> =
        sources.iter().flat_map(|(path, source)| violations(path, source, &rules)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a kind of bootloader or image may be named: in its room, where it is told, chosen by the caller, or saved.
const NAMES_KINDS: [&str; 5] =
    ["update/kinds/", "update/told.rs", "update/options.rs", "update/saved.rs", "update/saved_v1.rs"];

/// The kinds: what implements the trait, and the values of it.
fn kinds() -> Vec<String> {
    let mut names = Vec::new();
    for (_, source) in sources().iter().filter(|(path, _)| path.starts_with("update/kinds/")) {
        let code = code_of(source);
        let words: Vec<&str> = code.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
        for words in words.windows(3) {
            match words {
                ["Kind", "for", name] if *name != "dyn" => names.push((*name).to_owned()),
                ["static", name, _] if *name != "str" && *name != "dyn" => names.push((*name).to_owned()),
                _ => {}
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The places where the walk of an update knows its kind, instead of asking it.
fn known_kinds(path: &str, source: &str, kinds: &[String]) -> Vec<String> {
    if !path.starts_with("update/") || NAMES_KINDS.iter().any(|room| path.starts_with(room)) {
        return Vec::new();
    }
    let code = without_tests(&code_of(source));
    let dense = code.replace(' ', "");
    // Their modules are private, so that this is the only way to one.
    let paths = ["kinds::", "super::kinds::", "crate::update::kinds::"];
    let named = paths.iter().flat_map(|path| followers(&code, path)).filter(|name| kinds.contains(name));
    let named = named.map(|kind| format!("{path} names {kind}"));
    let modes =
        followers(&code, "BootMode::").into_iter().map(|mode| format!("{path} names BootMode::{mode}"));
    let told = (mentions(&dense, "told.boot") > 0).then(|| format!("{path} asks for the boot mode"));
    named.chain(modes).chain(told).collect()
}

#[test]
fn the_walk_of_an_update_knows_no_kind() {
    let kinds = kinds();
    assert!(kinds.len() > 20 && kinds.contains(&"RECOVERY".to_owned()), "{kinds:?}");
    let sources = sources();
    let known: Vec<String> =
        sources.iter().flat_map(|(path, source)| known_kinds(path, source, &kinds)).collect();
    assert!(known.is_empty(), "{}", known.join("\n"));
    // A kind answers with what to do; a yes or no would leave that to who asks.
    let rooms = &sources.iter().find(|(path, _)| path == "update/kinds/mod.rs").expect("the rooms").1;
    let code = code_of(rooms);
    let open = code.find("trait Kind").expect("the trait");
    let open = open + code[open..].find('{').expect("its methods");
    let methods = &code[open..block_end(&code, open)];
    assert!(methods.matches("fn ").count() > 15 && !methods.contains("-> bool"), "{methods}");
}

#[test]
fn a_planted_kind_is_found() {
    let kinds = kinds();
    for (path, source) in [
        ("update/verify.rs", "if std::ptr::eq(task.kind, &kinds::RECOVERY) {}"),
        ("update/boot.rs", "use super::kinds::{Action, Swap};"),
        ("update/plan.rs", "match mode { BootMode::Swap => {} }"),
        ("update/sequence.rs", "if self.told.boot == mode {}"),
    ] {
        assert_eq!(known_kinds(path, source, &kinds).len(), 1, "{path}: {source}");
    }
    for (path, source) in [
        ("update/kinds/find.rs", "BootMode::Swap"),
        ("update/saved.rs", "BootMode::from_number(1)"),
        ("update/step.rs", "Step::BootMode => Phase::Swap, // RECOVERY"),
        ("session/mod.rs", "Recovery"),
    ] {
        assert_eq!(known_kinds(path, source, &kinds), Vec::<String>::new(), "{path}: {source}");
    }
}

#[test]
fn the_program_stands_outside_of_the_library() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(PROGRAM);
    let files: Vec<_> = std::fs::read_dir(folder).expect("the program").collect();
    assert!(files.len() > 3);
    for file in files {
        let source = std::fs::read_to_string(file.expect("a file").path()).expect("UTF-8");
        let code = code_of(&source);
        assert!(!code.split(|c| !is_word(c)).any(|word| word == "unsafe"), "unsafe in the program");
        // Its own modules alone: what it takes from the library stands under the library's name.
        let own = ["exit", "link", "explain", "drive"];
        assert!(followers(&code, "crate::").iter().all(|name| own.contains(&name.as_str())));
    }
    assert!(!code_of(include_str!("../src/lib.rs")).contains("mod cli"));
}

#[test]
fn no_arrow_points_back() {
    let mut left = arrows();
    for (_, uses) in &mut left {
        uses.retain(|used| !COMMON.contains(&used.as_str()));
    }
    left.retain(|(layer, _)| !COMMON.contains(&layer.as_str()));
    while !left.is_empty() {
        let names: Vec<String> = left.iter().map(|(name, _)| name.clone()).collect();
        let before = left.len();
        left.retain(|(_, uses)| uses.iter().any(|used| names.contains(used)));
        assert!(left.len() < before, "the arrows turn in a circle: {names:?}");
    }
}

#[test]
fn the_picture_and_the_table_name_the_same_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lib = code_of(include_str!("../src/lib.rs"));
    for (path, _) in sources() {
        let layer = path.trim_end_matches(".rs").split('/').next().expect("a part");
        assert!(layer == "lib" || lib.contains(&format!("mod {layer};")), "{path} belongs to no module");
    }
    for (layer, _) in arrows() {
        let there = root.join("src").join(&layer).is_dir() || root.join(format!("src/{layer}.rs")).is_file();
        assert!(there, "docs/ARCHITECTURE.md names {layer}, which is not there");
    }
    // Every folder that the PICTURE names as `src/NAME` is there.
    for (at, _) in PICTURE.match_indices("src/") {
        let name: String = PICTURE[at + 4..].chars().take_while(|c| is_word(*c)).collect();
        let path = root.join("src").join(&name);
        assert!(
            path.is_dir() || path.with_extension("rs").is_file(),
            "docs/ARCHITECTURE.md names src/{name}"
        );
    }
}

#[test]
fn every_rule_catches_its_violation() {
    let rules = rules();
    let found = |path: &str, source: &str| violations(path, source, &rules);
    for (path, source) in [
        ("smp/cbor.rs", "use crate::update::Listing;"),
        ("smp/cbor.rs", "use crate::{status::Status, session::Session};"),
        ("smp/cbor.rs", "fn f() { super::super::upload::x() }"),
        ("smp/mod.rs", "use super::ffi;"),
        ("upload/window.rs", "fn f(s: &crate :: Session) {}"),
        ("diagnose/mod.rs", "use crate::Firmware;"),
        ("firmware/mod.rs", "use crate::smp::Header;"),
        ("conversation/mod.rs", "pub(in crate::upload) fn f() {}"),
        ("nowhere/mod.rs", ""),
        ("upload/mod.rs", "unsafe fn f() {}"),
        ("simulator/rng.rs", "#[allow(unsafe_code)] fn f() { unsafe { g() } }"),
        ("upload/mod.rs", "let t = std::time::Instant::now();"),
        ("upload/mod.rs", "use std::{sync::Arc, thread};"),
        ("simulator/rng.rs", "let x = rand::random();"),
        ("session/mod.rs", "println!(\"\")"),
        ("session/mod.rs", "use std::fs::File;"),
        ("firmware/mod.rs", "std::fs::File::open(a); std::fs::read(b);"),
        ("lib.rs", "use std::net::UdpSocket;"),
    ] {
        assert_eq!(found(path, source).len(), 1, "{path}: {source}: {:?}", found(path, source));
    }
}

#[test]
fn what_only_looks_like_a_violation_is_none() {
    let rules = rules();
    for (path, source) in [
        ("smp/cbor.rs", "// use crate::update::Listing; unsafe\nfn f() { g(\"std::fs unsafe crate::ffi\") }"),
        ("smp/cbor.rs", "/* unsafe */ const A: &str = r#\"crate::ffi \" unsafe\"#; const Q: char = '\"';"),
        ("smp/cbor.rs", "use super::header::Header; use crate::status::Status;"),
        (
            "smp/cbor.rs",
            "#[cfg(test)]\nmod tests { use crate::update::Listing; fn f() { println!(\"{}\", 1) } }",
        ),
        ("ffi/pointers.rs", "unsafe fn f() {}"),
        ("firmware/mod.rs", "let file = std::fs::File::open(path);"),
        ("upload/mod.rs", "use crate::conversation::Conversation; const OPERAND: u8 = 1;"),
    ] {
        assert_eq!(violations(path, source, &rules), Vec::<String>::new(), "{path}: {source}");
    }
}
