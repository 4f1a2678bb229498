//! What an assertion must say once its signature verified, and the words for what it doesn't.

use super::*;

const AWS: &str = "https://aws.amazon.com/SAML/Attributes/";

#[track_caller]
fn assert_message(change: impl Fn(String) -> String, class: Class, message: &str) {
    let refusal = refused(change);
    assert!(refusal.is_after_signature(), "{refusal:?}");
    assert_eq!((refusal.class(), refusal.message().as_str()), (class, message), "{refusal:?}");
}

fn replaced(from: &'static str, to: &'static str) -> impl Fn(String) -> String {
    move |text| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    }
}

#[test]
fn s44_another_issuer_with_our_key() {
    let message = "Issuer not present in specified provider";
    let other = replaced("<saml:Issuer>https://idp.test/metadata", "<saml:Issuer>https://idp.test/metadata/");
    assert_message(other, Class::InvalidIdentityToken, message);
}

#[test]
fn s39_audiences() {
    let message = "Response does not contain the required audience";
    let ours = "<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>";
    for other in [
        "",
        "<saml:AudienceRestriction></saml:AudienceRestriction>",
        "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>",
        "<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience><saml:Audience>urn:other\
         </saml:Audience></saml:AudienceRestriction>",
        "<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>\
         <saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>",
        "<saml:AudienceRestriction><saml:Audience> urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>",
    ] {
        assert_message(replaced(ours, other), Class::InvalidIdentityToken, message);
    }
}

#[test]
fn s40_recipients() {
    let message = "Response does not contain the required recipient";
    let other = replaced(
        "Recipient=\"https://id.corp.test/saml/acs\"",
        "Recipient=\"https://id.corp.test/saml/acs/\"",
    );
    assert_message(other, Class::InvalidIdentityToken, message);
    let none = replaced(" Recipient=\"https://id.corp.test/saml/acs\"", "");
    assert_message(none, Class::InvalidIdentityToken, "Recipient is required in AuthnResponse");
}

#[test]
fn s41_s42_times() {
    let expired = "Response has expired";
    let ends =
        replaced("NotOnOrAfter=\"2026-11-22T10:05:00Z\" Rec", "NotOnOrAfter=\"2026-11-22T09:59:00Z\" Rec");
    assert_message(ends, Class::ExpiredToken, expired);
    let ends = replaced("NotOnOrAfter=\"2026-11-22T10:05:00Z\">", "NotOnOrAfter=\"2026-11-22T09:59:00Z\">");
    assert_message(ends, Class::ExpiredToken, expired);
    accepted(replaced("NotOnOrAfter=\"2026-11-22T10:05:00Z\">", "NotOnOrAfter=\"2026-11-22T09:59:01Z\">"));
    let none = replaced("NotOnOrAfter=\"2026-11-22T10:05:00Z\" Rec", "Rec");
    assert_message(none, Class::InvalidIdentityToken, "NotOnOrAfter is required in AuthnResponse");
    let old = replaced("IssueInstant=\"2026-11-22T10:00:00Z\"", "IssueInstant=\"2026-11-22T09:54:00Z\"");
    assert_message(old, Class::ExpiredToken, "Token must be redeemed within 5 minutes of issuance");
    accepted(replaced("IssueInstant=\"2026-11-22T10:00:00Z\"", "IssueInstant=\"2026-11-22T09:54:01Z\""));
    let early = replaced("NotBefore=\"2026-11-22T10:00:00Z\"", "NotBefore=\"2026-11-22T10:01:01Z\"");
    assert_message(early, Class::InvalidIdentityToken, "Response is not yet valid");
    for zoneless in ["2026-11-22T10:05:00", "2026-11-22T10:05:00+00:00", "2026-11-22", "soon"] {
        let change = |text: String| text.replace("2026-11-22T10:05:00Z", zoneless);
        assert_message(change, Class::InvalidIdentityToken, "Invalid value in AuthnResponse: NotOnOrAfter");
    }
}

