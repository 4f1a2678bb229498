//! What the audit trail learns of an attempt to get credentials, gathered as it goes and written before it is answered.

use crate::app::App;
use crate::audit::{self, Event, IdentityKind, Parameter, Source, Step, Text, UserIdentity};
use crate::config::Snapshot;
use crate::proof::FederatedIdentity;
use crate::trust::{self, AssumedRole};

use super::steps::Stage;
use super::{Issued, Refusal, Wanted};

/// One attempt, under way.
#[derive(Debug)]
pub(super) struct Attempt<'w> {
    action: &'static str,
    wanted: &'w Wanted<'w>,
    who: UserIdentity<'static>,
    provider: Option<String>,
    proof_digest: Option<[u8; 32]>,
    steps: Vec<Step<'static>>,
}

/// How it ended.
pub(super) enum Outcome {
    /// With credentials.
    Issued(Box<Issued>),
    /// At a step.
    Refused(Refusal),
}

impl<'w> Attempt<'w> {
    /// An attempt by somebody who has proved nothing yet.
    pub(super) fn new(action: &'static str, wanted: &'w Wanted<'w>) -> Self {
        let who = UserIdentity::of(IdentityKind::Unknown);
        Self { action, wanted, who, provider: None, proof_digest: None, steps: Vec::new() }
    }

    /// The proof verified.
    pub(super) fn proved(&mut self, identity: &FederatedIdentity) {
        self.who = UserIdentity::of(IdentityKind::WebIdentityUser);
        let (issuer, subject) = identity.principal();
        self.who.principal_id = Some(format!("{issuer}:{}:{subject}", identity.audience()).into());
        self.who.user_name = Some(subject.to_owned().into());
        self.who.identity_provider = Some(identity.provider_arn().to_owned().into());
        self.provider = Some(identity.provider_arn().to_owned());
        self.proof_digest = Some(*identity.proof_digest());
        self.passed(Stage::Signature, "by a key of the provider");
        let expires = identity.expires_at();
        let audience = identity.audience();
        let claims = format!("`{subject}` of `{issuer}` for `{audience}`, until {expires}");
        self.passed(Stage::Claims, claims);
    }

    /// The role trusts the identity, and what was asked for is within its limits.
    pub(super) fn trusted(&mut self, assumed: &AssumedRole) {
        self.passed(Stage::TrustPolicy, assumed.role_arn().to_owned());
        self.passed(Stage::Duration, format!("{} s", assumed.duration.as_secs()));
        let limits =
            usize::from(assumed.inline_policy.is_some()).saturating_add(assumed.managed_policies.len());
        self.passed(Stage::SessionPolicy, format!("{limits} session policies"));
    }

    /// A stage was passed. Never put a proof, token, signature or secret into `seen`.
    pub(super) fn passed(&mut self, stage: Stage, seen: impl Into<Text<'static>>) {
        self.steps.push(Step::passed(stage.name(), seen));
    }

    /// The stages before the one that refused which nobody has written down: all of a call that stopped in its middle.
    fn passed_before(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::WebIdentity(oidc) if oidc.is_after_signature() => {
                self.passed(Stage::Signature, "by a key of the provider");
            }
            Refusal::Trust(trust::Refusal::Duration { .. }) => self.passed(Stage::TrustPolicy, "allows it"),
            Refusal::Trust(
                trust::Refusal::MalformedPolicy(_)
                | trust::Refusal::UnknownPolicy(_)
                | trust::Refusal::PolicyTooLarge(_),
            ) => {
                self.passed(Stage::TrustPolicy, "allows it");
                self.passed(Stage::Duration, "within the role's limit");
            }
            _ => {}
        }
    }

    /// Writes the end of the attempt down. Credentials come out only if their line is on disk.
    pub(super) async fn conclude(
        mut self,
        app: &App,
        snapshot: &Snapshot,
        outcome: Outcome,
    ) -> Result<Issued, Refusal> {
        match outcome {
            Outcome::Issued(issued) => {
                let session = issued.session();
                let mut event = self
                    .event(app, snapshot)?
                    .issued(session.access_key_id.clone(), session.claims.expires)
                    .session(session.claims.session().to_string());
                if let Some(source_identity) = issued.identity().source_identity() {
                    event = event.source_identity(source_identity.to_owned());
                }
                app.audit.record(event).await?;
                Ok(*issued)
            }
            Outcome::Refused(refusal) => {
                let step = refusal.step();
                let stage = refusal.stage();
                self.passed_before(&refusal);
                let event = self.event(app, snapshot)?.error(refusal_name(&refusal), refusal.to_string());
                let later = stage.later().map(|stage| Step::not_reached(stage.name()));
                app.audit.refusal(later.fold(event.step(step), Event::step));
                Err(refusal)
            }
        }
    }

    fn event(self, app: &App, snapshot: &Snapshot) -> Result<Event<'w>, Refusal> {
        let wanted = self.wanted;
        let surroundings = &wanted.surroundings;
        let now = app.clock.reading().now();
        let mut event = Event::new(now, Source::Sts, self.action, wanted.request_id, app.random()?)
            .user_agent(surroundings.user_agent)
            .identity(self.who)
            .parameter(Parameter::RoleArn, wanted.role_arn)
            .parameter(Parameter::RoleSessionName, wanted.session_name.as_str())
            .directory_version(snapshot.version.to_string());
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
        if let Some(provider) = self.provider {
            event = event.provider(provider);
        }
        if let Some(digest) = self.proof_digest {
            event = event.proof_digest(digest);
        }
        Ok(self.steps.into_iter().fold(event, Event::step))
    }
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
        Refusal::Barred(_) => "Barred",
        Refusal::Mint(_) => "PackedPolicyTooLarge",
        Refusal::Spent => "Spent",
        Refusal::Throttled(_) | Refusal::TooManySessions(_) => "Throttling",
        Refusal::Trust(_) => "Trust",
        Refusal::WebIdentity(_) => "WebIdentity",
    }
}
