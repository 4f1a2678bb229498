//! Results of simulations as IAM writes them.

use daypass_evaluator::{Outcome, PolicyType, Position};

use super::policies::named;
use super::simulation::Row;
use super::{Call, NAMESPACE};
use crate::api::sts::envelope;
use crate::api::xml::Xml;
use crate::simulate::Simulated;

/// The answer of both simulations.
pub(super) fn simulation(call: Call, rows: &[Row<'_>], next: Option<&str>, request_id: &str) -> String {
    envelope(NAMESPACE, call.operation().name, request_id, |xml| {
        xml.element("EvaluationResults", |xml| {
            for row in rows {
                xml.element("member", |xml| result(xml, row));
            }
        })
        .text("IsTruncated", if next.is_some() { "true" } else { "false" })
        .optional("Marker", next);
    })
}

/// The answer of both listings of keys.
pub(super) fn context_keys(call: Call, keys: &[&str], request_id: &str) -> String {
    envelope(NAMESPACE, call.operation().name, request_id, |xml| {
        xml.element("ContextKeyNames", |xml| {
            for key in keys {
                xml.text("member", key);
            }
        });
    })
}

fn result(xml: &mut Xml, row: &Row<'_>) {
    let resource = match row.each.as_slice() {
        [(only, _)] => only,
        _ => "*",
    };
    xml.text("EvalActionName", row.action)
        .text("EvalResourceName", resource)
        .text("EvalDecision", decision(row.all.outcome));
    details(xml, &row.all);
    if let Some(within) = row.all.within_organization {
        xml.element("OrganizationsDecisionDetail", |xml| {
            xml.text("AllowedByOrganizations", if within { "true" } else { "false" });
        });
    }
    if resource != "*" || row.each.len() > 1 {
        xml.element("ResourceSpecificResults", |xml| {
            for (resource, simulated) in &row.each {
                xml.element("member", |xml| {
                    xml.text("EvalResourceName", resource)
                        .text("EvalResourceDecision", decision(simulated.outcome));
                    details(xml, simulated);
                });
            }
        });
    }
}

fn details(xml: &mut Xml, simulated: &Simulated) {
    xml.element("MatchedStatements", |xml| {
        for (kind, at) in &simulated.matched {
            xml.element("member", |xml| statement(xml, *kind, at));
        }
    })
    .element("MissingContextValues", |xml| {
        for key in &simulated.missing {
            xml.text("member", key);
        }
    });
    if let Some(within) = simulated.within_boundary {
        xml.element("PermissionsBoundaryDecisionDetail", |xml| {
            xml.text("AllowedByPermissionsBoundary", if within { "true" } else { "false" });
        });
    }
}

fn statement(xml: &mut Xml, kind: PolicyType, at: &Position) {
    let (id, source) = named(kind, &at.policy);
    xml.text("SourcePolicyId", &id).text("SourcePolicyType", source);
    // AWS counts from behind the opening brace to behind the closing one.
    position(xml, "StartPosition", (at.line, at.column.saturating_add(1)));
    position(xml, "EndPosition", at.end);
}

fn position(xml: &mut Xml, name: &str, (line, column): (u32, u32)) {
    xml.element(name, |xml| {
        xml.text("Line", &line.to_string()).text("Column", &column.to_string());
    });
}

const fn decision(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allowed",
        Outcome::ExplicitDeny => "explicitDeny",
        Outcome::ImplicitDeny => "implicitDeny",
    }
}
