//! Which addresses a fetch may reach: what a provider's documents say must not lead inside.
//!
//! Names are resolved once and connected to as resolved, so an answer that changes later changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::proof::oidc::Endpoint;

/// The rule of one provider.
///
/// Hosts that configuration names may be public or private; a host that only the discovery document names
/// must be public, unless the provider is private by its configuration: it has authorities of its own, or
/// its issuer is on loopback. Only such a provider reaches loopback. Link-local addresses, where clouds
/// keep their metadata, and those that are no host's are never reached.
#[derive(Debug)]
pub(super) struct Guard {
    named: Vec<String>,
    is_private: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    Public,
    Private,
    Loopback,
    Never,
}

impl Guard {
    pub(super) fn new<'a>(named: impl Iterator<Item = &'a Endpoint>, own_authorities: bool) -> Self {
        let mut guard = Self { named: Vec::new(), is_private: own_authorities };
        for endpoint in named {
            guard.is_private |= endpoint.is_loopback();
            guard.named.push(endpoint.host().to_owned());
        }
        guard
    }

    pub(super) fn admits(&self, host: &str, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Private => self.is_private || self.named.iter().any(|named| named == host),
            Reach::Loopback => self.is_private,
            Reach::Never => false,
        }
    }
}

/// Resolves names with the system's resolver and drops what the guard doesn't admit.
pub(super) struct Resolver(Arc<Guard>);

impl Resolver {
    pub(super) fn new(guard: Arc<Guard>) -> Arc<Self> {
        Arc::new(Self(guard))
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let admitted: Vec<SocketAddr> =
                found.filter(|address| guard.admits(host, address.ip())).collect();
            if admitted.is_empty() {
                return Err(format!("`{host}` has no address that is allowed").into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

fn reach(address: IpAddr) -> Reach {
    match address.to_canonical() {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Reach::Never,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        _ if address.is_loopback() => Reach::Loopback,
        // The metadata service of AWS has its IPv6 address in the private range.
        (0xfd00, 0x0ec2) => Reach::Never,
        (0xfe80..=0xfebf, _) | (0xff00..=0xffff, _) => Reach::Never,
        (0xfc00..=0xfdff, _) | (0xfec0..=0xfeff, _) => Reach::Private,
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => embedded(g, h),
        (0x64, 0xff9b) => Reach::Private,
        (0x2002, _) => embedded(b, c),
        // Unspecified, IPv4-compatible, Teredo, documentation: no server lives there.
        (0, _) | (0x2001, 0 | 0x0db8) => Reach::Never,
        _ => Reach::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::oidc::Allowed;

    fn guard(issuer: &str, own_authorities: bool) -> Guard {
        let issuer = Endpoint::parse(issuer, Allowed { loopback_http: true, query: false }).unwrap();
        Guard::new(std::iter::once(&issuer), own_authorities)
    }

    #[test]
    fn j27_metadata_and_odd_addresses_are_never_reached() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "2001::1",
        ] {
            for private in [false, true] {
                let guard = guard("https://idp.test", private);
                assert!(!guard.admits("idp.test", address.parse().unwrap()), "{address}");
            }
        }
    }

    #[test]
    fn j27_a_discovered_host_must_be_public() {
        let inside = ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"];
        for address in inside.map(|address| address.parse().unwrap()) {
            assert!(!guard("https://idp.test", false).admits("keys.test", address), "{address}");
            assert!(guard("https://idp.test", false).admits("idp.test", address), "{address}");
            assert!(guard("https://idp.test", true).admits("keys.test", address), "{address}");
        }
        for address in ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"] {
            assert!(
                guard("https://idp.test", false).admits("keys.test", address.parse().unwrap()),
                "{address}"
            );
        }
    }

    #[test]
    fn j27_loopback_needs_a_private_provider() {
        for address in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"].map(|text| text.parse().unwrap())
        {
            assert!(!guard("https://idp.test", false).admits("idp.test", address), "{address}");
            assert!(guard("https://idp.test", true).admits("idp.test", address), "{address}");
            assert!(guard("http://localhost:1", false).admits("localhost", address), "{address}");
        }
    }

    #[tokio::test]
    async fn j27_a_name_that_leads_to_loopback_is_not_followed() {
        let name = || "localhost".parse::<Name>().unwrap();
        let resolved = Resolver::new(Arc::new(guard("https://idp.test", false))).resolve(name()).await;
        assert_eq!(resolved.err().unwrap().to_string(), "`localhost` has no address that is allowed");
        let resolved = Resolver::new(Arc::new(guard("https://idp.test", true))).resolve(name()).await;
        assert!(resolved.unwrap().all(|address| address.ip().is_loopback()));
    }
}
