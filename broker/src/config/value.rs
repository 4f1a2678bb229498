//! Readers of single TOML values: strings, lists, durations, addresses, URLs.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use http::Uri;
use ipnet::IpNet;
use toml::de::DeValue;

use super::fields::Rejected;

/// The longest list of values that is read.
const LONGEST_LIST: usize = 1000;

/// A string without control characters.
pub(super) fn string(value: &DeValue<'_>) -> Result<String, Rejected> {
    let text = value.as_str().ok_or_else(|| wrong_type("a string", value))?;
    if text.chars().any(char::is_control) {
        return Err(Rejected::new("it holds a control character").fix("remove it"));
    }
    Ok(text.to_owned())
}

/// A string of at least one character.
pub(super) fn filled(value: &DeValue<'_>) -> Result<String, Rejected> {
    let text = string(value)?;
    if text.is_empty() { Err(Rejected::new("it is empty")) } else { Ok(text) }
}

/// A string that `parse` accepts.
pub(super) fn parsed<T, E: Into<Rejected>>(
    parse: impl Fn(&str) -> Result<T, E>,
) -> impl Fn(&DeValue<'_>) -> Result<T, Rejected> {
    move |value| parse(&string(value)?).map_err(Into::into)
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Rejected> {
    value.as_bool().ok_or_else(|| wrong_type("true or false", value))
}

/// A whole number between two bounds.
pub(super) fn whole(least: u32, most: u32) -> impl Fn(&DeValue<'_>) -> Result<u32, Rejected> {
    move |value| {
        let number = value.as_integer().ok_or_else(|| wrong_type("a whole number", value))?;
        u32::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| Rejected::new(format!("it must be between {least} and {most}")))
    }
}

/// A list, each value read by `read`.
pub(super) fn list<T>(
    read: impl Fn(&DeValue<'_>) -> Result<T, Rejected>,
) -> impl Fn(&DeValue<'_>) -> Result<Vec<T>, Rejected> {
    move |value| {
        let values = value.as_array().ok_or_else(|| wrong_type("a list", value))?;
        if values.len() > LONGEST_LIST {
            return Err(Rejected::new(format!("it has more than {LONGEST_LIST} values")));
        }
        values.iter().map(|one| read(one.get_ref())).collect()
    }
}

/// A duration between two bounds: a whole number and `ms`, `s`, `m`, `h` or `d`, as in `30s`.
pub(super) fn duration(
    least: Duration,
    most: Duration,
) -> impl Fn(&DeValue<'_>) -> Result<Duration, Rejected> {
    move |value| {
        let text = value.as_str().ok_or_else(|| wrong_type("a duration in a string", value))?;
        let duration = parse_duration(text).ok_or_else(|| {
            Rejected::new(format!("`{}` is not a duration", text.escape_default()))
                .fix("write a whole number and a unit: \"500ms\", \"30s\", \"15m\", \"1h\", \"7d\"")
        })?;
        if (least..=most).contains(&duration) {
            return Ok(duration);
        }
        Err(Rejected::new(format!("it must be between {least:?} and {most:?}")))
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let number = number.parse::<u64>().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        "d" => Some(Duration::from_secs(number.checked_mul(86_400)?)),
        _ => None,
    }
}

/// An IP address and port.
pub(super) fn address(value: &DeValue<'_>) -> Result<SocketAddr, Rejected> {
    let text = string(value)?;
    text.parse().map_err(|_| {
        Rejected::new(format!("`{text}` is not an IP address and a port")).fix("write \"127.0.0.1:8443\"")
    })
}

/// An address range, or one address; never every address, since each in it is believed.
pub(super) fn network(value: &DeValue<'_>) -> Result<IpNet, Rejected> {
    let text = string(value)?;
    let network: IpNet = match text.parse::<IpAddr>() {
        Ok(address) => address.into(),
        Err(_) => text.parse().map_err(|_| {
            Rejected::new(format!("`{text}` is not an address range")).fix("write \"10.0.0.0/8\"")
        })?,
    };
    if network.prefix_len() == 0 {
        return Err(Rejected::new("it trusts every address").fix("name the proxies' own addresses"));
    }
    Ok(network.trunc())
}

/// A path, relative ones from `folder`.
pub(super) fn path(folder: &Path) -> impl Fn(&DeValue<'_>) -> Result<PathBuf, Rejected> {
    move |value| Ok(folder.join(filled(value)?))
}

/// A host name with or without port, in lower case.
pub(super) fn host(value: &DeValue<'_>) -> Result<String, Rejected> {
    let text = filled(value)?;
    let wrong = || Rejected::new(format!("`{text}` is not a host name")).fix("write \"id.corp.test\"");
    let authority: http::uri::Authority = text.parse().map_err(|_| wrong())?;
    let plain = authority.as_str() == text && !text.contains('@') && !authority.host().is_empty();
    let port_ok =
        !text.ends_with(':') && authority.port().is_none_or(|port| port.as_str().parse::<u16>().is_ok());
    if plain && port_ok { Ok(text.to_ascii_lowercase()) } else { Err(wrong()) }
}

/// An absolute http or https URL without user, query and fragment; a slash at its end is cut.
pub(super) fn url(value: &DeValue<'_>) -> Result<Uri, Rejected> {
    let text = filled(value)?;
    let wrong = |why: &str| Rejected::new(why.to_owned()).fix("write \"https://id.corp.test\"");
    if text.contains(['@', '#', '?']) {
        return Err(wrong("a URL here has no user, query or fragment"));
    }
    let url: Uri = text.trim_end_matches('/').parse().map_err(|_| wrong("it is not a URL"))?;
    match url.scheme_str() {
        Some("http" | "https") if url.host().is_some_and(|host| !host.is_empty()) => Ok(url),
        _ => Err(wrong("it is not an http or https URL")),
    }
}

/// Whether a URL's host is this machine: a loopback address or `localhost`.
pub(super) fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn wrong_type(wanted: &str, found: &DeValue<'_>) -> Rejected {
    Rejected::new(format!("it must be {wanted}, and is {}", kind(found)))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
