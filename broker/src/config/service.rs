//! Services: who may ask about their requests, for which hosts and resources, and how URLs map to actions.

mod route;

use std::{collections::HashMap, sync::Arc};

use toml::de::DeValue;

pub use route::{Route, Segment};

use super::{
    fields::{self, Fields, Rejected},
    ids::{self, Ids},
    report::{Report, Source},
    settings, value,
};
use crate::role::{AccountId, Role, RoleArn};

/// What a service's callers may ask about.
#[derive(Clone, Debug)]
pub struct Service {
    pub id: String,
    pub account: AccountId,
    /// The prefix of its actions and the service in the scope of the signatures it may ask about.
    pub service: String,
    /// In lower case, with or without port.
    pub hosts: Vec<String>,
    /// The start of every ARN it may ask about.
    pub resource_prefix: String,
    pub callers: Vec<RoleArn>,
    /// Whether requests that don't sign their body are honoured.
    pub unsigned_payload: bool,
    pub routes: Vec<Route>,
}

impl Service {
    /// The entry itself as a resource: what its callers must be allowed to `daypass:Verify`.
    pub fn arn(&self, region: &str) -> String {
        format!("arn:aws:daypass:{region}:{}:service/{}", self.account, self.service)
    }

    /// Whether a Host header names this service.
    pub fn answers_to(&self, host: &str) -> bool {
        settings::names(&self.hosts, host)
    }
}

/// Services whose requests no other service may ask about: they are the broker's own.
pub(super) const RESERVED: [&str; 5] = ["aws", "daypass", "iam", "rolesanywhere", "sts"];

/// Reads one service's file.
pub(super) fn service(source: &Source, account: AccountId, ids: &Ids, report: &Report) -> Option<Service> {
    fields::file(source, report, |fields| {
        let id = ids.read(fields, source, ids::plain);
        let service = fields.required("service", "add service = \"orders\"", value::parsed(name));
        let hosts = fields.required("hosts", "add hosts = [\"orders.corp.test\"]", some(value::host));
        let prefix = format!("add resource_prefix = \"arn:aws:orders:eu:{account}:\"");
        let resource_prefix = fields.required("resource_prefix", &prefix, value::filled);
        let callers = format!("add callers = [\"arn:aws:iam::{account}:role/Gateway\"]");
        let callers = fields.required("callers", &callers, some(value::parsed(RoleArn::parse)));
        let unsigned_payload = fields.or("unsigned_payload", false, value::boolean);
        let routes = fields.tables("route", |fields| route::route(fields, service.as_deref()));
        route::report_ties(&routes, fields);
        if let (Some(service), Some(prefix)) = (&service, &resource_prefix) {
            check_prefix(fields, prefix, service, account);
        }
        Some(Service {
            id: id?,
            account,
            service: service?,
            hosts: hosts?,
            resource_prefix: resource_prefix?,
            callers: callers?,
            unsigned_payload,
            routes,
        })
    })
}

/// Finds each service by its callers; a caller that isn't a role of the service's account, or is two services', is
/// reported: across accounts the entry itself would need a policy, which it can't have.
pub(super) fn by_caller(
    services: &[(Arc<Service>, &Source)],
    roles: &HashMap<RoleArn, Arc<Role>>,
    is_broken: impl Fn(&RoleArn) -> bool,
    report: &Report,
) -> HashMap<RoleArn, Arc<Service>> {
    let mut callers: HashMap<RoleArn, Arc<Service>> = HashMap::new();
    for (service, source) in services {
        for caller in &service.callers {
            if caller.account() != Some(service.account) {
                let found = source.error(format!("the caller `{caller}` is of another account"));
                let found = found.because("only roles of a service's own account can be let ask");
                report.push(at_callers(source, found).fix(format!("name a role of {}", service.account)));
            } else if !roles.contains_key(caller) && !is_broken(caller) {
                let found = source.error(format!("the caller `{caller}` is not a role in the directory"));
                report.push(at_callers(source, found).fix("add the role, or remove it from `callers`"));
            }
            if let Some(other) = callers.insert(caller.clone(), Arc::clone(service)) {
                let message = format!("`{caller}` is already a caller of the service `{}`", other.service);
                let found = source.error(message).because("a caller's role decides what it may ask about");
                report.push(at_callers(source, found).fix("use a role of its own for each service"));
            }
        }
    }
    callers
}

fn at_callers(source: &Source, found: crate::error::Diagnostic) -> crate::error::Diagnostic {
    let table = toml::de::DeTable::parse(&source.text);
    let place =
        table.ok().and_then(|table| table.get_ref().get_key_value("callers").map(|(key, _)| key.span()));
    match place {
        Some(place) => found.within(&source.text, place.start, place.len()),
        None => found,
    }
}

/// A list with at least one value.
fn some<T>(
    read: impl Fn(&DeValue<'_>) -> Result<T, Rejected>,
) -> impl Fn(&DeValue<'_>) -> Result<Vec<T>, Rejected> {
    let list = value::list(read);
    move |value| {
        list(value).and_then(|all| if all.is_empty() { Err(Rejected::new("it is empty")) } else { Ok(all) })
    }
}

fn name(text: &str) -> Result<String, Rejected> {
    let sound = (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if RESERVED.contains(&text) {
        return Err(
            Rejected::new(format!("`{text}` is the broker's own")).fix("name the service in front of you")
        );
    }
    if sound {
        Ok(text.to_owned())
    } else {
        Err(Rejected::new("a service's name is 1 to 63 of a-z, 0-9 and -"))
    }
}

/// The prefix is an ARN of the service, in this account or in none, without wildcards.
fn check_prefix(fields: &Fields<'_>, prefix: &str, service: &str, account: AccountId) {
    let mut parts = prefix.splitn(6, ':');
    let mut next = || parts.next();
    let (arn, partition, named, _region, owner, rest) = (next(), next(), next(), next(), next(), next());
    let own = matches!(owner, Some(owner) if owner.is_empty() || owner == account.as_str());
    let start = arn == Some("arn") && partition == Some("aws") && named == Some(service);
    let plain = !prefix.contains(['*', '?', '$']) && prefix.len() <= 1024;
    if !(start && own && rest.is_some() && plain) {
        let message = format!("`resource_prefix` is not the start of ARNs of `{service}` in this account");
        let fix = format!("write \"arn:aws:{service}:<region>:{account}:\"; region and account may be empty");
        fields.error("resource_prefix", message, fix);
    }
}
