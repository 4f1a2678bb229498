//! What the operator can see afterwards: each step of an attempt, with what was seen and wanted.

use std::sync::Arc;

use serde_json::{Value, json};

use super::issue::{minted, recorded};
use super::record::Attempt;
use super::web_identity::verified;
use super::*;
use crate::administer::{self, Subject};
use crate::app::tests::{TestBroker, role, steps};
use crate::audit::IdentityKind;
use crate::proof::oidc::UnverifiedToken;
use crate::revocation::Link;
use crate::store::{Settlement, Store as _};

const BEFORE_TRUST: [&str; 7] = [
    "passed rate of the peer",
    "passed clock",
    "passed form",
    "passed provider",
    "passed keys",
    "passed signature",
    "passed claims",
];

/// The trail of an attempt with these claims and this token, after it was refused.
async fn trail(
    change: impl FnOnce(&mut Wanted<'_>),
    claims: &Value,
    forge: impl FnOnce(String) -> String,
) -> Value {
    let broker = TestBroker::start().await;
    let mut all = broker.claims();
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let token = forge(broker.token(&all));
    let role = role("Deploy");
    let mut wanted = broker.wanted(&role);
    change(&mut wanted);
    broker.redeem(wanted, &token).await.unwrap_err();
    let record = broker.record();
    let signature = token.rsplit('.').next().unwrap();
    assert!(!record.to_string().contains(signature), "the trail holds the token's signature");
    record
}

fn failed(record: &Value) -> Value {
    let steps = record["additionalEventData"]["step"].as_array().unwrap();
    steps.iter().find(|step| step["outcome"] == "failed").unwrap().clone()
}

#[tokio::test]
async fn an_issue_leaves_every_step_passed_and_no_secret() {
    let broker = TestBroker::start().await;
    let issued = broker.session("Deploy").await;
    let record = broker.record();
    assert!(steps(&record).iter().all(|step| step.starts_with("passed ")), "{record:#}");
    assert_eq!(steps(&record).last().unwrap(), "passed record");
    let session = issued.session();
    let text = record.to_string();
    for secret in [secrecy::ExposeSecret::expose_secret(&session.secret_access_key), session.token.as_str()] {
        assert!(!text.contains(secret));
    }
    assert!(text.contains(&session.access_key_id));
}

#[tokio::test]
async fn a_denial_names_the_failed_condition_and_what_was_not_reached() {
    let record = trail(|_| {}, &json!({"sub": "office:7"}), |token| token).await;
    let all = steps(&record);
    assert_eq!(all[..7], BEFORE_TRUST);
    assert_eq!(all[7], "failed trust policy");
    assert!(all[8..].iter().all(|step| step.starts_with("not reached ")), "{all:?}");
    let step = failed(&record);
    let seen = step["seen"].as_str().unwrap();
    assert!(seen.contains("`idp.corp.test:sub` is `office:7`, StringLike wants `plant:*`"), "{seen}");
    assert!(step["wanted"].as_str().unwrap().contains("sts:AssumeRoleWithWebIdentity"));
}

#[tokio::test]
async fn t07_the_trail_of_a_tag_without_tag_session_names_the_action() {
    let tags = json!({"https://aws.amazon.com/tags/principal_tags/team": "core"});
    let record = trail(|_| {}, &tags, |token| token).await;
    assert_eq!(failed(&record)["seen"], "no statement speaks of sts:TagSession");
}

#[tokio::test]
async fn each_kind_of_refusal_fails_at_its_own_step() {
    let swapped = |token: String| {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        format!("{signed}.{first}{}", signature.chars().skip(1).collect::<String>())
    };
    let record = trail(|_| {}, &json!({}), swapped).await;
    assert_eq!(steps(&record)[..5], BEFORE_TRUST[..5]);
    assert_eq!(steps(&record)[5], "failed signature");
    let record = trail(|_| {}, &json!({"aud": "somebody"}), |token| token).await;
    assert_eq!(steps(&record)[5..7], ["passed signature", "failed audience"]);
    let record = trail(|_| {}, &json!({"iss": "https://other.test"}), |token| token).await;
    assert_eq!(steps(&record)[2..4], ["passed form", "failed provider"]);
    let record = trail(|wanted| wanted.duration = Some(43_200), &json!({}), |token| token).await;
    assert_eq!(steps(&record)[7..9], ["passed trust policy", "failed duration"]);
    let record = trail(|wanted| wanted.inline_policy = Some("{}"), &json!({}), |token| token).await;
    assert_eq!(steps(&record)[7..10], ["passed trust policy", "passed duration", "failed session policy"]);
}

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Signs in twice with one token; `meanwhile` runs when the second session is minted and not yet recorded.
async fn overtaken(broker: &TestBroker, meanwhile: impl AsyncFnOnce(&Session)) -> Result<Session, Refusal> {
    let (app, role, token) = (&broker.app, role("Deploy"), broker.token(&broker.claims()));
    let wanted = broker.wanted(&role);
    let first = broker.redeem(wanted.clone(), &token).await.unwrap();
    let snapshot = app.snapshot.load_full();
    let mut attempt = Attempt::new("AssumeRoleWithWebIdentity", IdentityKind::WebIdentityUser, &wanted);
    let token = UnverifiedToken::parse(&token).unwrap();
    let identity = Arc::new(verified(app, &snapshot, &wanted, token).await.unwrap());
    let minted = minted(app, &snapshot, &identity, ACTION, &wanted, &mut attempt).unwrap();
    meanwhile(first.session()).await;
    recorded(app, &snapshot, &identity, minted, &wanted, &mut attempt).await
}

async fn revoke(broker: &TestBroker, subject: &Subject) {
    let settled = administer::revoke(&broker.app, subject, "", 0).await;
    assert_eq!(settled.unwrap(), Settlement::Settled);
}

fn ended(broker: &TestBroker, session: &Session) -> Option<Scope> {
    let [Link { session, stamp, targets }] = session.claims.links.as_slice() else { panic!("one link") };
    broker.app.store.live().ends(&Link { session: *session, stamp: *stamp, targets: targets.clone() })
}

#[tokio::test]
async fn an_issue_in_flight_does_not_outlive_the_bar_on_its_proof() {
    let broker = TestBroker::start().await;
    let second = overtaken(&broker, async |first: &Session| {
        revoke(&broker, &Subject::Session(first.access_key_id.clone())).await;
    });
    let refusal = second.await.unwrap_err();
    assert!(matches!(refusal, Refusal::Overtaken(Barred::Until { scope: Scope::Proof, .. })), "{refusal:?}");

    let broker = TestBroker::start().await;
    let second = overtaken(&broker, async |first: &Session| assert_eq!(ended(&broker, first), None));
    assert_eq!(ended(&broker, &second.await.unwrap()), None);
}

#[tokio::test]
async fn an_issue_in_flight_is_ended_by_every_wider_mark() {
    let subjects = [
        (Subject::Principal("https://idp.corp.test plant:7".to_owned()), Scope::Principal),
        (Subject::Role(role("Deploy")), Scope::Role),
        (Subject::Provider("OIDC1".to_owned()), Scope::Provider),
        (Subject::Account("111122223333".to_owned()), Scope::Account),
    ];
    for (subject, scope) in subjects {
        let broker = TestBroker::start().await;
        let second = overtaken(&broker, async |_: &Session| revoke(&broker, &subject).await).await.unwrap();
        assert_eq!(ended(&broker, &second), Some(scope));
        assert_eq!(ended(&broker, broker.session("Deploy").await.session()), None, "{subject:?}");
    }
}