#[test]
fn s43_answers_to_nobodys_request() {
    let issuer = TestIssuer::new();
    let strict = Provider::new(Settings { idp_initiated: false, ..issuer.settings() }).unwrap();
    let message = "Response is not in response to a request";
    let unsolicited = redeem(&issuer.response(Form::Both), &strict).unwrap_err();
    assert_eq!((unsolicited.class(), unsolicited.message().as_str()), (Class::InvalidIdentityToken, message));
    let answering = assertion().replace(" Recipient=", " InResponseTo=\"_q\" Recipient=").replace(
        "<saml:SubjectConfirmationData NotOnOrAfter=\"2026-11-22T10:05:00Z\" InResponseTo=\"_q\"",
        "<saml:SubjectConfirmationData InResponseTo=\"_q\" NotOnOrAfter=\"2026-11-22T10:05:00Z\"",
    );
    for (request, holds) in [("_q", true), ("_other", false), ("", false)] {
        let response = issuer.response_of(Form::Assertion, &answering);
        let answer =
            format!(" IssueInstant=\"{NOW}\" InResponseTo=\"{request}\" Version=\"2.0\"><saml:Issuer xmlns");
        let response = response.replacen(
            &format!(" IssueInstant=\"{NOW}\" Version=\"2.0\"><saml:Issuer xmlns"),
            &answer,
            1,
        );
        for provider in [&strict, &issuer.provider()] {
            assert_eq!(redeem(&response, provider).is_ok(), holds, "{request}");
        }
    }
    redeem(&issuer.response_of(Form::Assertion, &answering), &issuer.provider()).unwrap_err();
}

#[test]
fn s45_roles_that_are_not_granted() {
    let message = "Not authorized to perform sts:AssumeRoleWithSAML";
    for value in [
        "arn:aws:iam::111122223333:role/Other,arn:aws:iam::111122223333:saml-provider/Corp",
        "arn:aws:iam::111122223333:role/Deploy,arn:aws:iam::111122223333:saml-provider/Other",
        "arn:aws:iam::111122223333:role/Deploy",
        "arn:aws:iam::111122223333:role/Deploy,arn:aws:iam::111122223333:saml-provider/Corp,x",
        "",
    ] {
        let change = |text: String| text.replace(&format!("{ROLE},{PROVIDER}"), value);
        assert_message(change, Class::AccessDenied, message);
    }
    accepted(|text| text.replace(&format!("{ROLE},{PROVIDER}"), &format!("{PROVIDER},{ROLE}")));
}

#[test]
fn s22_a_name_is_read_whole() {
    let message = "Not authorized to perform sts:AssumeRoleWithSAML";
    assert_message(replaced(">kim</saml:NameID>", "></saml:NameID>"), Class::AccessDenied, message);
    let inside = "Invalid value in AuthnResponse: NameID";
    let change = replaced(">kim</saml:NameID>", ">kim<saml:X></saml:X>.evil</saml:NameID>");
    assert_message(change, Class::InvalidIdentityToken, inside);
    let identity = accepted(replaced(">kim</saml:NameID>", "> kim@corp.test&amp;.evil.test </saml:NameID>"));
    assert_eq!(identity.subject(), " kim@corp.test&.evil.test ");
}

