//! Which attacks have a test: test names all over the workspace against the committed list of rows.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

/// The committed list, and which of its rows are due.
struct Rows {
    due: BTreeSet<String>,
    known: BTreeSet<String>,
}

#[test]
fn every_test_is_named_after_a_known_row_and_due_rows_without_one_are_listed() {
    let rows = rows(include_str!("../rows.txt"));
    let named = named(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace"));
    let unknown: Vec<&String> = named.difference(&rows.known).collect();
    assert!(unknown.is_empty(), "tests are named after rows that tests/rows.txt does not have: {unknown:?}");
    let missing: Vec<&str> = rows.due.difference(&named).map(String::as_str).collect();
    let listed = if missing.is_empty() { "none".to_owned() } else { missing.join(" ") };
    // Straight to the stream, since what a passing test prints is kept back.
    writeln!(std::io::stderr(), "rows not covered yet: {listed}").expect("standard error");
}

fn rows(text: &str) -> Rows {
    let mut rows = Rows { due: BTreeSet::new(), known: BTreeSet::new() };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (due, range) = line.split_once(' ').expect("a kind and a range");
        let (first, last) = range.split_once('-').expect("a first and a last row");
        let number = |row: &str| row[1..].parse::<u32>().expect("a number");
        for number in number(first)..=number(last) {
            let row = format!("{}{number:02}", &first[..1]);
            if due == "due" {
                rows.due.insert(row.clone());
            }
            rows.known.insert(row);
        }
    }
    rows
}

/// The rows that functions marked as tests are named after.
fn named(workspace: &Path) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for file in sources(workspace) {
        let text = std::fs::read_to_string(file).expect("a source file");
        let functions = text.lines().filter_map(|line| {
            let line = line.trim_start().trim_start_matches("async ");
            line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next())
        });
        rows.extend(functions.flat_map(leading_rows));
    }
    rows
}

/// `v01_v02_path_tricks` is named after two rows.
fn leading_rows(name: &str) -> Vec<String> {
    let row = |part: &&str| {
        part.len() == 3
            && part.starts_with(|c: char| c.is_ascii_lowercase())
            && part[1..].parse::<u8>().is_ok()
    };
    name.split('_').take_while(row).map(str::to_uppercase).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "fuzz"].contains(&name.as_str()) && !name.starts_with('.') {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_name_may_carry_several_rows() {
    assert_eq!(leading_rows("v01_v02_path_tricks"), ["V01", "V02"]);
    assert_eq!(leading_rows("a_name_without_rows"), Vec::<String>::new());
}
