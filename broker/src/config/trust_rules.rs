//! What a trust policy must say about the identity providers it lets in, beyond being a valid policy.

use daypass_evaluator::{Applicable, Context, Fit, Policies, Principal, Request, StatementView, explain};

use super::report::{Report, Source};
use crate::{error::Diagnostic, proof::oidc::Provider, role::Role};

mod issuer;

use issuer::Issuer;

/// Reports providers that the role's account doesn't have and statements that let in more than they seem to.
///
/// Unless `providers` and `saml`, ARNs of SAML providers, are `complete`, some are wrong, which is reported: then that one
/// is missing isn't.
pub(super) fn check<'p>(
    role: &Role,
    source: &Source,
    providers: impl Iterator<Item = &'p Provider> + Clone,
    saml: &[&str],
    complete: bool,
    report: &Report,
) {
    for statement in role.trust.statements().filter(|_| complete) {
        let known = |named: &str| saml.contains(&named) || providers.clone().any(|one| one.arn() == named);
        for named in statement.providers().filter(|named| !known(named)) {
            let found = source.error(format!("the account {} has no provider `{named}`", role.account));
            let fix = "add it under oidc-providers/ or saml-providers/ of this account, or remove it here";
            report.push(at(source, statement, found.fix(fix)));
        }
    }
    for provider in providers {
        for statement in letting_in(role, provider) {
            check_statement(statement, provider, source, report);
        }
    }
}

/// The Allow statements through which an identity of this provider could become the role, conditions aside.
fn letting_in<'r>(role: &'r Role, provider: &Provider) -> Vec<StatementView<'r>> {
    let context = Context::new();
    let request = Request {
        principal: Principal::Federated { provider: provider.arn() },
        action: "sts:AssumeRoleWithWebIdentity",
        resource: role.arn.as_str(),
        resource_account: role.account.as_str(),
        context: &context,
    };
    let applicable = Applicable { resource: Some(&role.trust), ..Applicable::default() };
    let explanation = explain(&request, &applicable);
    let speaking = explanation
        .considered
        .iter()
        .filter(|one| one.effect == "Allow" && matches!(one.result, Fit::Applies | Fit::ConditionNotMet))
        .filter_map(|one| find(&role.trust, (one.position.line, one.position.column)));
    speaking.collect()
}

fn find(policies: &Policies, place: (u32, u32)) -> Option<StatementView<'_>> {
    policies.statements().find(|statement| statement.position() == place)
}

/// `sub` must be pinned where many parties share an issuer: the audience alone is theirs to choose.
fn check_statement(statement: StatementView<'_>, provider: &Provider, source: &Source, report: &Report) {
    let name = provider.arn().split_once(":oidc-provider/").map_or("", |(_, name)| name);
    let issuer = Issuer::of(name);
    let subject = format!("{name}:sub");
    if !pins(statement, &subject) {
        let message =
            format!("this statement lets in every identity of `{name}` that has an accepted audience");
        let cause = format!("no condition on `{subject}` names them");
        let fix = format!("add \"StringEquals\": {{\"{subject}\": \"{}\"}}", issuer.example());
        let found = if issuer.is_shared() {
            source.error(message)
        } else {
            Diagnostic::warning(&source.path, message)
        };
        return report.push(at(source, statement, found.because(cause).fix(fix)));
    }
    let ids = issuer.immutable_ids();
    if !ids.is_empty() && !ids.iter().any(|id| pins(statement, &format!("{name}:{id}"))) {
        let message = format!("this statement tells identities of `{name}` by names alone");
        let cause = "a renamed or deleted owner's name can be registered by somebody else";
        let wanted: Vec<_> = ids.iter().map(|id| format!("`{name}:{id}`")).collect();
        let fix = format!("add a condition on {}", wanted.join(" or "));
        let found = Diagnostic::warning(&source.path, message).because(cause).fix(fix);
        report.push(at(source, statement, found));
    }
}

/// Whether a condition holds only for requests whose `key` is one of somebody's in particular.
fn pins(statement: StatementView<'_>, key: &str) -> bool {
    statement.conditions().any(|condition| {
        let operator = condition.operator().to_ascii_lowercase();
        let names_somebody: fn(&str) -> bool = match operator
            .strip_prefix("foranyvalue:")
            .unwrap_or(&operator)
        {
            // A variable could stand for the very value it is compared with.
            "stringequals" | "stringequalsignorecase" => |value| !value.is_empty() && !value.contains("${"),
            "stringlike" | "arnlike" | "arnequals" => issuer::names_somebody,
            // Negated, `IfExists` and `ForAllValues:` hold without the key.
            _ => |_| false,
        };
        condition.key().eq_ignore_ascii_case(key) && condition.values().all(names_somebody)
    })
}

fn at(source: &Source, statement: StatementView<'_>, found: Diagnostic) -> Diagnostic {
    let (line, column) = statement.position();
    let place = |at: u32| usize::try_from(at).unwrap_or(1);
    source.place(found, place(line), place(column))
}
