//! Configuration: settings and the directory, read and validated as one snapshot.

mod fields;
mod report;
mod settings;
mod tree;
mod value;

pub use settings::{
    Admin, Audit, Authz, Keys, Limits, RedisState, Server, Settings, State, Telemetry, Transport,
};
pub use tree::{Fingerprint, Tree, Version};
