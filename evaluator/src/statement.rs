//! One compiled statement, and whether it speaks of a request.

use crate::arn::ArnPattern;
use crate::condition::{Condition, Truth};
use crate::key::Key;
use crate::principal::{Form, Principals};
use crate::request::Facts;
use crate::template::{Match, Template};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// Index of the document it stands in.
    pub(crate) document: usize,
    pub(crate) sid: Box<str>,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// Line and column just behind its closing brace.
    pub(crate) end: (u32, u32),
    pub(crate) effect: Effect,
    pub(crate) principals: Principals,
    pub(crate) actions: Actions,
    pub(crate) resources: Resources,
    pub(crate) conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, in lower case.
#[derive(Debug, Clone)]
pub(crate) enum Actions {
    Only(Vec<Template>),
    Except(Vec<Template>),
}

#[derive(Debug, Clone)]
pub(crate) enum Resources {
    /// The policy belongs to one resource and names none.
    Unnamed,
    Only(Vec<ResourcePattern>),
    Except(Vec<ResourcePattern>),
}

#[derive(Debug, Clone)]
pub(crate) enum ResourcePattern {
    /// `*`: every resource, and actions that have none.
    Every,
    Arn(Box<ArnPattern>),
}

/// The first part of a statement that doesn't fit a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    Action,
    Resource,
    Principal,
    Conditions,
}

impl Statement {
    /// How the statement names the caller if it applies, else what keeps it from applying.
    pub(crate) fn apply(&self, facts: &Facts<'_>) -> Result<Form, Mismatch> {
        if !self.actions.cover(facts) {
            return Err(Mismatch::Action);
        }
        if !self.holds(self.resources.cover(facts)) {
            return Err(Mismatch::Resource);
        }
        let form = self.principal_form(facts).ok_or(Mismatch::Principal)?;
        if !self.conditions.iter().all(|condition| self.holds(condition.truth(facts.request))) {
            return Err(Mismatch::Conditions);
        }
        Ok(form)
    }

    /// What can't be decided doesn't hold for an Allow, and does for a Deny.
    pub(crate) fn holds(&self, truth: Truth) -> bool {
        match self.effect {
            Effect::Allow => truth == Truth::Yes,
            Effect::Deny => truth != Truth::No,
        }
    }

    /// Every key that conditions and variables ask for, in the order written; some more than once.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        let arns = self.resources.arns().flat_map(ArnPattern::keys);
        arns.chain(self.conditions.iter().flat_map(Condition::keys))
    }

    /// See [`Template::searched_pieces`].
    pub(crate) fn searched_pieces(&self) -> usize {
        let (Actions::Only(actions) | Actions::Except(actions)) = &self.actions;
        let of_actions: usize = actions.iter().map(Template::searched_pieces).sum();
        let of_resources: usize = self.resources.arns().map(ArnPattern::searched_pieces).sum();
        let of_conditions: usize = self.conditions.iter().map(Condition::searched_pieces).sum();
        of_actions.saturating_add(of_resources).saturating_add(of_conditions)
    }

    fn principal_form(&self, facts: &Facts<'_>) -> Option<Form> {
        let principal = &facts.request.principal;
        let form = self.principals.form(principal, facts.is_bounded)?;
        let everyone = form == Form::Covering && self.principals.patterns().iter().any(|p| p.is_everyone());
        match self.effect {
            // `*` doesn't hand a role to whoever any provider vouches for: providers and services must be named.
            Effect::Allow if everyone && !principal.is_covered_by_everyone() => None,
            Effect::Allow if everyone && self.names_caller_by_condition() => Some(Form::Direct),
            _ => Some(form),
        }
    }

    fn names_caller_by_condition(&self) -> bool {
        self.conditions.iter().any(|condition| condition.key.names_the_caller() && condition.pins())
    }
}

impl Actions {
    fn cover(&self, facts: &Facts<'_>) -> bool {
        let any = |patterns: &[Template]| patterns.iter().any(|p| p.matches(facts.action, facts.request));
        match self {
            Self::Only(patterns) => any(patterns),
            Self::Except(patterns) => !any(patterns),
        }
    }
}

impl Resources {
    fn arns(&self) -> impl Iterator<Item = &ArnPattern> {
        let patterns = match self {
            Self::Unnamed => [].as_slice(),
            Self::Only(patterns) | Self::Except(patterns) => patterns,
        };
        patterns.iter().filter_map(|pattern| match pattern {
            ResourcePattern::Every => None,
            ResourcePattern::Arn(pattern) => Some(&**pattern),
        })
    }

    fn cover(&self, facts: &Facts<'_>) -> Truth {
        match self {
            Self::Unnamed => Truth::Yes,
            // A variable without a value names nothing.
            Self::Only(patterns) => Truth::of(patterns.iter().any(|p| p.compare(facts) == Match::Yes)),
            Self::Except(patterns) => {
                let mut outcome = Truth::Yes;
                for pattern in patterns {
                    match pattern.compare(facts) {
                        Match::Yes => return Truth::No,
                        Match::No => {}
                        Match::Unresolved => outcome = Truth::Undecidable,
                    }
                }
                outcome
            }
        }
    }
}

impl ResourcePattern {
    fn compare(&self, facts: &Facts<'_>) -> Match {
        match self {
            Self::Every => Match::Yes,
            Self::Arn(pattern) => pattern.compare(&facts.resource, facts.request),
        }
    }

    pub(crate) fn literal_start(&self) -> String {
        match self {
            Self::Every => String::new(),
            Self::Arn(pattern) => pattern.literal_start(),
        }
    }
}
