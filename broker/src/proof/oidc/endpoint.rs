//! The one shape of URL that a provider may have or name: https, a plain host, no tricks.

use std::net::{IpAddr, Ipv6Addr};

/// A URL whose every part was checked, kept exactly as it was written.
///
/// Scheme and host are lower case (a name outside ASCII is written in its `xn--` form), there is no user
/// name, fragment or dot segment. Plain http exists only for loopback hosts, and only where it is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    text: String,
    host: String,
    secure: bool,
}

/// What an [`Endpoint`] may be, beyond https without a query.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// Plain http to a loopback host, for `daypass dev`.
    pub loopback_http: bool,
    /// A query, as some key set URLs have; never for issuers.
    pub query: bool,
}

/// Why a URL is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// A character that has no place in a URL, or a part that must not be there.
    #[error("`{0}` has {1}")]
    Part(String, &'static str),
    /// The host is no lower-case name or address.
    #[error("the host of `{0}` is not a lower-case ASCII name or an address")]
    Host(String),
    /// The port is no number from 1 to 65535 without leading zeros.
    #[error("the port of `{0}` is not a number from 1 to 65535")]
    Port(String),
    /// Another scheme than https.
    #[error("`{0}` does not start with `https://`")]
    Scheme(String),
}

impl Endpoint {
    /// Checks `text`, which may be at most 2,048 bytes.
    pub fn parse(text: &str, allowed: Allowed) -> Result<Self, EndpointError> {
        let part = |problem| EndpointError::Part(text.to_owned(), problem);
        if text.len() > 2_048 {
            return Err(EndpointError::Part(String::from("…"), "more than 2048 bytes"));
        }
        if let Some(problem) = forbidden(text, allowed) {
            return Err(part(problem));
        }
        let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) if allowed.loopback_http => (false, rest),
            _ => return Err(EndpointError::Scheme(text.to_owned())),
        };
        let (authority, path) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
        let host = host(authority, text)?;
        if path.split(['/', '?']).any(|segment| segment == "." || segment == "..") {
            return Err(part("a dot segment"));
        }
        if path.starts_with('/') || path.contains("//") {
            return Err(part("an empty path segment"));
        }
        let endpoint = Self { text: text.to_owned(), host, secure };
        if !secure && !endpoint.is_loopback() {
            return Err(EndpointError::Scheme(text.to_owned()));
        }
        Ok(endpoint)
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL without its scheme, as ARNs and condition keys carry it.
    pub fn without_scheme(&self) -> &str {
        self.text.split_once("://").map_or(self.text.as_str(), |(_, rest)| rest)
    }

    /// The host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host, if it is written as an address.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether the host is by its name this very machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.address().is_some_and(|address| address.is_loopback())
    }

    /// Whether the URL is https; otherwise it is http to a loopback host.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

fn forbidden(text: &str, allowed: Allowed) -> Option<&'static str> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("a character outside printable ASCII");
    }
    if text.contains(['\\', '"', '<', '>', '`', '{', '}', '|', '^', '*', '$']) {
        return Some("a character that URLs don't have");
    }
    if text.contains('#') {
        return Some("a fragment");
    }
    if text.contains('@') {
        return Some("a user name or an `@`");
    }
    if text.contains('?') && !allowed.query {
        return Some("a query");
    }
    None
}

fn host(authority: &str, text: &str) -> Result<String, EndpointError> {
    let refused = || EndpointError::Host(text.to_owned());
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (address, after) = bracketed.split_once(']').ok_or_else(refused)?;
            let address: Ipv6Addr = address.parse().map_err(|_| refused())?;
            let port =
                if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(refused)?) };
            (address.to_string(), port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (authority.to_owned(), None),
        },
    };
    let port_ok = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && !port.starts_with('0')
            && port.parse::<u16>().is_ok()
    });
    if !port_ok {
        return Err(EndpointError::Port(text.to_owned()));
    }
    if host.parse::<Ipv6Addr>().is_err() && !is_name(&host) {
        return Err(refused());
    }
    Ok(host)
}

/// Lower-case DNS labels, or an IPv4 address in its only usual form.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    // Resolvers read `0x7f.1` or `2130706433` as IPv4: a last label of digits must be a full address.
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= 253
        && host.split('.').all(label)
        && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j14_only_plain_https_urls() {
        for text in [
            "http://idp.test",
            "HTTPS://idp.test",
            "https://IdP.test",
            "https://idp.test#f",
            "https://idp.test/?q=1",
            "https://user@idp.test",
            "https://user:pw@idp.test/a",
            "https://ídp.test",
            "https://idp.test:0443",
            "https://idp.test:70000",
            "https://idp.test:",
            "https://",
            "https:///x",
            "https://idp..test",
            "https://idp.test/a/../b",
            "https://idp.test//a",
            "https://idp.test/a\\b",
            "https://idp.test/a b",
            "https://2130706433",
            "https://127.1",
            "https://0x7f000001",
            "https://[::1",
            "https://*.idp.test",
            "ftp://idp.test",
            "//idp.test",
            "idp.test",
        ] {
            assert!(Endpoint::parse(text, Allowed::default()).is_err(), "{text}");
        }
        for text in [
            "https://idp.test",
            "https://idp.test/",
            "https://idp.test:8443/realms/Corp",
            "https://xn--dp-qja.test",
            "https://10.0.0.1/x",
            "https://[fd00::1]:8443/x",
        ] {
            assert_eq!(Endpoint::parse(text, Allowed::default()).unwrap().as_str(), text);
        }
    }

    #[test]
    fn plain_http_needs_loopback_and_permission() {
        let dev = Allowed { loopback_http: true, query: false };
        for text in ["http://127.0.0.1:4280/idp", "http://localhost:1", "http://[::1]:1"] {
            assert!(Endpoint::parse(text, dev).is_ok(), "{text}");
            assert!(Endpoint::parse(text, Allowed::default()).is_err(), "{text}");
        }
        assert!(Endpoint::parse("http://idp.test", dev).is_err());
        assert!(Endpoint::parse("http://localhost.evil.test", dev).is_err());
    }
}
