//! What is wrong with a policy document: where, in AWS's words where they are known, and what to do about it.

use std::borrow::Cow;

use serde::Serialize;

/// One fault of a policy document; the first of a list is the one that AWS would report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{policy}:{line}:{column}: {message}: {fix}")]
pub struct PolicyError {
    /// The name that the document was given.
    pub policy: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// AWS's message (`MalformedPolicyDocument`) where one is known.
    pub message: String,
    /// What would make the document acceptable.
    pub fix: String,
}

/// The order in which AWS reports faults, observed: a document with several faults answers with the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Syntax,
    Version,
    Legacy,
    SidUnique,
    ActionsMissing,
    Resource,
    Action,
    ResourcesMissing,
    Principal,
}

pub(crate) const SYNTAX: &str = "Syntax errors in policy.";
pub(crate) const LEGACY: &str = "The policy failed legacy parsing";

#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) at: usize,
    pub(crate) rank: Rank,
    pub(crate) message: Cow<'static, str>,
    pub(crate) fix: Cow<'static, str>,
}

/// Faults gathered while a document is read, so that its author sees them all at once.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

/// More than anyone reads; bounds the memory that a hostile document can ask for.
const MAX_PROBLEMS: usize = 100;

impl Problems {
    pub(crate) fn syntax(&mut self, at: usize, fix: impl Into<Cow<'static, str>>) {
        self.add(at, Rank::Syntax, SYNTAX, fix);
    }

    pub(crate) fn legacy(&mut self, at: usize, fix: impl Into<Cow<'static, str>>) {
        self.add(at, Rank::Legacy, LEGACY, fix);
    }

    pub(crate) fn add(
        &mut self,
        at: usize,
        rank: Rank,
        message: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(Problem { at, rank, message: message.into(), fix: fix.into() });
        }
    }

    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    /// The faults in the order in which AWS would report them.
    pub(crate) fn into_errors(self, policy: &str, text: &str) -> Vec<PolicyError> {
        let mut problems = self.0;
        problems.sort_by_key(|problem| (problem.rank, problem.at));
        let locate = |problem: Problem| {
            let (line, column) = crate::json::locate(text, problem.at);
            let (message, fix) = (problem.message.into_owned(), problem.fix.into_owned());
            PolicyError { policy: policy.to_owned(), line, column, message, fix }
        };
        problems.into_iter().map(locate).collect()
    }
}
