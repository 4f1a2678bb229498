//! From a proved identity to credentials on their way: the same for every kind of proof.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::app::{App, network};
use crate::clock::Reading;
use crate::config::Snapshot;
use crate::proof::FederatedIdentity;
use crate::revocation::{SessionId, Target};
use crate::session::{self, Birth, Session};
use crate::store::{Limits, Recorded, Reservation, SessionRecord, Store as _};
use crate::trust::{self, AssumeRequest, AssumedRole};

use super::record::Attempt;
use super::steps::Stage;
use super::{Refusal, Wanted, second};

/// How far the clock may be from the store's for a stamp to be comparable with its marks: half of their lead.
const MAX_SKEW_MS: u64 = 120_000;
/// How much longer than the proof itself a spent proof is remembered.
const SPENT_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// A session that is minted and not recorded yet: its credentials go nowhere before it is.
pub(super) struct Minted {
    session: Session,
    assumed: AssumedRole,
    dying_with: Vec<Target>,
}

/// Lets an attempt begin: the peer's network has not had its share of this second, and the time is certain.
///
/// That comes before the times in a proof are looked at: nobody is to be told that it expired while the time is in doubt.
pub(super) fn admit(app: &App, snapshot: &Snapshot, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    let per_second = snapshot.settings.limits.issues_per_second_per_peer;
    if !app.peers.take(wanted.surroundings.source_ip.map(network), per_second, app.clock.since_boot()) {
        return Err(Refusal::Throttled("peer"));
    }
    check_clock(app).map(drop)
}

/// Credentials for the role, recorded in the store; the audit line is the caller's to await.
pub(super) async fn issue(
    app: &App,
    snapshot: &Snapshot,
    identity: &Arc<FederatedIdentity>,
    action: &'static str,
    wanted: &Wanted<'_>,
    attempt: &mut Attempt<'_>,
) -> Result<Session, Refusal> {
    let minted = minted(app, snapshot, identity, action, wanted, attempt)?;
    recorded(app, snapshot, identity, minted, wanted, attempt).await
}

/// A session for the identity in the role, later than every mark that stands on it.
pub(super) fn minted(
    app: &App,
    snapshot: &Snapshot,
    identity: &Arc<FederatedIdentity>,
    action: &'static str,
    wanted: &Wanted<'_>,
    attempt: &mut Attempt<'_>,
) -> Result<Minted, Refusal> {
    let assumed = assume(snapshot, identity, action, wanted)?;
    attempt.trusted(&assumed);
    let per_second = snapshot.settings.limits.issues_per_second_per_peer;
    if !app.principals.take(identity.principal(), per_second, app.clock.since_boot()) {
        return Err(Refusal::Throttled("principal"));
    }
    attempt.passed(Stage::PrincipalRate);
    let dying_with = dying_with(app, &assumed);
    // The provider may have taken its time.
    let reading = check_clock(app)?;
    let view = app.store.live().read(app.clock.since_boot(), app.max_staleness())?;
    let stamp = view.stamp(&dying_with, reading.now())?;
    attempt.passed(Stage::Revocation);
    let birth = Birth { session: SessionId(app.random()?), stamp, issued: second(reading.now()) };
    let session = mint(app, &assumed, &birth, wanted)?;
    attempt.passed(Stage::Token);
    Ok(Minted { session, assumed, dying_with })
}

/// The minted session once the store has it, if nothing bars it even then.
pub(super) async fn recorded(
    app: &App,
    snapshot: &Snapshot,
    identity: &Arc<FederatedIdentity>,
    minted: Minted,
    wanted: &Wanted<'_>,
    attempt: &mut Attempt<'_>,
) -> Result<Session, Refusal> {
    let Minted { session, assumed, dying_with } = minted;
    let reservation = reservation(identity, wanted);
    let record = record(&session, &assumed, wanted);
    let limits = &snapshot.settings.limits;
    let limits = Limits {
        per_principal: limits.sessions_per_principal.into(),
        per_account: limits.sessions_per_account.into(),
    };
    let recorded = app.store.record(&record, reservation.as_ref(), limits).await?;
    // A mark that came meanwhile lies past the stamp and ends the session. A bar ends nothing: it has to be seen here,
    // or an issue in flight would outlive the revocation that barred its proof.
    if let Some(bar) = app.store.live().bars(&dying_with, app.clock.reading().now()) {
        return Err(Refusal::Overtaken(bar));
    }
    match recorded {
        Recorded::New => {
            attempt.passed(Stage::Record);
            Ok(session)
        }
        Recorded::Same(record) => {
            attempt.passed(Stage::Record);
            same_again(app, &assumed, &record, wanted)
        }
        Recorded::Spent => Err(Refusal::Spent),
        Recorded::TooMany(scope) => Err(Refusal::TooManySessions(scope)),
    }
}

