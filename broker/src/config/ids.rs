//! Immutable ids: each file has one, none has another's, and they can be written for files that lack one.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
};

use data_encoding::BASE32;
use toml::de::DeTable;

use super::{
    fields::{Fields, Rejected},
    report::Source,
    tree::{Tree, UNFINISHED},
    value,
};
use crate::error::{Diagnostic, Diagnostics};

/// Bytes of entropy behind an id: 17 characters of base32 hold 85 bits.
const ENTROPY: usize = 11;
const CHARACTERS: usize = 17;

/// The ids seen so far, and by which file.
#[derive(Debug, Default)]
pub(super) struct Ids(RefCell<BTreeMap<String, PathBuf>>);

impl Ids {
    /// Reads a file's `id`; a missing, malformed or used one is reported.
    pub(super) fn read<T>(
        &self,
        fields: &mut Fields<'_>,
        source: &Source,
        parse: impl Fn(&str) -> Result<T, Rejected>,
    ) -> Option<T> {
        let fix = "run `daypass check --write-ids`, and commit what it writes";
        let text = fields.required("id", fix, value::filled)?;
        let id = match parse(&text) {
            Ok(id) => id,
            Err(rejected) => {
                fields.error("id", format!("`id` is invalid: {}", rejected.cause), fix);
                return None;
            }
        };
        if let Some(other) = self.0.borrow_mut().insert(text.clone(), source.path.clone()) {
            let found = source.error(format!("the id `{text}` is used twice"));
            let found = fields.located("id", found).because(format!("it is also in {}", other.display()));
            let fix = "keep it in the older file; remove the line here and run `daypass check --write-ids`";
            fields.report(found.fix(fix));
            return None;
        }
        Some(id)
    }
}

/// An id of a provider or service: 1 to 128 of `[\w-]`.
pub(super) fn plain(text: &str) -> Result<String, Rejected> {
    let sound = (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if sound { Ok(text.to_owned()) } else { Err(Rejected::new(r"an id is 1 to 128 characters of [\w-]")) }
}

/// Writes an id into each file of a role, user, group, provider or service that has none, as its first line, and names those files.
///
/// `entropy` fills what it is given with random bytes. Nothing else in a file changes; a file that isn't valid TOML is
/// left alone. Each file is replaced at once.
pub fn write_ids(config: &Path, entropy: &mut dyn FnMut(&mut [u8])) -> Result<Vec<PathBuf>, Diagnostics> {
    let tree = Tree::read(config);
    let mut written = Vec::new();
    let mut problems = Diagnostics::default();
    for (name, source) in &tree.files {
        let Some(prefix) = prefix(name).filter(|_| lacks_id(&source.text)) else {
            continue;
        };
        let mut random = [0; ENTROPY];
        entropy(&mut random);
        let characters: String = BASE32.encode(&random).chars().take(CHARACTERS).collect();
        match replace(&source.path, &with_id(&source.text, &format!("{prefix}{characters}"))) {
            Ok(()) => written.push(source.path.clone()),
            Err(error) => problems.push(
                Diagnostic::error(&source.path, "this file cannot be written")
                    .because(error.to_string())
                    .fix("run this as a user who may write it"),
            ),
        }
    }
    if problems.is_empty() { Ok(written) } else { Err(problems) }
}

/// What ids of the kind of file at this place begin with; none for files without ids.
fn prefix(name: &str) -> Option<&'static str> {
    let parts: Vec<&str> = name.split('/').collect();
    match *parts {
        [_, "roles", _, "role.toml"] => Some("AROA"),
        [_, "users", _, "user.toml"] => Some("AIDA"),
        [_, "groups", _, "group.toml"] => Some("AGPA"),
        [_, "oidc-providers", file] if file.ends_with(".toml") => Some("OIDC"),
        [_, "saml-providers", _, "provider.toml"] => Some("SAML"),
        [_, "services", file] if file.ends_with(".toml") => Some("SERV"),
        _ => None,
    }
}

fn lacks_id(text: &str) -> bool {
    DeTable::parse(text).is_ok_and(|table| !table.get_ref().contains_key("id"))
}

/// The text with a first line that sets the id, ended as the file's own lines are.
fn with_id(text: &str, id: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (mark, rest) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    format!("{mark}id = \"{id}\"{newline}{rest}")
}

/// Replaces a file's content at once, keeping its permissions and, where it is a link, the link.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = std::fs::metadata(&path)?.permissions();
    let mut name = OsString::from(UNFINISHED);
    name.push(path.file_name().unwrap_or_default());
    let beside = path.with_file_name(name);
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()?;
    std::fs::rename(&beside, &path)
}
