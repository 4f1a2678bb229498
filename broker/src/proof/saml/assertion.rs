//! An assertion read from the bytes that were digested, and the checks of everything that bounds its use.

use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;

use super::attributes::Attributes;
use super::provider::Provider;
use super::refusal::Refusal;
use super::response::Envelope;
use super::times::{self, is_over, is_to_come};
use super::xml::{self, ASSERTION};

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
/// How long after it was made an assertion may be redeemed.
const REDEEMABLE: SignedDuration = SignedDuration::from_mins(5);

/// An assertion as its issuer signed it.
#[derive(Debug)]
pub(super) struct Assertion {
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) issued: Timestamp,
    pub(super) subject: Subject,
    pub(super) one_time_use: bool,
    /// When the sign-in at the identity provider ends.
    pub(super) session_end: Option<Timestamp>,
    pub(super) attributes: Attributes,
    conditions: Conditions,
}

/// Whom it is about, and how the bearer is known to be meant.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name_id: Option<String>,
    pub(super) format: String,
    pub(super) recipient: String,
    not_before: Option<Timestamp>,
    not_on_or_after: Timestamp,
    in_response_to: Option<String>,
}

#[derive(Debug)]
struct Conditions {
    not_before: Option<Timestamp>,
    not_on_or_after: Option<Timestamp>,
    /// Each restriction's audiences.
    audiences: Vec<Vec<String>>,
}

impl Assertion {
    /// Reads a `saml:Assertion` (core 2.3.3), every text exactly as it is.
    pub(super) fn read(node: Node<'_, '_>) -> Result<Self, Refusal> {
        if xml::attribute(node, "Version") != Some("2.0") {
            return Err(refused("Version", "it is not 2.0"));
        }
        let issuer = one(node, "Issuer")?.ok_or(Refusal::Missing { name: "Issuer" })?;
        let conditions = one(node, "Conditions")?.ok_or(Refusal::Missing { name: "Conditions" })?;
        let subject = one(node, "Subject")?.ok_or(Refusal::NoNameId)?;
        let mut statements = xml::children(node, ASSERTION, "AuthnStatement").peekable();
        if statements.peek().is_none() {
            return Err(Refusal::Missing { name: "AuthnStatement" });
        }
        let mut session_end = None;
        for statement in statements {
            let end = time(statement, "SessionNotOnOrAfter")?;
            session_end = session_end.into_iter().chain(end).min();
        }
        Ok(Self {
            id: xml::attribute(node, "ID").unwrap_or_default().to_owned(),
            issuer: text(issuer, "Issuer")?,
            issued: time(node, "IssueInstant")?.ok_or(Refusal::Missing { name: "IssueInstant" })?,
            subject: Subject::read(subject)?,
            one_time_use: one(conditions, "OneTimeUse")?.is_some(),
            session_end,
            attributes: Attributes::read(node)?,
            conditions: Conditions::read(conditions)?,
        })
    }

    /// The instant from which it is no longer accepted, if everything that bounds its use holds now.
    ///
    /// The order is: who says it, to whom, when (profiles 4.1.4.3).
    pub(super) fn check(
        &self,
        envelope: &Envelope,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        if !envelope.success {
            return Err(Refusal::Status);
        }
        for issuer in envelope.issuer.iter().chain([&self.issuer]) {
            if **issuer != *provider.entity_id {
                return Err(Refusal::Issuer {
                    seen: issuer.chars().take(256).collect(),
                    wanted: provider.entity_id.to_string(),
                });
            }
        }
        self.check_recipients(envelope, provider)?;
        self.check_audiences(provider)?;
        self.check_request(envelope, provider)?;
        self.check_times(provider.skew_seconds, now)
    }

    fn check_recipients(&self, envelope: &Envelope, provider: &Provider) -> Result<(), Refusal> {
        let destination = envelope.destination.as_ref().map(|seen| ("Destination", seen));
        for (name, seen) in destination.into_iter().chain([("Recipient", &self.subject.recipient)]) {
            if !provider.recipients.iter().any(|ours| **ours == **seen) {
                return Err(Refusal::Recipient { name, seen: seen.chars().take(256).collect() });
            }
        }
        Ok(())
    }

    /// Every restriction must name us (core 2.5.1.4), and nobody else: any other audience could redeem it here.
    fn check_audiences(&self, provider: &Provider) -> Result<(), Refusal> {
        let all = self.conditions.audiences.concat();
        let for_us = |named: &Vec<String>| {
            !named.is_empty() && named.iter().all(|audience| provider.audiences.contains(audience))
        };
        if self.conditions.audiences.is_empty() || !self.conditions.audiences.iter().all(for_us) {
            return Err(Refusal::Audience { seen: all.join(", ").chars().take(256).collect() });
        }
        Ok(())
    }

