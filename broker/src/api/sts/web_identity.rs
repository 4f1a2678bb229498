//! `AssumeRoleWithWebIdentity` on the wire: its parameters within the model's constraints, its result.

use super::terms::{self, Terms};
use super::{Answer, document};
use crate::api::constraints::{Constraints, Text};
use crate::api::error::WireError;
use crate::api::form::Fields;
use crate::api::request::Incoming;
use crate::app::App;
use crate::federate::{self, Issued, WebIdentityRequest};
use crate::role::SessionName;
use crate::trust::Surroundings;

const OPERATION: &str = "AssumeRoleWithWebIdentity";
const SESSION_NAME: Text = Text::new("RoleSessionName", 2, 64).of(is_name, SessionName::PATTERN);
const TOKEN: Text = Text::new("WebIdentityToken", 4, 20_000).secret();
const PROVIDER_ID: Text = Text::new("ProviderId", 4, 2_048);

/// Credentials, or why not.
pub(super) async fn answer(app: &App, incoming: &Incoming, fields: &Fields<'_>) -> Answer {
    let snapshot = app.snapshot.load_full();
    let request = parse(fields, incoming, incoming.surroundings(&snapshot, app.clock.reading().now()))?;
    match federate::with_web_identity(app, &request).await {
        Ok(issued) => {
            app.meters.issued_by_web_identity.increment(1);
            Ok(render(&issued, &incoming.request_id))
        }
        Err(refusal) => {
            let error = WireError::from(&refusal);
            metrics::counter!("daypass_assertions_rejected_total", "kind" => "oidc", "reason" => error.code)
                .increment(1);
            Err(error)
        }
    }
}

fn parse<'a>(
    fields: &'a Fields<'a>,
    incoming: &'a Incoming,
    surroundings: Surroundings<'a>,
) -> Result<WebIdentityRequest<'a>, WireError> {
    let mut constraints = Constraints::new(fields);
    let terms = Terms::read(&mut constraints)?;
    let session_name = constraints.required(&SESSION_NAME);
    // Files end in a newline, and clients send files as they are.
    let token = constraints.required(&TOKEN).trim_end_matches(['\r', '\n']);
    constraints.optional(&PROVIDER_ID);
    constraints.finish().map_err(WireError::validation)?;
    let session_name =
        SessionName::parse(session_name).map_err(|invalid| WireError::validation(invalid.to_string()))?;
    Ok(WebIdentityRequest { wanted: terms.wanted(Some(session_name), incoming, surroundings)?, token })
}

fn render(issued: &Issued, request_id: &str) -> String {
    let identity = issued.identity();
    document(OPERATION, request_id, |xml| {
        xml.text("SubjectFromWebIdentityToken", identity.subject())
            .text("Audience", identity.audience())
            .text("Provider", identity.provider_arn());
        terms::credentials(xml, issued.session());
    })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}
