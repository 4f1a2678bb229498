//! Signatures by the wrong key, by weak algorithms, or about something else than the element they are in.

use std::time::Duration;

use ring::hmac;

use super::*;
use crate::harness::saml::{EXCLUSIVE, FORMS, Signed, around, assertion, placed};

const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Sends assertions whose `SignedInfo` was changed before it was signed.
fn changed(changes: &[(&str, &str)]) {
    let (_site, broker, idp) = serving();
    for (from, to) in changes {
        let change = |info: String| {
            assert!(info.contains(from), "{from} is not in {info}");
            info.replacen(from, to, 1)
        };
        assert_unverified(&broker, &around(&idp.sign_with(&assertion(), change)));
        assert_unverified(&broker, &idp.sign_with(&around(&assertion()), change));
    }
    broker.signed_in(&idp.response(Signed::Both));
}

#[test]
fn s13_references_to_everything_to_elsewhere_and_to_nothing() {
    let (_site, broker, idp) = serving();
    for uri in
        ["", "https://attacker.test/assertion.xml", "file:///etc/passwd", "#", "#other", "response.xml"]
    {
        let to = |element: &str| {
            let id = between(element, "ID=\"", "\"").replace("ID=\"", "URI=\"#");
            idp.sign_with(element, |info| info.replace(&id, &format!("URI=\"{uri}\"")))
        };
        assert_unverified(&broker, &to(&around(&assertion())));
        assert_unverified(&broker, &around(&to(&assertion())));
    }
    let without = assertion();
    let id = between(&without, "ID=\"", "\"").replace("ID=\"", " URI=\"#");
    assert_unverified(&broker, &around(&idp.sign_with(&without, |info| info.replace(&id, ""))));
    broker.signed_in(&idp.response(Signed::Response));
}

#[test]
fn s14_references_by_xpointer_and_xpath() {
    let (_site, broker, idp) = serving();
    let honest = assertion();
    let id = between(&honest, "ID=\"", "\"").replace("ID=\"", "URI=\"#");
    let name = id.trim_start_matches("URI=\"#").trim_end_matches('"').to_owned();
    for pointer in
        ["#xpointer(/)".to_owned(), format!("#xpointer(id('{name}'))"), "#xpointer(//*[1])".to_owned()]
    {
        let signed = idp.sign_with(&honest, |info| info.replace(&id, &format!("URI=\"{pointer}\"")));
        assert_unverified(&broker, &around(&signed));
    }
    let xpath = format!(
        "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>self::text()</ds:XPath></ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\">"
    );
    let signed = idp.sign_with(&honest, |info| {
        info.replace(&format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\">"), &xpath)
    });
    assert_unverified(&broker, &around(&signed));
    broker.signed_in(&idp.response(Signed::Assertion));
}

#[test]
fn s17_two_signed_infos() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let honest = idp.response(form);
        let info = between(signature_of(&honest), "<ds:SignedInfo>", "</ds:SignedInfo>").to_owned();
        let evil = info.replacen("<ds:DigestValue>", "<ds:DigestValue>AAAA", 1);
        for two in [format!("{evil}{info}"), format!("{info}{evil}"), format!("{info}{info}")] {
            assert_unverified(&broker, &honest.replace(&info, &two));
        }
        broker.signed_in(&honest);
    }
}

#[test]
fn s18_comments_in_digest_and_signature_values() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let honest = idp.response(form);
        for element in ["<ds:DigestValue>", "<ds:SignatureValue>"] {
            for inside in ["<!-- AAAA -->", "<ds:X></ds:X>", "<![CDATA[AAAA]]>", "<?x y?>"] {
                assert_unverified(&broker, &honest.replacen(element, &format!("{element}{inside}"), 1));
            }
        }
        broker.signed_in(&honest);
    }
}

#[test]
fn s23_no_signature_at_all() {
    let (_site, broker, idp) = serving();
    assert_unverified(&broker, &around(&assertion()));
    for form in FORMS {
        let honest = idp.response(form);
        let mut bare = honest.clone();
        while bare.contains("<ds:Signature ") {
            bare = bare.replace(signature_of(&bare), "");
        }
        assert_unverified(&broker, &bare);
        let empty = honest.replace(
            signature_of(&honest),
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature>",
        );
        assert_unverified(&broker, &empty);
        broker.signed_in(&honest);
    }
}

