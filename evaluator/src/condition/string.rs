//! String operators: exact, without regard to case, and with wildcards. All take policy variables.

use super::{BadValue, Truth, compile_each};
use crate::key::Key;
use crate::request::Request;
use crate::template::{Syntax, Template};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Exact,
    IgnoreCase,
    Like,
}

#[derive(Debug, Clone)]
pub(super) struct Wanted {
    comparison: Comparison,
    values: Vec<Template>,
}

impl Wanted {
    pub(super) fn compile(
        comparison: Comparison,
        values: &[String],
        variables: bool,
    ) -> Result<Self, BadValue> {
        let syntax = Syntax { wildcards: comparison == Comparison::Like, variables };
        let values = compile_each(values, |value| Template::parse(value, syntax))?;
        Ok(Self { comparison, values })
    }

    /// The keys of its variables.
    pub(super) fn keys(&self) -> Vec<&Key> {
        self.values.iter().flat_map(Template::keys).collect()
    }

    /// See [`Template::searched_pieces`].
    pub(super) fn searched_pieces(&self) -> usize {
        self.values.iter().map(Template::searched_pieces).sum()
    }

    pub(super) fn any(&self, seen: &str, request: &Request<'_>) -> Truth {
        Truth::of(self.values.iter().any(|wanted| match self.comparison {
            Comparison::Exact | Comparison::Like => wanted.matches(seen, request),
            Comparison::IgnoreCase => wanted.equals_ignoring_case(seen, request),
        }))
    }
}
