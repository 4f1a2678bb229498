//! `AssumeRoleWithSAML`: a SAML response for a role.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::app::App;
use crate::audit::IdentityKind;
use crate::config::Snapshot;
use crate::proof::FederatedIdentity;
use crate::proof::saml::{self, Provider, UnverifiedResponse};
use crate::role::RoleArn;
use crate::session::Session;

use super::record::Attempt;
use super::{Issued, Refusal, Wanted};

const ACTION: &str = "AssumeRoleWithSAML";

/// A response and the role wanted for it.
#[derive(Clone)]
pub struct SamlRequest<'a> {
    /// The role and the session's terms; the assertion names the session.
    pub wanted: Wanted<'a>,
    /// ARN of the provider that made the response.
    pub principal_arn: &'a str,
    /// The response in base64.
    pub assertion: &'a str,
}

// Hides the response.
impl std::fmt::Debug for SamlRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SamlRequest").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// Credentials for the role, if the response proves an identity that the role trusts.
///
/// Whatever the outcome, it is in the audit trail when this returns; credentials only if their line is on disk.
pub async fn with_saml(app: &App, request: &SamlRequest<'_>) -> Result<Issued, Refusal> {
    let snapshot = app.snapshot.load_full();
    let mut attempt = Attempt::new(ACTION, IdentityKind::SamlUser, &request.wanted);
    let outcome = attempt_it(app, &snapshot, request, &mut attempt).await;
    attempt.conclude(app, &snapshot, outcome).await
}

async fn attempt_it(
    app: &App,
    snapshot: &Arc<Snapshot>,
    request: &SamlRequest<'_>,
    attempt: &mut Attempt<'_>,
) -> Result<(Arc<FederatedIdentity>, Session), Refusal> {
    let wanted = &request.wanted;
    super::issue::admit(app, snapshot, wanted)?;
    let response = UnverifiedResponse::parse(request.assertion)?;
    attempt.formed(form(&response, request.principal_arn));
    let provider = provider(snapshot, wanted.role_arn, request.principal_arn)?;
    let identity = Arc::new(verified(app, response, provider, wanted).await?);
    attempt.proved(&identity);
    let session =
        super::issue::issue(app, snapshot, &identity, "sts:AssumeRoleWithSAML", wanted, attempt).await?;
    Ok((identity, session))
}

/// Verifies on a thread that may block, no more at a time than there is room for.
async fn verified(
    app: &App,
    response: UnverifiedResponse,
    provider: &Arc<Provider>,
    wanted: &Wanted<'_>,
) -> Result<FederatedIdentity, Refusal> {
    let interrupted = || saml::Refusal::Signature { problem: "the verification was interrupted" };
    let (provider, role, now) = (Arc::clone(provider), wanted.role_arn.to_owned(), wanted.surroundings.now);
    let verification = move || saml::verify(&response, &provider, &role, now);
    Ok(in_a_room(&app.saml_verifications, verification).await.ok_or_else(interrupted)??)
}

/// What `work` returns, on a thread that may block.
///
/// The room is the work's own: clients that don't wait for their answers make none for others.
async fn in_a_room<T: Send + 'static>(
    rooms: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let room = Arc::clone(rooms).acquire_owned().await.ok()?;
    let within = move || {
        let _room = room;
        work()
    };
    tokio::task::spawn_blocking(within).await.ok()
}

/// What the sender says, unverified.
fn form(response: &UnverifiedResponse, principal_arn: &str) -> String {
    let cut = |text: &str| text.chars().take(128).collect::<String>();
    format!("issuer `{}`, provider `{}`", cut(response.issuer().unwrap_or_default()), cut(principal_arn))
}

/// The provider in the role's own account: whether the role exists is not told yet.
fn provider<'s>(
    snapshot: &'s Snapshot,
    role_arn: &str,
    principal_arn: &str,
) -> Result<&'s Arc<Provider>, saml::Refusal> {
    let account = RoleArn::account_in(role_arn);
    let provider = snapshot.directory.saml_provider(principal_arn);
    provider
        .filter(|provider| account.is_some_and(|account| account.as_str() == provider.account_id()))
        .ok_or_else(|| saml::Refusal::UnknownProvider { arn: principal_arn.chars().take(256).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_keeps_its_room_when_nobody_waits_for_it() {
        let rooms = Arc::new(Semaphore::new(1));
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel();
        let work = in_a_room(&rooms, move || {
            begin.send(()).unwrap();
            ended.recv().unwrap();
        });
        tokio::select! {
            done = work => panic!("it waits: {done:?}"),
            begun = begun => begun.unwrap(),
        }
        // The client is gone, its work is not.
        assert_eq!(rooms.available_permits(), 0);
        end.send(()).unwrap();
        assert_eq!(in_a_room(&rooms, || "next").await, Some("next"));
    }
}
