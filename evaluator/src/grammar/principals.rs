//! The principal elements: whom a statement of a resource-based policy speaks of.

use super::{Dialect, Elements, text::Text, texts};
use crate::document::Kind;
use crate::error::{Problems, Rank};
use crate::json::{Member, Node, Places, Value};
use crate::principal::{Pattern, Principals};
use crate::statement::{Effect, Statement};

/// The identity providers that IAM knows by name.
const BUILT_IN_PROVIDERS: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com"];

pub(super) fn read(
    elements: &Elements<'_, '_>,
    statement: usize,
    effect: Option<Effect>,
    has_condition: bool,
    dialect: Dialect,
    problems: &mut Problems,
) -> Option<Principals> {
    let mut refuse = |at, message: &'static str, fix: &'static str| {
        problems.add(at, Rank::Principal, message, fix);
        None
    };
    let negated = elements.not_principal.is_some();
    let Some(value) = elements.principal.or(elements.not_principal) else {
        if dialect.kind.names_principals() {
            return refuse(statement, "Missing required field Principal", "say whom the statement speaks of");
        }
        return Some(Principals::Unnamed);
    };
    if !dialect.kind.names_principals() {
        let fix = "remove it: the policy speaks of whom it is attached to";
        return refuse(value.at, "Policy document should not specify a principal.", fix);
    }
    if negated && dialect.kind == Kind::Trust {
        return refuse(
            value.at,
            "Has prohibited field NotPrincipal.",
            "name who may assume the role in `Principal`",
        );
    }
    if negated && effect != Some(Effect::Deny) {
        return refuse(
            value.at,
            "Allow with NotPrincipal is not allowed.",
            "use `NotPrincipal` with Deny only",
        );
    }
    let known = problems.count();
    let patterns = patterns(value, problems);
    if problems.count() > known {
        return None;
    }
    let everyone = patterns.iter().any(Pattern::is_everyone);
    let mut refuse = |message: &'static str, fix: &'static str| {
        problems.add(value.at, Rank::Principal, message, fix);
        None
    };
    if patterns.is_empty() {
        return refuse("Invalid principal in policy", "name at least one principal");
    }
    if everyone && negated {
        return refuse("Invalid principal in policy", "name the exempted principals one by one");
    }
    if everyone && dialect.kind == Kind::Trust && effect == Some(Effect::Allow) && !has_condition {
        return refuse(
            "AssumeRolePolicy contained an invalid principal: \"STAR\".",
            "name who may assume the role, or narrow `*` with a Condition",
        );
    }
    if dialect.kind == Kind::ResourceControl {
        if !everyone {
            return refuse("Invalid principal in policy", "write `\"Principal\": \"*\"`");
        }
        // An organization's limit speaks of all callers: providers and services too, who elsewhere have to be named.
        return Some(Principals::Unnamed);
    }
    Some(if negated { Principals::Except(patterns) } else { Principals::Only(patterns) })
}

fn patterns(value: &Value<'_>, problems: &mut Problems) -> Vec<Pattern> {
    match &value.node {
        Node::String(text) if text == "*" => vec![Pattern::Everyone],
        Node::Object(members) => members.iter().flat_map(|member| typed(member, problems)).collect(),
        _ => {
            problems.syntax(value.at, "write `*`, or an object such as `{\"AWS\": \"…\"}`");
            Vec::new()
        }
    }
}

fn typed(Member { at, name, value }: &Member<'_>, problems: &mut Problems) -> Vec<Pattern> {
    let read: fn(&str, usize) -> Option<Pattern> = match &**name {
        "AWS" => aws,
        "Federated" => federated,
        "Service" => service,
        "CanonicalUser" => |_, _| Some(Pattern::CanonicalUser),
        other => {
            problems.syntax(*at, format!("`{other}` is no type of principal"));
            return Vec::new();
        }
    };
    let texts = texts(value, problems);
    let mut patterns = Vec::with_capacity(texts.len());
    for Text { at, text } in texts {
        match read(&text, at) {
            Some(pattern) => patterns.push(pattern),
            None => {
                let message = format!("Invalid principal in policy: \"{name}\":\"{text}\"");
                problems.add(at, Rank::Principal, message, "name one principal whole, without wildcards");
            }
        }
    }
    patterns
}

fn aws(text: &str, at: usize) -> Option<Pattern> {
    if text == "*" {
        return Some(Pattern::Everyone);
    }
    if is_account(text) {
        return Some(Pattern::Account(text.into()));
    }
    if ["AIDA", "AROA"].iter().any(|kind| text.starts_with(kind)) {
        let sound = (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        return sound.then(|| Pattern::Id(text.into()));
    }
    let mut fields = text.splitn(6, ':');
    let (Some("arn"), Some(_), Some(service), Some(""), Some(account), Some(path)) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return None;
    };
    if !is_account(account) || text.contains(['*', '?', ':']) && path.contains(['*', '?', ':']) {
        return None;
    }
    let (kind, name) = path.split_once('/').unwrap_or((path, ""));
    match (service, kind) {
        ("iam", "root") if name.is_empty() && path == "root" => Some(Pattern::Account(account.into())),
        ("iam", "user" | "role") if is_name(name) => {
            // The place is a byte offset until `locate` turns it into line and column.
            let at = (0, u32::try_from(at).unwrap_or(u32::MAX));
            Some(Pattern::Identity { arn: text.into(), pinned: None, at })
        }
        ("sts", "assumed-role") if name.split('/').count() == 2 && is_name(name) => {
            Some(Pattern::Session(text.into()))
        }
        ("sts", "federated-user") if is_name(name) => Some(Pattern::Session(text.into())),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    name.split('/').all(|part| !part.is_empty())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn federated(text: &str, _: usize) -> Option<Pattern> {
    let of_provider = |arn: &str| {
        let mut fields = arn.splitn(6, ':');
        let (Some("arn"), Some(_), Some("iam"), Some(""), Some(account), Some(path)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return false;
        };
        let kinds = ["oidc-provider/", "saml-provider/"];
        is_account(account)
            && kinds.iter().any(|kind| path.strip_prefix(kind).is_some_and(|name| !name.is_empty()))
    };
    let known = BUILT_IN_PROVIDERS.contains(&text) || (of_provider(text) && !text.contains(['*', '?']));
    known.then(|| Pattern::Federated(text.into()))
}

fn service(text: &str, _: usize) -> Option<Pattern> {
    let sound = text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    sound.then(|| Pattern::Service(text.into()))
}

/// Gives each principal that can be pinned its line and column, for faults found when it is.
pub(super) fn locate(statements: &mut [Statement], text: &str) {
    let mut places = Places::of(text);
    for statement in statements {
        let (Principals::Only(patterns) | Principals::Except(patterns)) = &mut statement.principals else {
            continue;
        };
        for pattern in patterns {
            if let Pattern::Identity { at, .. } = pattern {
                *at = places.locate(usize::try_from(at.1).unwrap_or_default());
            }
        }
    }
}
