//! ARN patterns: wildcards and variables in the six fields of an ARN.

use crate::request::{Arn, Request};
use crate::template::{Match, Syntax, Template};

#[derive(Debug, Clone)]
pub(crate) struct ArnPattern {
    /// Scheme, partition, service, region and account.
    head: [Template; 5],
    /// The resource, with its own colons.
    rest: Template,
}

impl ArnPattern {
    pub(crate) fn parse(text: &str, syntax: Syntax) -> Result<Self, &'static str> {
        let mut parts = split_outside_variables(text).into_iter();
        let mut field = || {
            let part = parts.next().ok_or("write an ARN with all of its six fields")?;
            Template::parse(part, syntax)
        };
        let head = [field()?, field()?, field()?, field()?, field()?];
        Ok(Self { head, rest: field()? })
    }

    pub(crate) fn matches(&self, arn: &Arn<'_>, request: &Request<'_>) -> bool {
        self.compare(arn, request) == Match::Yes
    }

    pub(crate) fn compare(&self, arn: &Arn<'_>, request: &Request<'_>) -> Match {
        let Some([fields @ .., rest]) = arn.fields.as_ref() else {
            return Match::No;
        };
        let mut outcome = Match::Yes;
        let pairs = self.head.iter().zip(fields).chain([(&self.rest, rest)]);
        for (template, field) in pairs {
            match template.compare(field, request) {
                Match::Yes => {}
                Match::No => return Match::No,
                Match::Unresolved => outcome = Match::Unresolved,
            }
        }
        outcome
    }

    pub(crate) fn has_variables_before_resource(&self) -> bool {
        self.head.iter().any(Template::has_variables)
    }

    /// The literal text that every matching ARN starts with.
    pub(crate) fn literal_start(&self) -> String {
        let mut start = String::new();
        for field in &self.head {
            start.push_str(field.literal_start());
            if !field.is_exact() {
                return start;
            }
            start.push(':');
        }
        start.push_str(self.rest.literal_start());
        start
    }
}

/// The first five colons outside `${…}` separate; the sixth field keeps its own.
fn split_outside_variables(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_variable) = (0, false);
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '{' if before == '$' => in_variable = true,
            '}' => in_variable = false,
            ':' if !in_variable && parts.len() < 5 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
        before = character;
    }
    parts.extend(text.get(start..));
    parts
}
