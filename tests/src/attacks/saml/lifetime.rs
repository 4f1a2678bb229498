//! How often an assertion serves, how long what it gave lasts, and what ends it.

use super::*;
use crate::harness::{
    ACCOUNT, Credentials, Redis, role,
    saml::{ENTITY, FORMS, Signed, assertion, metadata, provider_arn, time, with_attribute},
    seconds,
};

const SPENT: &str = "The token was redeemed before";

#[test]
fn s38_an_assertion_serves_once_for_a_role() {
    let idp = SamlIdp::shared();
    let redis = Redis::start();
    let on_redis = Site::on_redis(&redis);
    for site in [Site::new(), on_redis] {
        site.trust_saml(idp, "idp_initiated = true\n");
        let broker = site.start();
        let roles = format!("{},{}", role("Bare"), provider_arn());
        let both = with_attribute(&assertion(), "Role", &[&roles]);
        for form in FORMS {
            let own = both.replacen("ID=\"", &format!("ID=\"_{}", form as u8), 1);
            let response = idp.response_of(form, &own);
            let first = broker.signed_in(&response);
            // The very same request within seconds is the same session's; one that differs is another's.
            let again = broker.signed_in(&response);
            assert_eq!(first.access_key_id, again.access_key_id);
            let other = [("DurationSeconds", "1000")];
            assert_invalid(&broker.redeem_with(&response, &role("Engineer"), &other), SPENT);
            assert_invalid(&broker.redeem(&format!("{response}\n")), SPENT);
            let answer = broker.redeem_with(&response, &role("Bare"), &[]);
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

#[test]
fn s38_an_assertion_serves_once_where_the_provider_or_the_assertion_says_so() {
    let idp = SamlIdp::shared();
    let site = Site::new();
    site.trust_saml(idp, "idp_initiated = true\nsingle_use = \"once\"\n");
    let broker = site.start();
    let roles = format!("{},{}", role("Bare"), provider_arn());
    let both = with_attribute(&assertion(), "Role", &[&roles]);
    let response = idp.response_of(Signed::Both, &both);
    broker.signed_in(&response);
    assert_invalid(&broker.redeem_with(&response, &role("Bare"), &[]), SPENT);
    // The same assertion, shown with one of its two signatures.
    let alone = response.replacen(between(&response, "<ds:Signature ", "</ds:Signature>"), "", 1);
    assert_invalid(&broker.redeem_with(&alone, &role("Bare"), &[]), SPENT);
    // A denied request spends nothing.
    let other = idp.response_of(
        Signed::Both,
        &with_attribute(&assertion(), "Role", &[&format!("{},{}", role("Deploy"), provider_arn())]),
    );
    let denied = broker.redeem_with(&other, &role("Deploy"), &[]);
    assert_refused(&denied, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML");
    broker.signed_in(&other);
}

#[test]
fn s51_a_session_ends_with_the_sign_in_it_came_from() {
    let (_site, broker, idp) = serving();
    let end = time(600);
    let until = |end: &str, text: String| {
        text.replace("<saml:AuthnStatement ", &format!("<saml:AuthnStatement SessionNotOnOrAfter=\"{end}\" "))
            .replace(
                &format!("SessionNotOnOrAfter=\"{end}\" {}", between(&text, "AuthnInstant=\"", "\"")),
                &format!("{} SessionNotOnOrAfter=\"{end}\"", between(&text, "AuthnInstant=\"", "\"")),
            )
    };
    let credentials = broker.signed_in(&idp.response_of(Signed::Both, &until(&end, assertion())));
    assert_eq!(credentials.expiration, end);
    let over = idp.response_of(Signed::Both, &until(&time(-90), assertion()));
    assert_refused(&broker.redeem(&over), 400, "ExpiredTokenException", "Response has expired");
    let shorter = with_attribute(&assertion(), "SessionDuration", &["900"]);
    let longer = with_attribute(&assertion(), "SessionDuration", &["43200"]);
    for (text, asked, most) in [(shorter, "1800", 900), (longer, "1800", 1_800)] {
        let answer = broker.redeem_with(
            &idp.response_of(Signed::Both, &text),
            &role("Engineer"),
            &[("DurationSeconds", asked)],
        );
        let expires: jiff::Timestamp = Credentials::of(&answer).expiration.parse().expect("a time");
        assert!((most - 20..=most).contains(&(expires.as_second() - seconds())), "{answer:?}");
    }
}

#[test]
fn s52_certificates_that_are_exchanged() {
    let (old, new) = (SamlIdp::shared(), SamlIdp::made("ec"));
    let (site, broker) = trusting(old);
    assert_unverified(&broker, &new.response(Signed::Both));
    let provider = "idp_initiated = true\n";
    for order in [[old.certificate(), new.certificate()], [new.certificate(), old.certificate()]] {
        site.saml_provider(&metadata(&[&order[0], &order[1]]), provider);
        broker.reloaded();
        for form in FORMS {
            broker.signed_in(&old.response(form));
            broker.signed_in(&new.response(form));
        }
    }
    site.saml_provider(&new.metadata(), provider);
    broker.reloaded();
    assert_unverified(&broker, &old.response(Signed::Both));
    broker.signed_in(&new.response(Signed::Both));
    let stale = new.metadata().replacen("entityID=", &format!("validUntil=\"{}\" entityID=", time(-1)), 1);
    site.saml_provider(&stale, provider);
    broker.reloaded();
    assert_unverified(&broker, &new.response(Signed::Both));
}

#[test]
fn s53_a_stolen_key_of_the_provider_is_ended_by_its_provider() {
    let (site, broker, idp) = serving();
    let stolen = broker.signed_in(&idp.response(Signed::Both));
    let beside = broker.assume(&site.issuer.token("plant:a"), &role("Deploy"));
    assert_eq!(broker.caller(&stolen).status, 200);
    let ended = broker.run(&site, &["sessions", "revoke", "--provider", &provider_arn()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_refused(
        &broker.caller(&stolen),
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    );
    assert_eq!(broker.caller(&beside).status, 200);
    let principal = format!("{ENTITY} kim");
    let later = broker.signed_in(&idp.response(Signed::Both));
    let ended = broker.run(&site, &["sessions", "revoke", "--principal", &principal]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(broker.caller(&later).status, 403);
}

#[test]
fn s54_metadata_that_does_not_load() {
    let (site, broker, idp) = serving();
    let honest = idp.metadata();
    let folder = format!("directory/{ACCOUNT}/saml-providers/Corp");
    for (text, message) in [
        (honest.replace(ENTITY, "https://other.test"), "the metadata is that of `https://other.test`"),
        (
            format!(
                "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{honest}{honest}</md:EntitiesDescriptor>"
            ),
            "its root is not one EntityDescriptor",
        ),
        (
            format!("<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{honest}"),
            "it is not XML without DTD",
        ),
        (metadata(&[]), "it has no certificate to verify signatures with"),
    ] {
        site.write(&format!("{folder}/metadata.xml"), &text);
        let checked = broker.run(&site, &["check"]);
        assert_eq!(checked.code, Some(1), "{checked:?}");
        assert!(checked.output.contains(message), "{checked:?}");
    }
    broker.reload_refused();
    // The last good one stays.
    broker.signed_in(&idp.response(Signed::Both));
    site.saml_provider(&honest, "metadata_url = \"http://idp.corp.test/metadata\"\n");
    let checked = broker.run(&site, &["check"]);
    assert!(checked.output.contains("this build does not fetch metadata yet"), "{checked:?}");
    site.saml_provider(&honest, "");
    assert_eq!(broker.run(&site, &["check"]).code, Some(0));
}
