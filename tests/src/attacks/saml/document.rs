//! Documents that cost more than they say, or that two readers would read differently.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::harness::{
    form, role,
    saml::{FORMS, Signed, around, assertion, provider_arn},
};

/// How long a refusal may take, the way to the broker and a loaded machine included.
const SOON: Duration = Duration::from_secs(2);

/// Sends bytes of any kind as a response.
fn redeem_bytes(broker: &Broker, bytes: &[u8]) -> Answer {
    broker.redeem_with("", &role("Engineer"), &[("SAMLAssertion", &STANDARD.encode(bytes))])
}

#[track_caller]
fn assert_soon(broker: &Broker, response: &str) {
    let started = tokio::time::Instant::now();
    assert_unverified(broker, response);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

/// The honest response with markup before its root, and with markup in its status.
fn declared(honest: &str, declaration: &str, inside: &str) -> [String; 2] {
    [
        format!("{declaration}{honest}"),
        format!("{declaration}{}", honest.replacen(">kim<", &format!(">{inside}<"), 1)),
    ]
}

#[test]
fn s19_declarations_that_parsers_read_differently() {
    let (_site, broker, idp) = serving();
    let honest = idp.response(Signed::Both);
    for declaration in [
        "<!DOCTYPE samlp:Response>",
        "<!DOCTYPE r [<!ATTLIST saml:Assertion ID ID #IMPLIED>]>",
        "<!DOCTYPE r [<!NOTATION n SYSTEM \"--&gt;\">]>",
        "<!DOCTYPE r SYSTEM \"https://attacker.test/x.dtd\">",
    ] {
        assert_unverified(&broker, &format!("{declaration}{honest}"));
    }
    for (from, to) in [
        (
            "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
            "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        ),
        ("<samlp:Response ", "<Response "),
        ("<saml:Assertion ", "<saml:assertion "),
        (
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:1.0:assertion\"",
        ),
        ("<saml:NameID ", "<saml:NameID xmlns:saml=\"urn:x:y\" "),
        (
            "<saml:NameID ",
            "<saml:NameID xmlns:saml=\"urn:x:y\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ",
        ),
    ] {
        assert_unverified(&broker, &honest.replacen(from, to, 1));
    }
    broker.signed_in(&honest);
}

#[test]
fn s21_ids_with_a_prefix_or_of_another_case() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let honest = idp.response(form);
        let id = between(assertion_of(&honest), "ID=\"", "\"").to_owned();
        for other in [
            format!("<saml:Assertion xmlns:x=\"urn:x:y\" x:{id}"),
            "<saml:Assertion xmlns:x=\"urn:x:y\" x:ID=\"_other\"".to_owned(),
            "<saml:Assertion xml:id=\"_other\"".to_owned(),
            format!("<saml:Assertion xml:{}", id.to_lowercase()),
            format!("<saml:Assertion {}", id.replacen("ID", "Id", 1)),
            format!("<saml:Assertion {}", id.replacen("ID", "id", 1)),
            format!("<saml:Assertion {id}"),
        ] {
            assert_unverified(&broker, &honest.replacen("<saml:Assertion", &other, 1));
        }
        broker.signed_in(&honest);
    }
}

#[test]
fn s22_comments_and_instructions_that_split_a_name() {
    let (_site, broker, idp) = serving();
    let whole = "kim@corp.test.evil.test";
    for form in FORMS {
        let honest = idp.response_of(
            form,
            &assertion().replace(">kim</saml:NameID>", &format!(">{whole}</saml:NameID>")),
        );
        for inside in ["<!-- x -->", "<!---->", "<?x y?>", "<![CDATA[]]>"] {
            assert_unverified(
                &broker,
                &honest.replace(".evil.test</saml:NameID>", &format!("{inside}.evil.test</saml:NameID>")),
            );
        }
        let answer = broker.redeem(&honest);
        assert_eq!(answer.element("Subject").as_deref(), Some(whole), "{answer:?}");
    }
}

#[test]
fn s24_s47_s48_encrypted_parts_are_refused_alike_whatever_is_in_them() {
    let (_site, broker, idp) = serving();
    let part = |method: &str, value: &str| {
        format!(
            "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"><xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"><xenc:EncryptionMethod Algorithm=\"{method}\"></xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"
        )
    };
    for (method, value) in [
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "AAAA"),
        ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "AAAAAAAAAAAAAAAAAAAAAAAA"),
        ("http://www.w3.org/2001/04/xmlenc#rsa-1_5", ""),
    ] {
        let evil = part(method, value);
        for form in FORMS {
            let honest = idp.response(form);
            assert_unverified(
                &broker,
                &honest.replace("</samlp:Response>", &format!("{evil}</samlp:Response>")),
            );
            assert_unverified(&broker, &honest.replace("<samlp:Status>", &format!("{evil}<samlp:Status>")));
            assert_unverified(&broker, &honest.replace(assertion_of(&honest), &evil));
        }
        assert_unverified(&broker, &idp.sign(&around(&evil)));
        assert_unverified(&broker, &idp.sign(&around(&format!("{evil}{}", assertion()))));
    }
    broker.signed_in(&idp.response(Signed::Both));
}