#[test]
fn s25_keys_that_the_sender_brings_along() {
    let (_site, broker, idp) = serving();
    // A certificate of the same subject; the signature carries it.
    let forger = SamlIdp::made("rsa:2048");
    for form in FORMS {
        assert_unverified(&broker, &forger.response(form));
        let cloned = forger.response(form).replace(&forger.certificate(), &idp.certificate());
        assert_unverified(&broker, &cloned);
    }
    let honest = idp.response(Signed::Both);
    let info = between(&honest, "<ds:KeyInfo>", "</ds:KeyInfo>").to_owned();
    let elsewhere = "<ds:KeyInfo><ds:RetrievalMethod URI=\"https://attacker.test/key\"></ds:RetrievalMethod></ds:KeyInfo>";
    assert_unverified(&broker, &idp.response(Signed::Assertion).replace(&info, elsewhere));
    // What it carries does not matter to an honest one either.
    broker.signed_in(&idp.response(Signed::Assertion).replace(&info, ""));
    broker.signed_in(&idp.response(Signed::Assertion).replace(&idp.certificate(), &forger.certificate()));
}

#[test]
fn s26_a_mac_keyed_with_the_public_certificate() {
    let (_site, broker, idp) = serving();
    let certificate = idp.certificate();
    for (method, length) in [
        (format!("{MORE}hmac-sha256"), ""),
        (format!("{DSIG}hmac-sha1"), ""),
        (format!("{MORE}hmac-sha256"), "<ds:HMACOutputLength>0</ds:HMACOutputLength>"),
        (format!("{MORE}rsa-sha256"), "<ds:HMACOutputLength>8</ds:HMACOutputLength>"),
    ] {
        let honest = assertion();
        let info = idp
            .signed_info(&honest)
            .replace(&format!("{MORE}rsa-sha256\">"), &format!("{method}\">{length}"));
        let mac = |bytes: &[u8]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, certificate.as_bytes()), bytes).as_ref().to_vec()
        };
        assert_unverified(&broker, &around(&placed(&honest, &idp.signature_of(&info, mac))));
    }
    broker.signed_in(&idp.response(Signed::Assertion));
}

