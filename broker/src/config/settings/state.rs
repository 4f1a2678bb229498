//! Where sessions and revocations are kept.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::super::{
    fields::{Fields, Rejected},
    value,
};

/// The store: one file for a single broker, or Redis for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Embedded(PathBuf),
    Redis(RedisState),
}

/// How to reach a single Redis; its password is only ever in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisState {
    pub host: String,
    pub port: u16,
    pub database: u8,
    pub tls: bool,
    pub username: Option<String>,
    pub password_file: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
}

const DEFAULT: &str = "/var/lib/daypass";

pub(super) fn state(fields: &mut Fields<'_>, folder: &Path) -> State {
    let state = fields.or("url", State::Embedded(folder.join(DEFAULT)), |value| url(value, folder));
    let username = fields.optional("username", value::filled);
    let password_file = fields.optional("password_file", value::path(folder));
    let ca_file = fields.optional("ca_file", value::path(folder));
    match state {
        State::Redis(redis) => {
            if ca_file.is_some() && !redis.tls {
                fields.error("ca_file", "`state.ca_file` needs TLS", "write rediss:// in `state.url`");
            }
            State::Redis(RedisState { username, password_file, ca_file, ..redis })
        }
        State::Embedded(path) => {
            let keys = [("username", username.is_some()), ("ca_file", ca_file.is_some())];
            let all = keys.into_iter().chain([("password_file", password_file.is_some())]);
            for (key, _) in all.filter(|(_, set)| *set) {
                let fix = "remove it, or write a redis:// URL in `state.url`";
                fields.error(key, format!("`state.{key}` is for Redis only"), fix);
            }
            State::Embedded(path)
        }
    }
}

/// The causes never repeat the value: it could hold a password.
fn url(value: &DeValue<'_>, folder: &Path) -> Result<State, Rejected> {
    let text = value::filled(value)?;
    let usage = "write \"embedded:/var/lib/daypass\", \"redis://host:6379\" or \"rediss://host:6380\"";
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(Rejected::new("it has no scheme").fix(usage));
    };
    match scheme {
        "embedded" if rest.is_empty() => Err(Rejected::new("it names no folder").fix(usage)),
        "embedded" => Ok(State::Embedded(folder.join(rest))),
        "redis" | "rediss" => redis(rest, scheme == "rediss").map(State::Redis),
        "redis+sentinel" | "redis+cluster" => {
            Err(Rejected::new(format!("{scheme} is not available in this build yet")).fix(usage))
        }
        _ => Err(Rejected::new("this kind of store is unknown").fix(usage)),
    }
}

/// `//host[:port][/database]`.
fn redis(rest: &str, tls: bool) -> Result<RedisState, Rejected> {
    let wrong = |why: &str| Rejected::new(why.to_owned()).fix("write \"redis://host:6379/0\"");
    let rest = rest.strip_prefix("//").ok_or_else(|| wrong("`//` and a host are missing"))?;
    if rest.contains('@') {
        return Err(Rejected::new("it holds a user or password")
            .fix("set `state.username` and `state.password_file` instead, and change that password"));
    }
    if rest.contains(['?', '#']) {
        return Err(wrong("it has no query or fragment"));
    }
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let authority: http::uri::Authority = authority.parse().map_err(|_| wrong("its host is not a host"))?;
    let port =
        authority.port().map(|port| port.as_str().parse().map_err(|_| wrong("its port is not a port")));
    let database = if database.is_empty() { Ok(0) } else { database.parse() };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || authority.as_str().ends_with(':') {
        return Err(wrong("its host or port is empty"));
    }
    Ok(RedisState {
        host: host.to_owned(),
        port: port.transpose()?.unwrap_or(6379),
        database: database.map_err(|_| wrong("its database is not a number up to 255"))?,
        tls,
        username: None,
        password_file: None,
        ca_file: None,
    })
}
