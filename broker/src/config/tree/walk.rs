//! Every file below a folder, without leaving it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::Hash;
use crate::error::{Diagnostic, Diagnostics};

/// The most files and folders in a tree; what it may hold needs a fraction of it.
const MOST_ENTRIES: usize = 200_000;
/// The deepest folder: `<account>/roles/<Name>/policies/<file>` is five.
const DEEPEST: usize = 8;
/// Files that come with Git and with people, and mean nothing here.
const IGNORED: [&str; 5] = [".git", ".gitattributes", ".gitignore", ".gitkeep", "README.md"];

const FOLDER: &str = "create the folder, or set `directory` to where it is";
const ACCESS: &str = "correct its name, or let the broker's user read it";

/// How files are called while they are written.
pub(in super::super) const UNFINISHED: &str = "..daypass-new-";

/// Where a file's bytes are, and the path it is told by.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) shown: PathBuf,
}

#[derive(Default)]
pub(super) struct Found {
    pub(super) files: BTreeMap<String, File>,
    pub(super) folders: BTreeSet<String>,
    pub(super) problems: Diagnostics,
}

/// Lists the files below `root`; links that lead out of it, odd names and odd files are problems.
pub(super) fn walk(root: &Path) -> Found {
    let mut found = Found::default();
    let canonical = match root.canonicalize() {
        Ok(canonical) if canonical.is_dir() => canonical,
        Ok(_) => {
            found.problems.push(Diagnostic::error(root, "the directory is not a folder").fix(FOLDER));
            return found;
        }
        Err(error) => {
            found.problems.push(
                Diagnostic::error(root, "the directory cannot be read")
                    .because(error.to_string())
                    .fix(FOLDER),
            );
            return found;
        }
    };
    let mut waiting = vec![(String::new(), canonical.clone(), 0_usize)];
    let mut entries = 0_usize;
    while let Some((prefix, folder, depth)) = waiting.pop() {
        let shown = root.join(&prefix);
        let names = match names(&folder) {
            Ok(names) => names,
            Err(cause) => {
                found
                    .problems
                    .push(Diagnostic::error(shown, "this folder cannot be read").because(cause).fix(ACCESS));
                continue;
            }
        };
        clashes(&shown, &names, &mut found.problems);
        for name in names {
            entries = entries.saturating_add(1);
            let relative = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            if entries > MOST_ENTRIES || depth >= DEEPEST {
                let cause = format!("at most {MOST_ENTRIES} files and folders, {DEEPEST} deep, are read");
                let problem = Diagnostic::error(shown, "the directory is too large").because(cause);
                found.problems.push(problem.fix("check for a link that leads into itself"));
                return found;
            }
            match place(&canonical, root, &relative, &folder.join(&name)) {
                Ok(Place::File(file)) => drop(found.files.insert(relative, file)),
                Ok(Place::Folder(path)) => {
                    found.folders.insert(relative.clone());
                    waiting.push((relative, path, depth.saturating_add(1)));
                }
                Err(problem) => found.problems.push(*problem),
            }
        }
    }
    found
}

/// Adds what the disk says about a file, or that it isn't there.
pub(super) fn stamp(path: &Path, hash: &mut Hash) {
    hash.add(path.as_os_str().as_encoded_bytes());
    let Ok(metadata) = std::fs::metadata(path) else {
        return hash.add(b"absent");
    };
    hash.add(&metadata.ino().to_be_bytes());
    hash.add(&metadata.size().to_be_bytes());
    hash.add(&metadata.mtime().to_be_bytes());
    hash.add(&metadata.mtime_nsec().to_be_bytes());
    hash.add(&metadata.ctime().to_be_bytes());
    hash.add(&metadata.ctime_nsec().to_be_bytes());
}

enum Place {
    File(File),
    Folder(PathBuf),
}

/// What is at `path`, following a link only while it stays below `canonical`.
fn place(canonical: &Path, root: &Path, relative: &str, path: &Path) -> Result<Place, Box<Diagnostic>> {
    let shown = root.join(relative);
    let unreadable = |error: std::io::Error| {
        Box::new(Diagnostic::error(&shown, "this file cannot be read").because(error.to_string()).fix(ACCESS))
    };
    let mut path = path.to_owned();
    let mut metadata = std::fs::symlink_metadata(&path).map_err(unreadable)?;
    if metadata.is_symlink() {
        path = path.canonicalize().map_err(unreadable)?;
        if !path.starts_with(canonical) {
            let found = Diagnostic::error(&shown, "this link leads out of the directory")
                .because(format!("it points to `{}`", path.display()));
            return Err(Box::new(found.fix("copy the file into the directory")));
        }
        metadata = std::fs::metadata(&path).map_err(unreadable)?;
    }
    if metadata.is_dir() {
        Ok(Place::Folder(path))
    } else if metadata.is_file() {
        Ok(Place::File(File { path, shown }))
    } else {
        let found = Diagnostic::error(&shown, "this is neither a file nor a folder");
        Err(Box::new(found.fix("remove it")))
    }
}

/// The names in a folder, in order, without those that are ignored.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let name = name
            .into_string()
            .map_err(|name| format!("the name `{}` is not UTF-8", name.to_string_lossy()))?;
        if !is_ignored(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Only these: what is ignored could have been a policy that denies.
fn is_ignored(name: &str) -> bool {
    // Kubernetes keeps the versions of a mounted volume in it, as `..2026_11_22_…`, `..data` and `..data_tmp`.
    let version = name.strip_prefix("..").is_some_and(|rest| {
        rest == "data"
            || rest == "data_tmp"
            || rest.chars().next().is_some_and(|first| first.is_ascii_digit())
    });
    version || IGNORED.contains(&name) || name.starts_with(UNFINISHED)
}

/// Names that differ in case only are one name to AWS, and one file on some systems.
fn clashes(shown: &Path, names: &[String], problems: &mut Diagnostics) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for name in names {
        if let Some(other) = seen.insert(name.to_lowercase(), name) {
            problems.push(
                Diagnostic::error(shown.join(name), "two names differ in case only")
                    .because(format!("`{other}` is beside `{name}`"))
                    .fix("rename one of them"),
            );
        }
    }
}
