//! The broker's memory beside the number of live sessions: the same broker under the same load on two stores.
//!
//! The sessions are created directly through the store's own code, not over HTTP, which would take an hour.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use daypass_broker::keys::file::KeyringFile;
use daypass_broker::revocation::{Scope, SessionId, Target};
use daypass_broker::store::redis::{self, Redis as Store};
use daypass_broker::store::{Limits, Reading, Recorded, SessionRecord, Store as _, TimeSource};
use daypass_broker::trust::principal_target;
use jiff::SignedDuration;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::clock::now;
use crate::compare::sessions;
use crate::issuer::{ISSUER, Issuer};
use crate::process::Redis;
use crate::site::{ACCOUNT, Site, role, role_id};
use crate::{Outcome, Plan, load, wire};

/// Sessions of the lesser of the two stores.
const FEW: usize = 10_000;
/// Sessions recorded at the same time.
const AT_ONCE: usize = 64;
/// Principals that the sessions belong to.
const PRINCIPALS: usize = 1_000;

/// Memory of the broker and of Redis with few and with many live sessions.
pub(crate) async fn measure(plan: &Plan) -> Outcome<Value> {
    Ok(json!({ "few": with(plan, FEW).await?, "many": with(plan, plan.sessions).await? }))
}

async fn with(plan: &Plan, sessions: usize) -> Outcome<Value> {
    let issuer = Issuer::new()?;
    let redis = Redis::start(&plan.work)?;
    let site = Site::new(plan, &redis.url(), &issuer)?;
    let empty = redis.bytes()?;
    record(&site, &redis, sessions).await?;
    let bytes_a_session = (redis.bytes()? - empty) / sessions as u64;
    let broker = site.start(plan).await?;
    let callers = self::sessions(&issuer, broker.address).await?;
    let requests = Arc::new(wire::caller_identities(&callers, broker.address)?);
    load::run(broker.address, &requests, Duration::from_secs(5)).await?;
    let (resident, most) = broker.process.memory()?;
    eprintln!("  {sessions} sessions: broker {resident} bytes, Redis {bytes_a_session} bytes a session");
    Ok(json!({
        "sessions": sessions, "broker_resident_bytes": resident, "broker_most_bytes": most,
        "redis_bytes_a_session": bytes_a_session,
    }))
}

async fn record(site: &Site, redis: &Redis, sessions: usize) -> Outcome<()> {
    let keyring = KeyringFile::read(&site.path("keyring"))?.validate()?;
    let began = tokio::time::Instant::now();
    let time = TimeSource::new(move || Reading {
        now: now(),
        monotonic: began.elapsed(),
        // What has ended stays; nothing does while this measures.
        surely_past: jiff::Timestamp::UNIX_EPOCH,
    });
    let settings = redis::Settings {
        url: redis.url().into(),
        ca_file: None,
        journal: site.path("journal-of-the-measurement"),
        broker: "measurement".into(),
        max_staleness: Duration::from_secs(30),
    };
    let store = Arc::new(Store::open(settings, Arc::new(ArcSwap::from_pointee(keyring)), time).await?);
    let mut recording = JoinSet::new();
    for first in 0..AT_ONCE {
        recording.spawn(record_some(Arc::clone(&store), (first..sessions).step_by(AT_ONCE)));
    }
    while let Some(done) = recording.join_next().await {
        done??;
    }
    Ok(())
}

async fn record_some(store: Arc<Store>, numbers: impl Iterator<Item = usize>) -> Outcome<()> {
    let limits = Limits { per_principal: u64::MAX, per_account: u64::MAX };
    for number in numbers {
        let session = session(number)?;
        let recorded = loop {
            match store.record(&session, None, limits).await {
                Ok(recorded) => break recorded,
                // Other work on the machine can hold Redis up past its deadline; recording again changes nothing.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        if recorded != Recorded::New {
            return Err(format!("session {number} was not recorded: {recorded:?}").into());
        }
    }
    Ok(())
}

/// A session as a sign-in of one of the subjects records it.
fn session(number: usize) -> Outcome<SessionRecord> {
    let mut id = [0; 16];
    SystemRandom::new().fill(&mut id).map_err(|_| "no randomness")?;
    let subject = format!("plant:line-{}", number % PRINCIPALS);
    let role_id = role_id(number);
    let issued = now();
    Ok(SessionRecord {
        session: SessionId(id),
        access_key_id: format!("ASIA{number:016}"),
        stamp: u64::try_from(issued.as_millisecond())?,
        targets: vec![
            Target::new(Scope::Proof, &[&id]),
            principal_target(ISSUER, &subject),
            Target::new(Scope::Role, &[role_id.as_bytes()]),
            Target::new(Scope::Provider, &[b"OIDCISSUER1"]),
            Target::new(Scope::Account, &[ACCOUNT.as_bytes()]),
        ],
        account: ACCOUNT.into(),
        role_arn: role(number).into(),
        role_id: role_id.into(),
        session_name: format!("session-{number}").into(),
        provider: Some(format!("arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.test").into()),
        principal: format!("{ISSUER} {subject}"),
        source_identity: None,
        issued,
        expires: issued.checked_add(SignedDuration::from_hours(12))?,
        peer: "127.0.0.1".to_owned(),
        request_id: format!("00000000-0000-4000-8000-{number:012}"),
        last_used: None,
    })
}
