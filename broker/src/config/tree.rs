//! The files of one configuration as bytes in memory, with a hash that names their state.

mod walk;

pub(super) use walk::UNFINISHED;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::{Path, PathBuf},
};

use ring::digest;
use toml::de::DeTable;

use super::report::Source;
use crate::error::{Diagnostic, Diagnostics};

/// The longest file that is read.
const LONGEST_FILE: u64 = 1024 * 1024;
/// The most bytes that a tree holds.
const LARGEST_TREE: u64 = 512 * 1024 * 1024;

/// Settings and directory as they were on disk; compiling it needs no disk.
///
/// Whatever could not be read is in it as a finding, so that it fails to compile with everything else that is wrong.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) config: Option<Source>,
    pub(super) root: PathBuf,
    /// By path from `root`, with `/` between the parts.
    pub(super) files: BTreeMap<String, Source>,
    pub(super) folders: BTreeSet<String>,
    /// Files outside of the directory that provider files name by an absolute path.
    pub(super) outside: BTreeMap<PathBuf, Source>,
    pub(super) problems: Diagnostics,
    version: Version,
}

/// SHA-256 over names and bytes of all files: two snapshots of one version are the same configuration.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 32]);

/// What the disk says about the files without reading them: path, size, time of change and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(Version);

impl Tree {
    /// Reads `daypass.toml` at `path`, the directory it names and what the directory's files name.
    pub fn read(path: &Path) -> Self {
        let mut problems = Diagnostics::default();
        let mut budget = LARGEST_TREE;
        let config = read_text(path, path, &mut budget).map_err(|found| problems.push(*found)).ok();
        let root = root_of(path, config.as_ref());
        let (mut files, mut folders) = (BTreeMap::new(), BTreeSet::new());
        if config.is_some() {
            let found = walk::walk(&root);
            folders = found.folders;
            found.problems.into_iter().for_each(|problem| problems.push(problem));
            for (name, file) in found.files {
                match read_text(&file.path, &file.shown, &mut budget) {
                    Ok(source) => drop(files.insert(name, source)),
                    Err(problem) => problems.push(*problem),
                }
            }
        }
        let mut outside = BTreeMap::new();
        for (path, named_by) in named_outside(&files) {
            match read_text(&path, &path, &mut budget) {
                Ok(source) => drop(outside.insert(path, source)),
                Err(problem) => {
                    problems.push((*problem).fix(format!("it is named by {}", named_by.display())));
                }
            }
        }
        Self::new(config, root, files, folders, outside, problems)
    }

    pub(super) fn new(
        config: Option<Source>,
        root: PathBuf,
        files: BTreeMap<String, Source>,
        folders: BTreeSet<String>,
        outside: BTreeMap<PathBuf, Source>,
        problems: Diagnostics,
    ) -> Self {
        let mut hash = Hash::new();
        for source in config.iter().chain(files.values()).chain(outside.values()) {
            hash.add(source.path.as_os_str().as_encoded_bytes());
            hash.add(source.text.as_bytes());
        }
        folders.iter().for_each(|folder| hash.add(folder.as_bytes()));
        for problem in problems.iter() {
            hash.add(problem.file.as_os_str().as_encoded_bytes());
            hash.add(problem.message.as_bytes());
        }
        Self { config, root, files, folders, outside, problems, version: hash.finish() }
    }

    /// The hash of everything read.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What the disk says now about the places this tree was read from.
    pub fn fingerprint(&self, config: &Path) -> Fingerprint {
        let mut hash = Hash::new();
        walk::stamp(config, &mut hash);
        let found = walk::walk(&self.root);
        found.folders.iter().for_each(|folder| hash.add(folder.as_bytes()));
        for (name, file) in found.files {
            hash.add(name.as_bytes());
            walk::stamp(&file.path, &mut hash);
        }
        for path in self.outside.keys() {
            walk::stamp(path, &mut hash);
        }
        Fingerprint(hash.finish())
    }
}

/// The folder that `daypass.toml` names, or its default.
fn root_of(path: &Path, config: Option<&Source>) -> PathBuf {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let named = config.and_then(|config| {
        let table = DeTable::parse(&config.text).ok()?;
        table.get_ref().get("directory")?.get_ref().as_str().map(str::to_owned)
    });
    folder.join(named.as_deref().unwrap_or("directory"))
}

/// Absolute paths that provider files name as CA or key file, and by which file.
fn named_outside(files: &BTreeMap<String, Source>) -> BTreeMap<PathBuf, PathBuf> {
    let mut named = BTreeMap::new();
    for (name, source) in files {
        if !(name.contains("/oidc-providers/") && name.ends_with(".toml")) {
            continue;
        }
        let Ok(table) = DeTable::parse(&source.text) else {
            continue;
        };
        for key in ["ca_file", "jwks_file"] {
            let path = table.get_ref().get(key).and_then(|value| value.get_ref().as_str()).map(PathBuf::from);
            if let Some(path) = path.filter(|path| path.is_absolute()) {
                named.insert(path, source.path.clone());
            }
        }
    }
    named
}

/// A regular file's text; `shown` is the path it is told by.
fn read_text(path: &Path, shown: &Path, budget: &mut u64) -> Result<Source, Box<Diagnostic>> {
    let unreadable = |cause: String, fix: &str| {
        Box::new(Diagnostic::error(shown, "this file cannot be read").because(cause).fix(fix))
    };
    let access = "check that it exists and that the broker's user may read it";
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string(), access))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a regular file".to_owned(), "put a regular file there"));
    }
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string(), access))?;
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string(), access))?;
    let size = bytes.len() as u64;
    if size > LONGEST_FILE {
        return Err(unreadable(format!("it has more than {LONGEST_FILE} bytes"), "make it smaller"));
    }
    *budget = budget.checked_sub(size).ok_or_else(|| {
        let cause = format!("all files together have more than {LARGEST_TREE} bytes");
        unreadable(cause, "split the directory between brokers")
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| unreadable("it is not UTF-8 text".to_owned(), "save it as UTF-8"))?;
    Ok(Source { path: shown.to_owned(), text: text.into() })
}

/// SHA-256 over length-prefixed parts, so that no two lists of parts hash alike.
struct Hash(digest::Context);

impl Hash {
    fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn finish(self) -> Version {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(self.0.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Version(bytes)
    }
}

impl std::fmt::Display for Version {
    /// The first 16 bytes in hexadecimal.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mut digits, bytes) = ([0; 32], self.0.first_chunk::<16>().unwrap_or(&[0; 16]));
        data_encoding::HEXLOWER.encode_mut(bytes, &mut digits);
        formatter.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}
