//! The corporate identity providers by themselves: what they assert, under which signatures, and to whom.

use std::{collections::BTreeMap, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use roxmltree::{Document, Node};
use tempfile::TempDir;

use crate::harness::{ACS, CorporateIdp, Signed, form};

const ALL: [Signed; 3] = [Signed::Assertion, Signed::Response, Signed::Both];
const AWS: &str = "https://aws.amazon.com/SAML/Attributes/";

#[test]
fn keycloak_describes_itself() {
    describes_itself(CorporateIdp::keycloak());
}

#[test]
fn simplesamlphp_describes_itself() {
    describes_itself(&CorporateIdp::simplesamlphp());
}

fn describes_itself(idp: &CorporateIdp) {
    let metadata = idp.metadata();
    let document = parsed(&metadata);
    let root = document.root_element();
    assert_eq!(root.tag_name().namespace(), Some("urn:oasis:names:tc:SAML:2.0:metadata"));
    assert_eq!(root.tag_name().name(), "EntityDescriptor");
    assert!(root.attribute("entityID").is_some_and(|id| id.starts_with("http://127.0.0.1:")), "{metadata}");
    assert!(one(&document, "IDPSSODescriptor").is_some(), "{metadata}");
    assert!(sign_on(&metadata).starts_with("http://127.0.0.1:"), "{metadata}");
    assert!(certificate(&metadata).contains("BEGIN CERTIFICATE"));
}

#[test]
fn keycloak_says_who_may_become_what() {
    says_who_may_become_what(CorporateIdp::keycloak());
}

#[test]
fn simplesamlphp_says_who_may_become_what() {
    says_who_may_become_what(&CorporateIdp::simplesamlphp());
}

fn says_who_may_become_what(idp: &CorporateIdp) {
    let role = |name: &str| {
        format!("arn:aws:iam::111122223333:role/{name},arn:aws:iam::111122223333:saml-provider/{}", idp.name)
    };
    let of_kim = [
        ("Role", vec![role("Auditor"), role("Federated")]),
        ("RoleSessionName", vec!["kim".to_owned()]),
        ("SessionDuration", vec!["7200".to_owned()]),
        ("SourceIdentity", vec!["kim@corp.test".to_owned()]),
        ("PrincipalTag:team", vec!["core".to_owned()]),
        ("PrincipalTag:stage", vec!["prod".to_owned()]),
        ("TransitiveTagKeys", vec!["stage".to_owned(), "team".to_owned()]),
    ];
    let of_lee = [
        ("Role", vec![role("Federated")]),
        ("RoleSessionName", vec!["lee".to_owned()]),
        ("SessionDuration", vec!["7200".to_owned()]),
        ("SourceIdentity", vec!["lee@corp.test".to_owned()]),
        ("PrincipalTag:team", vec!["ops".to_owned()]),
    ];
    for signed in ALL {
        assert_eq!(told(idp, signed, "kim"), named(&of_kim), "{signed:?}");
        assert_eq!(told(idp, signed, "lee"), named(&of_lee), "{signed:?}");
    }
}

/// What a provider says about a person, after a look at the rest of its response.
fn told(idp: &CorporateIdp, signed: Signed, user: &str) -> BTreeMap<String, Vec<String>> {
    let delivery = idp.sign_in(signed, user, &format!("{user}'s own password")).expect("a response");
    assert_eq!((delivery.to.as_str(), &delivery.relay_state), (ACS, &None));
    let xml = delivery.xml();
    let document = parsed(&xml);
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("Destination")), ("Response", Some(ACS)));
    let audiences: Vec<_> = all(&document, "Audience").filter_map(|one| one.text()).collect();
    assert!(audiences.contains(&"urn:amazon:webservices"), "{audiences:?}");
    assert!(audiences.contains(&signed.entity_id()), "{audiences:?}");
    let confirmation = one(&document, "SubjectConfirmationData").expect("a confirmation");
    assert_eq!(
        (confirmation.attribute("Recipient"), confirmation.attribute("InResponseTo")),
        (Some(ACS), None)
    );
    let subject = one(&document, "NameID").expect("a name identifier");
    if let Signed::Assertion = signed {
        assert_eq!(subject.text(), Some(format!("{user}-at-{}", idp.name.to_lowercase()).as_str()));
        assert_eq!(subject.attribute("Format"), Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"));
    }
    let attributes = all(&document, "Attribute").map(|attribute| {
        let name = attribute.attribute("Name").expect("a name").to_owned();
        let mut values: Vec<String> =
            attribute.children().filter_map(|value| value.text()).map(str::to_owned).collect();
        values.sort();
        (name, values)
    });
    attributes.collect()
}

fn named(attributes: &[(&str, Vec<String>)]) -> BTreeMap<String, Vec<String>> {
    attributes.iter().map(|(name, values)| (format!("{AWS}{name}"), values.clone())).collect()
}

#[test]
fn keycloak_signs_what_it_was_told_to() {
    signs_what_it_was_told_to(CorporateIdp::keycloak());
}

#[test]
fn simplesamlphp_signs_what_it_was_told_to() {
    signs_what_it_was_told_to(&CorporateIdp::simplesamlphp());
}

fn signs_what_it_was_told_to(idp: &CorporateIdp) {
    let own = certificate(&idp.metadata());
    let foreign = certificate(&CorporateIdp::simplesamlphp().metadata());
    for signed in ALL {
        let xml = idp.sign_in(signed, "kim", "kim's own password").expect("a response").xml();
        let (of_response, of_assertion) = match signed {
            Signed::Assertion => (false, true),
            Signed::Response => (true, false),
            Signed::Both => (true, true),
        };
        let tampered = xml.replace(">kim@corp.test<", ">lee@corp.test<");
        assert_ne!(tampered, xml);
        for (place, expected) in [(RESPONSE, of_response), (ASSERTION, of_assertion)] {
            assert_eq!(verified(&xml, place, &own), expected, "{signed:?} {place}");
            assert!(!verified(&tampered, place, &own), "{signed:?} {place}");
            assert!(!verified(&xml, place, &foreign), "{signed:?} {place}");
        }
    }
}

