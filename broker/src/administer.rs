//! What an operator does with sessions and the clock: list, inspect and end, every change in the audit trail.

use jiff::{SignedDuration, Timestamp};

use crate::app::{App, NoRandomness};
use crate::audit::{self, Event, IdentityKind, Parameter, Source, UserIdentity};
use crate::clock;
use crate::revocation::{FOR_GOOD, Link, MARK_KEPT_MS, Mark, Scope, SessionId, Target, millis};
use crate::seal::KeyId;
use crate::store::{
    Cursor, Page, Revocation, RevokeError, Selector, SessionName, SessionRecord, Settlement, Store as _,
    Unavailable,
};
use crate::trust;

/// How long the proof of an ended session is barred from new ones.
const PROOF_BARRED: SignedDuration = SignedDuration::from_hours(36);

/// What an operator names: sessions, or what all sessions of have in common.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// An account's number.
    Account(String),
    /// A key of the keyring.
    Key(u32),
    /// `<issuer> <subject>`, or a source identity.
    Principal(String),
    /// SHA-256 of a proof in hexadecimal, as the audit trail has it.
    Proof(String),
    /// A provider's ARN or id.
    Provider(String),
    /// A role's ARN or id.
    Role(String),
    /// A session's id or access key id.
    Session(String),
}

