//! `GetCallerIdentity`: who signed this request. No permission is needed for it, and none can forbid it.

use super::{Answer, document};
use crate::api::caller::{Operation, by_caller, caller, event};
use crate::api::request::Incoming;
use crate::app::App;
use crate::audit::{Decision, Source};
use crate::authorize::Caller;

const OPERATION: Operation = Operation { source: Source::Sts, name: "GetCallerIdentity", service: "sts" };

/// The caller's ARN, id and account.
pub(super) fn answer(app: &App, incoming: &Incoming) -> Answer {
    let snapshot = app.snapshot.load();
    let caller = caller(app, &snapshot, incoming, OPERATION)?;
    app.audit.note(by_caller(event(app, incoming, OPERATION), &caller).decision(Decision::Allow, None));
    Ok(render(&caller, &incoming.request_id))
}

fn render(caller: &Caller, request_id: &str) -> String {
    document(OPERATION.name, request_id, |xml| {
        xml.text("Arn", caller.arn()).text("UserId", caller.user_id()).text("Account", caller.account());
    })
}
