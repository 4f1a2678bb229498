//! Real corporate identity providers that speak SAML, Keycloak and SimpleSAMLphp, and sign-ins as a browser does them.
//!
//! Both know `kim` (two roles, two tags, both transitive) and `lee` (one role, one tag), each with `NAME's own password`.

mod keycloak;
mod simplesamlphp;

use std::sync::Mutex;

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::TempDir;

use super::{browser::Browser, process::Process};

/// Where assertions go if nobody asked for another place: the recipient that they name.
pub(crate) const ACS: &str = "https://id.corp.test/saml/acs";

/// What carries the signature. Each is a relying party of its own to the provider; all have AWS's audience.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signed {
    /// The assertion, as AWS documents it; the name identifier is persistent.
    Assertion,
    /// The response around it.
    Response,
    /// The assertion, and then the response around it; the name identifier is transient.
    Both,
}

impl Signed {
    /// The relying party's entity id.
    pub(crate) fn entity_id(self) -> &'static str {
        match self {
            Self::Assertion => "urn:amazon:webservices",
            Self::Response => "urn:corp:response-signed",
            Self::Both => "urn:corp:both-signed",
        }
    }
}

/// A running provider.
#[derive(Debug)]
pub(crate) struct CorporateIdp {
    /// Under which it stands in the roles' ARNs, `saml-provider/NAME`.
    pub(crate) name: &'static str,
    metadata: String,
    /// What starts a sign-in that no relying party asked for.
    unasked: fn(&str, Signed) -> String,
    url: String,
    /// Behind a lock only so that tests can share the provider.
    _process: Mutex<Process>,
    _folder: TempDir,
}

/// What a browser carries from the provider to the relying party.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The address that it is posted to.
    pub(crate) to: String,
    /// In base64, as posted.
    pub(crate) response: String,
    pub(crate) relay_state: Option<String>,
}

impl CorporateIdp {
    /// Its metadata, as it serves it.
    pub(crate) fn metadata(&self) -> String {
        Browser::new().open(&self.metadata).text().to_owned()
    }

    /// Signs a person in without a request; nothing if the provider does not take the password.
    pub(crate) fn sign_in(&self, signed: Signed, user: &str, password: &str) -> Option<Delivery> {
        self.answer(&(self.unasked)(&self.url, signed), user, password)
    }

    /// Signs a person in for a request that an address carries, as the redirect binding has it.
    pub(crate) fn answer(&self, request: &str, user: &str, password: &str) -> Option<Delivery> {
        let browser = Browser::new();
        let page = browser.open(request);
        let login =
            page.form().unwrap_or_else(|| panic!("{} asks for no password:\n{}", self.name, page.text()));
        let answer = browser.submit(&login, &[("username", user), ("password", password)]).form()?;
        Some(Delivery {
            response: answer.field("SAMLResponse")?.to_owned(),
            relay_state: answer.field("RelayState").map(str::to_owned),
            to: answer.action,
        })
    }
}

impl Delivery {
    /// The response's XML.
    pub(crate) fn xml(&self) -> String {
        let bytes = STANDARD.decode(&self.response).expect("base64");
        String::from_utf8(bytes).expect("text")
    }
}