#[test]
fn s27_weak_hashes_and_small_keys() {
    let (site, broker, idp) = serving();
    for (method, hash) in [
        (format!("{DSIG}rsa-sha1"), "sha1"),
        (format!("{MORE}rsa-md5"), "md5"),
        (format!("{MORE}rsa-sha224"), "sha224"),
    ] {
        let honest = assertion();
        let info = idp.signed_info(&honest).replace(&format!("{MORE}rsa-sha256"), &method);
        let signature = idp.signature_of(&info, |bytes| idp.legacy_value(hash, bytes));
        assert_unverified(&broker, &around(&placed(&honest, &signature)));
    }
    let sha1 = |text: &str| {
        data_encoding::BASE64
            .encode(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref())
    };
    let honest = assertion();
    let signed = idp.sign_with(&honest, |info| {
        let value = between(&info, "<ds:DigestValue>", "</ds:DigestValue>").to_owned();
        info.replace(&value, &format!("<ds:DigestValue>{}</ds:DigestValue>", sha1(&honest)))
            .replace("http://www.w3.org/2001/04/xmlenc#sha256", &format!("{DSIG}sha1"))
    });
    assert_unverified(&broker, &around(&signed));
    broker.signed_in(&idp.response(Signed::Assertion));
    let small = SamlIdp::made("rsa:1024");
    site.saml_provider(&small.metadata(), "idp_initiated = true\n");
    let checked = broker.run(&site, &["check"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.output.contains("its RSA key has 1024 bits; at least 2048 are wanted"), "{checked:?}");
}

#[test]
fn s28_transforms_that_run_or_fetch() {
    let exclusive = format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\">");
    let of = |algorithm: &str, inside: &str| {
        format!("<ds:Transform Algorithm=\"{algorithm}\">{inside}</ds:Transform>{exclusive}")
    };
    let stylesheet = "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"><xsl:template match=\"/\"><xsl:value-of select=\"document('https://attacker.test/')\"></xsl:value-of></xsl:template></xsl:stylesheet>";
    let xslt = of("http://www.w3.org/TR/1999/REC-xslt-19991116", stylesheet);
    let filter = of("http://www.w3.org/2002/06/xmldsig-filter2", "");
    let base64 = of("http://www.w3.org/2000/09/xmldsig#base64", "");
    let inclusive = "<ds:Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\">";
    let comments = format!("<ds:Transform Algorithm=\"{EXCLUSIVE}WithComments\">");
    changed(&[
        (&exclusive, &xslt),
        (&exclusive, &filter),
        (&exclusive, &base64),
        (&exclusive, inclusive),
        (&exclusive, &comments),
    ]);
    let method = format!("<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\">");
    changed(&[
        (
            &method,
            "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\">",
        ),
        (&method, "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">"),
        (&method, &format!("{method}{stylesheet}")),
    ]);
}

#[test]
fn s29_a_thousand_transforms_or_references() {
    let (_site, broker, idp) = serving();
    let honest = assertion();
    let exclusive = format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform>");
    let started = tokio::time::Instant::now();
    let many = idp.sign_with(&honest, |info| info.replace(&exclusive, &exclusive.repeat(500)));
    assert_unverified(&broker, &around(&many));
    let many = idp.sign_with(&honest, |info| {
        let reference = between(&info, "<ds:Reference ", "</ds:Reference>").to_owned();
        info.replace(&reference, &reference.repeat(100))
    });
    assert_unverified(&broker, &around(&many));
    let prefixes = format!(
        "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\"></ec:InclusiveNamespaces></ds:Transform>",
        "a ".repeat(10_000)
    );
    let many = idp.sign_with(&honest, |info| {
        info.replace("</ds:Transform></ds:Transforms>", &format!("{prefixes}</ds:Transforms>"))
    });
    assert_unverified(&broker, &around(&many));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    broker.signed_in(&idp.response(Signed::Assertion));
}

#[test]
fn s20_a_digest_of_nothing() {
    let (_site, broker, idp) = serving();
    let nothing = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    for uri in ["relative", "./x", "", "1:2", "urn:", "http://[x"] {
        let honest = assertion().replace(" ID=", &format!(" xmlns:void=\"{uri}\" ID="));
        let honest = if uri.is_empty() { honest.replace("xmlns:void", "xmlns") } else { honest };
        let signed = idp.sign_with(&honest, |info| {
            let value = between(&info, "<ds:DigestValue>", "</ds:DigestValue>").to_owned();
            info.replace(&value, &format!("<ds:DigestValue>{nothing}</ds:DigestValue>"))
        });
        assert_unverified(&broker, &around(&signed));
        assert_unverified(&broker, &idp.sign(&around(&honest)));
    }
    broker.signed_in(&idp.response(Signed::Assertion).replacen(
        " Version",
        " xmlns:unused=\"urn:a:b\" Version",
        1,
    ));
}

#[test]
fn s44_a_valid_signature_of_another_provider() {
    let (site, broker, idp) = serving();
    let other = SamlIdp::made("ec");
    let folder = "directory/111122223333/saml-providers/Other";
    let entity = "https://other.test/metadata";
    site.write(
        &format!("{folder}/metadata.xml"),
        &other.metadata().replace(crate::harness::saml::ENTITY, entity),
    );
    site.write(&format!("{folder}/provider.toml"), &format!("id = \"SAMLOTHER1\"\nentity_id = \"{entity}\"\naudiences = [\"urn:amazon:webservices\"]\nrecipients = [\"{}\"]\nidp_initiated = true\n", crate::harness::saml::RECIPIENT));
    broker.reloaded();
    for form in FORMS {
        // Named as ours, and named as it is but sent to ours.
        assert_unverified(&broker, &other.response(form));
        assert_unverified(&broker, &other.response(form).replace(crate::harness::saml::ENTITY, entity));
    }
    // Our issuer, vouched for by the other: its own signature verifies, its name doesn't.
    let named = crate::harness::saml::provider_arn().replace("Corp", "Other");
    let answer = broker.redeem_with(
        &other.response(Signed::Both),
        &crate::harness::role("Engineer"),
        &[("PrincipalArn", &named)],
    );
    assert_invalid(&answer, "Issuer not present in specified provider");
    let stranger = broker.redeem_with(
        &idp.response(Signed::Both),
        &crate::harness::role("Engineer"),
        &[("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/Missing")],
    );
    assert_invalid(&stranger, UNVERIFIED);
    let neighbour =
        broker.redeem_with(&idp.response(Signed::Both), "arn:aws:iam::444455556666:role/Stranger", &[]);
    assert_invalid(&neighbour, UNVERIFIED);
    broker.signed_in(&idp.response(Signed::Both));
}
