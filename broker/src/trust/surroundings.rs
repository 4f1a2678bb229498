//! Where, when and how a request arrives: the condition keys that are there whoever asks.

use std::net::IpAddr;

use daypass_evaluator::Context;
use jiff::Timestamp;

/// The surroundings of one request, as the broker itself saw them or a trusted service reported them.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// `aws:SourceIp`, where it is known.
    pub source_ip: Option<IpAddr>,
    /// `aws:SecureTransport`.
    pub secure: bool,
    /// `aws:UserAgent`.
    pub user_agent: &'a str,
    /// `aws:RequestedRegion`.
    pub region: &'a str,
    /// `aws:CurrentTime` and `aws:EpochTime`.
    pub now: Timestamp,
}

impl<'a> Surroundings<'a> {
    /// Adds the keys to a request's context, in lower case, as it keeps them.
    pub fn describe<'c>(&self, context: &mut Context<'c>)
    where
        'a: 'c,
    {
        if let Some(address) = self.source_ip {
            context.set("aws:sourceip", address.to_string());
        }
        context.set("aws:securetransport", if self.secure { "true" } else { "false" });
        if !self.user_agent.is_empty() {
            context.set("aws:useragent", self.user_agent);
        }
        context.set("aws:requestedregion", self.region);
        let second = self.now.as_second();
        context.set("aws:epochtime", second.to_string());
        let rounded = Timestamp::from_second(second).unwrap_or(self.now);
        context.set("aws:currenttime", rounded.to_string());
    }
}
