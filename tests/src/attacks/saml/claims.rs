//! Assertions that are signed and don't say what they must: AWS's words, since the signature verified.

use super::*;
use crate::harness::{
    role,
    saml::{FORMS, RECIPIENT, Signed, assertion, time, with_attribute},
};

/// A broker, and what it answers to an assertion that was changed before it was signed, in every form.
struct Asked {
    _site: Site,
    broker: Broker,
    idp: &'static SamlIdp,
}

impl Asked {
    fn new() -> Self {
        let (site, broker, idp) = serving();
        Self { _site: site, broker, idp }
    }

    #[track_caller]
    fn refused(&self, change: impl Fn(String) -> String, status: u16, code: &str, message: &str) {
        for form in FORMS {
            let response = self.idp.response_of(form, &change(assertion()));
            assert_refused(&self.broker.redeem(&response), status, code, message);
        }
    }

    #[track_caller]
    fn invalid(&self, change: impl Fn(String) -> String, message: &str) {
        self.refused(change, 400, "InvalidIdentityToken", message);
    }

    #[track_caller]
    fn accepted(&self, change: impl Fn(String) -> String) -> Answer {
        let response = self.idp.response_of(Signed::Both, &change(assertion()));
        let answer = self.broker.redeem(&response);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }
}

fn replaced(from: impl Into<String>, to: impl Into<String>) -> impl Fn(String) -> String {
    let (from, to) = (from.into(), to.into());
    move |text| {
        assert!(text.contains(&from), "{from} is not in {text}");
        text.replacen(&from, &to, 1)
    }
}

#[test]
fn s39_audiences_that_are_not_ours() {
    let asked = Asked::new();
    let message = "Response does not contain the required audience";
    let one = "<saml:Audience>urn:amazon:webservices</saml:Audience>";
    for other in [
        "<saml:Audience>urn:other:service</saml:Audience>".to_owned(),
        "<saml:Audience>urn:amazon:webservices:x</saml:Audience>".to_owned(),
        "<saml:Audience>URN:AMAZON:WEBSERVICES</saml:Audience>".to_owned(),
        format!("{one}<saml:Audience>urn:other:service</saml:Audience>"),
        format!(
            "{one}</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>urn:other:service</saml:Audience>"
        ),
        String::new(),
    ] {
        asked.invalid(replaced(one, other), message);
    }
    asked.invalid(
        replaced(format!("<saml:AudienceRestriction>{one}</saml:AudienceRestriction>"), ""),
        message,
    );
    asked.accepted(replaced(one, format!("{one}{one}")));
}

#[test]
fn s40_other_recipients_and_destinations() {
    let asked = Asked::new();
    let message = "Response does not contain the required recipient";
    for other in [
        "https://id.corp.test/saml/acs/",
        "https://ID.corp.test/saml/acs",
        "https://signin.aws.amazon.com/saml",
        "",
    ] {
        asked.invalid(
            replaced(format!("Recipient=\"{RECIPIENT}\""), format!("Recipient=\"{other}\"")),
            message,
        );
        let elsewhere = asked
            .idp
            .response(Signed::Assertion)
            .replace(&format!("Destination=\"{RECIPIENT}\""), &format!("Destination=\"{other}\""));
        assert_invalid(&asked.broker.redeem(&elsewhere), message);
    }
    asked.invalid(
        replaced(format!(" Recipient=\"{RECIPIENT}\""), ""),
        "Recipient is required in AuthnResponse",
    );
    let answer = asked.accepted(|text| text);
    assert_eq!(answer.element("Audience").as_deref(), Some(RECIPIENT));
}

