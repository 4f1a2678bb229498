//! The folder of `daypass dev`: a sample configuration and directory, a keyring and the issuer's key.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use ring::rand::SecureRandom;

use super::issuer::{Issuer, IssuerError};
use crate::app::NoRandomness;
use crate::config;
use crate::error::Diagnostics;
use crate::keys::file::{KeyringError, KeyringFile};

macro_rules! sample {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("sample/", $name)))),+] };
}

/// The sample's files, written for the ports 4280 to 4282; the settings last, since with them the folder is complete.
const FILES: [(&str, &str); 13] = sample![
    "directory/111122223333/account.toml",
    "directory/111122223333/oidc-providers/dev.toml",
    "directory/111122223333/policies/ReadDemo.json",
    "directory/111122223333/roles/Deploy/policies/Releases.json",
    "directory/111122223333/roles/Deploy/role.toml",
    "directory/111122223333/roles/Deploy/trust.json",
    "directory/111122223333/roles/ReadOnly/role.toml",
    "directory/111122223333/roles/ReadOnly/trust.json",
    "directory/111122223333/roles/S3Service/policies/Ask.json",
    "directory/111122223333/roles/S3Service/role.toml",
    "directory/111122223333/roles/S3Service/trust.json",
    "directory/111122223333/services/s3.toml",
    "daypass.toml",
];

/// The loopback ports that a new folder is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The broker.
    pub broker: u16,
    /// Its identity provider.
    pub issuer: u16,
    /// Health and metrics.
    pub telemetry: u16,
}

/// A folder that `daypass dev` works in.
#[derive(Debug, Clone)]
pub struct Site(PathBuf);

/// Why a folder is not made or not used.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// Ids were not written.
    #[error("{}", .0.to_text(false))]
    Ids(Diagnostics),
    /// The issuer's file.
    #[error("`{}`: {cause}", file.display())]
    Issuer {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        cause: IssuerError,
    },
    /// A file of the folder.
    #[error("`{}`: {cause}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The keyring.
    #[error("keyring `{}`: {cause}", file.display())]
    Keyring {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        cause: KeyringError,
    },
    /// No randomness.
    #[error("{0}")]
    NoRandomness(#[from] NoRandomness),
    /// Nothing was made there yet.
    #[error("`{}` has no daypass.toml: run `daypass dev` first, or name its folder by --dir", .0.display())]
    NotMade(PathBuf),
    /// It is somebody's folder for something else.
    #[error("`{}` holds other files: name a folder that is empty or not there yet by --dir", .0.display())]
    Occupied(PathBuf),
}

impl Site {
    /// The folder as `daypass dev` left it.
    pub fn open(folder: &Path) -> Result<Self, SiteError> {
        let site = Self(folder.to_owned());
        if site.config().exists() { Ok(site) } else { Err(SiteError::NotMade(folder.to_owned())) }
    }

    /// Fills a new or empty folder, which only its owner may enter.
    pub fn create(folder: &Path, ports: Ports, random: &dyn SecureRandom) -> Result<Self, SiteError> {
        let failed = |cause| SiteError::Io { file: folder.to_owned(), cause };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        if fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(SiteError::Occupied(folder.to_owned()));
        }
        let site = Self(folder.to_owned());
        site.write_keyring(random)?;
        let file = site.issuer_file();
        let url = format!("http://127.0.0.1:{}", ports.issuer);
        Issuer::create(&file, &url, random).map_err(|cause| SiteError::Issuer { file, cause })?;
        for (name, text) in FILES {
            site.write(name, &ports.write_into(text))?;
        }
        site.write_ids(random)?;
        Ok(site)
    }

    /// Its settings.
    pub fn config(&self) -> PathBuf {
        self.0.join("daypass.toml")
    }

    /// The issuer whose key lies in it.
    pub fn issuer(&self, random: &dyn SecureRandom) -> Result<Issuer, SiteError> {
        let file = self.issuer_file();
        Issuer::read(&file, random).map_err(|cause| SiteError::Issuer { file, cause })
    }

    fn issuer_file(&self) -> PathBuf {
        self.0.join("issuer")
    }

    fn write(&self, name: &str, text: &str) -> Result<(), SiteError> {
        let file = self.0.join(name);
        let folder = file.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text))
            .map_err(|cause| SiteError::Io { file, cause })
    }

    fn write_keyring(&self, random: &dyn SecureRandom) -> Result<(), SiteError> {
        let file = self.0.join("keyring");
        let mut failed = false;
        let keyring = KeyringFile::generate(true, &mut || {
            let mut bytes = [0; 32];
            failed |= random.fill(&mut bytes).is_err();
            bytes
        });
        if failed {
            return Err(NoRandomness.into());
        }
        keyring.write(&file).map_err(|cause| SiteError::Keyring { file, cause })
    }

    fn write_ids(&self, random: &dyn SecureRandom) -> Result<(), SiteError> {
        let mut failed = false;
        let mut fill = |bytes: &mut [u8]| failed |= random.fill(bytes).is_err();
        config::write_ids(&self.config(), &mut fill).map_err(SiteError::Ids)?;
        if failed { Err(NoRandomness.into()) } else { Ok(()) }
    }
}

impl Ports {
    fn write_into(self, text: &str) -> String {
        let ports = [(":4280", self.broker), (":4281", self.issuer), (":4282", self.telemetry)];
        // By way of names, since one of the ports written could be another of the sample's.
        let named =
            ports.iter().fold(text.to_owned(), |text, (port, _)| text.replace(port, &format!("<{port}>")));
        ports.iter().fold(named, |text, (port, own)| text.replace(&format!("<{port}>"), &format!(":{own}")))
    }
}

#[cfg(test)]
mod tests;
