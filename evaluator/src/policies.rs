//! Compiled policies: checked and indexed once, when they are loaded.

use std::collections::HashSet;

use crate::document::{Document, Kind, size};
use crate::error::{PolicyError, Problems};
use crate::grammar;
use crate::index::Index;
use crate::inspect::StatementView;
use crate::key::Key;
use crate::principal::{Pattern, Principals};
use crate::statement::Statement;

/// Steps of a search that are taken to cost as much as a byte of a document.
const STEPS_OF_A_BYTE: usize = 8;

/// Policies that act together: those of one user, role, group, organization level, boundary or resource.
///
/// Within a set, any Allow allows and any Deny denies; how sets combine is [`Applicable`](crate::Applicable)'s matter.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    documents: Vec<Origin>,
    statements: Vec<Statement>,
    index: Index,
}

#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
    length: usize,
}

/// What a directory knows of a user's or role's ARN that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The immutable id of the identity that has the ARN now.
    Id(String),
    /// The account is known here, and has no such identity.
    Missing,
    /// The account isn't known here: the ARN stays as it is.
    Foreign,
}

impl Policies {
    /// Checks and compiles documents that act together.
    ///
    /// # Errors
    ///
    /// Every fault of every document; for each document the first is the one that AWS would report.
    pub fn compile(documents: &[Document<'_>]) -> Result<Self, Vec<PolicyError>> {
        let (mut origins, mut statements, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let mut inline = 0;
        for (number, document) in documents.iter().enumerate() {
            let mut problems = Problems::default();
            statements.extend(grammar::read(document, number, &mut problems));
            if document.kind == Kind::Identity {
                let length = size(document.text);
                inline += length;
                if inline > Kind::Identity.limit() && length <= Kind::Identity.limit() {
                    let message = Kind::Identity.too_long();
                    problems.add(
                        0,
                        crate::error::Rank::Syntax,
                        message,
                        "move statements to managed policies",
                    );
                }
            }
            errors.extend(problems.into_errors(document.name, document.text));
            origins.push(Origin {
                name: document.name.into(),
                kind: document.kind,
                length: document.text.len(),
            });
        }
        if errors.is_empty() {
            let index = Index::of(&statements);
            Ok(Self { documents: origins, statements, index })
        } else {
            Err(errors)
        }
    }

    /// Ties each user and role that a statement names by ARN to its immutable id, so that a namesake made later gains
    /// nothing. Condition values are never tied.
    ///
    /// # Errors
    ///
    /// A fault for each named identity that its account doesn't have.
    pub fn pin(mut self, resolve: impl Fn(&str) -> Resolved) -> Result<Self, Vec<PolicyError>> {
        let mut errors = Vec::new();
        for statement in &mut self.statements {
            let document = statement.document;
            let (Principals::Only(patterns) | Principals::Except(patterns)) = &mut statement.principals
            else {
                continue;
            };
            for pattern in patterns {
                let Pattern::Identity { arn, pinned, at: (line, column) } = pattern else { continue };
                match resolve(arn) {
                    Resolved::Id(id) => *pinned = Some(id.into()),
                    Resolved::Foreign => {}
                    Resolved::Missing => errors.push(PolicyError {
                        policy: self.documents.get(document).map(|o| o.name.to_string()).unwrap_or_default(),
                        line: *line,
                        column: *column,
                        message: format!("Invalid principal in policy: \"AWS\":\"{arn}\""),
                        fix: format!("create `{arn}`, or remove it here"),
                    }),
                }
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// Every statement, in the order of the documents.
    pub fn statements(&self) -> impl Iterator<Item = StatementView<'_>> {
        self.statements.iter().filter_map(|statement| self.view(statement))
    }

    /// The statement of that number, as decisions give it.
    pub fn statement(&self, number: usize) -> Option<StatementView<'_>> {
        self.statements.get(number).and_then(|statement| self.view(statement))
    }

    /// The statements that let people in whom the identity provider vouches for: what a check of trust policies looks at.
    pub fn trusts(&self, provider: &str) -> impl Iterator<Item = StatementView<'_>> {
        self.statements()
            .filter(move |view| view.is_allow() && view.providers().any(|named| named == provider))
    }

    /// Every condition key that the policies ask for, in lower case, sorted; policy variables not counted.
    pub fn condition_keys(&self) -> Vec<&str> {
        let conditions = self.statements.iter().flat_map(|statement| &statement.conditions);
        let mut keys: Vec<_> = conditions.map(|condition| condition.key.lower()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Every condition key that conditions and policy variables ask for, as first written, in the order of the documents.
    pub fn context_keys(&self) -> Vec<&str> {
        written_once(self.statements.iter().flat_map(Statement::keys))
    }

    /// What deciding can cost at most, where no pattern is held against more than so many characters: the bytes of the
    /// documents, and one more for every eight steps of the patterns that may be anywhere in a text.
    pub fn work(&self, characters: usize) -> usize {
        let length: usize = self.documents.iter().map(|origin| origin.length).sum();
        let pieces: usize = self.statements.iter().map(Statement::searched_pieces).sum();
        length.saturating_add(pieces.saturating_mul(characters) / STEPS_OF_A_BYTE)
    }

    pub(crate) fn is_trust(&self) -> bool {
        self.documents.iter().any(|origin| origin.kind == Kind::Trust)
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn compiled(&self) -> &[Statement] {
        &self.statements
    }

    fn view<'a>(&'a self, statement: &'a Statement) -> Option<StatementView<'a>> {
        let origin = self.documents.get(statement.document)?;
        Some(StatementView { origin, statement })
    }
}

/// Keys as first written, each once without regard to case.
pub(crate) fn written_once<'k>(keys: impl Iterator<Item = &'k Key>) -> Vec<&'k str> {
    let mut known = HashSet::new();
    keys.filter(|key| known.insert(key.lower())).map(Key::written).collect()
}