#[test]
fn s46_session_names_source_identities_and_tags() {
    let name = "https://aws.amazon.com/SAML/Attributes/RoleSessionName\"><saml:AttributeValue>kim</saml:AttributeValue>";
    let pattern = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}";
    for value in ["k", "kim lee", "kim/lee", ""] {
        let change = |text: String| text.replace(name, &name.replace("kim", value));
        assert_message(change, Class::InvalidIdentityToken, pattern);
    }
    let twice = with_attribute(&format!("{AWS}RoleSessionName"), &["lee"]);
    assert_message(twice, Class::InvalidIdentityToken, pattern);
    let none = |text: String| text.replace("Attributes/RoleSessionName", "Attributes/Other");
    assert_message(none, Class::InvalidIdentityToken, "RoleSessionName is required in AuthnResponse");
    let message = "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"";
    for value in ["aws:kim", "AWS:kim", "k", "kim lee"] {
        let change = with_attribute(&format!("{AWS}SourceIdentity"), &[value]);
        assert_message(change, Class::InvalidIdentityToken, message);
    }
    let tag = |key: &str, values: &[&str]| with_attribute(&format!("{AWS}PrincipalTag:{key}"), values);
    for (key, values) in
        [("aws:team", &["core"][..]), ("team", &["a", "b"]), ("team", &["a|b"]), ("", &["a"])]
    {
        let name = format!("Invalid value in AuthnResponse: {AWS}PrincipalTag:{key}");
        assert_message(tag(key, values), Class::InvalidIdentityToken, &name);
    }
    let twice = |text| tag("Team", &["a"])(tag("team", &["b"])(text));
    assert_eq!(refused(twice).class(), Class::InvalidIdentityToken);
    let stray = with_attribute(&format!("{AWS}TransitiveTagKeys"), &["team"]);
    assert_message(stray, Class::InvalidIdentityToken, "Invalid value in AuthnResponse: TransitiveTagKeys");
    let identity = accepted(|text| {
        let text = tag("team", &["core"])(text);
        let text = with_attribute(&format!("{AWS}TransitiveTagKeys"), &["team"])(text);
        with_attribute(&format!("{AWS}SourceIdentity"), &["kim@corp.test"])(text)
    });
    assert_eq!(identity.session_tags(), [("team".to_owned(), "core".to_owned())]);
    assert_eq!(identity.transitive_tag_keys(), ["team"]);
    assert_eq!(identity.source_identity(), Some("kim@corp.test"));
}

#[test]
fn s51_sessions_end_as_the_assertion_says() {
    let identity = accepted(|text| {
        let text = with_attribute(&format!("{AWS}SessionDuration"), &["900"])(text);
        text.replace(
            "<saml:AuthnStatement AuthnInstant=\"2026-11-22T10:00:00Z\"",
            "<saml:AuthnStatement \
                      AuthnInstant=\"2026-11-22T10:00:00Z\" SessionNotOnOrAfter=\"2026-11-22T10:10:00Z\"",
        )
    });
    assert_eq!(identity.max_duration(), Some(Duration::from_secs(900)));
    assert_eq!(identity.not_after(), Some("2026-11-22T10:10:00Z".parse().unwrap()));
    for value in ["899", "43201", "1h", "-900", ""] {
        let refusal = refused(with_attribute(&format!("{AWS}SessionDuration"), &[value]));
        assert_eq!(refusal.class(), Class::InvalidIdentityToken, "{value}");
    }
}

#[test]
fn s38_one_time_use_is_once_for_all_roles() {
    let identity =
        accepted(replaced("</saml:Conditions>", "<saml:OneTimeUse></saml:OneTimeUse></saml:Conditions>"));
    assert_eq!(identity.single_use_id(), Some(&*format!("{ENTITY} _a")));
    let unknown = replaced("</saml:Conditions>", "<saml:Condition></saml:Condition></saml:Conditions>");
    assert_message(unknown, Class::InvalidIdentityToken, "Invalid value in AuthnResponse: Conditions");
}

#[test]
fn attributes_become_condition_keys() {
    let identity = accepted(|text| {
        let text = with_attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", &["staff", "member"])(text);
        with_attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.3", &["o=corp", "o=other"])(text)
    });
    let key = |name: &str| identity.context().iter().find(|key| &*key.name == name).unwrap().values.clone();
    assert_eq!(key("saml:edupersonaffiliation"), ["staff", "member"]);
    assert_eq!(key("saml:edupersonorgdn"), ["o=corp"]);
    assert_eq!(key("saml:aud"), [RECIPIENT]);
    assert_eq!(key("saml:iss"), [ENTITY]);
}
