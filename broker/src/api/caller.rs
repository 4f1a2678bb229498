//! Requests that are signed to the broker itself: their sender, and what the audit trail says of them.

use daypass_sigv4::{Head, Payload, Rules};

use super::error::WireError;
use super::request::Incoming;
use crate::app::App;
use crate::audit::{Event, IdentityKind, Issuer, SessionContext, Source, UserIdentity};
use crate::authorize::{self, Caller};
use crate::config::Snapshot;

/// An operation that only a known sender may call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// Whose event it is.
    pub(super) source: Source,
    /// The event's name.
    pub(super) name: &'static str,
    /// The service that it must be signed for.
    pub(super) service: &'static str,
}

/// Who signed a request; a refusal is in the audit trail when this returns.
pub(super) fn caller(
    app: &App,
    snapshot: &Snapshot,
    incoming: &Incoming,
    operation: Operation,
) -> Result<Caller, WireError> {
    let headers: Vec<(&str, &[u8])> =
        incoming.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let head = Head {
        method: incoming.method.as_str(),
        path: &incoming.path,
        query: incoming.query.as_deref(),
        headers: &headers,
    };
    let payload = Payload::Bytes(&incoming.body);
    match authorize::authenticate(app, snapshot, &head, payload, operation.service, Rules::STANDARD) {
        Ok((caller, _)) => Ok(caller),
        Err(refusal) => {
            let error = WireError::from(&refusal);
            metrics::counter!("daypass_sigv4_failures_total", "reason" => error.code).increment(1);
            let event = event(app, incoming, operation).error(error.code, refusal.to_string());
            app.audit.refusal(event.steps(refusal.steps()));
            Err(error)
        }
    }
}

/// The event of a request, by nobody yet.
pub(super) fn event<'e>(app: &App, incoming: &'e Incoming, operation: Operation) -> Event<'e> {
    let (now, request_id) = (app.clock.reading().now(), incoming.request_id.as_str());
    Event::new(now, operation.source, operation.name, request_id, incoming.event_id)
        .peer(incoming.peer.address)
        .user_agent(incoming.user_agent())
}

/// The event of a request that a caller signed.
pub(super) fn by_caller<'e>(event: Event<'e>, caller: &'e Caller) -> Event<'e> {
    let claims = caller.session().claims();
    let role = caller.role();
    let mut identity = UserIdentity::of(IdentityKind::AssumedRole);
    identity.principal_id = Some(caller.user_id().into());
    identity.arn = Some(caller.arn().into());
    identity.account_id = Some(caller.account().into());
    identity.access_key_id = Some(caller.session().access_key_id().into());
    identity.session_context = Some(SessionContext {
        session_issuer: Some(Issuer {
            principal_id: role.id.as_str().into(),
            arn: role.arn.as_str().into(),
            account_id: role.account.as_str().into(),
            user_name: role.name.as_str().into(),
        }),
        source_identity: claims.source_identity.as_deref().map(Into::into),
    });
    event.identity(identity).account(caller.account()).session(claims.session().to_string())
}
