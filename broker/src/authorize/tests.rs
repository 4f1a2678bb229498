//! Who signed and what they may: refusals in AWS's order, questions within their bounds, policies as they are now.

use daypass_sigv4::Refusal as Signature;

use super::*;
use crate::app::tests::{PEER, TestBroker, role, steps};
use crate::audit::{Event, Source};
use crate::federate::{Issued, Wanted};
use crate::session::OpenError;

mod organization;

const ORDER: &str = "arn:aws:orders:eu:111122223333:order/7";

type Headers = Vec<(String, String)>;

fn authenticated(broker: &TestBroker, headers: &Headers, service: &str) -> Result<Caller, Refusal> {
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let head = Head { method: "GET", path: "/", query: None, headers: &headers };
    let snapshot = broker.app.snapshot.load();
    authenticate(&broker.app, &snapshot, &head, Payload::Bytes(b""), service, Rules::STANDARD)
        .map(|(caller, _)| caller)
}

async fn caller(broker: &TestBroker, session: &Issued) -> Caller {
    authenticated(broker, &broker.signed(session, "daypass", Payload::Bytes(b"")), "daypass").unwrap()
}

/// The headers with the first `from` in one of them replaced.
fn changed(headers: &Headers, name: &str, from: &str, to: &str) -> Headers {
    let mut headers = headers.clone();
    let (_, value) = headers.iter_mut().find(|(other, _)| other == name).unwrap();
    assert!(value.contains(from), "`{from}` is not in `{value}`");
    *value = value.replacen(from, to, 1);
    headers
}

fn with_wrong_signature(headers: &Headers) -> Headers {
    let (_, value) = headers.iter().find(|(name, _)| name == "authorization").unwrap();
    let signature = value.rsplit('=').next().unwrap();
    let wrong = signature.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect::<String>();
    changed(headers, "authorization", signature, &wrong)
}

#[tokio::test]
async fn refusals_come_in_the_order_scope_token_expiry_signature() {
    let broker = TestBroker::start().await;
    let session = broker.session("Deploy").await;
    let honest = broker.signed(&session, "daypass", Payload::Bytes(b""));
    assert!(authenticated(&broker, &honest, "daypass").is_ok());

    let badly_signed = with_wrong_signature(&honest);
    let refused = |headers: &Headers, service| authenticated(&broker, headers, service).unwrap_err();
    assert!(matches!(refused(&badly_signed, "daypass"), Refusal::Signature(Signature::SignatureMismatch(_))));

    let role = role("Deploy");
    let (wanted, proof) = (broker.wanted(&role), broker.token(&broker.claims()));
    let over = broker.redeem(Wanted { duration: Some(0), ..wanted }, &proof).await.unwrap();
    let expired = with_wrong_signature(&broker.signed(&over, "daypass", Payload::Bytes(b"")));
    assert!(matches!(refused(&expired, "daypass"), Refusal::Token(OpenError::Expired(_))));

    let token = session.session().token.as_str();
    let other_token = changed(&expired, "x-amz-security-token", "A", "B");
    assert!(matches!(
        refused(&other_token, "daypass"),
        Refusal::Token(OpenError::Seal(_) | OpenError::Malformed)
    ));
    assert!(matches!(refused(&other_token, "sts"), Refusal::Signature(Signature::Scope { .. })));

    let stripped: Headers =
        honest.iter().filter(|(name, _)| name != "x-amz-security-token").cloned().collect();
    assert!(matches!(refused(&stripped, "daypass"), Refusal::NoToken));
    let foreign = changed(&honest, "authorization", "=ASIA", "=AKIA");
    assert!(matches!(refused(&foreign, "daypass"), Refusal::ForeignKey(_)));
    let another = broker.session("Tagged").await;
    let swapped = changed(&honest, "x-amz-security-token", token, &another.session().token);
    assert!(matches!(refused(&swapped, "daypass"), Refusal::Token(OpenError::Seal(_))), "v11");
}

