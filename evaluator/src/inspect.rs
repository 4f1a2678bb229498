//! Compiled statements as their authors wrote them: for reports, and for checks when policies are loaded.

use crate::condition::Condition;
use crate::policies::Origin;
use crate::principal::Pattern;
use crate::statement::{Effect, Statement};

/// A statement with the place it was written at.
#[derive(Debug, Clone, Copy)]
pub struct StatementView<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) statement: &'a Statement,
}

impl<'a> StatementView<'a> {
    /// The name of the document it stands in.
    pub fn policy(&self) -> &'a str {
        &self.origin.name
    }

    /// Its `Sid`; empty where it has none.
    pub fn sid(&self) -> &'a str {
        &self.statement.sid
    }

    /// Line and column of its opening brace, from 1.
    pub fn position(&self) -> (u32, u32) {
        (self.statement.line, self.statement.column)
    }

    /// Line and column just behind its closing brace.
    pub fn end(&self) -> (u32, u32) {
        self.statement.end
    }

    /// True for Allow, false for Deny.
    pub fn is_allow(&self) -> bool {
        self.statement.effect == Effect::Allow
    }

    /// The identity providers that its `Principal` names.
    pub fn providers(&self) -> impl Iterator<Item = &'a str> {
        self.statement.principals.patterns().iter().filter_map(|pattern| match pattern {
            Pattern::Federated(provider) => Some(&**provider),
            _ => None,
        })
    }

    /// True where its `Principal` names everyone.
    pub fn names_everyone(&self) -> bool {
        self.statement.principals.patterns().iter().any(Pattern::is_everyone)
    }

    /// Its conditions, in the order written.
    pub fn conditions(&self) -> impl Iterator<Item = ConditionView<'a>> {
        self.statement.conditions.iter().map(ConditionView)
    }

    /// True where some condition on `key` holds only for requests that carry one of finitely described values: neither
    /// negated, nor `IfExists`, nor `ForAllValues:`, and no value that starts with a wildcard.
    pub fn pins(&self, key: &str) -> bool {
        self.conditions().any(|condition| {
            condition.key().eq_ignore_ascii_case(key)
                && condition.requires_key()
                && !condition.values().any(|value| value.starts_with(['*', '?']))
        })
    }
}

/// A condition of a statement.
#[derive(Debug, Clone, Copy)]
pub struct ConditionView<'a>(&'a Condition);

impl<'a> ConditionView<'a> {
    /// The operator as written, quantifier and `IfExists` included.
    pub fn operator(&self) -> &'a str {
        &self.0.operator.written
    }

    /// The key as written.
    pub fn key(&self) -> &'a str {
        self.0.key.written()
    }

    /// The values wanted, as written.
    pub fn values(&self) -> impl Iterator<Item = &'a str> {
        self.0.wanted.iter().map(String::as_str)
    }

    /// True where it can hold only for requests that carry the key.
    pub fn requires_key(&self) -> bool {
        self.0.pins()
    }
}
