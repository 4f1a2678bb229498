//! The way a request took through the broker, step by step, as `daypass explain` prints it.

use serde::Serialize;

use crate::audit::text::Text;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// It did not hold, and the request ended here.
    #[serde(rename = "failed")]
    Failed,
    /// An earlier step failed first.
    #[serde(rename = "not reached")]
    NotReached,
    /// It held.
    #[serde(rename = "passed")]
    Passed,
}

/// One check, what it saw and what it wanted to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step<'a> {
    step: Text<'a>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<Text<'a>>,
}

impl<'a> Step<'a> {
    /// A check that held.
    pub fn passed(step: impl Into<Text<'a>>, seen: impl Into<Text<'a>>) -> Self {
        Self { step: step.into(), outcome: Outcome::Passed, seen: Some(seen.into()), wanted: None }
    }

    /// A check that held, with nothing to tell of it.
    pub fn held(step: impl Into<Text<'a>>) -> Self {
        Self { step: step.into(), outcome: Outcome::Passed, seen: None, wanted: None }
    }

    /// The check that ended the request; never put a proof, token, signature or secret into `seen`.
    pub fn failed(step: impl Into<Text<'a>>, seen: impl Into<Text<'a>>, wanted: impl Into<Text<'a>>) -> Self {
        let (seen, wanted) = (Some(seen.into()), Some(wanted.into()));
        Self { step: step.into(), outcome: Outcome::Failed, seen, wanted }
    }

    /// A check that an earlier failure kept from being made.
    pub fn not_reached(step: impl Into<Text<'a>>) -> Self {
        Self { step: step.into(), outcome: Outcome::NotReached, seen: None, wanted: None }
    }

    /// What became of it.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}
