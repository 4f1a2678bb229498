//! The service's own session: had once, renewed in time, replaced when the broker no longer knows it.

use axum::http::StatusCode;

use crate::client::Site;

#[tokio::test]
async fn requests_at_the_same_time_share_one_sign_in() {
    let site = Site::start().await;
    let site = std::sync::Arc::new(site);
    let mut asks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let site = std::sync::Arc::clone(&site);
        asks.spawn(async move { site.ask("GET", "/", b"").await.status });
    }
    assert!(asks.join_all().await.into_iter().all(|status| status == 200));
    assert_eq!(site.broker.conduct(|conduct| conduct.sign_ins), 1);
}

#[tokio::test]
async fn a_session_near_its_end_is_renewed() {
    let site = Site::start().await;
    site.broker.conduct(|conduct| conduct.session_seconds = 120);
    assert_eq!(site.ask("GET", "/", b"").await.status, 200);
    site.broker.conduct(|conduct| conduct.session_seconds = 3600);
    assert_eq!(site.ask("GET", "/", b"").await.status, 200);
    assert_eq!(site.ask("GET", "/", b"").await.status, 200);
    assert_eq!(site.broker.conduct(|conduct| conduct.sign_ins), 2);
}

#[tokio::test]
async fn a_session_the_broker_ended_is_replaced() {
    let site = Site::start().await;
    assert_eq!(site.ask("GET", "/", b"").await.status, 200);
    site.broker.conduct(|conduct| conduct.generation = 2);
    assert_eq!(site.ask("GET", "/", b"").await.status, 200);
    assert_eq!(site.broker.conduct(|conduct| conduct.sign_ins), 2);
}

#[tokio::test]
async fn a_caller_that_may_not_ask_does_not_sign_in_again_and_again() {
    let site = Site::start().await;
    let refusal = r#"{"code":"AccessDenied","message":"not among the callers"}"#.to_owned();
    site.broker.conduct(|conduct| conduct.answer = Some((StatusCode::FORBIDDEN, refusal)));
    for _ in 0..3 {
        assert_eq!(site.ask("GET", "/", b"").await.status, 503);
    }
    assert_eq!(site.broker.conduct(|conduct| conduct.sign_ins), 1);
}

#[tokio::test]
async fn without_a_session_every_request_is_refused_503() {
    let site = Site::start().await;
    site.spoil_token();
    for _ in 0..3 {
        let answer = site.ask("GET", "/", b"").await;
        assert_eq!((answer.status, answer.element("Code")), (503, "ServiceUnavailable"));
    }
    let (attempts, sign_ins) = site.broker.conduct(|conduct| (conduct.attempts, conduct.sign_ins));
    assert_eq!(sign_ins, 0);
    assert_eq!(attempts, 1, "a failed sign-in is not repeated at once");
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_session_in_use() {
    let site = Site::start().await;
    site.broker.conduct(|conduct| conduct.session_seconds = 120);
    assert_eq!(site.ask("GET", "/", b"").await.status, 200);
    site.spoil_token();
    assert_eq!(site.ask("GET", "/", b"").await.status, 200);
    assert_eq!(site.broker.conduct(|conduct| conduct.attempts), 2);
}
