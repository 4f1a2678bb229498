//! Which running broker a command speaks to.

use std::path::PathBuf;

use super::load;

/// Where the broker is.
#[derive(Debug, clap::Args)]
pub(crate) struct Broker {
    /// The broker's configuration, which says where its socket is.
    #[arg(long, env = "DAYPASS_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The broker's administration socket.
    #[arg(long, env = "DAYPASS_SOCKET", value_name = "FILE", global = true)]
    socket: Option<PathBuf>,
}

impl Broker {
    /// Whether it is said which one is meant.
    pub(crate) fn is_named(&self) -> bool {
        self.socket.is_some() || self.config.is_some()
    }

    /// Its administration socket.
    pub(crate) fn socket(&self) -> Result<PathBuf, Box<dyn std::error::Error>> {
        match (&self.socket, &self.config) {
            (Some(socket), _) => Ok(socket.clone()),
            (None, Some(config)) => Ok(load(config)?.snapshot.settings.admin.socket.clone()),
            (None, None) => {
                Err("which broker is meant is not said: add --config FILE or --socket FILE".into())
            }
        }
    }
}
