//! What users would be told: by their own policies, their groups', their boundary and the organization's.

use daypass_evaluator::{Outcome, PolicyType};

use super::*;
use crate::app::tests::TestBroker;

const KIM: &str = "arn:aws:iam::111122223333:user/kim";

fn policy(effect: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}}}"#
    )
}

/// A broker whose user `kim` may get orders, and put them as one of the builders, within a boundary of orders.
async fn site() -> TestBroker {
    let broker = TestBroker::start().await;
    let user = "id = \"AIDAKIMKIMKIMKIMKIMKI\"\ngroups = [\"builders\"]\n\
                permissions_boundary = \"arn:aws:iam::111122223333:policy/Orders\"\n";
    broker.change_all(&[
        ("111122223333/users/kim/user.toml", user),
        ("111122223333/users/kim/policies/Own.json", &policy("Allow", "orders:Get*")),
        ("111122223333/users/kim/policies/Files.json", &policy("Allow", "s3:Get*")),
        ("111122223333/groups/builders/group.toml", "id = \"AGPABUILDERSBUILDERSB\"\n"),
        ("111122223333/groups/builders/policies/Put.json", &policy("Allow", "orders:Put*")),
        ("111122223333/policies/Orders.json", &policy("Allow", "orders:*")),
    ]);
    broker
}

fn told(broker: &TestBroker, principal: &str, action: &str) -> Result<Explanation, Unknown> {
    let wish = Wish {
        principal,
        action,
        resource: "arn:aws:orders:eu:111122223333:order/7",
        context: &[],
        surroundings: broker.surroundings(),
    };
    session(&broker.app.snapshot.load().directory, &wish)
}

fn outcome(broker: &TestBroker, action: &str) -> (Outcome, Option<PolicyType>) {
    let explanation = told(broker, KIM, action).unwrap();
    (explanation.outcome, explanation.decided_by)
}

#[tokio::test]
async fn a_user_has_its_own_policies_and_its_groups_within_its_boundary() {
    let broker = site().await;
    assert_eq!(outcome(&broker, "orders:GetOrder"), (Outcome::Allow, Some(PolicyType::Identity)));
    assert_eq!(outcome(&broker, "orders:PutOrder"), (Outcome::Allow, Some(PolicyType::Identity)));
    assert_eq!(outcome(&broker, "orders:DropOrder"), (Outcome::ImplicitDeny, Some(PolicyType::Identity)));
    assert_eq!(outcome(&broker, "s3:GetObject"), (Outcome::ImplicitDeny, Some(PolicyType::Boundary)));

    let alone = "id = \"AIDAKIMKIMKIMKIMKIMKI\"\n";
    broker.change("users/kim/user.toml", alone);
    assert_eq!(outcome(&broker, "orders:PutOrder"), (Outcome::ImplicitDeny, Some(PolicyType::Identity)));
    assert_eq!(outcome(&broker, "s3:GetObject"), (Outcome::Allow, Some(PolicyType::Identity)));
}

#[tokio::test]
async fn a_user_is_limited_by_the_organization() {
    let broker = site().await;
    let organization =
        "[root]\naccounts = [\"111122223333\"]\nscps = [\"FullAWSAccess\", \"NoPut\"]\nrcps = [\"NoList\"]\n";
    let rcp = policy("Deny", "orders:GetList").replace("\"Effect\"", "\"Principal\":\"*\",\"Effect\"");
    broker.change_all(&[
        ("organization.toml", organization),
        ("organization/scps/NoPut.json", &policy("Deny", "orders:Put*")),
        ("organization/rcps/NoList.json", &rcp),
    ]);
    assert_eq!(outcome(&broker, "orders:GetOrder"), (Outcome::Allow, Some(PolicyType::Identity)));
    assert_eq!(
        outcome(&broker, "orders:PutOrder"),
        (Outcome::ExplicitDeny, Some(PolicyType::ServiceControl))
    );
    assert_eq!(
        outcome(&broker, "orders:GetList"),
        (Outcome::ExplicitDeny, Some(PolicyType::ResourceControl))
    );
}

#[tokio::test]
async fn a_user_that_is_not_there_is_told_by_its_arn() {
    let broker = site().await;
    for arn in ["arn:aws:iam::111122223333:user/lee", "arn:aws:iam::111122223333:user/ci/kim"] {
        let unknown = told(&broker, arn, "orders:GetOrder").unwrap_err();
        assert_eq!(unknown, Unknown::User(arn.to_owned()));
    }
}
