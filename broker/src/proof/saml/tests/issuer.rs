//! An identity provider in memory: its documents are written in canonical form, so that signing them needs no library of
//! XML signature, and none can err with the one under test.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, rand, signature};

use crate::proof::saml::{Metadata, Provider, Settings, SingleUse};

pub(super) const ENTITY: &str = "https://idp.test/metadata";
pub(super) const ROLE: &str = "arn:aws:iam::111122223333:role/Deploy";
pub(super) const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/Corp";
pub(super) const RECIPIENT: &str = "https://id.corp.test/saml/acs";
pub(super) const NOW: &str = "2026-11-22T10:00:00Z";

/// A key on P-256 and its certificate.
pub(super) struct TestIssuer {
    key: signature::EcdsaKeyPair,
    certificate: Vec<u8>,
}

/// Which parts are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Assertion,
    Response,
    Both,
}

pub(super) const FORMS: [Form; 3] = [Form::Assertion, Form::Response, Form::Both];

impl TestIssuer {
    pub(super) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().der().to_vec();
        let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = rand::SystemRandom::new();
        let key = signature::EcdsaKeyPair::from_pkcs8(algorithm, &key.serialize_der(), &random).unwrap();
        Self { key, certificate }
    }

    pub(super) fn metadata(&self) -> String {
        metadata(&[&self.certificate])
    }

    /// The certificate as metadata has it.
    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            account_id: "111122223333".to_owned(),
            id: "SAMLCORP1".to_owned(),
            name: "Corp".to_owned(),
            entity_id: ENTITY.to_owned(),
            metadata: Metadata::parse(&self.metadata()).unwrap(),
            audiences: vec!["urn:amazon:webservices".to_owned()],
            recipients: vec![RECIPIENT.to_owned()],
            clock_skew: std::time::Duration::from_secs(60),
            single_use: SingleUse::Role,
            idp_initiated: true,
        }
    }

    pub(super) fn provider(&self) -> Provider {
        Provider::new(self.settings()).unwrap()
    }

    /// An honest response in one of the forms.
    pub(super) fn response(&self, form: Form) -> String {
        self.response_of(form, &assertion())
    }

    /// A response around an assertion in canonical form.
    pub(super) fn response_of(&self, form: Form, assertion: &str) -> String {
        let assertion =
            if form == Form::Response { assertion.to_owned() } else { self.sign(assertion, "_a") };
        let response = around(&assertion);
        if form == Form::Assertion { response } else { self.sign(&response, "_r") }
    }

    /// The element, which is in canonical form and has this id, with a signature after its issuer.
    pub(super) fn sign(&self, element: &str, id: &str) -> String {
        let signature = self.signature(element, id);
        element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    }

    fn signature(&self, element: &str, id: &str) -> String {
        let digest = STANDARD.encode(digest::digest(&digest::SHA256, element.as_bytes()));
        let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
        let signed_info = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{exclusive}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"{exclusive}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let canonical =
            format!("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{signed_info}");
        let value = self.key.sign(&rand::SystemRandom::new(), canonical.as_bytes()).unwrap();
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{signed_info}\
             <ds:SignatureValue>{}</ds:SignatureValue></ds:Signature>",
            STANDARD.encode(value.as_ref())
        )
    }
}

pub(super) fn metadata(certificates: &[&[u8]]) -> String {
    let key = |der: &&[u8]| {
        format!(
            "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
             <X509Certificate>\n{}\n</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\n",
            STANDARD.encode(der)
        )
    };
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{ENTITY}\">\n\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n{}\
         </IDPSSODescriptor>\n</EntityDescriptor>\n",
        certificates.iter().map(key).collect::<String>()
    )
}

/// An assertion in canonical form that grants [`ROLE`] to `kim`, made at [`NOW`].
pub(super) fn assertion() -> String {
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\" IssueInstant=\"{NOW}\" \
         Version=\"2.0\"><saml:Issuer>{ENTITY}</saml:Issuer><saml:Subject><saml:NameID Format=\"\
         urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">kim</saml:NameID><saml:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         NotOnOrAfter=\"2026-11-22T10:05:00Z\" Recipient=\"{RECIPIENT}\"></saml:SubjectConfirmationData>\
         </saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"{NOW}\" \
         NotOnOrAfter=\"2026-11-22T10:05:00Z\"><saml:AudienceRestriction><saml:Audience>urn:amazon:webservices\
         </saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"{NOW}\">\
         </saml:AuthnStatement><saml:AttributeStatement>{}{}</saml:AttributeStatement></saml:Assertion>",
        attribute("https://aws.amazon.com/SAML/Attributes/Role", &[&format!("{ROLE},{PROVIDER}")]),
        attribute("https://aws.amazon.com/SAML/Attributes/RoleSessionName", &["kim"]),
    )
}

/// An attribute in canonical form.
pub(super) fn attribute(name: &str, values: &[&str]) -> String {
    let value = |value: &&str| format!("<saml:AttributeValue>{value}</saml:AttributeValue>");
    let values: String = values.iter().map(value).collect();
    format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
}

fn around(assertion: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{RECIPIENT}\" ID=\"_r\" \
         IssueInstant=\"{NOW}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
         {ENTITY}</saml:Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">\
         </samlp:StatusCode></samlp:Status>{assertion}</samlp:Response>"
    )
}