#[test]
fn s30_entities_of_files_and_addresses() {
    let (_site, broker, idp) = serving();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let address = listener.local_addr().expect("its address");
    let honest = idp.response(Signed::Both);
    for system in
        ["file:///etc/passwd".to_owned(), format!("http://{address}/x"), "file:///dev/zero".to_owned()]
    {
        let general = format!("<!DOCTYPE r [<!ENTITY x SYSTEM \"{system}\">]>");
        let parameter = format!("<!DOCTYPE r [<!ENTITY % x SYSTEM \"{system}\"> %x;]>");
        let external = format!("<!DOCTYPE r SYSTEM \"{system}\">");
        for declaration in [general, parameter, external] {
            for attack in declared(&honest, &declaration, "&x;") {
                assert_soon(&broker, &attack);
            }
        }
        let included = format!(
            "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"{system}\" parse=\"text\"></xi:include>"
        );
        assert_soon(&broker, &honest.replacen(">kim<", &format!(">{included}<"), 1));
    }
    assert!(listener.accept().is_err(), "the broker fetched something");
    broker.signed_in(&honest);
}

#[test]
fn s31_entities_that_multiply() {
    let (_site, broker, idp) = serving();
    let honest = idp.response(Signed::Both);
    let mut laughs = "<!DOCTYPE r [<!ENTITY a0 \"lol\">".to_owned();
    for level in 1..12 {
        laughs += &format!("<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10));
    }
    let quadratic = format!("<!DOCTYPE r [<!ENTITY a \"{}\">]>", "a".repeat(20_000));
    for (declaration, inside) in [(laughs + "]>", "&a11;".to_owned()), (quadratic, "&a;".repeat(5_000))] {
        for attack in declared(&honest, &declaration, &inside) {
            assert_soon(&broker, &attack);
        }
    }
    assert_unverified(&broker, &honest.replacen(">kim<", ">&undeclared;<", 1));
    broker.signed_in(&honest);
}

#[test]
fn s32_attributes_declared_to_be_ids() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let honest = idp.response(form);
        let id = between(assertion_of(&honest), "ID=\"", "\"").replace("ID=", "Version=");
        for list in ["Version ID #IMPLIED", "ID CDATA #IMPLIED", "IssueInstant ID #IMPLIED"] {
            let declaration = format!("<!DOCTYPE r [<!ATTLIST saml:Assertion {list}>]>");
            assert_unverified(&broker, &format!("{declaration}{honest}"));
            assert_unverified(
                &broker,
                &format!("{declaration}{}", honest.replacen("Version=\"2.0\"", &id, 1)),
            );
        }
        let entity = "<!DOCTYPE r [<!ENTITY id \"_x\">]>";
        assert_unverified(&broker, &format!("{entity}{}", honest.replacen("ID=\"", "ID=\"&id;", 1)));
        broker.signed_in(&honest);
    }
}

#[test]
fn s33_s34_attributes_declarations_and_depth_without_end() {
    let (_site, broker, idp) = serving();
    let honest = idp.response(Signed::Both);
    let attributes: String = (0..7_000).map(|number| format!(" a{number}=\"\"")).collect();
    let namespaces: String = (0..2_500).map(|number| format!(" xmlns:n{number}=\"u:{number}\"")).collect();
    for more in [attributes, namespaces] {
        assert_soon(&broker, &honest.replacen("<samlp:Status", &format!("<samlp:Status{more}"), 1));
        assert_soon(&broker, &honest.replacen("<samlp:Response", &format!("<samlp:Response{more}"), 1));
    }
    for depth in [33, 300, 9_000] {
        let deep = format!("{}{}<samlp:Status>", "<x>".repeat(depth), "</x>".repeat(depth));
        assert_soon(&broker, &honest.replacen("<samlp:Status>", &deep, 1));
    }
    assert_soon(&broker, &"<x>".repeat(24_000));
    assert_soon(
        &broker,
        &honest.replacen("<samlp:Status>", &format!("{}<samlp:Status>", "<x/>".repeat(15_000)), 1),
    );
    let nested: String = (0..30)
        .map(|level| {
            format!(
                "<x:x xmlns:x=\"u:{level}\" {}>",
                (0..60).map(|one| format!("xmlns:n{level}x{one}=\"u:x\" ")).collect::<String>()
            )
        })
        .collect();
    assert_soon(
        &broker,
        &honest.replacen("<samlp:Status>", &format!("{nested}{}<samlp:Status>", "</x:x>".repeat(30)), 1),
    );
    broker.signed_in(&honest);
}

