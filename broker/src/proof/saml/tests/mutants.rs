//! Honest responses with a forged assertion put anywhere: whatever comes out of them was signed.

use super::*;

/// What an honest signature covered, and what a forger would rather have.
fn forged(id: &str, signature: &str) -> String {
    let evil = assertion().replace("ID=\"_a\"", &format!("ID=\"{id}\"")).replace(">kim<", ">mallory<");
    evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
}

/// Every place of a document where an element can begin.
fn places(text: &str) -> Vec<usize> {
    text.match_indices('<').map(|(at, _)| at).chain([text.len()]).collect()
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text.split_at(text.rfind(from).unwrap());
    let (found, _) = rest.split_at(rest.find(to).unwrap() + to.len());
    found
}

/// The text with more of it at a place.
fn inserted(text: &str, at: usize, more: &str) -> String {
    let (before, after) = text.split_at(at);
    format!("{before}{more}{after}")
}

/// Wrappers that carry what is not to be looked at.
const WRAPPERS: [(&str, &str); 4] = [
    ("", ""),
    ("<samlp:Extensions xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">", "</samlp:Extensions>"),
    ("<ds:Object xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">", "</ds:Object>"),
    ("<saml:Advice xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">", "</saml:Advice>"),
];

/// Every mutant of one honest response.
fn mutants(honest: &str, judge: &mut impl FnMut(String)) {
    let signature = between(honest, "<ds:Signature ", "</ds:Signature>");
    let signed = between(honest, "<saml:Assertion ", "</saml:Assertion>");
    let bare = honest.replace(signature, "");
    for id in ["_a", "_evil", "_r"] {
        for kept in ["", signature] {
            let evil = forged(id, kept);
            for (open, close) in WRAPPERS {
                let wrapped = format!("{open}{evil}{close}");
                // Beside what was signed, with its signature in place and without it.
                for text in [honest, &bare] {
                    for at in places(text) {
                        judge(inserted(text, at, &wrapped));
                    }
                }
                // In its place, with what was signed anywhere in the forged one.
                let hidden = format!("{open}{signed}{close}");
                for at in places(&evil) {
                    let nested = inserted(&evil, at, &hidden);
                    judge(honest.replace(signed, &nested));
                }
            }
        }
    }
    // A whole forged response around the honest one.
    for at in places(honest) {
        let outer = honest.replace(">kim<", ">mallory<");
        judge(inserted(&outer, at, honest));
        judge(honest.split_at(at).0.to_owned() + outer.split_at(at).1);
    }
}

#[test]
fn s01_s02_s03_s04_s05_s06_s07_s08_s09_no_wrapping_yields_what_was_not_signed() {
    let issuer = TestIssuer::new();
    let provider = issuer.provider();
    let (mut made, mut accepted) = (0_usize, 0_usize);
    for form in FORMS {
        let honest = issuer.response(form);
        let identity = redeem(&honest, &provider).unwrap();
        mutants(&honest, &mut |mutant| {
            made += 1;
            match redeem(&mutant, &provider) {
                Ok(found) => {
                    assert_eq!(found, identity, "{mutant}");
                    accepted += 1;
                }
                Err(refusal) => assert_eq!(refusal.message(), "Response signature invalid", "{mutant}"),
            }
        });
    }
    assert!(made >= 10_000, "{made}");
    // Those that are the honest response again, such as one with the whole of it put in the place of itself.
    assert!(accepted * 100 < made, "{accepted} of {made}");
}

#[test]
fn s11_every_changed_byte_ends_it_or_changes_nothing() {
    let issuer = TestIssuer::new();
    let provider = issuer.provider();
    for form in FORMS {
        let honest = issuer.response(form);
        let identity = redeem(&honest, &provider).unwrap();
        for at in (0..honest.len()).step_by(11) {
            for to in ["x", " ", "<", "\"", ""] {
                let mutant = {
                    let (before, after) = honest.split_at(at);
                    format!("{before}{to}{}", after.split_at(1).1)
                };
                if let Ok(found) = redeem(&mutant, &provider) {
                    assert_eq!(found, identity, "{mutant}");
                }
            }
        }
    }
}
