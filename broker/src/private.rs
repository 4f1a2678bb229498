//! Whether a file or folder that everything hangs on is nobody else's to read or change, as `ssh` asks of its keys.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// How private something has to be. Whatever it is, its owner is root or the user of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// A folder that nobody but its owner may add to or remove from.
    Folder,
    /// A file that nobody but its owner may open.
    Owner,
    /// The same, but the group may read a file of root's: how system packages hand keys to services.
    OwnerAndGroupOfRoot,
}

/// What lets somebody else in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exposed {
    /// Its mode; in octal.
    #[error("open to others than its owner (mode {mode:o}): run `chmod {fix}`")]
    Mode {
        /// Permissions.
        mode: u32,
        /// What `chmod` is to be given.
        fix: &'static str,
    },
    /// It belongs to another user, who can change it and its mode at any time.
    #[error("owned by uid {0}, which is neither root nor this process's user: run `chown`")]
    Owner(u32),
}

impl Privacy {
    /// Whether this process may rely on what `data` describes.
    ///
    /// # Errors
    /// Who else can read or change it.
    pub fn check(self, data: &Metadata) -> Result<(), Exposed> {
        self.check_mode(data)?;
        self.judge(data.uid(), data.mode(), rustix::process::geteuid().as_raw())
    }

    /// The same, whoever it belongs to.
    ///
    /// # Errors
    /// What its mode lets others do.
    pub fn check_mode(self, data: &Metadata) -> Result<(), Exposed> {
        self.judge(data.uid(), data.mode(), data.uid())
    }

    fn judge(self, owner: u32, mode: u32, user: u32) -> Result<(), Exposed> {
        let (open, fix) = match self {
            Self::Folder => (0o022, "go-w"),
            Self::OwnerAndGroupOfRoot if owner == 0 => (0o037, "640"),
            Self::Owner | Self::OwnerAndGroupOfRoot => (0o077, "600"),
        };
        let mode = mode & 0o7777;
        if mode & open != 0 {
            return Err(Exposed::Mode { mode, fix });
        }
        if owner == 0 || owner == user { Ok(()) } else { Err(Exposed::Owner(owner)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: u32 = 0;
    const BROKER: u32 = 990;
    const STRANGER: u32 = 1000;

    #[test]
    fn a_secret_is_its_owners_alone() {
        for mode in [0o600, 0o400, 0o100_600] {
            assert_eq!(Privacy::Owner.judge(BROKER, mode, BROKER), Ok(()), "{mode:o}");
            assert_eq!(Privacy::Owner.judge(ROOT, mode, BROKER), Ok(()), "{mode:o}");
        }
        for mode in [0o640, 0o620, 0o604, 0o602, 0o610, 0o601, 0o644, 0o666] {
            for owner in [BROKER, ROOT] {
                let fix = "600";
                assert_eq!(Privacy::Owner.judge(owner, mode, BROKER), Err(Exposed::Mode { mode, fix }));
            }
        }
    }

    #[test]
    fn a_secret_of_another_user_is_refused_to_root_as_well() {
        for user in [BROKER, ROOT] {
            for privacy in [Privacy::Owner, Privacy::OwnerAndGroupOfRoot, Privacy::Folder] {
                assert_eq!(privacy.judge(STRANGER, 0o600, user), Err(Exposed::Owner(STRANGER)));
                assert_eq!(privacy.judge(user, 0o600, user), Ok(()));
            }
        }
    }

    #[test]
    fn roots_group_may_read_what_system_packages_hand_out_and_no_more() {
        let judge = |owner, mode| Privacy::OwnerAndGroupOfRoot.judge(owner, mode, BROKER);
        assert_eq!(judge(ROOT, 0o640), Ok(()));
        assert_eq!(judge(BROKER, 0o640), Err(Exposed::Mode { mode: 0o640, fix: "600" }));
        for mode in [0o660, 0o650, 0o644] {
            assert_eq!(judge(ROOT, mode), Err(Exposed::Mode { mode, fix: "640" }));
        }
    }

    #[test]
    fn a_folder_may_be_looked_into_but_not_written_to() {
        for mode in [0o755, 0o700, 0o750] {
            assert_eq!(Privacy::Folder.judge(BROKER, mode, BROKER), Ok(()));
        }
        for mode in [0o775, 0o757, 0o1777] {
            assert_eq!(
                Privacy::Folder.judge(ROOT, mode, BROKER),
                Err(Exposed::Mode { mode, fix: "go-w" }),
                "the sticky bit keeps nobody from being there first"
            );
        }
    }
}