    /// Response and assertion must answer the same request; none only if the provider may begin by itself.
    fn check_request(&self, envelope: &Envelope, provider: &Provider) -> Result<(), Refusal> {
        match (&envelope.in_response_to, &self.subject.in_response_to) {
            (None, None) if provider.idp_initiated => Ok(()),
            (None, None) => Err(Refusal::Unsolicited { problem: "the response answers no request" }),
            (Some(one), Some(other)) if one == other => Ok(()),
            _ => Err(Refusal::Unsolicited { problem: "response and assertion answer different requests" }),
        }
    }

    fn check_times(&self, skew: i64, now: Timestamp) -> Result<Timestamp, Refusal> {
        let starts = [
            ("IssueInstant", Some(self.issued)),
            ("NotBefore of the conditions", self.conditions.not_before),
            ("NotBefore of the subject", self.subject.not_before),
        ];
        for (name, start) in starts {
            if let Some(at) = start.filter(|start| is_to_come(*start, skew, now)) {
                return Err(Refusal::NotYetValid { name, at, now });
            }
        }
        let redeemable = self.issued.checked_add(REDEEMABLE).unwrap_or(Timestamp::MIN);
        let ends = [
            ("NotOnOrAfter of the conditions", self.conditions.not_on_or_after),
            ("NotOnOrAfter of the subject", Some(self.subject.not_on_or_after)),
            ("IssueInstant", Some(redeemable)),
        ];
        let mut first = redeemable;
        for (name, end) in ends {
            let Some(at) = end else { continue };
            if is_over(at, skew, now) {
                let at = if name == "IssueInstant" { self.issued } else { at };
                return Err(Refusal::Expired { name, at, now });
            }
            first = first.min(at);
        }
        // Without skew: credentials would end at that instant, so there are none to give at it or after it.
        if let Some(at) = self.session_end.filter(|end| is_over(*end, 0, now)) {
            return Err(Refusal::Expired { name: "SessionNotOnOrAfter", at, now });
        }
        Ok(first)
    }
}

impl Subject {
    fn read(node: Node<'_, '_>) -> Result<Self, Refusal> {
        let name_id = one(node, "NameID")?;
        let format = name_id.and_then(|name_id| xml::attribute(name_id, "Format")).unwrap_or(UNSPECIFIED);
        let name_id = name_id.map(|name_id| text(name_id, "NameID")).transpose()?;
        let name_id = name_id.filter(|name_id| !name_id.is_empty());
        let confirmation =
            one(node, "SubjectConfirmation")?.ok_or(Refusal::Missing { name: "SubjectConfirmation" })?;
        if xml::attribute(confirmation, "Method") != Some(BEARER) {
            return Err(refused("SubjectConfirmation", "its method is not bearer"));
        }
        let data = one(confirmation, "SubjectConfirmationData")?
            .ok_or(Refusal::Missing { name: "SubjectConfirmationData" })?;
        Ok(Self {
            name_id: name_id.map(|name_id| bounded(name_id, "NameID")).transpose()?,
            format: bounded(format.to_owned(), "Format")?,
            recipient: xml::attribute(data, "Recipient")
                .ok_or(Refusal::Missing { name: "Recipient" })?
                .to_owned(),
            not_before: time(data, "NotBefore")?,
            not_on_or_after: time(data, "NotOnOrAfter")?.ok_or(Refusal::Missing { name: "NotOnOrAfter" })?,
            in_response_to: xml::attribute(data, "InResponseTo").map(str::to_owned),
        })
    }
}

impl Conditions {
    fn read(node: Node<'_, '_>) -> Result<Self, Refusal> {
        let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
        let is_known = |child: Node<'_, '_>| known.iter().any(|name| xml::is(child, ASSERTION, name));
        if node.children().any(|child| child.is_element() && !is_known(child)) {
            return Err(refused("Conditions", "a condition is not known here"));
        }
        let mut audiences = Vec::new();
        for restriction in xml::children(node, ASSERTION, "AudienceRestriction") {
            let named = xml::children(restriction, ASSERTION, "Audience").map(|one| text(one, "Audience"));
            audiences.push(named.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Self {
            not_before: time(node, "NotBefore")?,
            not_on_or_after: time(node, "NotOnOrAfter")?,
            audiences,
        })
    }
}

/// The child of this name: none, or the only one.
fn one<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'static str) -> Result<Option<Node<'a, 'i>>, Refusal> {
    xml::child(node, ASSERTION, name).map_err(|xml::Twice(name)| refused(name, "it is there twice"))
}

fn text(node: Node<'_, '_>, name: &str) -> Result<String, Refusal> {
    xml::text(node).ok_or_else(|| refused(name, "it is not only text"))
}

fn time(node: Node<'_, '_>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = xml::attribute(node, name) else { return Ok(None) };
    times::instant(text).map(Some).map_err(|problem| refused(name, &problem))
}

/// A text of at most 256 characters, none of them a control character.
fn bounded(text: String, name: &str) -> Result<String, Refusal> {
    if text.chars().count() > 256 || text.chars().any(char::is_control) {
        return Err(refused(name, "it is not up to 256 printable characters"));
    }
    Ok(text)
}

fn refused(name: &str, problem: &str) -> Refusal {
    Refusal::Attribute { name: name.to_owned(), problem: problem.to_owned() }
}