#[test]
fn s41_confirmations_without_an_end_or_past_it() {
    let asked = Asked::new();
    let data = |text: &str| between(text, "<saml:SubjectConfirmationData ", " Recipient").to_owned();
    let ending = |end: String| {
        move |text: String| {
            text.replace(&data(&text), &format!("<saml:SubjectConfirmationData {end} Recipient"))
        }
    };
    asked.refused(
        ending(format!("NotOnOrAfter=\"{}\"", time(-90))),
        400,
        "ExpiredTokenException",
        "Response has expired",
    );
    asked.accepted(ending(format!("NotOnOrAfter=\"{}\"", time(-20))));
    asked.invalid(
        |text| text.replace(&data(&text), "<saml:SubjectConfirmationData Recipient"),
        "NotOnOrAfter is required in AuthnResponse",
    );
    asked.invalid(
        ending(format!("NotBefore=\"{}\" NotOnOrAfter=\"{}\"", time(90), time(300))),
        "Response is not yet valid",
    );
    let confirmation =
        |text: &str| between(text, "<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>").to_owned();
    asked.invalid(
        |text| text.replace(&confirmation(&text), ""),
        "SubjectConfirmation is required in AuthnResponse",
    );
    let twice = "Invalid value in AuthnResponse: SubjectConfirmation";
    asked.invalid(|text| text.replace(&confirmation(&text), &confirmation(&text).repeat(2)), twice);
    asked.invalid(replaced("cm:bearer", "cm:holder-of-key"), twice);
    asked.invalid(replaced("cm:bearer", "cm:sender-vouches"), twice);
}

#[test]
fn s42_times_that_are_over_to_come_or_in_no_zone() {
    let asked = Asked::new();
    let issued = |text: &str| between(text, " IssueInstant=\"", "\"").to_owned();
    let at = |seconds: i64| {
        move |text: String| text.replacen(&issued(&text), &format!(" IssueInstant=\"{}\"", time(seconds)), 1)
    };
    let message = "Token must be redeemed within 5 minutes of issuance";
    asked.refused(at(-365), 400, "ExpiredTokenException", message);
    asked.accepted(at(-330));
    asked.invalid(at(90), "Response is not yet valid");
    let conditions = |text: &str| between(text, "<saml:Conditions ", ">").to_owned();
    let bounded = |bounds: String| {
        move |text: String| text.replace(&conditions(&text), &format!("<saml:Conditions {bounds}>"))
    };
    asked.refused(
        bounded(format!("NotOnOrAfter=\"{}\"", time(-90))),
        400,
        "ExpiredTokenException",
        "Response has expired",
    );
    asked.invalid(bounded(format!("NotBefore=\"{}\"", time(90))), "Response is not yet valid");
    asked.accepted(|text| text.replace(&conditions(&text), "<saml:Conditions>"));
    for odd in [
        time(300).replace('Z', ""),
        time(300).replace('Z', "+00:00"),
        time(300).replace('T', " "),
        "99999999999".to_owned(),
        "2026-13-01T00:00:00Z".to_owned(),
    ] {
        asked.invalid(
            bounded(format!("NotOnOrAfter=\"{odd}\"")),
            "Invalid value in AuthnResponse: NotOnOrAfter",
        );
    }
    let whole = |text: &str| between(text, "<saml:Conditions ", "</saml:Conditions>").to_owned();
    asked.invalid(|text| text.replace(&whole(&text), ""), "Conditions is required in AuthnResponse");
}

#[test]
fn s43_answers_to_nobodys_request() {
    let idp = SamlIdp::shared();
    let site = Site::new();
    site.trust_saml(idp, "");
    let broker = site.start();
    let message = "Response is not in response to a request";
    assert_invalid(&broker.redeem(&idp.response(Signed::Both)), message);
    let answering = |text: &str| {
        text.replace("<saml:SubjectConfirmationData ", "<saml:SubjectConfirmationData InResponseTo=\"_q\" ")
    };
    let to = |text: String, request: &str| {
        let destination = format!("ID=\"{}", between(&text, "ID=\"", "\"").trim_start_matches("ID=\""));
        text.replacen(&destination, &format!("{destination} InResponseTo=\"{request}\""), 1)
    };
    let unsigned = idp.response_of(Signed::Assertion, &answering(&assertion()));
    for request in ["_other", "", "_q "] {
        assert_invalid(&broker.redeem(&to(unsigned.clone(), request)), message);
    }
    assert_invalid(&broker.redeem(&unsigned), message);
    assert_invalid(&broker.redeem(&to(idp.response(Signed::Assertion), "_q")), message);
    broker.signed_in(&to(unsigned, "_q"));
}