/// Why the operator's wish was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A key that can't be retired.
    #[error("key {0} is the one that seals here: hand out the keyring with the key activated after it first")]
    ActiveKey(u32),
    /// The clock's mark could not be replaced.
    #[error("{0}")]
    Clock(#[from] clock::HighWaterError),
    /// The configuration on disk is not taken in; the last good one stays.
    #[error("the configuration is not taken in, the last good one stays:\n{0}")]
    Configuration(String),
    /// No randomness.
    #[error("{0}")]
    NoRandomness(#[from] NoRandomness),
    /// The revocation is not done.
    #[error("{0}")]
    Revoke(#[from] RevokeError),
    /// The text names nothing of its kind.
    #[error("`{0}` is neither a session id nor an access key id nor a digest of the right length")]
    Subject(String),
    /// The store does not answer.
    #[error("{0}")]
    Store(#[from] Unavailable),
    /// No live session has this id.
    #[error("no live session `{0}`")]
    UnknownSession(String),
}

/// A page of live sessions.
pub async fn sessions(
    app: &App,
    subject: Option<&Subject>,
    issued_before: Option<Timestamp>,
    cursor: Cursor,
) -> Result<Page, Refusal> {
    let target = subject.map(|subject| target(app, subject)).transpose()?;
    let mut page = app.store.sessions(&Selector { target, issued_before }, cursor).await?;
    page.sessions.retain(|record| ended(app, record).is_none());
    Ok(page)
}

/// The scope by which a recorded session was ended before its time.
pub fn ended(app: &App, record: &SessionRecord) -> Option<Scope> {
    let link = Link { session: record.session, stamp: record.stamp, targets: record.targets.clone() };
    app.store.live().ends(&link)
}

/// One session whose time is not up, live or ended.
pub async fn session(app: &App, name: &str) -> Result<SessionRecord, Refusal> {
    let found = app.store.session(&session_name(name)?).await?;
    found.ok_or_else(|| Refusal::UnknownSession(name.to_owned()))
}

/// Ends all that `subject` names. Here it is enforced when this returns; `Settled` says that it is everywhere.
pub async fn revoke(
    app: &App,
    subject: &Subject,
    reason: &str,
    operator: u32,
) -> Result<Settlement, Refusal> {
    let now = app.clock.reading().now();
    let revocations = match subject {
        Subject::Session(name) => end_session(app, name, now).await?,
        other => vec![Revocation { mark: mark(app, target(app, other)?, now), counted_under: None }],
    };
    let settlement = app.store.revoke(&revocations).await?;
    let event = event(app, "RevokeSessions", operator)?.parameter(Parameter::Reason, reason.to_owned());
    written(app, event, subject, settlement).await
}

/// Ends all that a key sealed and will ever seal.
///
/// A mark of now could not do that, nor one that is forgotten: whoever stole the key can write any stamp, at any time.
/// The key that seals here is refused, since nothing could be issued by it any more.
pub async fn retire_key(app: &App, id: u32, operator: u32) -> Result<Settlement, Refusal> {
    if app.keyring.load().active() == KeyId(id) {
        return Err(Refusal::ActiveKey(id));
    }
    let target = Target::key(KeyId(id));
    let mark = Mark { target, at: FOR_GOOD, barred_until: 0, kept_until: u64::MAX };
    let settlement = app.store.revoke(&[Revocation { mark, counted_under: None }]).await?;
    written(app, event(app, "RetireKey", operator)?, &Subject::Key(id), settlement).await
}

/// How far a revocation has come that is to be in the trail as well.
async fn written(
    app: &App,
    event: Event<'static>,
    subject: &Subject,
    settlement: Settlement,
) -> Result<Settlement, Refusal> {
    let (scope, id) = described(subject);
    let event = event.parameter(Parameter::Scope, scope).parameter(Parameter::ScopeId, id);
    match app.audit.record_revocation(event).await {
        audit::Recorded::Written(_) => Ok(settlement),
        audit::Recorded::Pending => Ok(Settlement::Propagating),
    }
}

/// Takes the wall clock's word for the time.
pub async fn reset_clock(app: &App, operator: u32) -> Result<clock::Reset, Refusal> {
    let reset = app.clock.reset()?;
    app.audit.record_revocation(event(app, "ResetClock", operator)?).await;
    Ok(reset)
}

/// The session itself for good, and its proof barred from new sessions; those issued on it before go on.
async fn end_session(app: &App, name: &str, now: Timestamp) -> Result<Vec<Revocation>, Refusal> {
    let name = session_name(name)?;
    let record = app.store.session(&name).await?;
    let session = match (&record, &name) {
        (Some(record), _) => record.session,
        (None, SessionName::Id(id)) => *id,
        (None, SessionName::AccessKey(key)) => return Err(Refusal::UnknownSession(key.clone())),
    };
    let of = |scope| {
        record.iter().flat_map(|record| &record.targets).find(|target: &&Target| target.scope == scope)
    };
    let counted_under = of(Scope::Principal).copied();
    let mut revocations = vec![Revocation { mark: mark(app, session.target(), now), counted_under }];
    if let Some(proof) = of(Scope::Proof) {
        let until = millis(now.checked_add(PROOF_BARRED).unwrap_or(now));
        let bar = Mark { target: *proof, at: 0, barred_until: until, kept_until: until };
        revocations.push(Revocation { mark: bar, counted_under: None });
    }
    Ok(revocations)
}

fn mark(app: &App, target: Target, now: Timestamp) -> Mark {
    let now_ms = millis(now);
    let standing = app.store.live().standing(target);
    let kept_until = now_ms.saturating_add(MARK_KEPT_MS);
    Mark { target, at: target.scope.mark(now_ms, standing), barred_until: 0, kept_until }
}

fn session_name(text: &str) -> Result<SessionName, Refusal> {
    if text.starts_with("ASIA") && text.len() == 20 {
        return Ok(SessionName::AccessKey(text.to_owned()));
    }
    text.parse::<SessionId>().map(SessionName::Id).map_err(|()| Refusal::Subject(text.to_owned()))
}

/// Roles and providers are named by ARN as long as the directory has them, by id always.
fn target(app: &App, subject: &Subject) -> Result<Target, Refusal> {
    let snapshot = app.snapshot.load();
    let directory = &snapshot.directory;
    Ok(match subject {
        Subject::Account(id) => Target::new(Scope::Account, &[id.as_bytes()]),
        Subject::Key(id) => Target::key(KeyId(*id)),
        Subject::Principal(name) => match name.split_once(' ') {
            Some((issuer, subject)) => trust::principal_target(issuer, subject),
            None => trust::source_identity_target(name),
        },
        Subject::Proof(digest) => {
            let bytes = data_encoding::HEXLOWER.decode(digest.as_bytes()).unwrap_or_default();
            let bytes: [u8; 32] = bytes.try_into().map_err(|_| Refusal::Subject(digest.clone()))?;
            Target::new(Scope::Proof, &[&bytes])
        }
        Subject::Provider(name) => {
            let id = directory.provider_id(name).unwrap_or(name.as_str());
            Target::new(Scope::Provider, &[id.as_bytes()])
        }
        Subject::Role(name) => {
            let id = directory.role(name).map_or(name.as_str(), |role| role.id.as_str());
            Target::new(Scope::Role, &[id.as_bytes()])
        }
        Subject::Session(name) => match session_name(name)? {
            SessionName::Id(id) => id.target(),
            SessionName::AccessKey(key) => return Err(Refusal::Subject(key)),
        },
    })
}

fn described(subject: &Subject) -> (&'static str, String) {
    match subject {
        Subject::Account(id) => ("account", id.clone()),
        Subject::Key(id) => ("key", id.to_string()),
        Subject::Principal(name) => ("principal", name.clone()),
        Subject::Proof(digest) => ("proof", digest.clone()),
        Subject::Provider(name) => ("provider", name.clone()),
        Subject::Role(name) => ("role", name.clone()),
        Subject::Session(name) => ("session", name.clone()),
    }
}

fn event(app: &App, name: &'static str, operator: u32) -> Result<Event<'static>, NoRandomness> {
    let id = app.random::<16>()?;
    let mut who = UserIdentity::of(IdentityKind::Operator);
    who.principal_id = Some(format!("uid {operator}").into());
    let request_id = data_encoding::HEXLOWER.encode(&id);
    Ok(Event::new(app.clock.reading().now(), Source::Daypass, name, request_id, id).identity(who))
}

#[cfg(test)]
mod tests;
