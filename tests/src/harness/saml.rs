//! A SAML identity provider whose private key the test holds. Its documents are written in canonical form, so that signing
//! them needs no library of XML signature, and none can err together with the broker's.

use std::{
    fs,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use ring::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::json;
use tempfile::TempDir;

use super::{ACCOUNT, Answer, Broker, Credentials, Site, role, time::now};

/// Where the test's broker has assertions sent to.
pub(crate) const RECIPIENT: &str = "https://id.corp.test/saml/acs";
/// The provider's entity id.
pub(crate) const ENTITY: &str = "https://idp.corp.test/metadata";
/// AWS's names of attributes begin with it.
pub(crate) const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A key and its certificate.
#[derive(Debug)]
pub(crate) struct SamlIdp {
    folder: TempDir,
    key: Key,
    certificate: Vec<u8>,
}

#[derive(Debug)]
enum Key {
    /// None that is too small for the library to sign with.
    Rsa(Option<Box<RsaKeyPair>>),
    Ec(Box<EcdsaKeyPair>),
}

/// Which parts of a response are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Assertion,
    Response,
    Both,
}

pub(crate) const FORMS: [Signed; 3] = [Signed::Assertion, Signed::Response, Signed::Both];

/// The ARN of the provider of the test.
pub(crate) fn provider_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:saml-provider/Corp")
}

impl SamlIdp {
    /// The provider with an RSA key that all tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<SamlIdp> = OnceLock::new();
        SHARED.get_or_init(|| Self::made("rsa:2048"))
    }

    /// A provider with a key of its own: `rsa:2048`, or `ec`.
    pub(crate) fn made(kind: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", kind, "-nodes", "-subj", "/CN=idp.corp.test", "-days", "30"])
            .args(if kind == "ec" { &curve[..] } else { &[] })
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(folder.path())
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let read = |name: &str| {
            let text = fs::read_to_string(folder.path().join(name)).expect("a file");
            let base64: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
            STANDARD.decode(base64).expect("PEM")
        };
        let (key, certificate) = (read("key.pem"), read("certificate.pem"));
        let key = match kind {
            "ec" => {
                let random = SystemRandom::new();
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &random);
                Key::Ec(Box::new(pair.expect("the key")))
            }
            _ => Key::Rsa(RsaKeyPair::from_pkcs8(&key).ok().map(Box::new)),
        };
        Self { folder, key, certificate }
    }

    /// The certificate in base64 of DER.
    pub(crate) fn certificate(&self) -> String {
        STANDARD.encode(&self.certificate)
    }

    /// Metadata with this certificate.
    pub(crate) fn metadata(&self) -> String {
        metadata(&[&self.certificate()])
    }

    /// An honest response that grants `Engineer`, to its one bearer.
    pub(crate) fn response(&self, form: Signed) -> String {
        self.response_of(form, &assertion())
    }

    /// A response around an assertion in canonical form.
    pub(crate) fn response_of(&self, form: Signed, assertion: &str) -> String {
        let assertion = match form {
            Signed::Response => assertion.to_owned(),
            Signed::Assertion | Signed::Both => self.sign(assertion),
        };
        let response = around(&assertion);
        if form == Signed::Assertion { response } else { self.sign(&response) }
    }

    /// The element, which is in canonical form, with a signature after its issuer.
    pub(crate) fn sign(&self, element: &str) -> String {
        self.sign_with(element, |signed_info| signed_info)
    }

    /// The same, where the signature is of a `SignedInfo` that was changed before.
    pub(crate) fn sign_with(&self, element: &str, change: impl Fn(String) -> String) -> String {
        placed(element, &self.signature_of(&change(self.signed_info(element)), |bytes| self.value(bytes)))
    }

    /// The content of an honest `SignedInfo` about an element.
    pub(crate) fn signed_info(&self, element: &str) -> String {
        let id = element.split("ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an ID");
        let kind = if matches!(self.key, Key::Rsa(_)) { "rsa" } else { "ecdsa" };
        let digest = STANDARD.encode(digest::digest(&digest::SHA256, element.as_bytes()));
        format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#{kind}-sha256\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
        )
    }

    /// A whole signature of such a content, its value made by `value`.
    pub(crate) fn signature_of(&self, signed_info: &str, value: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let canonical = format!(
            "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{signed_info}</ds:SignedInfo>"
        );
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{signed_info}</ds:SignedInfo>\
             <ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
            STANDARD.encode(value(canonical.as_bytes())),
            self.certificate()
        )
    }

    /// The signature of bytes with SHA-256.
    pub(crate) fn value(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Rsa(pair) => {
                let pair = pair.as_ref().expect("a key that signs");
                let mut value = vec![0; pair.public().modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut value).expect("a signature");
                value
            }
            Key::Ec(pair) => pair.sign(&SystemRandom::new(), bytes).expect("a signature").as_ref().to_vec(),
        }
    }

    /// The signature of bytes with a hash that no library of ours makes any more.
    pub(crate) fn legacy_value(&self, hash: &str, bytes: &[u8]) -> Vec<u8> {
        let path = self.folder.path();
        fs::write(path.join("signed"), bytes).expect("a file");
        let signed = Command::new("openssl")
            .args(["dgst", &format!("-{hash}"), "-sign", "key.pem", "-out", "value", "signed"])
            .current_dir(path)
            .output()
            .expect("openssl is installed");
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        fs::read(path.join("value")).expect("the signature")
    }
}

/// The element with a signature after its issuer.
pub(crate) fn placed(element: &str, signature: &str) -> String {
    element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
}

