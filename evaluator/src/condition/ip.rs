//! IP address operators: ranges of IPv4 and IPv6; an address alone is a range of one.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{BadValue, Truth, compile_each};

#[derive(Debug, Clone)]
pub(super) struct Wanted(Vec<IpNet>);

impl Wanted {
    pub(super) fn compile(values: &[String]) -> Result<Self, BadValue> {
        let parse = |value: &str| {
            let network = value.parse().or_else(|_| value.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| "write an address or a range such as `203.0.113.0/24`")
        };
        Ok(Self(compile_each(values, parse)?))
    }

    pub(super) fn any(&self, seen: &str) -> Truth {
        seen.parse::<IpAddr>().map_or(Truth::Undecidable, |seen| {
            let within = |seen: IpAddr| self.0.iter().any(|range| range.contains(&seen));
            // `::ffff:192.0.2.7` may be the IPv4 peer of a dual-stack socket, or be written by who isn't that peer.
            let (written, inside) = (within(seen), within(seen.to_canonical()));
            if written == inside { Truth::of(written) } else { Truth::Undecidable }
        })
    }
}
