//! Metadata and providers that don't load, and why.

use super::*;

#[track_caller]
fn assert_refused(text: &str, line: u32, problem: &str) {
    let error = Metadata::parse(text).unwrap_err();
    assert_eq!(error.line, line, "{error}");
    assert!(error.problem.contains(problem), "{error}");
}

#[test]
fn s54_metadata_of_another_shape() {
    let honest = TestIssuer::new().metadata();
    assert_eq!(Metadata::parse(&honest).unwrap().entity_id(), ENTITY);
    assert_refused("", 1, "not XML");
    assert_refused(&format!("<!DOCTYPE x []>\n{honest}"), 1, "not XML without DTD");
    let several = format!(
        "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{honest}{honest}</EntitiesDescriptor>"
    );
    assert_refused(&several, 1, "not one EntityDescriptor");
    assert_refused(&honest.replace("entityID=\"https://idp.test/metadata\"", ""), 1, "entityID");
    assert_refused(&honest.replace("IDPSSODescriptor", "SPSSODescriptor"), 1, "no identity provider");
    assert_refused(&honest.replace("2.0:protocol", "1.1:protocol"), 1, "no identity provider");
    assert_refused(&honest.replace("use=\"signing\"", "use=\"encryption\""), 2, "no certificate");
    assert_refused(&honest.replace("<X509Certificate>\n", "<X509Certificate>\n!"), 3, "not base64");
    assert_refused(&honest.replace("<X509Certificate>\n", "<X509Certificate>\nAAAA"), 3, "no X.509");
    assert_refused(&honest.replacen("entityID", "validUntil=\"soon\" entityID", 1), 1, "validUntil");
}

#[test]
fn s27_a_small_key_does_not_load() {
    let small = "MIIBfDCB5qADAgECAgEBMA0GCSqGSIb3DQEBCwUAMAwxCjAIBgNVBAMMAXgwHhcNMjYwMTAxMDAwMDAwWhcNMzYwMTAxMDAwMDAwWjAM\
                 MQowCAYDVQQDDAF4MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDFJpQ6";
    assert!(Metadata::parse(&issuer::metadata(&[small.as_bytes()])).is_err());
}

#[test]
fn providers_that_do_not_hold_together() {
    let issuer = TestIssuer::new();
    let settings = || issuer.settings();
    let text = |text: &str| vec![text.to_owned()];
    for (settings, error) in [
        (
            Settings { entity_id: "https://other.test".to_owned(), ..settings() },
            ProviderError::EntityId(ENTITY.to_owned()),
        ),
        (Settings { name: "a/b".to_owned(), ..settings() }, ProviderError::Name),
        (Settings { audiences: Vec::new(), ..settings() }, ProviderError::Audiences),
        (Settings { recipients: Vec::new(), ..settings() }, ProviderError::Recipients),
        (Settings { recipients: text("a b"), ..settings() }, ProviderError::Recipients),
        (Settings { clock_skew: Duration::from_secs(301), ..settings() }, ProviderError::ClockSkew),
    ] {
        assert_eq!(Provider::new(settings).unwrap_err(), error);
    }
}
