//! Finds the statements that can speak of a request without looking at the others.
//!
//! Each statement is filed under the literal starts of its actions and, within those, of its resources. A lookup is a
//! binary search for the nearest entry and a walk up its prefixes, so its cost hardly grows with the statements.

use std::collections::BTreeMap;

use crate::statement::{Actions, ResourcePattern, Resources, Statement};

/// So few statements are looked at one by one: that costs less than to look any of them up.
const FEW: usize = 4;
/// A statement with more pairs of action and resource is filed by action alone.
const MAX_PAIRS: usize = 256;

#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// How many statements there are, where they are few and not filed.
    few: usize,
    by_action: Prefixes<Prefixes<Vec<usize>>>,
}

impl Index {
    pub(crate) fn of(statements: &[Statement]) -> Self {
        if statements.len() <= FEW {
            return Self { few: statements.len(), by_action: Prefixes::default() };
        }
        let mut filed: BTreeMap<String, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
        for (number, statement) in statements.iter().enumerate() {
            let (actions, resources) = starts(statement);
            for action in actions {
                let under = filed.entry(action).or_default();
                for resource in &resources {
                    under.entry(resource.clone()).or_default().push(number);
                }
            }
        }
        let by_action = filed.into_iter().map(|(action, under)| (action, Prefixes::of(under))).collect();
        Self { few: 0, by_action: Prefixes::of(by_action) }
    }

    /// Calls `visit` with the number of each statement that may apply; some more than once.
    pub(crate) fn candidates(&self, action: &str, resource: &str, mut visit: impl FnMut(usize)) {
        (0..self.few).for_each(&mut visit);
        self.by_action.visit(action, |by_resource| {
            by_resource.visit(resource, |numbers| numbers.iter().copied().for_each(&mut visit));
        });
    }
}

fn starts(statement: &Statement) -> (Vec<String>, Vec<String>) {
    let anything = || vec![String::new()];
    let actions = match &statement.actions {
        Actions::Only(patterns) => distinct(patterns.iter().map(|p| p.literal_start().to_owned())),
        Actions::Except(_) => anything(),
    };
    let resources = match &statement.resources {
        Resources::Only(patterns) => distinct(patterns.iter().map(ResourcePattern::literal_start)),
        Resources::Unnamed | Resources::Except(_) => anything(),
    };
    if actions.len().saturating_mul(resources.len()) > MAX_PAIRS {
        return (actions, anything());
    }
    (actions, resources)
}

fn distinct(starts: impl Iterator<Item = String>) -> Vec<String> {
    let mut starts: Vec<_> = starts.collect();
    starts.sort();
    starts.dedup();
    starts
}

/// Values by string, looked up for all strings that a longer one starts with.
#[derive(Debug, Clone)]
struct Prefixes<T> {
    /// Sorted; each with the place of the longest other entry that it starts with.
    entries: Vec<(Box<str>, Option<usize>, T)>,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T> Prefixes<T> {
    fn of(sorted: BTreeMap<String, T>) -> Self {
        let mut entries: Vec<(Box<str>, Option<usize>, T)> = Vec::with_capacity(sorted.len());
        let mut open: Vec<usize> = Vec::new();
        for (start, value) in sorted {
            let holds = |at: &usize| entries.get(*at).is_some_and(|(known, ..)| start.starts_with(&**known));
            while open.last().is_some_and(|at| !holds(at)) {
                open.pop();
            }
            let parent = open.last().copied();
            open.push(entries.len());
            entries.push((start.into(), parent, value));
        }
        Self { entries }
    }

    /// Visits the values of all entries that `text` starts with, longest first.
    fn visit(&self, text: &str, mut visit: impl FnMut(&T)) {
        // Every prefix of `text` is a prefix of the last entry that sorts no later than `text`.
        let mut at = self.entries.partition_point(|(known, ..)| **known <= *text).checked_sub(1);
        while let Some((known, parent, value)) = at.and_then(|at| self.entries.get(at)) {
            if text.starts_with(&**known) {
                visit(value);
            }
            at = *parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Kind};
    use crate::policies::Policies;

    #[test]
    fn finds_every_prefix_and_nothing_else() {
        let words = ["", "a", "ab", "abc", "abd", "ac", "b", "ba", "s3:get", "s3:getobject", "s3:put"];
        let map = Prefixes::of(words.iter().map(|w| ((*w).to_owned(), (*w).to_owned())).collect());
        for text in ["", "a", "abcd", "abce", "abzz", "ad", "bab", "s3:getobjectacl", "s3:getobjec", "z", "~"]
        {
            let mut found = Vec::new();
            map.visit(text, |word: &String| found.push(word.clone()));
            found.sort();
            let expected: Vec<_> = words.iter().copied().filter(|word| text.starts_with(word)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn among_a_thousand_statements_only_those_that_can_match_are_visited() {
        let statement = |n| {
            let resource = format!("arn:aws:s3:::bucket{n:03}/*");
            format!(r#"{{"Principal":"*","Effect":"Allow","Action":"s3:GetObject","Resource":"{resource}"}}"#)
        };
        let statements: Vec<String> = (0..1000).map(statement).collect();
        let text =
            |some: &[String]| format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, some.join(","));
        let texts: Vec<String> = statements.chunks(100).map(text).collect();
        let document = |text| Document { name: "many", text, kind: Kind::Resource };
        let documents: Vec<_> = texts.iter().map(|text| document(text.as_str())).collect();
        let policies = Policies::compile(&documents).unwrap();
        assert_eq!(policies.statements().count(), 1000);
        let mut visited = Vec::new();
        policies
            .index()
            .candidates("s3:getobject", "arn:aws:s3:::bucket999/a", |number| visited.push(number));
        assert_eq!(visited, [999]);
    }
}
