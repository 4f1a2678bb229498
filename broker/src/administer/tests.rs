//! What only a key in the wrong hands shows.

use super::*;
use crate::app::tests::TestBroker;
use crate::revocation::View;

#[tokio::test]
async fn a_retired_key_is_dead_for_any_stamp_and_the_one_that_seals_is_refused() {
    let broker = TestBroker::start().await;
    let app = &broker.app;
    let active = app.keyring.load().active();
    let refused = retire_key(app, active.0, 0).await.unwrap_err();
    assert!(matches!(refused, Refusal::ActiveKey(1)), "{refused}");
    broker.session("Deploy").await;

    let other = KeyId(2);
    assert_eq!(retire_key(app, other.0, 0).await.unwrap(), Settlement::Settled);
    let view = app.store.live().read(app.clock.since_boot(), app.max_staleness()).unwrap();
    assert!(view.ends_key(other, u64::MAX), "a thief writes any stamp");
    assert!(!view.ends_key(active, 0));

    let (now, mut later) = (millis(app.clock.reading().now()), View::clone(&view));
    later.forget(now + 10 * MARK_KEPT_MS);
    assert!(later.ends_key(other, u64::MAX), "nor does he stop in time");
}
