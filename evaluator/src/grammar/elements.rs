//! Sid, effect and actions of a statement.

use super::{Dialect, Elements, texts};
use crate::document::Kind;
use crate::error::{Problems, Rank};
use crate::json::{Node, Value};
use crate::statement::{Actions, Effect};
use crate::template::{Syntax, Template};

pub(super) fn sid(value: &Value<'_>, dialect: Dialect, problems: &mut Problems) -> Box<str> {
    let Node::String(sid) = &value.node else {
        problems.syntax(value.at, "make the Sid a string");
        return Box::default();
    };
    // Resource policies of some services have spaces here; IAM's own have letters and digits only.
    let known = |c: char| c.is_ascii_alphanumeric() || (dialect.kind == Kind::Resource && " -_".contains(c));
    if !sid.chars().all(known) {
        let message = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*";
        problems.add(value.at, Rank::SidUnique, message, "write the Sid with letters and digits only");
    }
    (&**sid).into()
}

pub(super) fn effect(value: Option<&Value<'_>>, statement: usize, problems: &mut Problems) -> Option<Effect> {
    let Some(value) = value else {
        problems.syntax(statement, "add `\"Effect\": \"Allow\"` or `\"Deny\"`");
        return None;
    };
    let fix = "write `Allow` or `Deny`, in exactly these letters";
    match &value.node {
        Node::String(text) if text == "Allow" => return Some(Effect::Allow),
        Node::String(text) if text == "Deny" => return Some(Effect::Deny),
        Node::String(text) if text.eq_ignore_ascii_case("allow") || text.eq_ignore_ascii_case("deny") => {
            problems.legacy(value.at, fix);
        }
        _ => problems.syntax(value.at, fix),
    }
    None
}

pub(super) fn actions(
    elements: &Elements<'_, '_>,
    statement: usize,
    dialect: Dialect,
    problems: &mut Problems,
) -> Option<Actions> {
    let Some(value) = elements.action.or(elements.not_action) else {
        return missing(statement, problems);
    };
    let texts = texts(value, problems);
    if texts.is_empty() {
        return missing(value.at, problems);
    }
    if dialect.kind == Kind::Trust && elements.not_action.is_some() {
        let message = "AssumeRole policy may only specify STS AssumeRole actions.";
        problems.add(value.at, Rank::Action, message, "list the `sts:` actions in `Action`");
        return None;
    }
    let mut patterns = Vec::with_capacity(texts.len());
    for text in &texts {
        match action(&text.text, dialect.kind) {
            Ok(pattern) => patterns.push(pattern),
            Err((message, fix)) => problems.add(text.at, Rank::Action, message, fix),
        }
    }
    if patterns.len() < texts.len() {
        return None;
    }
    Some(if elements.action.is_some() { Actions::Only(patterns) } else { Actions::Except(patterns) })
}

fn missing(at: usize, problems: &mut Problems) -> Option<Actions> {
    let message = "Policy statement must contain actions.";
    problems.add(at, Rank::ActionsMissing, message, "add `Action` with at least one action");
    None
}

fn action(text: &str, kind: Kind) -> Result<Template, (String, &'static str)> {
    if kind == Kind::Trust && !text.get(..4).is_some_and(|vendor| vendor.eq_ignore_ascii_case("sts:")) {
        let message = "AssumeRole policy may only specify STS AssumeRole actions.";
        return Err((message.to_owned(), "write an action such as `sts:AssumeRoleWithWebIdentity`"));
    }
    if text != "*" {
        let Some((vendor, name)) = text.split_once(':') else {
            let message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
            return Err((message.to_owned(), "write the action as `service:Operation`"));
        };
        if name.contains(':') {
            let message = "Actions/Condition can contain only one colon.";
            return Err((message.to_owned(), "write the action as `service:Operation`"));
        }
        let known = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        // Wildcards are documented in an operation's name only; `*:*` can mean nothing but `*`.
        if text != "*:*" && (vendor.is_empty() || !vendor.bytes().all(known)) {
            return Err((format!("Vendor {vendor} is not valid"), "name one service, without wildcards"));
        }
    }
    // Actions never hold variables, whatever the version.
    let syntax = Syntax { wildcards: true, variables: false };
    Template::parse(&text.to_ascii_lowercase(), syntax).map_err(|fix| (crate::error::LEGACY.to_owned(), fix))
}