#[tokio::test]
async fn a_refusal_marks_what_was_passed_and_what_was_not_reached() {
    let broker = TestBroker::start().await;
    let session = broker.session("Deploy").await;
    let headers = with_wrong_signature(&broker.signed(&session, "daypass", Payload::Bytes(b"")));
    let refusal = authenticated(&broker, &headers, "daypass").unwrap_err();
    let event = Event::new(broker.now(), Source::Sts, "Test", "r-2", [0; 16]);
    let event = serde_json::to_value(event.steps(refusal.steps())).unwrap();
    let all = steps(&event);
    assert_eq!(all.first().unwrap(), "passed form");
    assert_eq!(all.last().unwrap(), "failed signature");
    let text = event.to_string();
    assert!(!text.contains(&session.session().token), "the trail holds the token");
    let stripped = Refusal::NoToken.steps();
    let event = Event::new(broker.now(), Source::Sts, "Test", "r-2", [0; 16]);
    let all = steps(&serde_json::to_value(event.steps(stripped)).unwrap());
    assert_eq!(all[3..6], ["passed revocation view", "failed session token", "not reached expiry"]);
}

#[tokio::test]
async fn t15_a_caller_is_its_own_session_and_nobody_else() {
    let broker = TestBroker::start().await;
    let caller = caller(&broker, &broker.session("Deploy").await).await;
    assert_eq!(caller.arn(), "arn:aws:sts::111122223333:assumed-role/Deploy/run-7");
    assert_eq!(caller.user_id(), "AROADEPLOYAAAAAAAAAAA:run-7");
    assert_eq!(caller.account(), "111122223333");
}

#[tokio::test]
async fn t16_a_role_made_again_does_not_revive_sessions_of_its_namesake() {
    let broker = TestBroker::start().await;
    let session = broker.session("Deploy").await;
    let headers = broker.signed(&session, "daypass", Payload::Bytes(b""));
    assert!(authenticated(&broker, &headers, "daypass").is_ok());
    broker.change("roles/Deploy/role.toml", "id = \"AROARECREATEDRECREATE\"\n");
    assert!(matches!(authenticated(&broker, &headers, "daypass"), Err(Refusal::RoleGone(_))));
}

fn verdict(broker: &TestBroker, caller: &Caller, name: &str, context: &[(String, Vec<String>)]) -> Verdict {
    let surroundings = broker.surroundings();
    let action =
        Action { name, resource: ORDER, resource_account: caller.role().account, context, surroundings };
    caller.may(&action, &broker.app.snapshot.load().directory)
}

fn allowed(broker: &TestBroker, caller: &Caller, name: &str, context: &[(String, Vec<String>)]) -> bool {
    let verdict = verdict(broker, caller, name, context);
    assert_eq!(verdict.denial.is_some(), !verdict.decision.is_allowed());
    verdict.decision.is_allowed()
}

#[tokio::test]
async fn t09_a_session_policy_limits_and_never_widens() {
    let broker = TestBroker::start().await;
    let role = role("Deploy");
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["orders:GetOrder","s3:*"],"Resource":"*"}}"#;
    let wanted = Wanted { inline_policy: Some(policy), ..broker.wanted(&role) };
    let limited = broker.redeem(wanted, &broker.token(&broker.claims())).await.unwrap();
    let limited = caller(&broker, &limited).await;
    assert!(allowed(&broker, &limited, "orders:GetOrder", &[]));
    assert!(!allowed(&broker, &limited, "orders:PutOrder", &[]), "the session policy does not allow it");
    assert!(!allowed(&broker, &limited, "s3:GetObject", &[]), "the role does not allow it");
    let whole = caller(&broker, &broker.session("Deploy").await).await;
    assert!(allowed(&broker, &whole, "orders:PutOrder", &[]));
}

