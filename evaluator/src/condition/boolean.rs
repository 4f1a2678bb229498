//! `Bool`: `true` and `false`, without regard to case. Policy variables are taken, as the operator's own page has them.

use super::{BadValue, Truth, compile_each};
use crate::key::Key;
use crate::request::Request;
use crate::template::{Syntax, Template};

#[derive(Debug, Clone)]
pub(super) struct Wanted(Vec<Value>);

#[derive(Debug, Clone)]
enum Value {
    Known(bool),
    Variable(Template),
}

impl Wanted {
    pub(super) fn compile(values: &[String], variables: bool) -> Result<Self, BadValue> {
        let syntax = Syntax { wildcards: false, variables };
        let values = compile_each(values, |value| match parse(value) {
            Some(known) => Ok(Value::Known(known)),
            None if variables && value.starts_with("${") => {
                Template::parse(value, syntax).map(Value::Variable)
            }
            None => Err("write `true` or `false`"),
        })?;
        Ok(Self(values))
    }

    /// The keys of its variables.
    pub(super) fn keys(&self) -> Vec<&Key> {
        let templates = self.0.iter().filter_map(|value| match value {
            Value::Known(_) => None,
            Value::Variable(template) => Some(template.keys()),
        });
        templates.flatten().collect()
    }

    pub(super) fn any(&self, seen: &str, request: &Request<'_>) -> Truth {
        parse(seen).map_or(Truth::Undecidable, |known| {
            Truth::of(self.0.iter().any(|wanted| match wanted {
                Value::Known(wanted) => *wanted == known,
                Value::Variable(template) => template.equals_ignoring_case(seen, request),
            }))
        })
    }
}

pub(super) fn parse(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
