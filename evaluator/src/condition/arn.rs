//! ARN operators: six fields, each matched alone with its own wildcards, so that none reaches into the next.

use super::{BadValue, Truth, compile_each};
use crate::arn::ArnPattern;
use crate::key::Key;
use crate::request::{Arn, Request};
use crate::template::{Match, Syntax, Template};

#[derive(Debug, Clone)]
pub(super) struct Wanted(Vec<Pattern>);

#[derive(Debug, Clone)]
enum Pattern {
    Fields(Box<ArnPattern>),
    /// A value that starts with a variable, which has to bring the first five fields: so no wildcard reaches into them.
    Started(Template),
}

impl Wanted {
    pub(super) fn compile(values: &[String], variables: bool) -> Result<Self, BadValue> {
        let syntax = Syntax { wildcards: true, variables };
        let values = compile_each(values, |value| {
            if variables && value.starts_with("${") {
                return Template::parse(value, syntax).map(Pattern::Started);
            }
            ArnPattern::parse(value, syntax).map(|pattern| Pattern::Fields(Box::new(pattern)))
        })?;
        Ok(Self(values))
    }

    /// The keys of its variables.
    pub(super) fn keys(&self) -> Vec<&Key> {
        self.0
            .iter()
            .flat_map(|pattern| match pattern {
                Pattern::Fields(arn) => arn.keys().collect::<Vec<_>>(),
                Pattern::Started(template) => template.keys().collect(),
            })
            .collect()
    }

    /// See [`Template::searched_pieces`].
    pub(super) fn searched_pieces(&self) -> usize {
        let pieces = |pattern: &Pattern| match pattern {
            Pattern::Fields(arn) => arn.searched_pieces(),
            Pattern::Started(template) => template.searched_pieces(),
        };
        self.0.iter().map(pieces).sum()
    }

    /// Undecidable where one of the two can't be an ARN.
    pub(super) fn any(&self, seen: &str, request: &Request<'_>) -> Truth {
        let arn = Arn::split(seen);
        if arn.fields.is_none() {
            return Truth::Undecidable;
        }
        let mut outcome = Truth::No;
        for pattern in &self.0 {
            let truth = match pattern {
                Pattern::Fields(pattern) => Truth::of(pattern.matches(&arn, request)),
                Pattern::Started(template) => started(template, seen, request),
            };
            match truth {
                Truth::Yes => return Truth::Yes,
                Truth::No => {}
                Truth::Undecidable => outcome = Truth::Undecidable,
            }
        }
        outcome
    }
}

fn started(template: &Template, seen: &str, request: &Request<'_>) -> Truth {
    match template.compare(seen, request) {
        // A variable without a value equals nothing.
        Match::Unresolved => Truth::No,
        _ if template.start(request).is_none_or(|start| Arn::split(start).fields.is_none()) => {
            Truth::Undecidable
        }
        compared => Truth::of(compared == Match::Yes),
    }
}