#[tokio::test]
async fn a_policy_edit_acts_on_running_sessions_at_once() {
    let broker = TestBroker::start().await;
    let session = broker.session("Deploy").await;
    assert!(allowed(&broker, &caller(&broker, &session).await, "orders:GetOrder", &[]));
    let condition = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"orders:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"core"}}}}"#;
    broker.change("roles/Deploy/policies/Main.json", &condition.replace("core", "other"));
    let now = caller(&broker, &session).await;
    assert!(!allowed(&broker, &now, "orders:GetOrder", &[]));
    let lie = [("aws:PrincipalTag/team".to_owned(), vec!["other".to_owned()])];
    assert!(
        !allowed(&broker, &now, "orders:GetOrder", &lie),
        "j31: what is asked can't replace what is known"
    );
    broker.change("roles/Deploy/policies/Main.json", condition);
    assert!(allowed(&broker, &caller(&broker, &session).await, "orders:GetOrder", &[]));
}

/// An honest question about orders, by `Gateway` about `Deploy`, changed and asked.
struct Asked {
    broker: TestBroker,
    asker: Caller,
    headers: Headers,
}

impl Asked {
    async fn by(
        role: &str,
        service: &str,
        payload: Payload<'_>,
        more: &[(&'static str, &'static str)],
    ) -> Self {
        let broker = TestBroker::start().await;
        let asker = caller(&broker, &broker.session(role).await).await;
        let headers = broker.signed_with(&broker.session("Deploy").await, service, payload, more);
        Self { broker, asker, headers }
    }

    fn ask<'a>(&'a self, change: impl FnOnce(&mut Question<'a>)) -> Result<Verification, QuestionRefusal> {
        let mut question = Question {
            method: "GET",
            uri: "/",
            headers: &self.headers,
            payload: Payload::Bytes(b""),
            source_ip: Some(PEER),
            secure: true,
            action: "orders:GetOrder",
            resource: ORDER,
            context: &[],
        };
        change(&mut question);
        let snapshot = self.broker.app.snapshot.load();
        verify(&self.broker.app, &snapshot, &self.asker, &self.broker.surroundings(), &question)
    }

    fn refused<'a>(&'a self, change: impl FnOnce(&mut Question<'a>)) -> String {
        match self.ask(change) {
            Err(refusal) => refusal.to_string(),
            Ok(answer) => panic!("{answer:?}"),
        }
    }

