//! Conditions of the plain evaluator: all operators must hold, for each any of the values wanted.

use std::net::IpAddr;

use serde_json::Value;

use crate::plain::strings;
use crate::plain_text::{Context, Token, arn_fields, expand, glob, value, without_wildcards};

pub(crate) fn hold(statement: &Value, context: &Context, variables: bool, deny: bool) -> bool {
    tests(statement).all(|(operator, key, wanted)| {
        test(operator, context.get(&key), &wanted, variables, context).unwrap_or(deny)
    })
}

/// A condition on `aws:PrincipalArn` that only one of the callers it lists can meet.
pub(crate) fn name_the_caller(statement: &Value) -> bool {
    tests(statement).any(|(operator, key, _)| {
        let open = ["Not", "IfExists", "ForAllValues", "Null"].iter().any(|part| operator.contains(part));
        key == "aws:principalarn" && !open
    })
}

fn tests(statement: &Value) -> impl Iterator<Item = (&str, String, Vec<String>)> {
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().unwrap().iter();
        keys.map(move |(key, wanted)| (operator.as_str(), key.to_ascii_lowercase(), strings(wanted)))
    })
}

/// None where it can't be decided.
fn test(
    operator: &str,
    seen: Option<&Vec<String>>,
    wanted: &[String],
    variables: bool,
    context: &Context,
) -> Option<bool> {
    if operator == "Null" {
        return Some(wanted.iter().any(|w| (w.to_lowercase() == "true") == seen.is_none()));
    }
    let (quantifier, rest) = operator.split_once(':').unwrap_or(("", operator));
    let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
    let negated = name.contains("Not");
    let Some(seen) = seen else {
        return Some(if_exists || quantifier == "ForAllValues" || (quantifier.is_empty() && negated));
    };
    let family = name.replace("Not", "");
    let one = |seen: &String| any(&family, seen, wanted, variables, context).map(|held| held != negated);
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

/// Whether any wanted value fits the one seen.
fn any(family: &str, seen: &str, wanted: &[String], variables: bool, context: &Context) -> Option<bool> {
    let expanded = || wanted.iter().filter_map(|text| expand(text, variables, context));
    let ordered = |read: fn(&str) -> Option<i128>, comparison: &str| {
        let seen = read(seen)?;
        Some(wanted.iter().map(|text| read(text).unwrap()).any(|wanted| match comparison {
            "Equals" => seen == wanted,
            "LessThan" => seen < wanted,
            "LessThanEquals" => seen <= wanted,
            "GreaterThan" => seen > wanted,
            "GreaterThanEquals" => seen >= wanted,
            other => panic!("no comparison {other}"),
        }))
    };
    match family {
        "StringEquals" => Some(expanded().any(|text| glob(&without_wildcards(&text), seen))),
        "StringLike" => Some(expanded().any(|text| glob(&text, seen))),
        "StringEqualsIgnoreCase" => {
            Some(expanded().any(|text| glob(&lower(&without_wildcards(&text)), &seen.to_lowercase())))
        }
        "ArnEquals" | "ArnLike" => any_arn(seen, wanted, variables, context),
        "Bool" => {
            let seen = seen.to_lowercase();
            let known = seen == "true" || seen == "false";
            known.then(|| expanded().any(|text| glob(&lower(&without_wildcards(&text)), &seen)))
        }
        "BinaryEquals" => {
            let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            let known = seen.len().is_multiple_of(4) && seen.chars().all(base64);
            known.then(|| wanted.iter().any(|text| text == seen))
        }
        "IpAddress" => {
            let within = |seen| ip(seen).map(|seen| wanted.iter().any(|range| in_range(seen, range)));
            let (written, inside) = (within(seen)?, within(seen.strip_prefix("::ffff:").unwrap_or(seen))?);
            (written == inside).then_some(written)
        }
        _ => match (family.strip_prefix("Numeric"), family.strip_prefix("Date")) {
            (Some(comparison), _) => ordered(number, comparison),
            (_, Some(comparison)) => ordered(date, comparison),
            _ => panic!("no operator {family}"),
        },
    }
}

fn lower(tokens: &[Token]) -> Vec<Token> {
    let text: String = tokens.iter().map(|t| if let Token::Literal(c) = t { *c } else { '*' }).collect();
    text.to_lowercase().chars().map(Token::Literal).collect()
}

/// Six fields, each matched alone. Where a variable starts the pattern, its value brings at least the first five. What is
/// no ARN can't be compared.
fn any_arn(seen: &str, wanted: &[String], variables: bool, context: &Context) -> Option<bool> {
    let is_arn = |text: &str| text.starts_with("arn:") && text.matches(':').count() >= 5;
    if !is_arn(seen) {
        return None;
    }
    let fields: Vec<&str> = seen.splitn(6, ':').collect();
    let one = |text: &String| -> Option<bool> {
        if variables && text.starts_with("${") {
            let Some(tokens) = expand(text, true, context) else { return Some(false) };
            let inside = text.strip_prefix("${").and_then(|rest| rest.split_once('}')).unwrap().0;
            return is_arn(&value(inside, context).unwrap()).then(|| glob(&tokens, seen));
        }
        let wanted = arn_fields(text, variables);
        let fits = wanted.iter().zip(&fields).all(|(wanted, field)| {
            expand(wanted, variables, context).is_some_and(|tokens| glob(&tokens, field))
        });
        Some(fits)
    };
    let answers: Vec<_> = wanted.iter().map(one).collect();
    let undecided = answers.contains(&None);
    if answers.contains(&Some(true)) { Some(true) } else { (!undecided).then_some(false) }
}

/// A decimal in billionths.
fn number(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let sound = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
    if !sound(whole) || !sound(part) {
        return None;
    }
    let padded = format!("{part:0<9}");
    Some(sign * (whole.parse::<i128>().ok()? * 1_000_000_000 + padded.parse::<i128>().ok()?))
}

/// Milliseconds since 1970 of `YYYY-MM[-DD[THH:MM:SS[.f](Z|+HH:MM)]]`, or of seconds.
fn date(text: &str) -> Option<i128> {
    if text.len() > 7 && text.chars().all(|c| c.is_ascii_digit()) {
        return Some(text.parse::<i128>().ok()? * 1_000);
    }
    let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let mut parts = day.split('-').map(|part| part.parse::<i128>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(1))?);
    let leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i128 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days = years + lengths.iter().take(usize::try_from(month).unwrap() - 1).sum::<i128>() + day - 1;
    let (clock, offset) = match time.split_once('+') {
        Some((clock, offset)) => (clock, seconds(&format!("{offset}:00"))?),
        None => (time.strip_suffix('Z')?, 0),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let millis = format!("{fraction:0<3}").parse::<i128>().ok()?;
    Some((days * 86_400 + seconds(clock)? - offset) * 1_000 + millis)
}

fn seconds(clock: &str) -> Option<i128> {
    clock.split(':').try_fold(0, |sum, part| Some(sum * 60 + part.parse::<i128>().ok()?))
}

/// Family and bits.
fn ip(text: &str) -> Option<(u32, u128)> {
    match text.parse().ok()? {
        IpAddr::V4(address) => Some((32, u128::from(u32::from(address)))),
        IpAddr::V6(address) => Some((128, u128::from(address))),
    }
}

fn in_range((length, bits): (u32, u128), range: &str) -> bool {
    let (network, prefix) = range.split_once('/').map_or((range, None), |(n, p)| (n, Some(p)));
    let (wanted_length, wanted) = ip(network).unwrap();
    let prefix = prefix.map_or(wanted_length, |prefix| prefix.parse().unwrap());
    wanted_length == length && (wanted ^ bits).checked_shr(length - prefix).unwrap_or(0) == 0
}
