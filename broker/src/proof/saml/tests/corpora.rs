//! Public SAML documents and those of a real identity provider's library, read from `$DAYPASS_VECTORS`.

use std::path::PathBuf;

use serde::Deserialize;

use super::*;

/// One line of `saml/index.jsonl`, as far as it is used.
#[derive(Deserialize)]
struct Vector {
    id: String,
    file: Option<String>,
    verdict: String,
    #[serde(default)]
    certs: Vec<String>,
    #[serde(default)]
    issuer: Vec<String>,
    #[serde(default)]
    audience: Vec<String>,
    #[serde(default)]
    recipient: Vec<String>,
    #[serde(default)]
    issue_instant: Vec<String>,
    #[serde(default)]
    nameid: Vec<String>,
}

fn vectors() -> PathBuf {
    PathBuf::from(std::env::var("DAYPASS_VECTORS").expect("DAYPASS_VECTORS names the folder of the vectors"))
}

/// A certificate in PEM or in base64 alone.
fn certificate(path: &std::path::Path) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string(path).ok()?;
    let base64: String = match text.split_once("-----BEGIN CERTIFICATE-----") {
        Some((_, rest)) => rest.split("-----END").next()?.split_whitespace().collect(),
        None => text.split_whitespace().collect(),
    };
    STANDARD.decode(base64).ok()
}

/// A provider that takes whatever a vector says, if its keys are acceptable.
fn lenient(vector: &Vector) -> Option<Provider> {
    let ders: Vec<_> =
        vector.certs.iter().filter_map(|name| certificate(&vectors().join("saml").join(name))).collect();
    let entity = vector.issuer.first()?;
    let sound: Vec<_> = ders.iter().filter(|der| SigningCertificate::parse(der).is_ok()).collect();
    let text = issuer::metadata(&sound.iter().map(|der| der.as_slice()).collect::<Vec<_>>());
    let metadata = Metadata::parse(&text.replace(ENTITY, entity)).ok()?;
    let texts = |texts: &[String], fallback: &str| {
        if texts.is_empty() { vec![fallback.to_owned()] } else { texts.to_vec() }
    };
    let settings = Settings {
        entity_id: entity.clone(),
        metadata,
        audiences: texts(&vector.audience, "urn:x"),
        recipients: texts(&vector.recipient, "urn:x"),
        ..TestIssuer::new().settings()
    };
    Provider::new(settings).ok()
}

/// The subject, if everything but the attributes that AWS wants is as it must be; else why not.
fn outcome(vector: &Vector, bytes: &[u8]) -> Result<Option<String>, String> {
    let response = UnverifiedResponse::parse(&STANDARD.encode(bytes)).map_err(|error| error.to_string())?;
    let provider = lenient(vector).ok_or("no key of its provider is acceptable")?;
    let now = vector.issue_instant.last().and_then(|time| time.parse().ok()).unwrap_or_else(now);
    let signed = signed_bytes(&response, &provider, now).map_err(|error| error.to_string())?;
    let (envelope, assertion) = second_reading(&response, &signed).map_err(|error| error.to_string())?;
    assertion.check(&envelope, &provider, now).map_err(|error| error.to_string())?;
    Ok(assertion.subject.name_id)
}

/// Those that are taken; all others that verify somewhere are by SHA-1, of small keys, encrypted, of several assertions or
/// canonicalized inclusively.
const TAKEN: [&str; 5] = [
    "russellhaering+gosaml2/providertests/testdata/adfs_response.b64",
    "russellhaering+gosaml2/providertests/testdata/okta_response.xml",
    "russellhaering+gosaml2/providertests/testdata/pingfed/pfed11_response_01.b64",
    "russellhaering+gosaml2/providertests/testdata/pingfed/pfed11_response_02.b64",
    "russellhaering+gosaml2/providertests/testdata/pingfed/pfed11_response_03.b64",
];

#[test]
fn documents_of_other_test_suites() {
    let index = std::fs::read_to_string(vectors().join("saml/index.jsonl")).unwrap();
    let (mut taken, mut refused) = (Vec::new(), 0);
    for line in index.lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let Some(file) = &vector.file else { continue };
        let bytes = std::fs::read(vectors().join("saml").join(file)).unwrap();
        match outcome(&vector, &bytes) {
            Ok(subject) => {
                assert!(vector.verdict == "accept_sig", "{} is {}", vector.id, vector.verdict);
                assert!(subject.is_none_or(|subject| vector.nameid.contains(&subject)), "{}", vector.id);
                taken.push(vector.id);
            }
            Err(_) => refused += 1,
        }
    }
    println!("saml: {} taken, {refused} refused", taken.len());
    assert_eq!(taken, TAKEN);
}

#[test]
fn documents_of_a_real_identity_provider() {
    let good = vectors().join("saml-aws/good");
    let read = |name: &str| std::fs::read_to_string(good.join(name)).unwrap();
    let settings = Settings {
        account_id: "123456789012".to_owned(),
        name: "VectorIdP".to_owned(),
        entity_id: "https://idp.vectors.test/metadata".to_owned(),
        metadata: Metadata::parse(&read("idp_metadata.xml")).unwrap(),
        recipients: vec!["https://signin.aws.amazon.com/saml".to_owned()],
        ..TestIssuer::new().settings()
    };
    let provider = Provider::new(settings).unwrap();
    let made: Timestamp = "2026-11-22T00:06:00Z".parse().unwrap();
    let role = "arn:aws:iam::123456789012:role/Readonly";
    let redeem =
        |name: &str| verify(&UnverifiedResponse::parse(&STANDARD.encode(read(name)))?, &provider, role, made);
    for name in [
        "assertion_signed",
        "response_signed",
        "both_signed",
        "both_signed_rsa_sha512",
        "two_roles",
        "role_order_swapped",
    ] {
        let identity = redeem(&format!("{name}.xml")).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(identity.subject(), "alice-persistent-id", "{name}");
        assert_eq!(identity.session_name(), Some("alice@vectors.test"), "{name}");
    }
    assert!(!redeem("tags.xml").unwrap().session_tags().is_empty());
    for name in ["both_signed_rsa_sha1", "unsigned", "encrypted_assertion_signed_response"] {
        assert_eq!(
            redeem(&format!("{name}.xml")).unwrap_err().message(),
            "Response signature invalid",
            "{name}"
        );
    }
}
