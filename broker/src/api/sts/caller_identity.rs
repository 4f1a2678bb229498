//! `GetCallerIdentity`: who signed this request. No permission is needed for it, and none can forbid it.

use daypass_sigv4::{Head, Payload, Rules};

use super::{Answer, document};
use crate::api::error::WireError;
use crate::api::request::Incoming;
use crate::app::{App, NoRandomness};
use crate::audit::{Decision, Event, Source};
use crate::authorize::{self, Caller};

const OPERATION: &str = "GetCallerIdentity";

/// The caller's ARN, id and account.
pub(super) fn answer(app: &App, incoming: &Incoming) -> Answer {
    let snapshot = app.snapshot.load();
    let headers: Vec<(&str, &[u8])> =
        incoming.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let head = Head {
        method: incoming.method.as_str(),
        path: &incoming.path,
        query: incoming.query.as_deref(),
        headers: &headers,
    };
    let payload = Payload::Bytes(&incoming.body);
    let caller = authorize::authenticate(app, &snapshot, &head, payload, "sts", Rules::STANDARD);
    let event = event(app, incoming).map_err(|_| WireError::internal())?;
    match caller {
        Ok((caller, _)) => {
            app.audit.note(crate::api::verify::by_caller(event, &caller).decision(Decision::Allow, None));
            Ok(render(&caller, &incoming.request_id))
        }
        Err(refusal) => {
            let error = WireError::from(&refusal);
            metrics::counter!("daypass_sigv4_failures_total", "reason" => error.code).increment(1);
            let event = event.error(error.code, refusal.to_string());
            app.audit.refusal(refusal.steps().into_iter().fold(event, Event::step));
            Err(error)
        }
    }
}

fn event<'e>(app: &App, incoming: &'e Incoming) -> Result<Event<'e>, NoRandomness> {
    let now = app.clock.reading().now();
    Ok(Event::new(now, Source::Sts, OPERATION, incoming.request_id.as_str(), app.random()?)
        .peer(incoming.peer.address)
        .user_agent(incoming.user_agent()))
}

fn render(caller: &Caller, request_id: &str) -> String {
    document(OPERATION, request_id, |xml| {
        xml.text("Arn", caller.arn()).text("UserId", caller.user_id()).text("Account", caller.account());
    })
}
