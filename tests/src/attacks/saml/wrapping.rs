//! Signature wrapping: what was signed is still there, and a forged assertion is where a careless reader looks.

use super::*;
use crate::harness::saml::{FORMS, Signed, fresh_id};

/// The honest assertion with another subject and, if wanted, another id; unsigned.
fn forged(response: &str, id: Option<&str>) -> String {
    let honest = assertion_of(response).replace(">kim<", ">mallory<");
    let bare =
        if honest.contains("<ds:Signature ") { honest.replace(signature_of(&honest), "") } else { honest };
    let own = between(&bare, "ID=\"", "\" ").to_owned();
    match id {
        Some(id) => bare.replacen(&own, &format!("ID=\"{id}\" "), 1),
        None => bare,
    }
}

/// Sends what `wrap` makes of an honest response in each form, with a forged assertion of a new and of the same id.
fn wrapped(wrap: impl Fn(&str, &str) -> String) {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        for id in [Some(fresh_id()), None] {
            let honest = idp.response(form);
            let evil = forged(&honest, id.as_deref());
            assert_unverified(&broker, &wrap(&honest, &evil));
            broker.signed_in(&honest);
        }
    }
}

fn with_evil_response(honest: &str, inside: impl Fn(&str) -> String) -> String {
    let own = between(honest, "ID=\"", "\" ");
    let evil = honest.replacen(own, "ID=\"_evil\" ", 1).replace(">kim<", ">mallory<");
    let evil = evil.replace(signature_of(&evil), &inside(honest));
    evil.replacen(
        between(&evil, "<saml:Assertion ", "</saml:Assertion>"),
        &forged(honest, Some("_forged")),
        1,
    )
}

#[test]
fn s01_a_forged_response_around_the_signed_one() {
    wrapped(|honest, _| {
        let signature = signature_of(honest);
        let with_object =
            signature.replace("</ds:Signature>", &format!("<ds:Object>{honest}</ds:Object></ds:Signature>"));
        let outer = honest
            .replacen(between(honest, "ID=\"", "\" "), "ID=\"_evil\" ", 1)
            .replace(">kim<", ">mallory<");
        outer.replace(signature, &with_object)
    });
    wrapped(|honest, _| with_evil_response(honest, str::to_owned));
}

#[test]
fn s02_a_forged_response_beside_its_detached_signature() {
    wrapped(|honest, _| {
        let signature = signature_of(honest);
        let bare = honest.replace(signature, "");
        with_evil_response(honest, |_| format!("{bare}{signature}"))
    });
}

#[test]
fn s03_a_forged_assertion_before_the_signed_one() {
    wrapped(|honest, evil| {
        honest
            .replace("<saml:Assertion ", "\u{1}")
            .replacen('\u{1}', &format!("{evil}\u{1}"), 1)
            .replace('\u{1}', "<saml:Assertion ")
    });
    wrapped(|honest, evil| honest.replace("</samlp:Response>", &format!("{evil}</samlp:Response>")));
}

#[test]
fn s04_the_signed_assertion_inside_of_the_forged_one() {
    wrapped(|honest, evil| {
        let nested = evil.replace("</saml:Assertion>", &format!("{}</saml:Assertion>", assertion_of(honest)));
        honest.replace(assertion_of(honest), &nested)
    });
}

#[test]
fn s05_the_signature_in_the_forged_assertion_and_the_signed_one_appended() {
    wrapped(|honest, evil| {
        let (signed, signature) = (assertion_of(honest), signature_of(honest));
        let evil = evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
        let bare = signed.replace(signature, "");
        honest.replace(signed, &format!("{evil}{bare}"))
    });
}

#[test]
fn s06_the_signed_assertion_inside_of_the_forged_ones_signature() {
    wrapped(|honest, evil| {
        let (signed, signature) = (assertion_of(honest), signature_of(honest));
        let bare = signed.replace(signature, "");
        let stuffed = signature.replace("</ds:Signature>", &format!("{bare}</ds:Signature>"));
        honest.replace(signed, &evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{stuffed}"), 1))
    });
}

#[test]
fn s07_the_forged_assertion_in_extensions() {
    wrapped(|honest, evil| {
        let extensions = format!("<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>");
        honest.replace("<samlp:Status>", &extensions)
    });
    wrapped(|honest, evil| {
        let hidden = format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", assertion_of(honest));
        honest.replace(assertion_of(honest), evil).replace("<samlp:Status>", &hidden)
    });
}

#[test]
fn s08_the_signed_assertion_in_an_object_of_the_signature() {
    wrapped(|honest, evil| {
        let (signed, signature) = (assertion_of(honest), signature_of(honest));
        let object = format!("<ds:Object>{}</ds:Object></ds:Signature>", signed.replace(signature, ""));
        let stuffed = signature.replace("</ds:Signature>", &object);
        honest.replace(signed, &evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{stuffed}"), 1))
    });
}

#[test]
fn s09_every_element_as_the_place_of_a_forged_assertion() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let honest = idp.response(form);
        let evil = forged(&honest, Some("_forged"));
        let places: Vec<usize> = honest.match_indices('<').map(|(at, _)| at).collect();
        for at in places {
            assert_unverified(&broker, &format!("{}{evil}{}", &honest[..at], &honest[at..]));
        }
        broker.signed_in(&honest);
    }
}

