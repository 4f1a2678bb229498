//! A second evaluator, as plain as can be: it reads the JSON at each request, in the words of the documentation, with no
//! index and no compiled form. It knows the part of the language that `properties` generates.

use std::collections::BTreeMap;

use serde_json::Value;

type Context = BTreeMap<String, Vec<String>>;

pub(crate) struct Caller<'a> {
    pub(crate) context: Context,
    pub(crate) same_account: bool,
    /// Principal elements that name the caller, with how far each goes: 1 account, 2 role or everyone, 3 itself.
    pub(crate) names: &'a [(&'a str, u8)],
}

/// `policies`: members as in the case files. Answers as the case files do.
pub(crate) fn decide(policies: &Value, action: &str, resource: &str, caller: &Caller<'_>) -> &'static str {
    let ask = |documents: &[Value]| {
        let mut found = (0, false);
        for statement in documents.iter().flat_map(|d| d["Statement"].as_array().unwrap()) {
            let form = named(statement, caller);
            let deny = statement["Effect"] == "Deny";
            if form > 0 && applies(statement, action, resource, caller, deny) {
                if deny { found.1 = true } else { found.0 = found.0.max(form) }
            }
        }
        found
    };
    let list = |name: &str| policies[name].as_array().cloned();
    let identity = ask(&list("identity").unwrap_or_default());
    let boundary = list("boundary").map(|d| ask(&d));
    let session = list("session").map(|d| ask(&d));
    let levels: Vec<_> = list("scp").unwrap_or_default().iter().map(|l| ask(l.as_array().unwrap())).collect();
    let resource_policy = policies.get("resource").map(|d| ask(std::slice::from_ref(d)));
    let all = [Some(identity), boundary, session, resource_policy];
    if all.iter().flatten().chain(&levels).any(|found| found.1) {
        return "explicit_deny";
    }
    let granted = resource_policy.map_or(0, |found| found.0);
    let limits = boundary.is_none_or(|b| b.0 > 0) && session.is_none_or(|s| s.0 > 0);
    let scps = levels.iter().all(|level| level.0 > 0);
    let allowed = if caller.same_account {
        granted == 3 || ((identity.0 > 0 || granted == 2) && limits)
    } else {
        granted > 0 && identity.0 > 0 && limits
    };
    if allowed && scps { "allow" } else { "implicit_deny" }
}

fn named(statement: &Value, caller: &Caller<'_>) -> u8 {
    if statement.get("Principal").is_none() {
        return 2;
    }
    let wanted = statement["Principal"]["AWS"].as_array().cloned().unwrap_or_default();
    let form = |v: &Value| caller.names.iter().find(|(name, _)| v == name).map_or(0, |(_, form)| *form);
    wanted.iter().map(form).max().unwrap_or(0)
}

fn strings(value: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    value.as_array().map_or_else(|| vec![text(value)], |all| all.iter().map(text).collect())
}

fn applies(statement: &Value, action: &str, resource: &str, caller: &Caller<'_>, deny: bool) -> bool {
    let action = action.to_lowercase();
    let has_action = |v: &Value| strings(v).iter().any(|p| glob(&chars(&p.to_lowercase()), &plain(&action)));
    let action_fits = match statement.get("Action") {
        Some(actions) => has_action(actions),
        None => !has_action(&statement["NotAction"]),
    };
    let one = |pattern: &str| resource_fits(pattern, resource, &caller.context);
    let resource_fits = match statement.get("Resource") {
        Some(resources) => strings(resources).iter().any(|p| one(p) == Some(true)),
        None => {
            let fits: Vec<_> = strings(&statement["NotResource"]).iter().map(|p| one(p)).collect();
            !fits.contains(&Some(true)) && (deny || !fits.contains(&None))
        }
    };
    action_fits && resource_fits && conditions(statement, caller, deny)
}

fn resource_fits(pattern: &str, resource: &str, context: &Context) -> Option<bool> {
    if pattern == "*" {
        return Some(true);
    }
    let (head, path) = resource.rsplit_once(':').unwrap();
    let (wanted_head, wanted_path) = pattern.split_once(":::").map(|(h, p)| (format!("{h}::"), p)).unwrap();
    let pattern = expand(wanted_path, context)?;
    Some(wanted_head == head && glob(&pattern, &plain(path)))
}

fn conditions(statement: &Value, caller: &Caller<'_>, deny: bool) -> bool {
    statement.get("Condition").and_then(Value::as_object).into_iter().flatten().all(|(operator, keys)| {
        keys.as_object().unwrap().iter().all(|(key, wanted)| {
            condition(operator, caller.context.get(key), &strings(wanted), &caller.context).unwrap_or(deny)
        })
    })
}

/// None where it can't be decided.
fn condition(
    operator: &str,
    seen: Option<&Vec<String>>,
    wanted: &[String],
    context: &Context,
) -> Option<bool> {
    if operator == "Null" {
        return Some(wanted.iter().any(|w| (w == "true") == seen.is_none()));
    }
    let (quantifier, rest) = operator.split_once(':').unwrap_or(("", operator));
    let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
    let negated = name.contains("Not");
    let Some(seen) = seen else {
        return Some(if_exists || quantifier == "ForAllValues" || (quantifier.is_empty() && negated));
    };
    let one = |value: &String| test(name, value, wanted, context).map(|held| held != negated);
    match quantifier {
        "ForAllValues" if seen.iter().any(|v| one(v) == Some(false)) => Some(false),
        "ForAnyValue" if seen.iter().any(|v| one(v) == Some(true)) => Some(true),
        "ForAllValues" | "ForAnyValue" if seen.iter().any(|v| one(v).is_none()) => None,
        "ForAllValues" => Some(true),
        "ForAnyValue" => Some(false),
        _ if seen.len() > 1 => None,
        _ => one(&seen[0]),
    }
}

/// Whether any wanted value fits, before negation.
fn test(name: &str, seen: &str, wanted: &[String], context: &Context) -> Option<bool> {
    if name.starts_with("Numeric") {
        let seen: f64 = seen.parse().ok()?;
        let less = name == "NumericLessThan";
        return Some(
            wanted.iter().map(|w| w.parse::<f64>().unwrap()).any(|w| if less { seen < w } else { seen == w }),
        );
    }
    let like = name.ends_with("Like");
    Some(wanted.iter().filter_map(|w| expand(w, context)).any(|pattern| {
        let literal = |token: &Token| Token::Literal(token.character());
        let pattern = if like { pattern } else { pattern.iter().map(literal).collect() };
        glob(&pattern, &plain(seen))
    }))
}

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Literal(char),
    One,
    Any,
}

