//! Who signed this request, and may they do what they ask? From the bytes of a signed request to a [`Caller`], and
//! from a caller to a decision.

use std::sync::Arc;

use daypass_evaluator::Policies;
use daypass_sigv4::{self as sigv4, Head, Limits, Payload, Rules, SigningKey};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::app::App;
use crate::clock::{Expiry, Reading};
use crate::config::Snapshot;
use crate::role::{ManagedPolicy, Role};
use crate::session::{self, OpenError, OpenSession};
use crate::store::{Stale, Store as _};

mod decide;
mod question;
mod steps;
#[cfg(test)]
mod tests;

pub use decide::{Action, Verdict};
pub use question::{Question, QuestionRefusal, Verification, verify};

/// A principal whose session is alive and who signed the request at hand. Only [`authenticate`] makes one.
#[derive(Debug)]
pub struct Caller {
    session: OpenSession,
    role: Arc<Role>,
    session_policies: SessionPolicies,
    arn: String,
    user_id: String,
}

/// The step at which a signed request was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The clocks disagree, and the session ends between what they say.
    #[error("the clock has stepped, and the session's end lies within the step")]
    ClockInDoubt,
    /// The access key id is of no kind that this broker gives out.
    #[error("`{0}` is no access key id of this broker")]
    ForeignKey(String),
    /// A key of the keyring that a peer has and this broker hasn't yet.
    #[error("the token's key is known to a peer and not here yet")]
    KeyNotHereYet,
    /// A temporary access key without its token.
    #[error("no session token came with a temporary access key")]
    NoToken,
    /// The role was deleted, or deleted and made again.
    #[error("role `{0}` is gone, or another one now")]
    RoleGone(String),
    /// A managed session policy was deleted since.
    #[error("the session's policy `{0}` is gone")]
    SessionPolicyGone(String),
    /// Signature or its form.
    #[error("{0}")]
    Signature(#[from] sigv4::Refusal),
    /// What is revoked can't be known now.
    #[error("{0}")]
    Stale(#[from] Stale),
    /// The session token.
    #[error("{0}")]
    Token(#[from] OpenError),
}

/// The caller that signed a request for `service`, or the first step that it fails.
///
/// The order is AWS's: scope, key and token, expiry, the role's life, and only then the signature.
pub fn authenticate(
    app: &App,
    snapshot: &Snapshot,
    head: &Head<'_>,
    payload: Payload<'_>,
    service: &str,
    rules: Rules,
) -> Result<(Caller, sigv4::SignedPayload), Refusal> {
    let signed = sigv4::parse(head, &Limits::STANDARD)?.ok_or(sigv4::Refusal::Unsigned)?;
    let scoped = signed.check_scope(service)?;
    let reading = app.clock.reading();
    let session = open_session(app, &signed, reading.now()).map_err(|refusal| doubted(refusal, &reading))?;
    let role = living_role(snapshot, &session)?;
    let session_policies = session_policies(app, snapshot, &session)?;
    let key = signing_key(app, &signed, &session)?;
    let verified = sigv4::verify(scoped, &key, payload, rules, reading.now())
        .map_err(|refusal| doubted(refusal.into(), &reading))?;
    let signed_payload = verified.payload();
    app.uses.note(session.claims().session(), reading.now());
    Ok((Caller::new(session, role, session_policies), signed_payload))
}

/// The key that only the session's holder and this broker can have.
fn signing_key(
    app: &App,
    signed: &sigv4::SignedRequest<'_>,
    session: &OpenSession,
) -> Result<Arc<SigningKey>, Refusal> {
    app.signing_keys.key(session, signed, || {
        let secret = session.secret_access_key(&app.keyring.load()).map_err(OpenError::from)?;
        Ok(SigningKey::derive(secret.expose_secret(), signed.date(), signed.region(), signed.service()))
    })
}

/// What is refused for its time while nobody knows the time is refused for that: the client is to try again.
fn doubted(refusal: Refusal, reading: &Reading) -> Refusal {
    use sigv4::Refusal::{Expired, NotYetCurrent, PresignExpired};
    let in_doubt = match &refusal {
        Refusal::Token(OpenError::Expired(at)) => matches!(reading.expiry(*at), Expiry::InDoubt),
        Refusal::Signature(Expired { .. } | NotYetCurrent { .. } | PresignExpired { .. }) => {
            reading.may_issue().is_err()
        }
        _ => false,
    };
    if in_doubt { Refusal::ClockInDoubt } else { refusal }
}

fn open_session(
    app: &App,
    signed: &sigv4::SignedRequest<'_>,
    now: Timestamp,
) -> Result<OpenSession, Refusal> {
    let access_key_id = signed.access_key_id();
    if !access_key_id.starts_with("ASIA") {
        return Err(Refusal::ForeignKey(access_key_id.chars().take(32).collect()));
    }
    let token = signed.session_token().ok_or(Refusal::NoToken)?;
    let view = app.store.live().read(app.clock.since_boot(), app.max_staleness())?;
    let keyring = app.keyring.load();
    session::open(token, access_key_id, &keyring, &view, now).map_err(|error| match error {
        OpenError::Seal(crate::seal::SealError::UnknownKey(key)) if app.store.peer_keys().contains(&key) => {
            Refusal::KeyNotHereYet
        }
        other => Refusal::Token(other),
    })
}

/// The role as it is now: policies act at once, a namesake made since has another id.
fn living_role(snapshot: &Snapshot, session: &OpenSession) -> Result<Arc<Role>, Refusal> {
    let claims = session.claims();
    match snapshot.directory.role(&claims.role_arn) {
        Some(role) if role.id.as_str() == &*claims.role_id => Ok(Arc::clone(role)),
        _ => Err(Refusal::RoleGone(claims.role_arn.to_string())),
    }
}

fn session_policies(
    app: &App,
    snapshot: &Snapshot,
    session: &OpenSession,
) -> Result<SessionPolicies, Refusal> {
    let policies = &session.claims().policies;
    let gone = |arn: &str| Refusal::SessionPolicyGone(arn.to_owned());
    let compiled = |text: &String| app.session_policies.compiled(session.claims().session(), text);
    let inline = match &policies.inline {
        Some(text) => Some(compiled(text).ok_or_else(|| gone("inline"))?),
        None => None,
    };
    let find = |arn: &String| snapshot.directory.managed_policy(arn).cloned().ok_or_else(|| gone(arn));
    let managed = policies.managed.iter().map(find).collect::<Result<_, _>>()?;
    Ok(SessionPolicies { inline, managed })
}

/// What a session was limited to when it began, compiled.
#[derive(Debug)]
struct SessionPolicies {
    inline: Option<Arc<Policies>>,
    managed: Vec<Arc<ManagedPolicy>>,
}

impl SessionPolicies {
    fn iter(&self) -> impl Iterator<Item = &Policies> {
        self.inline.iter().map(AsRef::as_ref).chain(self.managed.iter().map(|policy| &policy.policies))
    }
}

impl Caller {
    fn new(session: OpenSession, role: Arc<Role>, session_policies: SessionPolicies) -> Self {
        let claims = session.claims();
        let arn = format!("arn:aws:sts::{}:assumed-role/{}/{}", role.account, role.name, claims.session_name);
        let user_id = format!("{}:{}", claims.role_id, claims.session_name);
        Self { session, role, session_policies, arn, user_id }
    }

    /// The session that signed.
    pub fn session(&self) -> &OpenSession {
        &self.session
    }

    /// The role behind the session.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// `arn:aws:sts::<account>:assumed-role/<role name>/<session name>`.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// `<role id>:<session name>`.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The account, 12 digits.
    pub fn account(&self) -> &str {
        self.role.account.as_str()
    }
}