#[test]
fn s10_two_assertions_the_unsigned_one_first() {
    let (_site, broker, idp) = serving();
    for form in [Signed::Assertion, Signed::Both] {
        let honest = idp.response(form);
        let two = format!("{}{}", forged(&honest, Some("_forged")), assertion_of(&honest));
        assert_unverified(&broker, &honest.replace(assertion_of(&honest), &two));
        broker.signed_in(&honest);
    }
    // Signed as a whole, two are still one too many.
    let one = crate::harness::saml::assertion();
    let two = format!("{one}{}", crate::harness::saml::assertion());
    assert_unverified(&broker, &idp.sign(&crate::harness::saml::around(&two)));
}

#[test]
fn s11_the_element_read_is_the_element_verified() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let honest = idp.response(form);
        for (from, to) in [
            (">kim</saml:NameID>", ">mallory</saml:NameID>"),
            ("role/Engineer", "role/Bare"),
            (">kim</saml:AttributeValue>", ">root</saml:AttributeValue>"),
        ] {
            assert_unverified(&broker, &honest.replace(from, to));
        }
        let answer = broker.redeem(&honest);
        assert_eq!(answer.element("Subject").as_deref(), Some("kim"), "{answer:?}");
    }
}

#[test]
fn s12_an_id_twice() {
    wrapped(|honest, evil| honest.replace(assertion_of(honest), &format!("{evil}{}", assertion_of(honest))));
    let (_site, broker, idp) = serving();
    for element in ["<samlp:Status>", "<saml:Subject>", "<saml:NameID "] {
        for form in FORMS {
            let honest = idp.response(form);
            let id = between(assertion_of(&honest), "ID=\"", "\"").to_owned();
            let (name, end) = element.split_at(element.len() - 1);
            assert_unverified(&broker, &honest.replacen(element, &format!("{name} {id}{end}"), 1));
        }
    }
}

#[test]
fn s15_forged_ancestors_of_what_is_signed() {
    let (_site, broker, idp) = serving();
    let honest = idp.response(Signed::Assertion);
    for ancestor in ["saml:Advice", "saml:Evidence", "samlp:Extensions", "samlp:Response"] {
        let inside = format!(
            "<{ancestor} xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</{ancestor}>",
            assertion_of(&honest)
        );
        assert_unverified(&broker, &honest.replace(assertion_of(&honest), &inside));
    }
    assert_unverified(&broker, assertion_of(&honest));
    broker.signed_in(&honest);
}

#[test]
fn s16_an_object_or_manifest_as_what_is_signed() {
    let (_site, broker, idp) = serving();
    let honest = crate::harness::saml::assertion();
    let bare = crate::harness::saml::around(&honest);
    let object = format!(
        "<ds:Object xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"_object\">{honest}</ds:Object>"
    );
    for kind in [
        "",
        " Type=\"http://www.w3.org/2000/09/xmldsig#Object\"",
        " Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"",
    ] {
        let id = between(&honest, "ID=\"", "\"");
        let id = &id[4..id.len() - 1];
        let info =
            idp.signed_info(&honest).replace(&format!("URI=\"#{id}\""), &format!("URI=\"#_object\"{kind}"));
        let signature = idp.signature_of(&info, |bytes| idp.value(bytes));
        let stuffed = signature.replace("</ds:Signature>", &format!("{object}</ds:Signature>"));
        assert_unverified(&broker, &bare.replacen("</saml:Issuer>", &format!("</saml:Issuer>{stuffed}"), 1));
    }
    let typed = idp.sign_with(&honest, |info| {
        info.replace(
            "<ds:Reference URI",
            "<ds:Reference Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" URI",
        )
    });
    assert_unverified(&broker, &crate::harness::saml::around(&typed));
    broker.signed_in(&idp.response(Signed::Response));
}
