//! ARN patterns: wildcards and variables in the six fields of an ARN.

use crate::key::Key;
use crate::request::{Arn, Request};
use crate::template::{Match, Syntax, Template};

#[derive(Debug, Clone)]
pub(crate) struct ArnPattern {
    /// Scheme, partition, service, region and account.
    head: [Template; 5],
    /// The first fields, as many as have neither wildcard nor variable, with their colons; most patterns have all there.
    start: Box<str>,
    /// How many fields `start` has.
    started: usize,
    /// The resource, with its own colons.
    rest: Template,
}

impl ArnPattern {
    pub(crate) fn parse(text: &str, syntax: Syntax) -> Result<Self, &'static str> {
        let mut parts = split(text, syntax.variables).into_iter();
        let mut field = || {
            let part = parts.next().ok_or("write an ARN with all of its six fields")?;
            Template::parse(part, syntax)
        };
        let head = [field()?, field()?, field()?, field()?, field()?];
        let exact = head.iter().take_while(|template| template.is_exact());
        let started = exact.clone().count();
        let start = exact.fold(String::new(), |start, template| start + template.literal_start() + ":");
        Ok(Self { start: start.into(), started, head, rest: field()? })
    }

    pub(crate) fn matches(&self, arn: &Arn<'_>, request: &Request<'_>) -> bool {
        self.compare(arn, request) == Match::Yes
    }

    pub(crate) fn compare(&self, arn: &Arn<'_>, request: &Request<'_>) -> Match {
        let Some([fields @ .., rest]) = arn.fields.as_ref() else {
            return Match::No;
        };
        // Equal up to a colon that is the pattern's nth means equal fields: none of them holds a colon.
        if !arn.whole.starts_with(&*self.start) {
            return Match::No;
        }
        let mut outcome = Match::Yes;
        let pairs = self.head.iter().zip(fields).skip(self.started).chain([(&self.rest, rest)]);
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

    /// The keys of its variables.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.head.iter().chain([&self.rest]).flat_map(Template::keys)
    }

    /// See [`Template::searched_pieces`].
    pub(crate) fn searched_pieces(&self) -> usize {
        self.head.iter().chain([&self.rest]).map(Template::searched_pieces).sum()
    }

    /// The literal text that every matching ARN starts with.
    pub(crate) fn literal_start(&self) -> String {
        let next = self.head.get(self.started).unwrap_or(&self.rest);
        format!("{}{}", self.start, next.literal_start())
    }
}

/// The first five colons separate, those inside variables aside; the sixth field keeps its own.
fn split(text: &str, variables: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_variable) = (0, false);
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '{' if variables && before == '$' => in_variable = true,
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
