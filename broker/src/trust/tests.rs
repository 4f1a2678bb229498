//! Who becomes a role and who doesn't: real tokens, real policies, each attack beside its honest twin.

use std::time::Duration;

use serde_json::{Value, json};

use jiff::Timestamp;

use super::*;
use crate::proof::oidc::{
    KeySettings, Provider, Settings, UnverifiedToken, tests::issuer::TestIssuer, verify,
};
use crate::role::{AccountId, Path, RoleArn, RoleId, RoleName, Tags};

const NOW: i64 = 1_900_000_000;
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/idp.test";
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// The identity of `plant:7`, with further claims.
fn identity(more: &Value) -> Arc<FederatedIdentity> {
    let issuer = TestIssuer::es256("k");
    let provider = Provider::new(Settings {
        account_id: "111122223333".into(),
        id: "provider-1".into(),
        issuer: "https://idp.test".into(),
        client_ids: vec!["sts.amazonaws.com".into()],
        algorithms: vec!["ES256".into()],
        clock_skew: Duration::from_secs(60),
        claims: vec!["aws:SourceIp".into(), "branch".into()],
        single_use: false,
        keys: KeySettings::Discovery,
        ca_pem: None,
        own_issuers: Vec::new(),
        loopback_http: false,
    })
    .unwrap();
    let mut claims = json!({"iss": "https://idp.test", "sub": "plant:7", "aud": "sts.amazonaws.com", "iat": NOW, "exp": NOW + 60});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let token = issuer.token(&claims);
    let token = UnverifiedToken::parse(&token).unwrap();
    Arc::new(verify(token, &provider, &issuer.key_set(), now()).unwrap())
}

/// A role of one hour with one trust statement for the provider.
fn role_in(account: &str, actions: &[&str], conditions: &Value) -> Role {
    let text = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": actions, "Principal": {"Federated": PROVIDER}, "Condition": conditions,
    }]});
    let document = |name, text, kind| Policies::compile(&[Document { name, text, kind }]).unwrap();
    let nothing = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let (account, path) = (AccountId::parse(account).unwrap(), Path::parse("/").unwrap());
    let name = RoleName::parse("Deploy").unwrap();
    Role {
        arn: RoleArn::new(account, &path, &name),
        name,
        path,
        account,
        id: RoleId::parse("AROADEPLOYDEPLOYDEPLO").unwrap(),
        max_session_duration: Duration::from_secs(3_600),
        tags: Tags::default(),
        trust: document("trust.json", &text.to_string(), Kind::Trust),
        identity: document("main.json", nothing, Kind::Identity),
        boundary: None,
    }
}

fn role(actions: &[&str], conditions: &Value) -> Role {
    role_in("111122223333", actions, conditions)
}

fn sub(operator: &str, value: &str) -> Value {
    json!({operator: {"idp.test:sub": value}})
}

fn open_role() -> Role {
    role(&[ACTION], &sub("StringLike", "plant:*"))
}

fn request() -> AssumeRequest<'static> {
    AssumeRequest {
        action: ACTION,
        session_name: Some(SessionName::parse("run").unwrap()),
        duration: None,
        inline_policy: None,
        managed_policies: Vec::new(),
        surroundings: Surroundings {
            source_ip: Some([192, 0, 2, 7].into()),
            secure: true,
            user_agent: "",
            region: "eu-west-1",
            now: now(),
        },
    }
}

fn assumed(
    identity: &Arc<FederatedIdentity>,
    role: &Role,
    request: &AssumeRequest<'_>,
) -> Result<AssumedRole, Refusal> {
    assume(identity, Some(&Arc::new(role.clone())), &[], request, &|arn| arn.ends_with("policy/Read"))
}

