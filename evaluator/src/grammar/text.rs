//! One string or a list of them: most elements take either. Numbers and booleans count as their text where AWS says so.

use crate::error::Problems;
use crate::json::{Node, Value};

/// A text and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) at: usize,
    pub(super) text: String,
}

/// A bound on the lists of one document.
const MAX_VALUES: usize = 10_000;

/// The strings of a value; a fault where it holds anything else.
pub(super) fn texts(value: &Value<'_>, problems: &mut Problems) -> Vec<Text> {
    collect(value, false, problems)
}

/// The strings, numbers and booleans of a value, as text.
pub(super) fn scalars(value: &Value<'_>, problems: &mut Problems) -> Vec<Text> {
    collect(value, true, problems)
}

fn collect(value: &Value<'_>, unquoted: bool, problems: &mut Problems) -> Vec<Text> {
    let values = match &value.node {
        Node::Array(values) => values.as_slice(),
        _ => std::slice::from_ref(value),
    };
    if values.len() > MAX_VALUES {
        problems.syntax(value.at, "list fewer values");
        return Vec::new();
    }
    let mut texts = Vec::with_capacity(values.len());
    for value in values {
        let text = match &value.node {
            Node::String(text) => text.to_string(),
            Node::Number(text) if unquoted => (*text).to_owned(),
            Node::Bool(known) if unquoted => known.to_string(),
            _ => {
                problems.syntax(value.at, "write a string here, or a list of strings");
                continue;
            }
        };
        texts.push(Text { at: value.at, text });
    }
    texts
}
