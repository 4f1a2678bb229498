//! Holds the modules of the broker to their order: each may use those before it, none of its own rank or after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The ranks, lowest first; a module may only use modules of a lower rank.
const RANKS: &[&[&str]] = &[
    &["clock", "error", "private", "seal"],
    &["keys", "revocation"],
    &["proof"],
    &["role"],
    &["trust"],
    &["session"],
    &["store", "audit"],
    &["fetch"],
    &["config"],
    &["app"],
    &["federate", "authorize", "administer", "simulate"],
    &["api"],
    &["dev"],
];

/// What may be named in some modules only. `commands` and `main` are the binary: they use the library as anybody does.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("axum::", &["api", "dev"]),
    ("axum_server::", &["api", "dev"]),
    ("http::StatusCode", &["api", "dev"]),
    ("http::{StatusCode", &["api", "dev"]),
    ("reqwest::", &["fetch"]),
    ("use redis::", &["store/redis"]),
    ("::redis::{self, aio", &["store/redis"]),
    ("SystemTime::now", &["clock"]),
    ("std::time::Instant", &["clock"]),
    ("time::{Duration, Instant}", &["clock"]),
    ("Timestamp::now", &["clock"]),
    ("Zoned::now", &["clock"]),
];

fn sources() -> std::io::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap_or(&path).with_extension("");
                found.push((name.to_string_lossy().into_owned(), std::fs::read_to_string(&path)?));
            }
        }
    }
    Ok(found)
}

/// The code of a file without comments and without its inline tests; nothing for a file of tests.
fn code(name: &str, text: &str) -> String {
    if name.split('/').any(|part| part == "tests") {
        return String::new();
    }
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = before_tests.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every module that the code names by `crate::`, in single and in grouped `use` items and in paths.
fn used(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.extend(name(after)),
        }
    }
    found
}

/// The first names of the items of a group, whose opening brace is taken already.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut item, mut items) = (0_usize, String::new(), Vec::new());
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ if depth == 0 => item.push(character),
            _ => {}
        }
    }
    items.push(item);
    items.iter().filter_map(|item| name(item.trim())).collect()
}

fn name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!name.is_empty() && name.starts_with(|c: char| c.is_ascii_lowercase())).then_some(name)
}

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|modules| modules.contains(&module))
}

/// What a file does against the order, one text each.
fn violations(file: &str, text: &str) -> Vec<String> {
    let code = code(file, text);
    let module = file.split('/').next().unwrap_or_default();
    let mut wrong = Vec::new();
    for (what, places) in KEPT_IN {
        let at_home = places.iter().any(|place| file == *place || file.starts_with(&format!("{place}/")));
        if code.contains(what) && !at_home {
            wrong.push(format!("{file} names `{what}`, which is only for {}", places.join(", ")));
        }
    }
    if matches!(module, "lib" | "main" | "commands") {
        return wrong;
    }
    let Some(own) = rank(module) else {
        wrong.push(format!("{module} has no place in the order"));
        return wrong;
    };
    for other in used(&code).iter().filter(|other| *other != module) {
        match rank(other) {
            Some(theirs) if theirs < own => {}
            Some(_) => wrong.push(format!("{file} uses {other}, which comes no earlier")),
            None => wrong.push(format!("{file} uses {other}, which has no place in the order")),
        }
    }
    wrong
}

#[test]
fn imports_point_one_way() {
    let sources = sources().unwrap();
    assert!(sources.len() > 100, "only {} sources", sources.len());
    let wrong: Vec<String> = sources.iter().flat_map(|(file, text)| violations(file, text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_planted_violation_is_found() {
    for (file, planted) in [
        ("proof/oidc", "use crate::app::App;"),
        ("trust", "use crate::{\n    proof::{self, oidc},\n    session::Session,\n};"),
        ("store/embedded", "fn f() { crate::audit::find(); }"),
        ("federate", "use crate::authorize::Caller;"),
        ("session", "use crate::unheard_of::Thing;"),
        ("unheard_of", ""),
        ("federate/issue", "use axum::Router;"),
        ("authorize", "use http::StatusCode;"),
        ("store/embedded/reader", "use redis::Client;"),
        ("proof/oidc/keys", "let client = reqwest::Client::new();"),
        ("session/claims", "let now = jiff::Timestamp::now();"),
        ("commands/serve", "use axum::Router;"),
    ] {
        assert_eq!(violations(file, planted).len(), 1, "{file}: {planted}");
    }
}

#[test]
fn what_is_in_order_is_not_reported() {
    for (file, sound) in [
        ("trust", "use crate::proof::FederatedIdentity; // crate::app is not used"),
        ("store/redis/lane", "use redis::Client;\nuse crate::store::Store;"),
        ("api/sts", "use axum::Router;\nuse crate::federate::Issued;"),
        ("federate/tests", "use crate::authorize::Caller;"),
        ("session", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::app::App;\n}"),
    ] {
        assert_eq!(violations(file, sound), [""; 0], "{file}: {sound}");
    }
}