#[test]
fn keycloak_gives_nothing_for_a_wrong_password() {
    gives_nothing_for_a_wrong_password(CorporateIdp::keycloak());
}

#[test]
fn simplesamlphp_gives_nothing_for_a_wrong_password() {
    gives_nothing_for_a_wrong_password(&CorporateIdp::simplesamlphp());
}

fn gives_nothing_for_a_wrong_password(idp: &CorporateIdp) {
    for (user, password) in [("kim", "lee's own password"), ("kim", ""), ("nobody", "kim's own password")] {
        assert!(idp.sign_in(Signed::Assertion, user, password).is_none(), "{user} {password}");
    }
    assert!(idp.sign_in(Signed::Assertion, "kim", "kim's own password").is_some());
}

const ANOTHER_ACS: &str = "http://127.0.0.1:8443/saml/acs";

#[test]
fn keycloak_answers_a_request() {
    answers_a_request(CorporateIdp::keycloak());
}

#[test]
fn simplesamlphp_answers_a_request() {
    answers_a_request(&CorporateIdp::simplesamlphp_for(&[ACS, ANOTHER_ACS]));
}

fn answers_a_request(idp: &CorporateIdp) {
    let asked = asking(&sign_on(&idp.metadata()), Signed::Both.entity_id(), ANOTHER_ACS);
    let delivery = idp.answer(&asked, "kim", "kim's own password").expect("a response");
    assert_eq!(delivery.to, ANOTHER_ACS);
    assert_eq!(delivery.relay_state.as_deref(), Some("where I was & wanted to go"));
    let xml = delivery.xml();
    let document = parsed(&xml);
    assert_eq!(document.root_element().attribute("InResponseTo"), Some("_a-request"));
    let confirmation = one(&document, "SubjectConfirmationData").expect("a confirmation");
    assert_eq!(confirmation.attribute("InResponseTo"), Some("_a-request"));
    assert_eq!(confirmation.attribute("Recipient"), Some(ANOTHER_ACS));
    assert!(idp.answer(&asked, "kim", "lee's own password").is_none());
}

/// An address that carries an `AuthnRequest` (SAML bindings 3.4.4.1), its XML as one stored block of DEFLATE.
fn asking(sign_on: &str, issuer: &str, acs: &str) -> String {
    let xml = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_a-request\" Version=\"2.0\" \
         IssueInstant=\"{:.0}\" Destination=\"{sign_on}\" AssertionConsumerServiceURL=\"{acs}\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{issuer}</saml:Issuer>\
         </samlp:AuthnRequest>",
        crate::harness::now()
    );
    let length = u16::try_from(xml.len()).expect("a short request");
    let mut deflated = vec![1];
    deflated.extend(length.to_le_bytes());
    deflated.extend((!length).to_le_bytes());
    deflated.extend(xml.as_bytes());
    let request = STANDARD.encode(deflated);
    format!("{sign_on}?{}", form(&[("SAMLRequest", &request), ("RelayState", "where I was & wanted to go")]))
}

fn parsed(xml: &str) -> Document<'_> {
    Document::parse(xml).unwrap_or_else(|error| panic!("{error}:\n{xml}"))
}

fn all<'a, 'xml>(document: &'a Document<'xml>, name: &'a str) -> impl Iterator<Item = Node<'a, 'xml>> {
    document.descendants().filter(move |node| node.tag_name().name() == name)
}

fn one<'a, 'xml>(document: &'a Document<'xml>, name: &'a str) -> Option<Node<'a, 'xml>> {
    all(document, name).next()
}

/// Where metadata says that requests go by the redirect binding.
fn sign_on(metadata: &str) -> String {
    let document = parsed(metadata);
    let mut services = all(&document, "SingleSignOnService");
    let redirect = Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect");
    let service =
        services.find(|service| service.attribute("Binding") == redirect).expect("a redirect binding");
    service.attribute("Location").expect("a location").to_owned()
}

/// The signing certificate of metadata, as PEM.
fn certificate(metadata: &str) -> String {
    let document = parsed(metadata);
    let mut keys = all(&document, "KeyDescriptor").filter(|key| key.attribute("use") == Some("signing"));
    let key = keys.next().expect("a signing key");
    let mut texts = key.descendants().filter(|node| node.tag_name().name() == "X509Certificate");
    let base64 = texts.next().and_then(|text| text.text()).expect("a certificate");
    let lines: Vec<&str> =
        base64.trim().as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

const RESPONSE: &str = "/*[local-name()='Response']/*[local-name()='Signature']";
const ASSERTION: &str = "/*/*[local-name()='Assertion']/*[local-name()='Signature']";

/// Whether xmlsec finds a signature at this place and it is of this certificate's key, whatever key it names itself.
fn verified(xml: &str, place: &str, certificate: &str) -> bool {
    let folder = TempDir::new().expect("a folder");
    let (document, pem) = (folder.path().join("response.xml"), folder.path().join("idp.pem"));
    std::fs::write(&document, xml).expect("a document");
    std::fs::write(&pem, certificate).expect("a certificate");
    let mut command = Command::new("xmlsec1");
    command
        .args(["--verify", "--enabled-key-data", "rsa", "--node-xpath", place, "--pubkey-cert-pem"])
        .arg(pem);
    command.args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"]);
    command.args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"]).arg(document);
    command.output().expect("xmlsec1 is installed").status.success()
}