/// Metadata with these certificates, in base64 of DER.
pub(crate) fn metadata(certificates: &[&str]) -> String {
    let key = |base64: &&str| {
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{base64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n"
        )
    };
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{ENTITY}\">\n\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n{}\
         </md:IDPSSODescriptor></md:EntityDescriptor>\n",
        certificates.iter().map(key).collect::<String>()
    )
}

/// A time as SAML writes it, so many seconds from now.
pub(crate) fn time(seconds: i64) -> String {
    let at = now() + SignedDuration::from_secs(seconds);
    Timestamp::from_second(at.as_second()).expect("a time").to_string()
}

/// An ID that no other document of this run has.
pub(crate) fn fresh_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut random = [0; 8];
    ring::rand::SecureRandom::fill(&SystemRandom::new(), &mut random).expect("randomness");
    format!("_{}{}", data_encoding::HEXLOWER.encode(&random), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An assertion in canonical form that grants `Engineer` to `kim`, made now.
pub(crate) fn assertion() -> String {
    // To the millisecond: what is older than the history of a new Redis, if only by the seconds cut off, gets 503.
    let made = Timestamp::from_millisecond(now().as_millisecond()).expect("a time");
    let (id, end, provider) = (fresh_id(), time(300), provider_arn());
    let roles = format!("{},{provider}", role("Engineer"));
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" IssueInstant=\"{made}\" \
         Version=\"2.0\"><saml:Issuer>{ENTITY}</saml:Issuer><saml:Subject><saml:NameID Format=\"\
         urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">kim</saml:NameID><saml:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData NotOnOrAfter=\"{end}\" \
         Recipient=\"{RECIPIENT}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"{made}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction><saml:Audience>\
         urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement \
         AuthnInstant=\"{made}\"></saml:AuthnStatement><saml:AttributeStatement>{}{}</saml:AttributeStatement>\
         </saml:Assertion>",
        attribute("Role", &[&roles]),
        attribute("RoleSessionName", &["kim"]),
    )
}

/// One of AWS's attributes in canonical form.
pub(crate) fn attribute(name: &str, values: &[&str]) -> String {
    let value = |value: &&str| format!("<saml:AttributeValue>{value}</saml:AttributeValue>");
    let values: String = values.iter().map(value).collect();
    format!("<saml:Attribute Name=\"{ATTRIBUTES}{name}\">{values}</saml:Attribute>")
}

/// An assertion with one more of AWS's attributes.
pub(crate) fn with_attribute(assertion: &str, name: &str, values: &[&str]) -> String {
    let added = attribute(name, values) + "</saml:AttributeStatement>";
    assertion.replacen("</saml:AttributeStatement>", &added, 1)
}

/// A response in canonical form around an assertion.
pub(crate) fn around(assertion: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{RECIPIENT}\" ID=\"{}\" \
         IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{ENTITY}\
         </saml:Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">\
         </samlp:StatusCode></samlp:Status>{assertion}</samlp:Response>",
        fresh_id(),
        time(0)
    )
}

impl Site {
    /// Adds the provider `Corp` with this metadata and further lines of its file.
    pub(crate) fn saml_provider(&self, metadata: &str, more: &str) {
        let folder = format!("directory/{ACCOUNT}/saml-providers/Corp");
        let lines = format!(
            "id = \"SAMLCORP1\"\nentity_id = \"{ENTITY}\"\naudiences = [\"urn:amazon:webservices\"]\n\
             recipients = [\"{RECIPIENT}\"]\n{more}"
        );
        self.write(&format!("{folder}/metadata.xml"), metadata);
        self.write(&format!("{folder}/provider.toml"), &lines);
    }

    /// Adds the provider `Corp`, and the roles `Engineer`, which takes tags and a source identity, and `Bare`.
    pub(crate) fn trust_saml(&self, idp: &SamlIdp, more: &str) {
        self.saml_provider(&idp.metadata(), more);
        let everything = ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"];
        for (name, id, actions) in [
            ("Engineer", "AROAENGINEERAAAAAAAAB", &everything[..]),
            ("Bare", "AROABAREAAAAAAAAAAAAB", &everything[..1]),
        ] {
            let trust = json!([{
                "Effect": "Allow",
                "Principal": { "Federated": provider_arn() },
                "Action": actions,
                "Condition": { "StringEquals": { "SAML:aud": RECIPIENT, "SAML:sub_type": "persistent" } },
            }]);
            let reports = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*" }]);
            self.role(name, id, "12h", &trust, &reports);
        }
    }
}

impl Broker {
    /// Redeems a response's text for a role, with further fields.
    pub(crate) fn redeem_with(&self, response: &str, role: &str, more: &[(&str, &str)]) -> Answer {
        let (encoded, provider) = (STANDARD.encode(response), provider_arn());
        let fields = [
            ("Action", "AssumeRoleWithSAML"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("PrincipalArn", &provider),
            ("SAMLAssertion", &encoded),
        ];
        let kept = fields.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        self.post(&kept.chain(more).copied().collect::<Vec<_>>())
    }

    /// Redeems a response's text for `Engineer`.
    pub(crate) fn redeem(&self, response: &str) -> Answer {
        self.redeem_with(response, &role("Engineer"), &[])
    }

    /// Signs in by a response, and fails if that is refused.
    #[track_caller]
    pub(crate) fn signed_in(&self, response: &str) -> Credentials {
        Credentials::of(&self.redeem(response))
    }
}