#[test]
fn s35_responses_too_long_and_bombs() {
    let (_site, broker, idp) = serving();
    let honest = idp.response(Signed::Both);
    let refused = |answer: &Answer| {
        let message = "1 validation error detected: Value '***' at 'sAMLAssertion' failed to satisfy constraint: \
                       Member must have length less than or equal to 100000";
        assert_refused(answer, 400, "ValidationError", message);
    };
    let padded = format!("{honest}{}", " ".repeat(75_001 - honest.len()));
    refused(&broker.redeem(&padded));
    refused(&broker.redeem_with("", &role("Engineer"), &[("SAMLAssertion", &"A".repeat(900_000))]));
    // Raw deflate of a text: nothing is ever inflated.
    let deflated =
        [0x7b, 0xbf, 0x7b, 0xbf, 0x4d, 0x71, 0x62, 0x4e, 0x6e, 0x95, 0x42, 0x50, 0x6a, 0x71, 0x41, 0x7e];
    assert_invalid(&redeem_bytes(&broker, &deflated), UNVERIFIED);
    let longest = format!("{honest}{}", " ".repeat(75_000 - honest.len()));
    broker.signed_in(&longest);
}

#[test]
fn s36_other_encodings() {
    let (_site, broker, idp) = serving();
    let honest = idp.response(Signed::Assertion);
    let utf16: Vec<u8> = honest.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = honest.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf7 = honest.replace('<', "+ADw-");
    let utf32: Vec<u8> = honest.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    for bytes in [
        utf16.clone(),
        big,
        utf32,
        [&[0xff, 0xfe], &utf16[..]].concat(),
        [b"\xef\xbb\xbf", honest.as_bytes()].concat(),
        utf7.into_bytes(),
        honest.replace("kim", "k\0im").into_bytes(),
        honest.replace("kim", "k&#0;im").into_bytes(),
        [honest.as_bytes(), b"\0"].concat(),
        [honest.as_bytes(), b"\xc0\xbc"].concat(),
    ] {
        assert_invalid(&redeem_bytes(&broker, &bytes), UNVERIFIED);
    }
    for declaration in [
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
        "<?xml version=\"1.1\" encoding=\"UTF-8\"?>",
        "<?xml version=\"1.0\"?><?xml version=\"1.0\"?>",
        "<?xml-stylesheet href=\"x\"?>",
    ] {
        assert_unverified(&broker, &format!("{declaration}{honest}"));
    }
    broker.signed_in(&format!("<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\n{honest}\n"));
}

#[test]
fn s37_other_spellings_of_base64_and_the_parameter_twice() {
    let (_site, broker, idp) = serving();
    let honest = STANDARD.encode(idp.response(Signed::Both) + " ");
    let message = "1 validation error detected: Value at 'sAMLAssertion' failed to satisfy constraint: Member must be base64";
    let url_safe = honest.replace('+', "-").replace('/', "_");
    let wrapped: Vec<&str> =
        honest.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    for other in [
        wrapped.join("\n"),
        wrapped.join("\r\n"),
        format!(" {honest}"),
        format!("{honest}="),
        format!("{honest}===="),
        honest.trim_end_matches('=').to_owned() + "A",
        format!("{url_safe}-_"),
        "!!!!".to_owned(),
    ] {
        let answer = broker.redeem_with("", &role("Engineer"), &[("SAMLAssertion", &other)]);
        assert_refused(&answer, 400, "ValidationError", message);
    }
    let (role, provider) = (role("Engineer"), provider_arn());
    let fields = [
        ("Action", "AssumeRoleWithSAML"),
        ("Version", "2011-06-15"),
        ("RoleArn", &*role),
        ("PrincipalArn", &*provider),
        ("SAMLAssertion", &*honest),
    ];
    let twice = [&fields[..], &[("SAMLAssertion", "AAAA")]].concat();
    let answer = broker.post(&twice);
    assert_eq!(
        (answer.status, answer.element("Code").as_deref()),
        (400, Some("ValidationError")),
        "{answer:?}"
    );
    assert!(form(&fields).len() < form(&twice).len());
    // Files end in a newline, and clients send files as they are.
    let answer = broker.redeem_with("", &role, &[("SAMLAssertion", &format!("{honest}\n"))]);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn s49_another_spelling_of_the_same_is_the_same() {
    let (_site, broker, idp) = serving();
    for form in FORMS {
        let honest = idp.response(form);
        let spelled = honest
            .replace("></ds:Transform>", "/>")
            .replace("<samlp:Status>", "<samlp:Status >")
            .replace(">kim</saml:NameID>", ">k&#105;m</saml:NameID>")
            .replace("Version=\"2.0\">", "Version='2.0'>");
        let answer = broker.redeem(&spelled);
        assert_eq!((answer.status, answer.element("Subject").as_deref()), (200, Some("kim")), "{answer:?}");
        let pretty = idp.response(form).replace("><saml:", ">\n  <saml:");
        assert_unverified(&broker, &pretty);
    }
}
