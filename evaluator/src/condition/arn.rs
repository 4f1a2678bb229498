//! ARN operators: six fields, each matched alone with its own wildcards, so that none reaches into the next.

use super::{BadValue, Truth, compile_each};
use crate::arn::ArnPattern;
use crate::request::{Arn, Request};
use crate::template::{Syntax, Template};

#[derive(Debug, Clone)]
pub(super) struct Wanted(Vec<Pattern>);

#[derive(Debug, Clone)]
enum Pattern {
    Fields(Box<ArnPattern>),
    /// `*`, or a value that starts with a variable, whose colons can't be known before the request is.
    Whole(Template),
}

impl Wanted {
    pub(super) fn compile(values: &[String], variables: bool) -> Result<Self, BadValue> {
        let syntax = Syntax { wildcards: true, variables };
        let values = compile_each(values, |value| {
            if value == "*" || (variables && value.starts_with("${")) {
                return Template::parse(value, syntax).map(Pattern::Whole);
            }
            ArnPattern::parse(value, syntax).map(|pattern| Pattern::Fields(Box::new(pattern)))
        })?;
        Ok(Self(values))
    }

    pub(super) fn any(&self, seen: &str, request: &Request<'_>) -> Truth {
        let arn = Arn::split(seen);
        Truth::of(self.0.iter().any(|pattern| match pattern {
            Pattern::Fields(pattern) => pattern.matches(&arn, request),
            Pattern::Whole(template) => template.matches(seen, request),
        }))
    }
}
