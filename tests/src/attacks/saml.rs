//! SAML responses that prove nothing: one fixed answer until a signature verifies, AWS's words after it.

use crate::harness::{Answer, Broker, SamlIdp, Site, assert_refused};

mod claims;
mod document;
mod lifetime;
mod prefixes;
mod signature;
mod wrapping;

const UNVERIFIED: &str = "Response signature invalid";

/// A broker that has been seen to take an honest response of the provider.
fn serving() -> (Site, Broker, &'static SamlIdp) {
    let idp = SamlIdp::shared();
    let (site, broker) = trusting(idp);
    (site, broker, idp)
}

/// The same for a provider of the test's own.
fn trusting(idp: &SamlIdp) -> (Site, Broker) {
    let site = Site::new();
    site.settings("embedded:state", "[limits]\nissues_per_second_per_peer = 1000\n");
    site.trust_saml(idp, "idp_initiated = true\n");
    let broker = site.start();
    for form in crate::harness::saml::FORMS {
        broker.signed_in(&idp.response(form));
    }
    (site, broker)
}

#[track_caller]
fn assert_unverified(broker: &Broker, response: &str) {
    assert_invalid(&broker.redeem(response), UNVERIFIED);
}

#[track_caller]
fn assert_invalid(answer: &Answer, message: &str) {
    assert_refused(answer, 400, "InvalidIdentityToken", message);
}

/// What stands between the first `from` and the `to` after it, both included.
#[track_caller]
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).expect("the beginning");
    let inside = start + from.len();
    let end = inside + text[inside..].find(to).expect("the end") + to.len();
    &text[start..end]
}

/// The assertion in a response.
fn assertion_of(response: &str) -> &str {
    between(response, "<saml:Assertion ", "</saml:Assertion>")
}

/// The last signature in a text: the assertion's, if that is signed.
fn signature_of(text: &str) -> &str {
    let start = text.rfind("<ds:Signature ").expect("a signature");
    between(&text[start..], "<ds:Signature ", "</ds:Signature>")
}