impl Token {
    fn character(self) -> char {
        match self {
            Self::Literal(c) => c,
            Self::One => '?',
            Self::Any => '*',
        }
    }
}

fn plain(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn chars(text: &str) -> Vec<Token> {
    let token = |c| match c {
        '*' => Token::Any,
        '?' => Token::One,
        c => Token::Literal(c),
    };
    text.chars().map(token).collect()
}

fn expand(text: &str, context: &Context) -> Option<Vec<Token>> {
    let Some((before, rest)) = text.split_once("${") else { return Some(chars(text)) };
    let (key, after) = rest.split_once('}').unwrap();
    let (key, default) =
        key.split_once(", ").map_or((key, None), |(key, d)| (key, Some(d.trim_matches('\'').to_owned())));
    let value = match key {
        "*" | "?" | "$" => Some(key.to_owned()),
        _ => context.get(key).filter(|values| values.len() == 1).map(|values| values[0].clone()).or(default),
    };
    let mut tokens = chars(before);
    tokens.extend(value?.chars().map(Token::Literal));
    tokens.extend(expand(after, context)?);
    Some(tokens)
}

fn glob(pattern: &[Token], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((Token::Any, rest)), _) => {
            glob(rest, text) || text.split_first().is_some_and(|(_, t)| glob(pattern, t))
        }
        (Some((Token::One, rest)), Some((_, text))) => glob(rest, text),
        (Some((Token::Literal(wanted), rest)), Some((seen, text))) => wanted == seen && glob(rest, text),
        _ => false,
    }
}
