//! Assertions that are rightly signed and say anything: no panic, and an identity says what was signed.
#![no_main]

#[path = "../saml_provider.rs"]
mod saml_provider;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use daypass_broker::proof::saml::{Provider, UnverifiedResponse, verify};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use ring::{digest, rand, signature};

const ROLE: &str = "arn:aws:iam::111122223333:role/Deploy";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

struct Signer {
    key: signature::EcdsaKeyPair,
    provider: Provider,
}

static SIGNER: LazyLock<Option<Signer>> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate().ok()?;
    let provider = saml_provider::provider(&key)?;
    let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let key =
        signature::EcdsaKeyPair::from_pkcs8(algorithm, &key.serialize_der(), &rand::SystemRandom::new())
            .ok()?;
    Some(Signer { key, provider })
});

/// A text as canonical XML writes it.
fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

/// An attribute's value as canonical XML writes it.
fn value(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    escaped.replace('\t', "&#x9;").replace('\n', "&#xA;").replace('\r', "&#xD;")
}

fn signed(signer: &Signer, element: &str) -> Option<String> {
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, element.as_bytes()));
    let info = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"></ds:SignatureMethod><ds:Reference \
         URI=\"#_a\"><ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\">\
         </ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{digest}\
         </ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let canonical = format!("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}");
    let bytes = signer.key.sign(&rand::SystemRandom::new(), canonical.as_bytes()).ok()?;
    let signature = format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{info}<ds:SignatureValue>{}\
         </ds:SignatureValue></ds:Signature>",
        STANDARD.encode(bytes.as_ref())
    );
    Some(element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
}

fuzz_target!(|input: &str| {
    let Some(signer) = &*SIGNER else { return };
    let mut said = input.split('\u{1}');
    let mut next = |otherwise: &'static str| said.next().filter(|one| !one.is_empty()).unwrap_or(otherwise);
    let subject = next("kim");
    let name = next("kim");
    let (tag, tagged) = (next("team"), next("core"));
    let (other, otherwise) = (next("urn:oid:2.5.4.3"), next("x"));
    let duration = next("900");
    let now = Timestamp::now();
    let (made, end) = (now.as_second(), now.as_second().saturating_add(60));
    let time = |seconds| Timestamp::from_second(seconds).unwrap_or(now).to_string();
    let end = match next("") {
        "" => time(end),
        odd => odd.to_owned(),
    };
    let attribute = |name: &str, one: &str| {
        let (name, one) = (value(name), text(one));
        format!(
            "<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{one}</saml:AttributeValue></saml:Attribute>"
        )
    };
    let aws =
        |name: &str, one: &str| attribute(&format!("https://aws.amazon.com/SAML/Attributes/{name}"), one);
    let attributes = [
        aws("Role", &format!("{ROLE},arn:aws:iam::111122223333:saml-provider/Corp")),
        aws("RoleSessionName", name),
        aws("SessionDuration", duration),
        aws(&format!("PrincipalTag:{tag}"), tagged),
        attribute(other, otherwise),
    ];
    let assertion = format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\" IssueInstant=\"{}\" \
         Version=\"2.0\"><saml:Issuer>urn:a:b</saml:Issuer><saml:Subject><saml:NameID>{}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         NotOnOrAfter=\"{}\" Recipient=\"a\"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions><saml:AudienceRestriction><saml:Audience>a</saml:Audience></saml:AudienceRestriction>\
         </saml:Conditions><saml:AuthnStatement></saml:AuthnStatement><saml:AttributeStatement>{}\
         </saml:AttributeStatement></saml:Assertion>",
        time(made),
        text(subject),
        value(&end),
        attributes.concat()
    );
    let Some(assertion) = signed(signer, &assertion) else { return };
    let response = format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r\" Version=\"2.0\"><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
         {assertion}</samlp:Response>"
    );
    let Ok(response) = UnverifiedResponse::parse(&STANDARD.encode(response)) else { return };
    let Ok(identity) = verify(&response, &signer.provider, ROLE, now) else { return };
    assert_eq!(identity.subject(), subject);
    assert_eq!(identity.session_name(), Some(name));
    assert_eq!(identity.session_tags(), [(tag.to_owned(), tagged.to_owned())]);
});
