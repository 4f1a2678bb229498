//! Patterns of the plain evaluator: text, wildcards, and the values that variables bring in.

use std::collections::BTreeMap;

/// Condition keys in lower case, with their values.
pub(crate) type Context = BTreeMap<String, Vec<String>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Literal(char),
    One,
    Any,
}

/// `*` and `?` as wildcards, all else as itself.
pub(crate) fn wildcards(text: &str) -> Vec<Token> {
    let token = |character| match character {
        '*' => Token::Any,
        '?' => Token::One,
        other => Token::Literal(other),
    };
    text.chars().map(token).collect()
}

/// Every character as itself.
pub(crate) fn without_wildcards(tokens: &[Token]) -> Vec<Token> {
    let literal = |token: &Token| match token {
        Token::Any => Token::Literal('*'),
        Token::One => Token::Literal('?'),
        literal => *literal,
    };
    tokens.iter().map(literal).collect()
}

/// The pattern with its variables replaced by values, in which no character is a wildcard; none where one has no value.
pub(crate) fn expand(text: &str, variables: bool, context: &Context) -> Option<Vec<Token>> {
    let Some((before, rest)) = text.split_once("${").filter(|_| variables) else {
        return Some(wildcards(text));
    };
    let (inside, after) = rest.split_once('}').unwrap();
    let mut tokens = wildcards(before);
    tokens.extend(value(inside, context)?.chars().map(Token::Literal));
    tokens.extend(expand(after, variables, context)?);
    Some(tokens)
}

/// The value of what stands between `${` and `}`.
pub(crate) fn value(inside: &str, context: &Context) -> Option<String> {
    if ["*", "?", "$"].contains(&inside) {
        return Some(inside.to_owned());
    }
    let (key, default) = inside.split_once(',').map_or((inside, None), |(key, default)| (key, Some(default)));
    match context.get(&key.to_ascii_lowercase()).map(Vec::as_slice) {
        Some([only]) => Some(only.clone()),
        _ => default.map(|default| default.trim().trim_matches('\'').to_owned()),
    }
}

/// The six fields of a pattern; colons inside `${…}` don't count.
pub(crate) fn arn_fields(text: &str, variables: bool) -> Vec<String> {
    let (mut fields, mut field, mut inside) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        match character {
            '{' if variables && field.ends_with('$') => inside = true,
            '}' => inside = false,
            _ => {}
        }
        if character == ':' && !inside && fields.len() < 5 {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(character);
        }
    }
    fields.push(field);
    fields
}

/// Whether the whole text fits the pattern.
pub(crate) fn glob(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut known = vec![vec![None; text.len() + 1]; pattern.len() + 1];
    fits(pattern, &text, &mut known)
}

/// Looks at each pair of places once: `known` has the answer by how much is left of each.
fn fits(pattern: &[Token], text: &[char], known: &mut [Vec<Option<bool>>]) -> bool {
    if let Some(answer) = known[pattern.len()][text.len()] {
        return answer;
    }
    let answer = match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((Token::Any, rest)), None) => fits(rest, text, known),
        (Some((Token::Any, rest)), Some((_, after))) => {
            fits(rest, text, known) || fits(pattern, after, known)
        }
        (Some((Token::One, rest)), Some((_, after))) => fits(rest, after, known),
        (Some((Token::Literal(wanted), rest)), Some((seen, after))) => {
            wanted == seen && fits(rest, after, known)
        }
        _ => false,
    };
    known[pattern.len()][text.len()] = Some(answer);
    answer
}
