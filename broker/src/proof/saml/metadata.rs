//! Metadata of identity providers (SAML metadata 2.3, 2.4.3): who signs, and with which certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use roxmltree::Node;

use super::certificate::SigningCertificate;
use super::signature::Family;
use super::times;
use super::xml::{self, METADATA, PROTOCOL, SIGNATURE};

/// Nodes of a document; one of a megabyte has fewer.
const MOST_NODES: u32 = 100_000;
const MOST_CERTIFICATES: usize = 10;

/// What metadata says of one identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    entity_id: String,
    certificates: Vec<SigningCertificate>,
    valid_until: Option<Timestamp>,
}

/// Why metadata is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct MetadataError {
    /// Line in the file, from 1; of the whole if it is 0.
    pub line: u32,
    /// What is wrong.
    pub problem: String,
}

impl Metadata {
    /// Reads the metadata of exactly one entity.
    ///
    /// # Errors
    /// The line and what is wrong there: several entities, no identity provider of SAML 2.0, no certificate to verify
    /// with, or one whose key is not acceptable.
    pub fn parse(text: &str) -> Result<Self, MetadataError> {
        let document = xml::parse(text, MOST_NODES).map_err(|error| MetadataError {
            line: error.pos().row,
            problem: format!("it is not XML without DTD: {error}"),
        })?;
        let root = document.root_element();
        let refused = |node: Node<'_, '_>, problem: &str| MetadataError {
            line: document.text_pos_at(node.range().start).row,
            problem: problem.to_owned(),
        };
        if !xml::is(root, METADATA, "EntityDescriptor") {
            return Err(refused(root, "its root is not one EntityDescriptor of SAML 2.0 metadata"));
        }
        let entity_id = xml::attribute(root, "entityID").unwrap_or_default();
        if !(1..=1_024).contains(&entity_id.len())
            || entity_id.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(refused(root, "its entityID is not 1 to 1024 bytes without white space"));
        }
        let role = xml::child(root, METADATA, "IDPSSODescriptor")
            .map_err(|_| refused(root, "it describes several identity providers"))?
            .filter(|role| speaks_saml_2(*role))
            .ok_or_else(|| refused(root, "it describes no identity provider of SAML 2.0"))?;
        let mut certificates = Vec::new();
        for (place, der) in signing_certificates(role) {
            let der = der.ok_or_else(|| refused(place, "a certificate is not base64"))?;
            let certificate = SigningCertificate::parse(&der)
                .map_err(|problem| refused(place, &format!("a certificate is not acceptable: {problem}")))?;
            if !certificates.contains(&certificate) {
                certificates.push(certificate);
            }
        }
        if certificates.is_empty() {
            return Err(refused(role, "it has no certificate to verify signatures with"));
        }
        if certificates.len() > MOST_CERTIFICATES {
            return Err(refused(role, "it has more than 10 signing certificates"));
        }
        let unreadable = |problem: String| refused(root, &format!("validUntil: {problem}"));
        Ok(Self {
            entity_id: entity_id.to_owned(),
            certificates,
            valid_until: [root, role]
                .iter()
                .filter_map(|node| xml::attribute(*node, "validUntil"))
                .map(times::instant)
                .collect::<Result<Vec<_>, _>>()
                .map_err(unreadable)?
                .into_iter()
                .min(),
        })
    }

    /// The name that its assertions have as issuer.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The certificates of this kind of key that are valid now: none after the metadata's own end.
    pub(super) fn valid_at(
        &self,
        family: Family,
        now: Timestamp,
    ) -> impl Iterator<Item = &SigningCertificate> {
        let stale = self.valid_until.is_some_and(|end| end <= now);
        self.certificates.iter().filter(move |one| !stale && one.family == family && one.is_valid_at(now))
    }
}

fn speaks_saml_2(role: Node<'_, '_>) -> bool {
    let protocols = xml::attribute(role, "protocolSupportEnumeration").unwrap_or_default();
    protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
}

/// Each certificate for signing, in DER if it is base64, with its place.
fn signing_certificates<'a, 'i>(role: Node<'a, 'i>) -> impl Iterator<Item = (Node<'a, 'i>, Option<Vec<u8>>)> {
    xml::children(role, METADATA, "KeyDescriptor")
        .filter(|key| xml::attribute(*key, "use").is_none_or(|purpose| purpose == "signing"))
        .flat_map(|key| xml::children(key, SIGNATURE, "KeyInfo"))
        .flat_map(|info| xml::children(info, SIGNATURE, "X509Data"))
        .flat_map(|data| xml::children(data, SIGNATURE, "X509Certificate"))
        .map(|node| {
            let text: Option<String> =
                xml::text(node).map(|text| text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
            (node, text.and_then(|text| STANDARD.decode(text).ok()))
        })
}
