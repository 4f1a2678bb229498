//! What the audit trail learns of an attempt to get credentials, gathered as it goes and written before it is answered.

use std::sync::Arc;

use crate::app::App;
use crate::audit::{self, Event, IdentityKind, Parameter, Source, Step, Text, UserIdentity};
use crate::config::Snapshot;
use crate::proof::FederatedIdentity;
use crate::role::SessionName;
use crate::session::Session;
use crate::trust::AssumedRole;

use super::steps::Stage;
use super::{Issued, Refusal, Wanted};

/// One attempt, under way.
#[derive(Debug)]
pub(super) struct Attempt<'w> {
    action: &'static str,
    kind: IdentityKind,
    wanted: &'w Wanted<'w>,
    /// The last stage passed.
    passed: Option<Stage>,
    /// What the sender says of the proof, unverified.
    form: Option<String>,
    identity: Option<Arc<FederatedIdentity>>,
    duration: Option<String>,
}

impl<'w> Attempt<'w> {
    /// An attempt by somebody who has proved nothing yet.
    pub(super) fn new(action: &'static str, kind: IdentityKind, wanted: &'w Wanted<'w>) -> Self {
        Self { action, kind, wanted, passed: None, form: None, identity: None, duration: None }
    }

    /// The proof has its form. Never put a proof, token, signature or secret into `form`.
    pub(super) fn formed(&mut self, form: String) {
        self.form = Some(form);
        self.passed(Stage::Form);
    }

    /// The proof verified.
    pub(super) fn proved(&mut self, identity: &Arc<FederatedIdentity>) {
        self.identity = Some(Arc::clone(identity));
        self.passed(Stage::Claims);
    }

    /// The role trusts the identity, and what was asked for is within its limits.
    pub(super) fn trusted(&mut self, assumed: &AssumedRole) {
        self.duration = Some(format!("{} s", assumed.duration.as_secs()));
        self.passed(Stage::SessionPolicy);
    }

    /// A stage was passed, and all before it.
    pub(super) fn passed(&mut self, stage: Stage) {
        self.passed = self.passed.max(Some(stage));
    }

    /// Writes down how the attempt ended. Credentials come out only if their line is on disk.
    pub(super) async fn conclude(
        &self,
        app: &App,
        snapshot: &Snapshot,
        outcome: Result<(Arc<FederatedIdentity>, Session), Refusal>,
    ) -> Result<Issued, Refusal> {
        match outcome {
            Ok((identity, session)) => self.issued(app, snapshot, identity, session).await,
            Err(refusal) => {
                self.refused(app, snapshot, &refusal)?;
                Err(refusal)
            }
        }
    }

    async fn issued(
        &self,
        app: &App,
        snapshot: &Snapshot,
        identity: Arc<FederatedIdentity>,
        session: Session,
    ) -> Result<Issued, Refusal> {
        let mut event = self
            .event(app, snapshot)?
            .issued(session.access_key_id.as_str(), session.claims.expires)
            .session(session.claims.session().to_string());
        if let Some(source_identity) = identity.source_identity() {
            event = event.source_identity(source_identity);
        }
        let steps = Stage::ALL.into_iter().filter_map(|stage| self.held(stage));
        app.audit.record(event.steps(steps)).await?;
        Ok(Issued { session, identity })
    }

    fn refused(&self, app: &App, snapshot: &Snapshot, refusal: &Refusal) -> Result<(), Refusal> {
        let at = refusal.stage();
        let event = self.event(app, snapshot)?.error(refusal_name(refusal), refusal.to_string());
        let steps = Stage::ALL.into_iter().map(|stage| match stage {
            stage if stage == at => refusal.step(),
            stage if stage < at || self.passed >= Some(stage) => self.step(stage),
            stage => Step::not_reached(stage.name()),
        });
        app.audit.refusal(event.steps(steps));
        Ok(())
    }

