//! `daypass.toml`, field by field.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use http::Uri;

use super::{
    super::{
        fields::{self, Fields, Rejected},
        report::{Report, Source},
        value::{self, is_loopback},
    },
    Admin, Audit, Authz, Keys, Limits, Server, Settings, Telemetry, Transport, distinct, state,
};
use crate::error::Diagnostic;

/// Reads all settings; what is wrong is reported, and then nothing may be made of them.
pub(in super::super) fn settings(source: &Source, report: &Report) -> Option<Settings> {
    let folder = source.path.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let mut places = BTreeMap::new();
    let settings = fields::file(source, report, |fields| {
        let directory = fields.or("directory", folder.join("directory"), value::path(&folder));
        let server = fields.table("server", |fields| {
            let server = server(fields, &folder);
            place(fields, source, &mut places, &["server.cert_file", "server.key_file"]);
            server
        });
        let telemetry = fields.table("telemetry", telemetry);
        let authz = fields.table("authz", authz);
        let admin = fields.table("admin", |fields| {
            let socket = fields.or("socket", "/run/daypass/admin.sock".into(), value::path(&folder));
            place(fields, source, &mut places, &["admin.socket"]);
            Admin { socket }
        });
        let state = fields.table("state", |fields| {
            let state = state::state(fields, &folder);
            place(fields, source, &mut places, &["state.url", "state.password_file", "state.ca_file"]);
            state
        });
        let keys = fields.table("keys", |fields| {
            let file = fields.or("file", "/etc/daypass/keyring".into(), value::path(&folder));
            place(fields, source, &mut places, &["keys.file"]);
            Keys { file }
        });
        let audit = fields.table("audit", |fields| {
            let audit = audit(fields, &folder);
            place(fields, source, &mut places, &["audit.file", "audit.refusals_file"]);
            audit
        });
        let limits = fields.table("limits", limits);
        Some(Settings { directory, server: server?, telemetry, authz, admin, state, keys, audit, limits })
    })?;
    let place = |setting| places.get(setting).cloned().unwrap_or_else(|| source.error(""));
    let same = |path: &Path| Some(distinct::normal(path));
    distinct::clashes(&settings.named(), same, place).into_iter().for_each(|found| report.push(found));
    Some(settings)
}

/// Notes where these settings are, for findings that need more than one of them.
fn place(
    fields: &Fields<'_>,
    source: &Source,
    places: &mut BTreeMap<&'static str, Diagnostic>,
    settings: &[&'static str],
) {
    for setting in settings {
        let key = setting.rsplit('.').next().unwrap_or(setting);
        places.insert(setting, fields.located(key, source.error("")));
    }
}

fn server(fields: &mut Fields<'_>, folder: &Path) -> Option<Server> {
    let listen = fields.or("listen", SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)), value::address);
    let public_url = fields.required("public_url", "add public_url = \"https://id.corp.test\"", value::url);
    let hosts = fields.optional("hosts", value::list(value::host));
    let region = fields.or("region", "us-east-1".to_owned(), region);
    let transport = transport(fields, folder, listen);
    let trusted_proxies = fields.or("trusted_proxies", Vec::new(), value::list(value::network));
    let public_url = public_url?;
    if public_url.scheme_str() == Some("http") && !is_loopback(&public_url) && transport != Transport::Plain {
        let message = "`server.public_url` is http, but this listener speaks TLS";
        fields.error("public_url", message, "write https://");
    }
    let hosts = match hosts {
        Some(hosts) if hosts.is_empty() => {
            fields.error("hosts", "`server.hosts` names no host", "name the hosts that clients send");
            hosts
        }
        Some(hosts) => hosts,
        None => own_hosts(&public_url),
    };
    Some(Server { listen, public_url, hosts, region, transport, trusted_proxies })
}

/// Without `hosts`, the broker answers to the host of its own URL.
fn own_hosts(public_url: &Uri) -> Vec<String> {
    public_url.authority().map(|authority| authority.as_str().to_ascii_lowercase()).into_iter().collect()
}

/// Plain http needs a loopback address or a word that says so.
fn transport(fields: &mut Fields<'_>, folder: &Path, listen: SocketAddr) -> Transport {
    let cert_file = fields.optional("cert_file", value::path(folder));
    let key_file = fields.optional("key_file", value::path(folder));
    let insecure = fields.or("insecure_http", false, value::boolean);
    match (cert_file, key_file) {
        (Some(cert_file), Some(key_file)) => {
            if insecure {
                let message = "`server.insecure_http` contradicts `server.cert_file`";
                fields.error("insecure_http", message, "remove one of them");
            }
            return Transport::Tls { cert_file, key_file };
        }
        (Some(_), None) => {
            let message = "`server.cert_file` has no `server.key_file`";
            fields.error("cert_file", message, "add key_file = \"tls.key\"");
        }
        (None, Some(_)) => {
            let message = "`server.key_file` has no `server.cert_file`";
            fields.error("key_file", message, "add cert_file = \"tls.crt\"");
        }
        (None, None) if insecure || listen.ip().is_loopback() => {}
        (None, None) => {
            let message = "plain http is served on loopback addresses only";
            let fix = "add `cert_file` and `key_file`, listen on 127.0.0.1, or set `insecure_http = true` \
                       where something else encrypts";
            fields.error("listen", message, fix);
        }
    }
    Transport::Plain
}

fn region(value: &toml::de::DeValue<'_>) -> Result<String, Rejected> {
    let text = value::filled(value)?;
    let sound = text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if sound { Ok(text) } else { Err(Rejected::new("it is not a region").fix("write \"eu-west-1\"")) }
}

fn telemetry(fields: &mut Fields<'_>) -> Telemetry {
    let listen = fields.or("listen", SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)), value::address);
    if !listen.ip().is_loopback() {
        let message = "`telemetry.listen` is reachable from other machines, without authentication";
        fields.warning("listen", message, "listen on 127.0.0.1, or keep the port behind a firewall");
    }
    Telemetry { listen }
}

fn authz(fields: &mut Fields<'_>) -> Authz {
    let grpc_listen = fields.optional("grpc_listen", value::address);
    if grpc_listen.is_some() {
        fields.warning("grpc_listen", "this build doesn't serve gRPC yet", "remove `authz.grpc_listen`");
    }
    Authz { grpc_listen }
}

fn audit(fields: &mut Fields<'_>, folder: &Path) -> Audit {
    let file = fields.or("file", folder.join("audit.jsonl"), value::path(folder));
    let refusals_file = fields.or("refusals_file", folder.join("refusals.jsonl"), value::path(folder));
    Audit { file, refusals_file }
}

fn limits(fields: &mut Fields<'_>) -> Limits {
    let default = Limits::default();
    let count = || value::whole(1, 1_000_000_000);
    let staleness = value::duration(Duration::ZERO, Duration::from_secs(300));
    Limits {
        sessions_per_principal: fields.or("sessions_per_principal", default.sessions_per_principal, count()),
        sessions_per_account: fields.or("sessions_per_account", default.sessions_per_account, count()),
        issues_per_second_per_peer: fields.or(
            "issues_per_second_per_peer",
            default.issues_per_second_per_peer,
            count(),
        ),
        max_staleness: fields.or("max_staleness", default.max_staleness, staleness),
    }
}
