//! `AssumeRoleWithWebIdentity`: an OpenID token for a role.

use std::sync::Arc;

use crate::app::{App, network};
use crate::config::Snapshot;
use crate::proof::FederatedIdentity;
use crate::proof::oidc::{self, Provider, UnverifiedToken};
use crate::role::RoleArn;

use super::record::{Attempt, Outcome};
use super::steps::Stage;
use super::{Issued, Refusal, Wanted};

const ACTION: &str = "AssumeRoleWithWebIdentity";

/// A token and the role wanted for it.
#[derive(Clone)]
pub struct WebIdentityRequest<'a> {
    /// The role and the session's terms.
    pub wanted: Wanted<'a>,
    /// The token.
    pub token: &'a str,
}

// Hides the token.
impl std::fmt::Debug for WebIdentityRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebIdentityRequest").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// Credentials for the role, if the token proves an identity that the role trusts.
///
/// Whatever the outcome, it is in the audit trail when this returns; credentials only if their line is on disk.
pub async fn with_web_identity(app: &App, request: &WebIdentityRequest<'_>) -> Result<Issued, Refusal> {
    let snapshot = app.snapshot.load_full();
    let mut attempt = Attempt::new(ACTION, &request.wanted);
    let outcome = match attempt_it(app, &snapshot, request, &mut attempt).await {
        Ok(issued) => Outcome::Issued(Box::new(issued)),
        Err(refusal) => Outcome::Refused(refusal),
    };
    attempt.conclude(app, &snapshot, outcome).await
}

async fn attempt_it(
    app: &App,
    snapshot: &Arc<Snapshot>,
    request: &WebIdentityRequest<'_>,
    attempt: &mut Attempt<'_>,
) -> Result<Issued, Refusal> {
    let wanted = &request.wanted;
    let per_second = snapshot.settings.limits.issues_per_second_per_peer;
    if !app.peers.take(wanted.surroundings.source_ip.map(network), per_second, app.clock.since_boot()) {
        return Err(Refusal::Throttled("peer"));
    }
    attempt.passed(Stage::PeerRate, "within the limit");
    // Before the token's times are looked at: nobody is to be told that it expired while the time is in doubt.
    super::issue::check_clock(app)?;
    attempt.passed(Stage::Clock, "steady");
    let token = UnverifiedToken::parse(request.token)?;
    attempt.passed(Stage::Form, form(&token));
    let identity = verified(app, snapshot, wanted, &token, attempt).await?;
    attempt.proved(&identity);
    super::issue::issue(app, snapshot, identity, "sts:AssumeRoleWithWebIdentity", wanted, attempt).await
}

async fn verified(
    app: &App,
    snapshot: &Snapshot,
    wanted: &Wanted<'_>,
    token: &UnverifiedToken,
    attempt: &mut Attempt<'_>,
) -> Result<FederatedIdentity, Refusal> {
    let provider = provider(snapshot, wanted.role_arn, token)?;
    attempt.passed(Stage::Provider, provider.arn().to_owned());
    let keys = app.provider_keys.keys(provider, token.kid()).await.map_err(|error| {
        let issuer = token.issuer().to_owned();
        oidc::Refusal::KeysUnavailable { issuer, cause: error.to_string() }
    })?;
    attempt.passed(Stage::Keys, "at hand");
    Ok(oidc::verify(token, provider, &keys, wanted.surroundings.now)?)
}

/// What the sender says of the token, unverified.
fn form(token: &UnverifiedToken) -> String {
    let short = |text: &str| text.chars().take(128).collect::<String>();
    let kid = token.kid().map_or_else(|| "no key id".to_owned(), |kid| format!("key id `{}`", short(kid)));
    format!("issuer `{}`, {kid}", short(token.issuer()))
}

/// The provider in the role's own account, found by the account alone: whether the role exists is not told yet.
fn provider<'s>(
    snapshot: &'s Snapshot,
    role_arn: &str,
    token: &UnverifiedToken,
) -> Result<&'s Arc<Provider>, oidc::Refusal> {
    let account = RoleArn::parse(role_arn).ok().and_then(|arn| arn.account());
    account
        .and_then(|account| snapshot.directory.oidc_provider(&account, token.issuer()))
        .ok_or_else(|| oidc::Refusal::UnknownProvider { issuer: token.issuer().chars().take(256).collect() })
}
