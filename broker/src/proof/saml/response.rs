//! A response as it arrived: of the one accepted form, and nothing in it believed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

use super::budget;
use super::guard::{self, Shape};
use super::refusal::Refusal;
use super::xml::{self, ASSERTION, PROTOCOL};

const LENGTH: std::ops::RangeInclusive<usize> = 4..=100_000;
/// Nodes of a document: elements and texts within the budget of elements.
const MOST_NODES: u32 = 5_000;
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// A well-shaped SAML response whose signatures nobody has verified.
///
/// **Whatever it says is the sender's word**, and nothing of it may decide anything but a refusal. Its `Debug` form shows
/// no claim.
#[derive(Clone)]
pub struct UnverifiedResponse {
    /// The document without XML declaration.
    pub(super) text: String,
    /// Its elements and attributes: what one try to verify it costs.
    pub(super) weight: usize,
    pub(super) shape: Shape,
    pub(super) envelope: Envelope,
}

/// What a response says besides its assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) issuer: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) in_response_to: Option<String>,
    /// Whether the identity provider says that the sign-in succeeded.
    pub(super) success: bool,
}

impl UnverifiedResponse {
    /// Reads the base64 (RFC 4648 section 4, 4 to 100,000 characters; line ends after it are cut off) of a response.
    ///
    /// Sizes are bounded before anything is parsed; the shape (one assertion, signatures in their places, algorithms of
    /// a list) before anything is computed.
    pub fn parse(encoded: &str) -> Result<Self, Refusal> {
        let encoded = encoded.trim_end_matches(['\r', '\n']);
        if !LENGTH.contains(&encoded.len()) {
            return Err(Refusal::Length { characters: encoded.len() });
        }
        // The engine refuses white space, missing padding and non-zero trailing bits.
        let bytes =
            STANDARD.decode(encoded).map_err(|error| Refusal::Encoding { problem: error.to_string() })?;
        let text = String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let text = without_declaration(&text)?;
        let weight = budget::check(text).map_err(malformed)?;
        let document =
            xml::parse(text, MOST_NODES).map_err(|error| malformed(&format!("it is not XML: {error}")))?;
        let shape = guard::shape(&document).map_err(malformed)?;
        let envelope = Envelope::read(document.root_element())?;
        Ok(Self { text: text.to_owned(), weight, shape, envelope })
    }

    /// The issuer that the response claims; only a signature makes it true.
    pub fn issuer(&self) -> Option<&str> {
        self.envelope.issuer.as_deref()
    }
}

impl fmt::Debug for UnverifiedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedResponse(..)")
    }
}

impl Envelope {
    /// Reads a `samlp:Response`, verified or not.
    pub(super) fn read(response: Node<'_, '_>) -> Result<Self, Refusal> {
        let twice = |xml::Twice(name): xml::Twice| malformed(&format!("it has several {name}"));
        let issuer = match xml::child(response, ASSERTION, "Issuer").map_err(twice)? {
            Some(issuer) => Some(xml::text(issuer).ok_or_else(|| malformed("its issuer is no text"))?),
            None => None,
        };
        let status = xml::child(response, PROTOCOL, "Status").map_err(twice)?;
        let code = match status {
            Some(status) => xml::child(status, PROTOCOL, "StatusCode").map_err(twice)?,
            None => None,
        };
        if xml::attribute(response, "Version") != Some("2.0") {
            return Err(malformed("it is not of version 2.0"));
        }
        Ok(Self {
            issuer,
            destination: xml::attribute(response, "Destination").map(str::to_owned),
            in_response_to: xml::attribute(response, "InResponseTo").map(str::to_owned),
            success: code.and_then(|code| xml::attribute(code, "Value")) == Some(SUCCESS),
        })
    }
}

/// The document after an XML declaration, which may only say what is so: version 1.0, UTF-8.
fn without_declaration(text: &str) -> Result<&str, Refusal> {
    let Some(rest) = text.strip_prefix("<?xml ") else {
        return if text.starts_with('<') { Ok(text) } else { Err(malformed("it does not begin with `<`")) };
    };
    let (declaration, rest) = rest.split_once("?>").ok_or_else(|| malformed("it is not well-formed"))?;
    let sound = declaration.split_ascii_whitespace().all(|part| {
        let part = part.replace('\'', "\"");
        part == "version=\"1.0\""
            || part.eq_ignore_ascii_case("encoding=\"utf-8\"")
            || matches!(part.as_str(), "standalone=\"yes\"" | "standalone=\"no\"")
    });
    let rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    if sound { Ok(rest) } else { Err(malformed("its XML declaration is not one of version 1.0 and UTF-8")) }
}

fn malformed(problem: &str) -> Refusal {
    Refusal::Malformed { problem: problem.to_owned() }
}
