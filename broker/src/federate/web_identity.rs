//! `AssumeRoleWithWebIdentity`: an OpenID token for a role.

use std::sync::Arc;

use crate::app::App;
use crate::audit::IdentityKind;
use crate::config::Snapshot;
use crate::proof::FederatedIdentity;
use crate::proof::oidc::{self, Provider, UnverifiedToken};
use crate::role::RoleArn;
use crate::session::Session;

use super::record::Attempt;
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
    let mut attempt = Attempt::new(ACTION, IdentityKind::WebIdentityUser, &request.wanted);
    let outcome = attempt_it(app, &snapshot, request, &mut attempt).await;
    attempt.conclude(app, &snapshot, outcome).await
}

async fn attempt_it(
    app: &App,
    snapshot: &Arc<Snapshot>,
    request: &WebIdentityRequest<'_>,
    attempt: &mut Attempt<'_>,
) -> Result<(Arc<FederatedIdentity>, Session), Refusal> {
    let wanted = &request.wanted;
    super::issue::admit(app, snapshot, wanted)?;
    let token = UnverifiedToken::parse(request.token)?;
    attempt.formed(form(&token));
    let identity = Arc::new(verified(app, snapshot, wanted, token).await?);
    attempt.proved(&identity);
    let action = "sts:AssumeRoleWithWebIdentity";
    let session = super::issue::issue(app, snapshot, &identity, action, wanted, attempt).await?;
    Ok((identity, session))
}

pub(super) async fn verified(
    app: &App,
    snapshot: &Snapshot,
    wanted: &Wanted<'_>,
    token: UnverifiedToken<'_>,
) -> Result<FederatedIdentity, Refusal> {
    let provider = provider(snapshot, wanted.role_arn, &token)?;
    let keys = app.provider_keys.keys(provider, token.kid()).await.map_err(|error| {
        let issuer = token.issuer().to_owned();
        oidc::Refusal::KeysUnavailable { issuer, cause: error.to_string() }
    })?;
    Ok(oidc::verify(token, provider, &keys, wanted.surroundings.now)?)
}

/// What the sender says of the token, unverified.
fn form(token: &UnverifiedToken<'_>) -> String {
    let mut form = String::with_capacity(96);
    let mut say = |words: &str, said: &str| {
        form.push_str(words);
        form.extend(said.chars().take(128));
        form.push('`');
    };
    say("issuer `", token.issuer());
    match token.kid() {
        Some(kid) => say(", key id `", kid),
        None => form.push_str(", no key id"),
    }
    form
}

/// The provider in the role's own account, found by the account alone: whether the role exists is not told yet.
fn provider<'s>(
    snapshot: &'s Snapshot,
    role_arn: &str,
    token: &UnverifiedToken<'_>,
) -> Result<&'s Arc<Provider>, oidc::Refusal> {
    RoleArn::account_in(role_arn)
        .and_then(|account| snapshot.directory.oidc_provider(&account, token.issuer()))
        .ok_or_else(|| oidc::Refusal::UnknownProvider { issuer: token.issuer().chars().take(256).collect() })
}