    fn held(&self, stage: Stage) -> Option<Step<'_>> {
        (self.passed >= Some(stage)).then(|| self.step(stage))
    }

    /// A stage that was passed, with what was seen there.
    fn step(&self, stage: Stage) -> Step<'_> {
        let identity = self.identity.as_deref();
        let seen = match stage {
            Stage::Form => self.form.as_deref().map(Text::from),
            Stage::Provider => identity.map(|identity| Text::from(&**identity.provider_arn())),
            Stage::Claims => identity.map(|identity| Text::from(claims(identity))),
            Stage::TrustPolicy => Some(Text::from(self.wanted.role_arn)),
            Stage::Duration => self.duration.as_deref().map(Text::from),
            _ => None,
        };
        match seen {
            Some(seen) => Step::passed(stage.name(), seen),
            None => Step::held(stage.name()),
        }
    }

    fn event(&self, app: &App, snapshot: &Snapshot) -> Result<Event<'_>, Refusal> {
        let wanted = self.wanted;
        let surroundings = &wanted.surroundings;
        let now = app.clock.reading().now();
        let mut event = Event::new(now, Source::Sts, self.action, wanted.request_id, wanted.event_id)
            .user_agent(surroundings.user_agent)
            .parameter(Parameter::RoleArn, wanted.role_arn)
            .directory_version(snapshot.version.to_string());
        let prescribed = self.identity.as_deref().and_then(FederatedIdentity::session_name);
        if let Some(name) = prescribed.or_else(|| wanted.session_name.as_ref().map(SessionName::as_str)) {
            event = event.parameter(Parameter::RoleSessionName, name);
        }
        if let Some(address) = surroundings.source_ip {
            event = event.peer(address);
        }
        if let Some(seconds) = wanted.duration {
            event = event.parameter(Parameter::DurationSeconds, seconds.to_string());
        }
        if let Some(policy) = wanted.inline_policy {
            event = event.parameter(Parameter::Policy, policy);
        }
        if let Some(account) = account(wanted.role_arn) {
            event = event.account(account);
        }
        let Some(identity) = self.identity.as_deref() else {
            return Ok(event.identity(UserIdentity::of(IdentityKind::Unknown)));
        };
        let provider = &**identity.provider_arn();
        Ok(event.identity(who(self.kind, identity)).provider(provider).proof_digest(*identity.proof_digest()))
    }
}

fn who(kind: IdentityKind, identity: &FederatedIdentity) -> UserIdentity<'_> {
    let (issuer, subject) = identity.principal();
    let mut who = UserIdentity::of(kind);
    who.principal_id = Some(format!("{issuer}:{}:{subject}", identity.audience()).into());
    who.user_name = Some(subject.into());
    who.identity_provider = Some(Text::from(&**identity.provider_arn()));
    who
}

fn claims(identity: &FederatedIdentity) -> String {
    let (issuer, subject) = identity.principal();
    format!("`{subject}` of `{issuer}` for `{}`, until {}", identity.audience(), identity.expires_at())
}

fn account(role_arn: &str) -> Option<&str> {
    role_arn.split(':').nth(4).filter(|account| account.len() == 12)
}

/// The kind of refusal in the trail; the wire's code is the API's matter.
fn refusal_name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Audit(
            audit::Unavailable::Broken | audit::Unavailable::Busy | audit::Unavailable::Deadline,
        )
        | Refusal::Clock(_)
        | Refusal::NoRandomness(_)
        | Refusal::Skew(_)
        | Refusal::Stale(_)
        | Refusal::Store(_) => "Unavailable",
        Refusal::Barred(_) | Refusal::Overtaken(_) => "Barred",
        Refusal::Mint(_) => "PackedPolicyTooLarge",
        Refusal::Saml(_) => "Saml",
        Refusal::Spent => "Spent",
        Refusal::Throttled(_) | Refusal::TooManySessions(_) => "Throttling",
        Refusal::Trust(_) => "Trust",
        Refusal::WebIdentity(_) => "WebIdentity",
    }
}
