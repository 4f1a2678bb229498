//! Attributes that have the right name and a prefix: SAML and XML signature give them no meaning, and libraries differ.

use super::*;
use crate::harness::saml::{EXCLUSIVE, FORMS, RECIPIENT, Signed, around, assertion, time};

/// `text` with `from` replaced, which must be there.
#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

#[test]
fn s21_attributes_of_a_signature_with_a_prefix() {
    let (_site, broker, idp) = serving();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let elsewhere = format!("http://{}/x", listener.local_addr().expect("its address"));
    let algorithm = format!("Algorithm=\"{EXCLUSIVE}\"");
    for (element, plain, prefixed) in [
        ("<ds:Reference ", "URI=\"#", format!("x:URI=\"{elsewhere}\"")),
        (
            "<ds:Transform ",
            "Algorithm=\"",
            "x:Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"".to_owned(),
        ),
        (
            "<ds:DigestMethod ",
            "Algorithm=\"",
            "x:Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"".to_owned(),
        ),
        (
            "<ds:SignatureMethod ",
            "Algorithm=\"",
            "x:Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\"".to_owned(),
        ),
        ("<ds:CanonicalizationMethod ", &algorithm, format!("x:{algorithm}")),
    ] {
        // In canonical form the prefixed one comes last; a signer's and a sender's own may come first as well.
        let last = |info: String| {
            let start = info.find(element).expect("the element");
            let end = start + info[start..].find('>').expect("its end");
            assert!(info[start..end].contains(plain), "{info}");
            let named = replaced(&info[start..end], element, &format!("{element}xmlns:x=\"urn:x:y\" "));
            format!("{}{named} {prefixed}{}", &info[..start], &info[end..])
        };
        let first =
            |info: String| replaced(&info, element, &format!("{element}xmlns:x=\"urn:x:y\" {prefixed} "));
        assert_unverified(&broker, &around(&idp.sign_with(&assertion(), last)));
        assert_unverified(&broker, &around(&idp.sign_with(&assertion(), first)));
        assert_unverified(&broker, &idp.sign_with(&around(&assertion()), last));
        assert_unverified(&broker, &idp.sign_with(&around(&assertion()), first));
    }
    assert!(listener.accept().is_err(), "the broker fetched something");
    for form in FORMS {
        broker.signed_in(&idp.response(form));
    }
}

#[test]
fn s21_claims_by_attributes_with_a_prefix() {
    let (_site, broker, idp) = serving();
    let data = "<saml:SubjectConfirmationData ";
    for (name, value) in [("Recipient", RECIPIENT.to_owned()), ("NotOnOrAfter", time(300))] {
        let honest = assertion();
        let start = honest.find(data).expect("the data");
        let end = start + honest[start..].find('>').expect("its end");
        let plain = format!(
            " {name}=\"{}",
            between(&honest[start..end], &format!("{name}=\""), "\"").split('"').nth(1).expect("a value")
        );
        let without = replaced(&honest[start..end], &format!("{plain}\""), "");
        let named = replaced(&without, data, &format!("{data}xmlns:x=\"urn:x:y\" "));
        let evil = format!("{}{named} x:{name}=\"{value}\"{}", &honest[..start], &honest[end..]);
        for form in FORMS {
            let answer = broker.redeem(&idp.response_of(form, &evil));
            assert_invalid(&answer, &format!("{name} is required in AuthnResponse"));
        }
    }
    // Beside the plain one it says nothing.
    let both = replaced(&assertion(), data, &format!("{data}xmlns:x=\"urn:x:y\" "));
    let both = replaced(
        &both,
        &format!("Recipient=\"{RECIPIENT}\">"),
        &format!("Recipient=\"{RECIPIENT}\" x:Recipient=\"https://attacker.test/\">"),
    );
    broker.signed_in(&idp.response_of(Signed::Assertion, &both));
}

#[test]
fn s51_a_sign_in_that_is_over_within_the_skew() {
    let (_site, broker, idp) = serving();
    let ending = |seconds: i64| {
        let statement = "<saml:AuthnStatement AuthnInstant=\"";
        let honest = assertion();
        let whole = between(&honest, statement, "\">");
        let with = format!("{} SessionNotOnOrAfter=\"{}\">", whole.trim_end_matches('>'), time(seconds));
        idp.response_of(Signed::Assertion, &honest.replace(whole, &with))
    };
    for seconds in [-59, -1] {
        let answer = broker.redeem(&ending(seconds));
        assert_refused(&answer, 400, "ExpiredTokenException", "Response has expired");
    }
    broker.signed_in(&ending(120));
}

#[test]
fn s29_more_prefixes_than_any_document_has() {
    let (_site, broker, idp) = serving();
    let named = |count: usize| {
        let list = vec!["q"; count].join(" ");
        let added = format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{list}\"></ec:InclusiveNamespaces></ds:Transform></ds:Transforms>"
        );
        idp.sign_with(&assertion(), |info| replaced(&info, "</ds:Transform></ds:Transforms>", &added))
    };
    assert_unverified(&broker, &around(&named(17)));
    broker.signed_in(&around(&named(16)));
}
