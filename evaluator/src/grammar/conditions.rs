//! The condition element: operators, keys, and the values wanted.

use super::Dialect;
use super::text::scalars;
use crate::condition::{Condition, Operator};
use crate::error::Problems;
use crate::json::{Member, Node, Value};
use crate::key::Key;

/// The longest condition key: a tag key of 128 characters behind a URL of 255.
const MAX_KEY: usize = 512;

pub(super) fn read(value: &Value<'_>, dialect: Dialect, problems: &mut Problems) -> Vec<Condition> {
    let Node::Object(operators) = &value.node else {
        problems.syntax(value.at, "make the condition an object: operator, key, values");
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for Member { at, name, value } in operators {
        let Some(operator) = Operator::parse(name) else {
            problems.syntax(*at, format!("`{name}` is no condition operator"));
            continue;
        };
        let Node::Object(keys) = &value.node else {
            problems.syntax(value.at, "give the operator an object: key, values");
            continue;
        };
        let mut known = std::collections::HashSet::new();
        for member in keys {
            if !known.insert(member.name.to_ascii_lowercase()) {
                problems.syntax(member.at, format!("write `{}` only once: keys ignore case", member.name));
                continue;
            }
            conditions.extend(condition(&operator, member, dialect, problems));
        }
    }
    conditions
}

fn condition(
    operator: &Operator,
    Member { at, name, value }: &Member<'_>,
    dialect: Dialect,
    problems: &mut Problems,
) -> Option<Condition> {
    if name.is_empty() || name.len() > MAX_KEY {
        problems.syntax(*at, "name a condition key");
        return None;
    }
    let texts = scalars(value, problems);
    let places: Vec<usize> = texts.iter().map(|text| text.at).collect();
    let wanted = texts.into_iter().map(|text| text.text).collect();
    match Condition::compile(operator.clone(), Key::new(name), wanted, dialect.variables) {
        Ok(condition) => Some(condition),
        Err(bad) => {
            problems.legacy(places.get(bad.index).copied().unwrap_or(value.at), bad.fix);
            None
        }
    }
}
