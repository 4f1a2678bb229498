//! `AssumeRoleWithSAML` on the wire: its parameters within the model's constraints, its result.

use super::terms::{self, Terms};
use super::{Answer, document};
use crate::api::constraints::{Constraints, Text};
use crate::api::error::WireError;
use crate::api::form::Fields;
use crate::api::request::Incoming;
use crate::app::App;
use crate::federate::{self, Issued, SamlRequest};
use crate::trust::Surroundings;

const OPERATION: &str = "AssumeRoleWithSAML";
const PRINCIPAL_ARN: Text = terms::arn("PrincipalArn");
const ASSERTION: Text = Text::new("SAMLAssertion", 4, 100_000).secret();

/// Credentials, or why not.
pub(super) async fn answer(app: &App, incoming: &Incoming, fields: &Fields<'_>) -> Answer {
    let snapshot = app.snapshot.load_full();
    let request = parse(fields, incoming, incoming.surroundings(&snapshot, app.clock.reading().now()))?;
    match federate::with_saml(app, &request).await {
        Ok(issued) => {
            app.meters.issued_by_saml.increment(1);
            Ok(render(&issued, &incoming.request_id))
        }
        Err(refusal) => {
            let error = WireError::from(&refusal);
            metrics::counter!("daypass_assertions_rejected_total", "kind" => "saml", "reason" => error.code)
                .increment(1);
            Err(error)
        }
    }
}

fn parse<'a>(
    fields: &'a Fields<'a>,
    incoming: &'a Incoming,
    surroundings: Surroundings<'a>,
) -> Result<SamlRequest<'a>, WireError> {
    let mut constraints = Constraints::new(fields);
    let terms = Terms::read(&mut constraints)?;
    let principal_arn = constraints.required(&PRINCIPAL_ARN);
    let assertion = constraints.required(&ASSERTION);
    constraints.finish().map_err(WireError::validation)?;
    Ok(SamlRequest { wanted: terms.wanted(None, incoming, surroundings)?, principal_arn, assertion })
}

fn render(issued: &Issued, request_id: &str) -> String {
    let identity = issued.identity();
    document(OPERATION, request_id, |xml| {
        xml.text("Subject", identity.subject())
            .optional("SubjectType", identity.condition("saml:sub_type"))
            .text("Issuer", identity.issuer())
            .text("Audience", identity.audience())
            .optional("NameQualifier", identity.condition("saml:namequalifier"));
        terms::credentials(xml, issued.session());
    })
}
