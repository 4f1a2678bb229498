//! Settings that name one file twice: what the broker writes would destroy what it reads, or one trail the other.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::{Settings, State, Transport};
use crate::error::Diagnostic;

/// A file and the setting that names it.
#[derive(Debug)]
pub(in super::super) struct Named {
    pub(in super::super) setting: &'static str,
    pub(in super::super) path: PathBuf,
    /// Whether the broker or a command of it writes the file.
    is_written: bool,
}

impl Settings {
    /// Every file that the settings name or that the broker keeps where they say, in the order of the README.
    pub(in super::super) fn named(&self) -> Vec<Named> {
        let mut named = Vec::new();
        let mut add = |setting, path: PathBuf, is_written| named.push(Named { setting, path, is_written });
        if let Transport::Tls { cert_file, key_file } = &self.server.transport {
            add("server.cert_file", cert_file.clone(), false);
            add("server.key_file", key_file.clone(), false);
        }
        add("admin.socket", self.admin.socket.clone(), true);
        let audit_folder = self.audit.file.parent().unwrap_or_else(|| Path::new(""));
        // Files of the broker's own have fixed names in one of two folders.
        let (setting, folder, own): (_, _, &[&str]) = match &self.state {
            State::Embedded(folder) => {
                ("state.url", folder.as_path(), &["state.redb", "clock", "keyring-version"])
            }
            State::Redis(redis) => {
                for (setting, file) in
                    [("state.password_file", &redis.password_file), ("state.ca_file", &redis.ca_file)]
                {
                    file.iter().for_each(|file| add(setting, file.clone(), false));
                }
                let own = &["revocations", "revocations.lock", "clock", "keyring-version"];
                ("audit.file", audit_folder, own)
            }
        };
        own.iter().for_each(|name| add(setting, folder.join(name), true));
        add("keys.file", self.keys.file.clone(), true);
        add("audit.file", self.audit.file.clone(), true);
        add("audit.refusals_file", self.audit.refusals_file.clone(), true);
        let mut older = self.audit.refusals_file.clone().into_os_string();
        older.push(".1");
        add("audit.refusals_file", older.into(), true);
        named
    }
}

/// A finding for each file that is named a second time although something writes it; `same` says by what two names are
/// of one file, and `places` where a setting is.
pub(in super::super) fn clashes<K: Ord>(
    named: &[Named],
    same: impl Fn(&Path) -> Option<K>,
    place: impl Fn(&'static str) -> Diagnostic,
) -> Vec<Diagnostic> {
    let mut first: BTreeMap<K, &Named> = BTreeMap::new();
    let mut found = Vec::new();
    for one in named {
        let Some(key) = same(&one.path) else { continue };
        let Some(before) = first.get(&key) else {
            first.insert(key, one);
            continue;
        };
        if before.is_written || one.is_written {
            found.push(clash(before, one, place(one.setting)));
        }
    }
    found
}

fn clash(before: &Named, one: &Named, place: Diagnostic) -> Diagnostic {
    let message = if before.setting == one.setting {
        format!("`{}` names a file that the broker keeps there for itself", one.setting)
    } else {
        format!("`{}` and `{}` are the same file", before.setting, one.setting)
    };
    let cause = format!("both are `{}`", one.path.display());
    place.saying(message).because(cause).fix("name two files")
}

/// The path without `.` and `..`, as far as that can be told without a disk.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if normal.file_name().is_some() => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}