    fn unverified<'a>(&'a self, change: impl FnOnce(&mut Question<'a>)) -> Signature {
        match self.ask(change) {
            Ok(Verification::Unverified(Refusal::Signature(refusal))) => refusal,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_honest_question_is_decided() {
    let asked = Asked::by("Gateway", "orders", Payload::Bytes(b""), &[]).await;
    let Ok(Verification::Decided { caller, verdict }) = asked.ask(|_| {}) else { panic!("not decided") };
    assert!(verdict.decision.is_allowed(), "{}", verdict.reason);
    assert_eq!(caller.arn(), "arn:aws:sts::111122223333:assumed-role/Deploy/run-7");
}

#[tokio::test]
async fn a_question_out_of_the_services_bounds_is_refused() {
    let asked = Asked::by("Gateway", "orders", Payload::Bytes(b""), &[]).await;
    let foreign = asked.refused(|question| question.resource = "arn:aws:orders:eu:444455556666:order/7");
    assert_eq!(foreign, "`arn:aws:orders:eu:444455556666:order/7` is not a resource of orders");
    let elsewhere = changed(&asked.headers, "host", "orders.corp.test", "bank.corp.test");
    assert_eq!(
        asked.refused(|question| question.headers = &elsewhere),
        "`bank.corp.test` is not a host of orders"
    );
    for key in ["aws:PrincipalTag/team", "aws:PrincipalArn", "aws:SourceIp", "s3:prefix", "plain"] {
        let context = [(key.to_owned(), vec!["x".to_owned()])];
        let why = asked.refused(|question| question.context = &context);
        assert_eq!(why, format!("`{key}` is not a condition key of orders"));
    }
    let own = [("orders:Region".to_owned(), vec!["eu".to_owned()])];
    assert!(asked.ask(|question| question.context = &own).is_ok());
    for action in ["s3:GetObject", "sts:AssumeRole", "daypass:Verify", "orders"] {
        assert!(
            asked.refused(|question| question.action = action).contains("answers for no service"),
            "{action}"
        );
    }
}

#[tokio::test]
async fn only_a_listed_and_allowed_caller_may_ask() {
    let unlisted = Asked::by("Deploy", "orders", Payload::Bytes(b""), &[]).await;
    assert!(unlisted.refused(|_| {}).contains("answers for no service `orders`"));
    let listed = Asked::by("Silent", "orders", Payload::Bytes(b""), &[]).await;
    assert!(listed.refused(|_| {}).contains("is not authorized to perform: daypass:Verify"));
}

#[tokio::test]
async fn v06_each_service_says_whether_bodies_may_go_unsigned() {
    let unsigned: &[(&'static str, &'static str)] = &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    for (role, service, resource) in [("Gateway", "orders", ORDER), ("Files", "s3", "arn:aws:s3:::reports/1")]
    {
        let asked = Asked::by(role, service, Payload::Unread, unsigned).await;
        let action = format!("{service}:GetOrder");
        let refusal = asked.unverified(|question| {
            (question.payload, question.action, question.resource) = (Payload::Unread, &action, resource);
        });
        assert!(matches!(refusal, Signature::PayloadUnsigned { .. }), "{service}: {refusal}");
    }
    let asked = Asked::by("Blobs", "blobs", Payload::Unread, unsigned).await;
    let answer = asked.ask(|question| {
        question.payload = Payload::Unread;
        (question.action, question.resource) = ("blobs:Get", "arn:aws:blobs:eu:111122223333:1");
    });
    assert!(matches!(answer, Ok(Verification::Decided { .. })), "{answer:?}");
}

#[tokio::test]
async fn v06_a_body_changed_after_signing_is_refused() {
    let asked = Asked::by("Gateway", "orders", Payload::Bytes(b"one"), &[]).await;
    assert!(matches!(
        asked.ask(|question| question.payload = Payload::Bytes(b"one")),
        Ok(Verification::Decided { .. })
    ));
    asked.unverified(|question| question.payload = Payload::Bytes(b"two"));
    asked.unverified(|question| question.payload = Payload::Unread);
    let declaring = Asked::by("Files", "s3", Payload::Bytes(b"one"), &[]).await;
    let refusal = declaring.unverified(|question| {
        question.payload = Payload::Bytes(b"two");
        (question.action, question.resource) = ("s3:PutObject", "arn:aws:s3:::reports/1");
    });
    assert!(matches!(refusal, Signature::PayloadMismatch { .. }), "{refusal}");
}

#[test]
fn f16_what_a_step_of_the_clock_may_have_expired_is_in_doubt() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (steady, wall) = (at("2026-11-22T10:00:00Z"), at("2026-11-22T11:00:00Z"));
    let (stepped, sure) = (Reading::between(steady, wall), Reading::between(wall, wall));
    let ended = |time: &str| Refusal::Token(OpenError::Expired(at(time)));
    let late = || Refusal::Signature(sigv4::Refusal::Expired { signed_at: steady, now: wall });
    assert!(matches!(doubted(ended("2026-11-22T10:30:00Z"), &stepped), Refusal::ClockInDoubt));
    assert!(matches!(doubted(late(), &stepped), Refusal::ClockInDoubt));
    assert!(matches!(doubted(ended("2026-11-22T09:30:00Z"), &stepped), Refusal::Token(_)));
    assert!(matches!(doubted(ended("2026-11-22T10:30:00Z"), &sure), Refusal::Token(_)));
    assert!(matches!(doubted(late(), &sure), Refusal::Signature(_)));
    assert!(matches!(doubted(Refusal::NoToken, &stepped), Refusal::NoToken));
}