/// All whose marks the new session must outlive: its own targets, and the key that will seal it.
fn dying_with(app: &App, assumed: &AssumedRole) -> Vec<Target> {
    let key = Target::key(app.keyring.load().active());
    assumed.targets().iter().copied().chain(std::iter::once(key)).collect()
}

/// The time, if it is certain enough to issue by.
pub(super) fn check_clock(app: &App) -> Result<Reading, Refusal> {
    let reading = app.clock.reading();
    reading.may_issue()?;
    match app.skew_ms.load(Ordering::Relaxed) {
        skew_ms if skew_ms > MAX_SKEW_MS => Err(Refusal::Skew(skew_ms)),
        _ => Ok(reading),
    }
}

fn assume(
    snapshot: &Snapshot,
    identity: &Arc<FederatedIdentity>,
    action: &'static str,
    wanted: &Wanted<'_>,
) -> Result<AssumedRole, trust::Refusal> {
    let role = snapshot.directory.role(wanted.role_arn);
    let request = AssumeRequest {
        action,
        session_name: wanted.session_name.clone(),
        duration: wanted.duration,
        inline_policy: wanted.inline_policy,
        managed_policies: wanted.managed_policies.clone(),
        surroundings: wanted.surroundings,
    };
    let knows_policy = |arn: &str| snapshot.directory.managed_policy(arn).is_some();
    let controls =
        role.map_or_else(Vec::new, |role| snapshot.directory.organization().resource_control(&role.account));
    trust::assume(identity, role, &controls, &request, &knows_policy)
}

fn mint(app: &App, assumed: &AssumedRole, birth: &Birth, wanted: &Wanted<'_>) -> Result<Session, Refusal> {
    let keyring = app.keyring.load();
    Ok(session::mint(assumed, birth, wanted.least_token, &keyring, &app.random()?)?)
}

/// A repeated request is given the session that it was given before, in a freshly sealed token.
fn same_again(
    app: &App,
    assumed: &AssumedRole,
    record: &SessionRecord,
    wanted: &Wanted<'_>,
) -> Result<Session, Refusal> {
    let birth = Birth { session: record.session, stamp: record.stamp, issued: record.issued };
    mint(app, assumed, &birth, wanted)
}

/// What is spent, if the provider's proofs may be redeemed once.
fn reservation(identity: &FederatedIdentity, wanted: &Wanted<'_>) -> Option<Reservation> {
    let id = identity.single_use_id()?;
    let parts: [&[u8]; 2] = [b"single use", id.as_bytes()];
    Some(Reservation {
        target: Target::new(crate::revocation::Scope::Proof, &parts),
        request_digest: wanted.request_digest,
        peer: wanted.surroundings.source_ip.map(|address| address.to_string()).unwrap_or_default(),
        issued: identity.issued_at(),
        keep_until: identity.expires_at().checked_add(SPENT_KEPT).unwrap_or(jiff::Timestamp::MAX),
    })
}

fn record(session: &Session, assumed: &AssumedRole, wanted: &Wanted<'_>) -> SessionRecord {
    let (claims, identity) = (&session.claims, assumed.identity());
    let (issuer, subject) = identity.principal();
    SessionRecord {
        session: claims.session(),
        access_key_id: session.access_key_id.clone(),
        stamp: claims.links.last().map_or(0, |link| link.stamp),
        targets: assumed.targets().to_vec(),
        account: Arc::clone(identity.account_id()),
        role_arn: claims.role_arn.clone(),
        role_id: claims.role_id.clone(),
        session_name: claims.session_name.clone(),
        provider: claims.provider.clone(),
        principal: format!("{issuer} {subject}"),
        source_identity: claims.source_identity.clone(),
        issued: claims.issued,
        expires: claims.expires,
        peer: wanted.surroundings.source_ip.map(|address| address.to_string()).unwrap_or_default(),
        request_id: wanted.request_id.to_owned(),
        last_used: None,
    }
}