#[test]
fn s45_roles_and_providers_that_are_not_granted() {
    let asked = Asked::new();
    let message = "Not authorized to perform sts:AssumeRoleWithSAML";
    let pair = format!("{},{}", role("Engineer"), crate::harness::saml::provider_arn());
    for other in [
        pair.replace("Engineer", "Bare"),
        pair.replace("Corp", "Other"),
        pair.replace(',', " , "),
        pair.replace("111122223333", "444455556666"),
        role("Engineer"),
        "*".to_owned(),
        pair.replace("Engineer", "*"),
    ] {
        asked.refused(replaced(&pair, other), 403, "AccessDenied", message);
    }
    asked.refused(replaced("Attributes/Role\"", "Attributes/role\""), 403, "AccessDenied", message);
    let (one, other) = pair.split_once(',').expect("a pair");
    asked.accepted(replaced(&pair, format!("{other},{one}")));
    // Granted, and not trusted or not there.
    for name in ["Deploy", "Missing"] {
        let response = asked
            .idp
            .response_of(Signed::Both, &assertion().replace("role/Engineer", &format!("role/{name}")));
        let answer = asked.broker.redeem_with(&response, &role(name), &[]);
        assert_refused(&answer, 403, "AccessDenied", message);
    }
    asked.refused(
        |text| text.replace(between(&text, "<saml:NameID ", "</saml:NameID>"), ""),
        403,
        "AccessDenied",
        message,
    );
}

#[test]
fn s46_session_names_source_identities_and_tags() {
    let asked = Asked::new();
    let pattern = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}";
    let name = |value: &str| format!("Attributes/RoleSessionName\"><saml:AttributeValue>{value}<");
    for value in ["k", "kim lee", "kim/admin", "k\u{e9}vin", &"k".repeat(65)] {
        asked.invalid(replaced(name("kim"), name(value)), pattern);
    }
    asked.invalid(|text| with_attribute(&text, "RoleSessionName", &["other"]), pattern);
    asked.invalid(
        replaced("Attributes/RoleSessionName", "Attributes/Name"),
        "RoleSessionName is required in AuthnResponse",
    );
    let source = "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"";
    for values in [&["aws:kim"][..], &["k"], &["kim", "lee"], &["kim lee"]] {
        asked.invalid(|text| with_attribute(&text, "SourceIdentity", values), source);
    }
    for (key, values) in [("aws:x", &["a"][..]), ("team", &["a", "b"]), ("team", &["a|b"])] {
        let message = format!(
            "Invalid value in AuthnResponse: https://aws.amazon.com/SAML/Attributes/PrincipalTag:{key}"
        );
        asked.invalid(|text| with_attribute(&text, &format!("PrincipalTag:{key}"), values), &message);
    }
    let tagged = |text: String| {
        let text = with_attribute(&text, "PrincipalTag:team", &["core"]);
        let text = with_attribute(&text, "TransitiveTagKeys", &["team"]);
        with_attribute(&text, "SourceIdentity", &["kim@corp.test"])
    };
    let answer = asked.accepted(tagged);
    assert_eq!(answer.element("SourceIdentity").as_deref(), Some("kim@corp.test"));
    assert!(answer.element("PackedPolicySize").is_some(), "{answer:?}");
    // The role that does not take tags, then the one that takes no source identity.
    let bare = |text: String| text.replace("role/Engineer", "role/Bare");
    for (response, action) in [
        (bare(with_attribute(&assertion(), "PrincipalTag:team", &["core"])), "sts:TagSession"),
        (bare(with_attribute(&assertion(), "SourceIdentity", &["kim"])), "sts:SetSourceIdentity"),
    ] {
        let answer =
            asked.broker.redeem_with(&asked.idp.response_of(Signed::Both, &response), &role("Bare"), &[]);
        assert_refused(&answer, 403, "AccessDenied", &format!("Not authorized to perform {action}"));
    }
}

#[test]
fn s50_an_assertion_beside_a_status_of_failure() {
    let asked = Asked::new();
    for status in
        ["urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:success", ""]
    {
        let failed = asked
            .idp
            .response(Signed::Assertion)
            .replace("urn:oasis:names:tc:SAML:2.0:status:Success", status);
        let message = "The identity provider did not report success";
        assert_refused(&asked.broker.redeem(&failed), 403, "IDPRejectedClaim", message);
        let whole = crate::harness::saml::around(&assertion())
            .replace("urn:oasis:names:tc:SAML:2.0:status:Success", status);
        assert_refused(&asked.broker.redeem(&asked.idp.sign(&whole)), 403, "IDPRejectedClaim", message);
    }
    asked.accepted(|text| text);
}