/// The action that the trust policy did not allow, and its reasons.
fn denied(result: Result<AssumedRole, Refusal>) -> (&'static str, String) {
    match result {
        Err(Refusal::Denied { action, explanation }) => {
            (action, explanation.as_deref().map_or_else(Vec::new, reasons).join(" | "))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trusted_identity_gets_the_role_for_an_hour() {
    let assumed = assumed(&identity(&json!({})), &open_role(), &request()).unwrap();
    assert_eq!(assumed.role().arn.as_str(), "arn:aws:iam::111122223333:role/Deploy");
    assert_eq!(assumed.duration.as_secs(), 3_600);
    assert_eq!(assumed.role().id.as_str(), "AROADEPLOYDEPLOYDEPLO");
}

#[test]
fn a_denial_names_the_condition_with_what_was_seen_and_wanted() {
    let role = role(&[ACTION], &sub("StringLike", "office:*"));
    let (action, why) = denied(assumed(&identity(&json!({})), &role, &request()));
    assert_eq!(action, ACTION);
    assert_eq!(why, "Allow in trust.json (line 1): `idp.test:sub` is `plant:7`, StringLike wants `office:*`");
}

#[test]
fn t03_a_condition_on_an_absent_key_does_not_hold() {
    let role = role(&[ACTION], &json!({"StringEquals": {"idp.test:branch": "main"}}));
    let (_, why) = denied(assumed(&identity(&json!({})), &role, &request()));
    assert!(why.contains("`idp.test:branch` is absent, StringEquals wants `main`"), "{why}");
    assert!(assumed(&identity(&json!({"branch": "main"})), &role, &request()).is_ok());
}

#[test]
fn t04_no_session_is_longer_than_the_role_allows() {
    let asking = |seconds| {
        assumed(&identity(&json!({})), &open_role(), &AssumeRequest { duration: Some(seconds), ..request() })
    };
    assert_eq!(asking(3_601).unwrap_err(), Refusal::Duration { asked: 3_601, most: 3_600 });
    assert_eq!(asking(3_600).unwrap().duration.as_secs(), 3_600);
    assert_eq!(asking(900).unwrap().duration.as_secs(), 900);
}

#[test]
fn t06_transitive_keys_are_for_the_trust_policy_to_allow() {
    let tags = json!({"https://aws.amazon.com/tags": {"principal_tags": {"team": ["core"]}, "transitive_tag_keys": ["team"]}});
    let actions = [ACTION, "sts:TagSession"];
    let none = role(&actions, &json!({"Null": {"sts:TransitiveTagKeys": "true"}}));
    denied(assumed(&identity(&tags), &none, &request()));
    let own = role(&actions, &json!({"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": "team"}}));
    assert_eq!(
        assumed(&identity(&tags), &own, &request()).unwrap().identity().transitive_tag_keys(),
        ["team"]
    );
}

#[test]
fn t07_tags_need_tag_session() {
    let tags = json!({"https://aws.amazon.com/tags/principal_tags/team": "core"});
    let (action, _) = denied(assumed(&identity(&tags), &open_role(), &request()));
    assert_eq!(action, "sts:TagSession");
    let tagging =
        role(&[ACTION, "sts:TagSession"], &json!({"StringEquals": {"aws:RequestTag/team": "core"}}));
    let assumed = assumed(&identity(&tags), &tagging, &request()).unwrap();
    assert_eq!(assumed.identity().session_tags(), [("team".to_owned(), "core".to_owned())]);
}

#[test]
fn t08_a_source_identity_needs_its_own_action() {
    let alice = json!({"https://aws.amazon.com/source_identity": "alice"});
    let (action, _) = denied(assumed(&identity(&alice), &open_role(), &request()));
    assert_eq!(action, "sts:SetSourceIdentity");
    let setting =
        role(&[ACTION, "sts:SetSourceIdentity"], &json!({"StringEquals": {"sts:SourceIdentity": "alice"}}));
    let assumed = assumed(&identity(&alice), &setting, &request()).unwrap();
    assert_eq!(assumed.identity().source_identity(), Some("alice"));
}

#[test]
fn t12_session_policies_are_bounded_and_must_be_policies() {
    let with = |policy: &str| {
        assumed(
            &identity(&json!({})),
            &open_role(),
            &AssumeRequest { inline_policy: Some(policy), ..request() },
        )
    };
    let policy = |chars: usize| {
        let text =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        format!("{text:<chars$}")
    };
    assert!(with(&policy(2_048)).is_ok());
    assert_eq!(with(&policy(2_049)).unwrap_err(), Refusal::PolicyTooLarge(101));
    assert!(matches!(with("{}").unwrap_err(), Refusal::MalformedPolicy(_)));
}

#[test]
fn t18_managed_session_policies_must_exist_in_the_roles_account() {
    let with = |arn: &str| {
        let managed_policies = vec![PolicyArn::parse(arn).unwrap()];
        assumed(&identity(&json!({})), &open_role(), &AssumeRequest { managed_policies, ..request() })
    };
    assert!(with("arn:aws:iam::111122223333:policy/Read").is_ok());
    assert!(with("arn:aws:iam::aws:policy/Read").is_ok());
    for refused in ["arn:aws:iam::111122223333:policy/Gone", "arn:aws:iam::444455556666:policy/Read"] {
        assert_eq!(with(refused).unwrap_err(), Refusal::UnknownPolicy(refused.to_owned()));
    }
}

#[test]
fn t18_a_provider_of_another_account_opens_no_role_even_if_the_trust_policy_names_it() {
    let foreign = role_in("444455556666", &[ACTION], &sub("StringLike", "*"));
    let refusal = assumed(&identity(&json!({})), &foreign, &request()).unwrap_err();
    assert_eq!(refusal, Refusal::Denied { action: ACTION, explanation: None });
}

#[test]
fn k02_an_unknown_role_is_answered_like_one_that_denies() {
    let identity = identity(&json!({}));
    let unknown = assume(&identity, None, &[], &request(), &|_| false).unwrap_err();
    let denying =
        assumed(&identity, &role(&[ACTION], &sub("StringEquals", "other")), &request()).unwrap_err();
    assert_eq!(unknown.to_string(), denying.to_string());
    assert!(
        matches!((unknown, denying), (Refusal::Denied { action: one, .. }, Refusal::Denied { action: other, .. }) if one == other)
    );
}

#[test]
fn j30_what_a_claim_says_is_never_a_pattern() {
    for claimed in ["plant:*", "plant:?", "*", "${aws:PrincipalTag/x}"] {
        let identity = identity(&json!({"sub": claimed}));
        denied(assumed(&identity, &role(&[ACTION], &sub("StringLike", "plant:7")), &request()));
        // The claim stands in a policy variable: it must match itself only.
        let variable = role(&[ACTION], &json!({"StringLike": {"sts:RoleSessionName": "${idp.test:sub}"}}));
        denied(assumed(&identity, &variable, &request()));
    }
    let variable = role(&[ACTION], &json!({"StringLike": {"sts:RoleSessionName": "${idp.test:sub}"}}));
    assert!(assumed(&identity(&json!({"sub": "run"})), &variable, &request()).is_ok());
}

#[test]
fn j31_no_claim_stands_in_for_what_the_broker_knows() {
    let role = role(&[ACTION], &json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}));
    let claiming = identity(&json!({"aws:SourceIp": "10.0.0.1"}));
    let (_, why) = denied(assumed(&claiming, &role, &request()));
    assert!(why.contains("`aws:SourceIp` is `192.0.2.7`"), "{why}");
    let mut honest = request();
    honest.surroundings.source_ip = Some([10, 0, 0, 1].into());
    assert!(assumed(&identity(&json!({})), &role, &honest).is_ok());
}
