//! What an organization and resource policies change about a decision.

use super::*;

/// An organization with the account in a unit that has one SCP and one RCP; each denies what it is told to.
fn organize(broker: &TestBroker, scp_denies: &str, rcp_denies: &str) {
    let organization = "[root]\nscps = [\"FullAWSAccess\"]\n[[ou]]\npath = \"plant\"\naccounts = [\"111122223333\"]\n\
                        scps = [\"FullAWSAccess\", \"Own\"]\nrcps = [\"Own\"]\n";
    let scp = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"{scp_denies}","Resource":"*"}}}}"#
    );
    let rcp = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Principal":"*","Action":"{rcp_denies}","Resource":"*"}}}}"#
    );
    broker.change_all(&[
        ("organization.toml", organization),
        ("organization/scps/Own.json", &scp),
        ("organization/rcps/Own.json", &rcp),
    ]);
}

#[tokio::test]
async fn an_scp_and_an_rcp_deny_what_the_role_allows() {
    let broker = TestBroker::start().await;
    let caller = caller(&broker, &broker.session("Deploy").await).await;
    organize(&broker, "orders:PutOrder", "orders:DropOrder");
    assert!(allowed(&broker, &caller, "orders:GetOrder", &[]));
    let user = "User: arn:aws:sts::111122223333:assumed-role/Deploy/run-7 is not authorized to perform: ";
    for (action, kind) in [("orders:PutOrder", "service"), ("orders:DropOrder", "resource")] {
        let verdict = verdict(&broker, &caller, action, &[]);
        let why =
            format!("{user}{action} on resource: {ORDER} with an explicit deny in a {kind} control policy");
        assert_eq!((verdict.decision.is_allowed(), verdict.reason), (false, why));
        let folder = if kind == "service" { "scps" } else { "rcps" };
        let statement = verdict.statement.unwrap();
        assert!(statement.ends_with(&format!("organization/{folder}/Own.json (line 1)")), "{statement}");
    }
}

#[tokio::test]
async fn every_level_of_scps_must_allow() {
    let broker = TestBroker::start().await;
    let caller = caller(&broker, &broker.session("Deploy").await).await;
    organize(&broker, "s3:*", "s3:*");
    assert!(allowed(&broker, &caller, "orders:GetOrder", &[]));
    let allow = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"orders:PutOrder","Resource":"*"}}"#;
    let organization = "[root]\nscps = [\"Some\"]\n[[ou]]\npath = \"plant\"\naccounts = [\"111122223333\"]\n";
    broker.change_all(&[("organization/scps/Some.json", allow), ("organization.toml", organization)]);
    assert!(allowed(&broker, &caller, "orders:PutOrder", &[]));
    let verdict = verdict(&broker, &caller, "orders:GetOrder", &[]);
    let end = "because no service control policy allows the orders:GetOrder action";
    assert!(verdict.reason.ends_with(end), "{}", verdict.reason);
}

#[tokio::test]
async fn an_rcp_limits_who_becomes_a_role_and_an_scp_does_not() {
    let broker = TestBroker::start().await;
    organize(&broker, "sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity");
    broker.session("Deploy").await;
    organize(&broker, "s3:*", "sts:AssumeRoleWithWebIdentity");
    let role = role("Deploy");
    let refused = broker.redeem(broker.wanted(&role), &broker.token(&broker.claims())).await.unwrap_err();
    let denied = "not authorized to perform `sts:AssumeRoleWithWebIdentity`";
    assert!(refused.to_string().contains(denied), "{refused}");
}

#[tokio::test]
async fn t18_a_resource_policy_grants_across_accounts_only_with_both_sides() {
    let broker = TestBroker::start().await;
    let owner = crate::role::AccountId::parse("444455556666").unwrap();
    let (deploy, gateway) = (
        caller(&broker, &broker.session("Deploy").await).await,
        caller(&broker, &broker.session("Gateway").await).await,
    );
    let may = |caller: &Caller, resource: &str, resource_account| {
        let surroundings = broker.surroundings();
        let action =
            Action { name: "orders:GetOrder", resource, resource_account, context: &[], surroundings };
        caller.may(&action, &broker.app.snapshot.load().directory).decision.is_allowed()
    };
    let far = "arn:aws:orders:eu:444455556666:order/7";
    assert!(!may(&deploy, far, owner), "its own side alone");
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"orders:GetOrder","Resource":"*",
        "Principal":{"AWS":["arn:aws:iam::111122223333:role/Deploy","arn:aws:iam::111122223333:role/Gateway"]}}}"#;
    broker.change_all(&[
        ("444455556666/account.toml", "name = \"Other\""),
        (
            "444455556666/resource-policies/Orders/resource.toml",
            "arn = \"arn:aws:orders:eu:444455556666:order\"",
        ),
        ("444455556666/resource-policies/Orders/policy.json", policy),
        (
            "111122223333/resource-policies/Order/resource.toml",
            "arn = \"arn:aws:orders:eu:111122223333:order/7\"",
        ),
        ("111122223333/resource-policies/Order/policy.json", policy),
    ]);
    assert!(may(&deploy, far, owner), "both sides");
    assert!(!may(&gateway, far, owner), "the resource's side alone");
    assert!(may(&gateway, ORDER, gateway.role().account), "within an account, one side is enough");
}
