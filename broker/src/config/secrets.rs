//! Files that hold secrets, and the folder of the administration socket: whether anybody else can read or change them.

use std::path::{Path, PathBuf};

use super::{Settings, State, Transport};
use crate::error::{Diagnostic, Severity};
use crate::private::{Exposed, Privacy};

/// What lets others take over; what belongs to another user weighs as much as `foreign`. What isn't there yet is
/// nobody's.
pub(super) fn exposed(settings: &Settings, foreign: Severity) -> Vec<Diagnostic> {
    private(settings)
        .into_iter()
        .filter_map(|(path, privacy)| {
            let data = std::fs::metadata(&path).ok()?;
            privacy.check(&data).err().map(|exposed| finding(&path, privacy, exposed, foreign))
        })
        .collect()
}

fn private(settings: &Settings) -> Vec<(PathBuf, Privacy)> {
    let mut private = vec![(settings.keys.file.clone(), Privacy::Owner)];
    if let Transport::Tls { key_file, .. } = &settings.server.transport {
        private.push((key_file.clone(), Privacy::OwnerAndGroupOfRoot));
    }
    if let State::Redis(redis) = &settings.state {
        private.extend(redis.password_file.iter().map(|file| (file.clone(), Privacy::OwnerAndGroupOfRoot)));
    }
    if let Some(folder) = settings.admin.socket.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        private.push((folder.to_owned(), Privacy::Folder));
    }
    private
}

fn finding(path: &Path, privacy: Privacy, exposed: Exposed, foreign: Severity) -> Diagnostic {
    let message = match privacy {
        Privacy::Folder => "others can put a socket of their own in place of the broker's here",
        Privacy::Owner | Privacy::OwnerAndGroupOfRoot => "others can get at the secret in this file",
    };
    let found = Diagnostic::error(path, message);
    let shown = path.display();
    match exposed {
        Exposed::Mode { mode, fix } => {
            found.because(format!("its mode is {mode:o}")).fix(format!("run `chmod {fix} {shown}`"))
        }
        Exposed::Owner(owner) => {
            let found = found
                .because(format!("it belongs to uid {owner}, neither root nor the user who runs this"))
                .fix(format!("run `chown` on {shown}, or run this as the broker's user"));
            found.weighing(foreign)
        }
    }
}
