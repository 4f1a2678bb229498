//! A second evaluator, as plain as can be: at each request it walks the JSON of every policy, in the words of the
//! documentation, with no index and no compiled form. It takes the same cases as the files and answers as they do.

use serde_json::Value;

use crate::plain_caller::{Caller, Form};
use crate::plain_conditions;
use crate::plain_text::{self, Context, Token};

/// What the statements that apply say: the closest form of an Allow, and whether there is a Deny.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    allow: Option<Form>,
    deny: bool,
}

/// What one statement is held against.
struct Question<'a> {
    action: String,
    resource: &'a str,
    caller: Caller,
    is_bounded: bool,
}

pub(crate) fn decide(policies: &Value, request: &Value) -> &'static str {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let question = Question {
        action: text("action").to_ascii_lowercase(),
        resource: text("resource"),
        caller: Caller::of(request),
        is_bounded: policies.get("boundary").is_some(),
    };
    let caller = &question.caller;
    if !is_sound(&question) {
        return "implicit_deny";
    }
    if question.action == "sts:getcalleridentity" && caller.has_identity {
        return "allow";
    }

    let none = Vec::new();
    let list = |name: &str| policies[name].as_array();
    let levels = |name: &str| -> Vec<Said> {
        let levels = list(name).unwrap_or(&none);
        levels.iter().map(|level| ask(level.as_array().unwrap(), &question, name == "rcp")).collect()
    };
    let (service_control, resource_control) = (levels("scp"), levels("rcp"));
    let identity = ask(list("identity").unwrap_or(&none), &question, false);
    let boundary = list("boundary").map(|documents| ask(documents, &question, false));
    let session = list("session").map(|documents| ask(documents, &question, false));
    let trust = policies.get("trust");
    let resource = policies.get("resource").or(trust);
    let resource =
        resource.map(|document| ask(std::slice::from_ref(document), &question, false)).unwrap_or_default();

    let limits = [boundary, session, Some(identity), Some(resource)];
    if limits.iter().flatten().chain(&service_control).chain(&resource_control).any(|said| said.deny) {
        return "explicit_deny";
    }
    let allows = |said: &Said| said.allow.is_some();
    let organization = service_control.iter().chain(&resource_control).all(allows);
    let limited_by = boundary.as_ref().is_none_or(allows)
        && session.as_ref().map_or(!caller.is_federated_user, |said| said.allow.is_some());
    let identity = identity.allow.is_some() || caller.is_root;
    let allowed = if !caller.has_identity {
        resource.allow.is_some()
    } else if (trust.is_some() || question.action.starts_with("sts:assumerole"))
        && (caller.is_root || resource.allow.is_none())
    {
        false
    } else if caller.account.as_deref() == Some(text("resource_account")) {
        match resource.allow {
            Some(Form::Itself) => true,
            Some(Form::Covering) => limited_by,
            Some(Form::Account) | None => identity && limited_by,
        }
    } else {
        resource.allow.is_some() && identity && limited_by
    };
    if organization && allowed { "allow" } else { "implicit_deny" }
}

/// `service:Operation` on an ARN or on `*`; anything else is denied unread.
fn is_sound(question: &Question<'_>) -> bool {
    let parts: Vec<_> = question.action.split(':').collect();
    let arn = question.resource.starts_with("arn:") && question.resource.matches(':').count() >= 5;
    parts.len() == 2 && parts.iter().all(|part| !part.is_empty()) && (arn || question.resource == "*")
}

fn ask(documents: &[Value], question: &Question<'_>, of_everyone: bool) -> Said {
    let mut said = Said::default();
    for document in documents {
        let variables = document["Version"] == "2012-10-17";
        let statements = &document["Statement"];
        for statement in statements.as_array().map_or_else(|| std::slice::from_ref(statements), Vec::as_slice)
        {
            let deny = statement["Effect"] == "Deny";
            let form = if of_everyone || question.is_bounded && statement.get("NotPrincipal").is_some() {
                Some(Form::Covering)
            } else {
                question.caller.named_by(statement, deny, plain_conditions::name_the_caller(statement))
            };
            let Some(form) = form else { continue };
            if !applies(statement, question, variables, deny) {
                continue;
            }
            if deny {
                said.deny = true;
            } else {
                said.allow = said.allow.max(Some(form));
            }
        }
    }
    said
}

/// What can't be decided doesn't hold for an Allow, and does for a Deny.
fn applies(statement: &Value, question: &Question<'_>, variables: bool, deny: bool) -> bool {
    let context = &question.caller.context;
    action_fits(statement, &question.action)
        && resource_fits(statement, question, variables).unwrap_or(deny)
        && plain_conditions::hold(statement, context, variables, deny)
}

fn action_fits(statement: &Value, action: &str) -> bool {
    let among = |patterns: &Value| {
        let lower = |pattern: &String| plain_text::wildcards(&pattern.to_ascii_lowercase());
        strings(patterns).iter().any(|pattern| plain_text::glob(&lower(pattern), action))
    };
    match statement.get("Action") {
        Some(actions) => among(actions),
        None => !among(&statement["NotAction"]),
    }
}

fn resource_fits(statement: &Value, question: &Question<'_>, variables: bool) -> Option<bool> {
    let one = |pattern: &String| resource_is(pattern, question.resource, variables, &question.caller.context);
    if let Some(resources) = statement.get("Resource") {
        return Some(strings(resources).iter().any(|pattern| one(pattern) == Some(true)));
    }
    let Some(others) = statement.get("NotResource") else {
        return Some(true);
    };
    let fits: Vec<_> = strings(others).iter().map(one).collect();
    match (fits.contains(&Some(true)), fits.contains(&None)) {
        (true, _) => Some(false),
        (false, true) => None,
        (false, false) => Some(true),
    }
}

/// None where a variable in the way has no value.
fn resource_is(pattern: &str, resource: &str, variables: bool, context: &Context) -> Option<bool> {
    if pattern == "*" {
        return Some(true);
    }
    let fields: Vec<_> = resource.splitn(6, ':').collect();
    if fields.len() < 6 {
        return Some(false);
    }
    let wanted: Vec<_> = pattern.splitn(6, ':').collect();
    let head = wanted.iter().zip(&fields).take(5);
    if !head.into_iter().all(|(wanted, field)| plain_text::glob(&plain_text::wildcards(wanted), field)) {
        return Some(false);
    }
    let path: Vec<Token> = plain_text::expand(wanted[5], variables, context)?;
    Some(plain_text::glob(&path, fields[5]))
}

/// A scalar or a list of them, as text.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    value.as_array().map_or_else(|| vec![text(value)], |all| all.iter().map(text).collect())
}
