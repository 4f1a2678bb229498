//! `daypass.toml` as validated values.

pub(super) mod distinct;
mod read;
mod state;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use http::Uri;
use ipnet::IpNet;

pub(super) use read::settings;
pub use state::{RedisState, State};

/// Everything `daypass.toml` says; paths are resolved from the file's folder.
#[derive(Clone, Debug)]
pub struct Settings {
    pub directory: PathBuf,
    pub server: Server,
    pub telemetry: Telemetry,
    pub authz: Authz,
    pub admin: Admin,
    pub state: State,
    pub keys: Keys,
    pub audit: Audit,
    pub limits: Limits,
}

/// Where clients reach the broker.
#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// Scheme, host, port and base path; `base_url` gives it as text.
    pub public_url: Uri,
    /// In lower case; an entry without a port stands for every port. Ask `answers_to`.
    pub hosts: Vec<String>,
    pub region: String,
    pub transport: Transport,
    pub trusted_proxies: Vec<IpNet>,
}

impl Server {
    /// The public URL without a slash at its end.
    pub fn base_url(&self) -> String {
        self.public_url.to_string().trim_end_matches('/').to_owned()
    }

    /// Every URL under which this broker answers: nobody else's tokens come from them.
    pub fn own_urls(&self) -> Vec<String> {
        self.hosts.iter().map(|host| format!("https://{host}")).chain([self.base_url()]).collect()
    }

    /// Whether a Host header names this broker.
    pub fn answers_to(&self, host: &str) -> bool {
        names(&self.hosts, host)
    }
}

/// Whether a Host header is one of `hosts`; an entry with a port stands for itself only, one without for any port.
pub(super) fn names(hosts: &[String], host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    hosts.iter().any(|one| one.eq_ignore_ascii_case(host) || one.eq_ignore_ascii_case(name))
}

/// Whether connections are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    Tls {
        cert_file: PathBuf,
        key_file: PathBuf,
    },
    /// On a loopback address, or by `server.insecure_http`.
    Plain,
}

/// Where health and metrics are served.
#[derive(Clone, Debug)]
pub struct Telemetry {
    pub listen: SocketAddr,
}

/// Where proxies ask over gRPC.
#[derive(Clone, Debug)]
pub struct Authz {
    pub grpc_listen: Option<SocketAddr>,
}

/// Where the command line reaches a running broker.
#[derive(Clone, Debug)]
pub struct Admin {
    pub socket: PathBuf,
}

/// Where the keyring is.
#[derive(Clone, Debug)]
pub struct Keys {
    pub file: PathBuf,
}

/// Where the audit trail is written.
#[derive(Clone, Debug)]
pub struct Audit {
    pub file: PathBuf,
    pub refusals_file: PathBuf,
}

/// Bounds on what clients may cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub sessions_per_principal: u32,
    pub sessions_per_account: u32,
    pub issues_per_second_per_peer: u32,
    pub max_staleness: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_per_principal: 10_000,
            sessions_per_account: 1_000_000,
            issues_per_second_per_peer: 50,
            max_staleness: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// Every file that these settings name and that has to be there when the broker starts.
    pub fn files(&self) -> Vec<&Path> {
        let mut files = vec![self.keys.file.as_path()];
        if let Transport::Tls { cert_file, key_file } = &self.server.transport {
            files.extend([cert_file.as_path(), key_file.as_path()]);
        }
        if let State::Redis(redis) = &self.state {
            files.extend(redis.password_file.as_deref());
            files.extend(redis.ca_file.as_deref());
        }
        files
    }
}
